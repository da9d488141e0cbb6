"""The labels of runs; those of runs on an attractor are its index."""

from ....simulation import Status

# Labels of runs without an attractor; other labels are indices of attractors.
DIVERGED, UNDECIDED, UNBOUNDED = -1, -2, -3
FIRST_MEMBER = -4  # label of the runs on the first point that may belong to a continuum; the next have −5, −6, …
NAMES: dict[int, str] = {DIVERGED: Status.DIVERGED, UNDECIDED: Status.UNDECIDED, UNBOUNDED: "unbounded"}

"""What became of a run."""

from enum import StrEnum

DTYPE = "U12"  # of arrays of statuses: as long as the longest


class Status(StrEnum):
    """What became of a run: a string, so that ``runs.status == "settled"`` and ``Status.SETTLED`` are the same.

    >>> Status.LEFT == "left the box"
    True
    """

    SETTLED = "settled"  # at rest, or on a 2-cycle, certified to stay there
    DIVERGED = "diverged"  # left the floating-point range
    LEFT = "left the box"
    UNDECIDED = "undecided"  # none of the others, so far

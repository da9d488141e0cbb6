"""The status of a run at its end."""

from enum import StrEnum

DTYPE = "U12"  # dtype of arrays of statuses; the longest has 12 characters


class Status(StrEnum):
    """The status of a run at its end. It is a string, so that "settled" and ``Status.SETTLED`` are equal.

    >>> Status.LEFT == "left the box"
    True
    """

    SETTLED = "settled"  # a certificate shows that a fixed point or a 2-cycle holds it
    DIVERGED = "diverged"  # it left the floating-point range
    LEFT = "left the box"
    UNDECIDED = "undecided"  # none of the others holds, so far

"""Claims: statements on SAM's dynamics, each with its source, its prediction, a rival, and the way to measure it."""

from .catalogue import catalogue, from_file, named
from .claim import Claim, grid
from .judge import Judgement, Row, judge
from .report import Report
from .values import AtLeast, AtMost, Estimate
from .verdict import HOLDS, Verdict, fails, in_range, leading_order
from .verify import verify

__all__ = [
    "HOLDS",
    "AtLeast",
    "AtMost",
    "Claim",
    "Estimate",
    "Judgement",
    "Report",
    "Row",
    "Verdict",
    "catalogue",
    "fails",
    "from_file",
    "grid",
    "in_range",
    "judge",
    "leading_order",
    "named",
    "verify",
]

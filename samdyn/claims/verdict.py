"""The verdicts on a claim."""

import math
from dataclasses import dataclass
from typing import Any

from .. import checks, html

HOLDS_KINDS = ("holds", "holds to leading order", "holds in a range")
KINDS = (*HOLDS_KINDS, "fails", "undecided")
ORDER_TOLERANCE = 0.15  # largest difference of a fitted order from the recorded one


@dataclass(frozen=True)
class Verdict:
    """What the measurement says about a claim.

    >>> from samdyn.claims import fails
    >>> print(fails(2.5))
    fails: measured is 2.5 × predicted

    Attributes:
        kind: "holds", "holds to leading order", "holds in a range", "fails" or "undecided".
        number: the fitted order; or, if it fails, measured over predicted where they differ most, NaN if there is no
            such ratio.
        ends: the lowest and the highest value of the scanned parameter at which the claim holds.
        parameter: the parameter that is small, or that is scanned.
        reason: why it is undecided, or where it fails.
        error: half of the width of the interval of that ratio.
    """

    kind: str
    number: float = math.nan
    ends: tuple[float, float] | None = None
    parameter: str = ""
    reason: str = ""
    error: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            checks.reject("kind", self.kind, "is no verdict", f"Use one of {', '.join(KINDS)}")
        if self.kind == "holds in a range" and (self.ends is None or not self.ends[0] <= self.ends[1]):
            checks.reject("ends", self.ends, "must be two numbers, low <= high", "Use e.g. in_range(0.0, 0.5)")

    @property
    def holds(self) -> bool:
        """Whether the claim holds, also if only to leading order or in a range."""
        return self.kind in HOLDS_KINDS

    def __str__(self) -> str:
        if self.kind == "holds to leading order":
            where = f" in {self.parameter}" if self.parameter else ""
            return f"holds to leading order: error of order {self.number:.2f}{where}"
        if self.kind == "holds in a range" and self.ends:
            return f"holds only for {self.parameter or 'values'} from {self.ends[0]:.4g} to {self.ends[1]:.4g}"
        if self.kind == "fails" and math.isfinite(self.number):
            return f"fails: measured is {_ratio(self.number)} × predicted"
        return f"{self.kind}: {self.reason}" if self.reason else self.kind

    def _repr_html_(self) -> str:
        return html.block(str(self))

    @property
    def short(self) -> str:
        """The verdict in a few words, for a column of a table."""
        if self.kind == "holds to leading order":
            return "leading order"
        if self.kind == "holds in a range" and self.ends:
            return f"for {self.ends[0]:.3g} to {self.ends[1]:.3g}"
        if self.kind == "fails" and math.isfinite(self.number):
            return f"fails: ×{_ratio(self.number)}"
        return self.kind

    def agrees(self, record: "Verdict", tolerance: float = 0.0) -> bool:
        """Return whether this verdict is the recorded one.

        An undecided verdict agrees with every record. The order may differ by 0.15, and the ratio by the tolerance.
        """
        if "undecided" in (self.kind, record.kind):
            return True
        if self.kind != record.kind:
            return False
        if self.kind == "holds to leading order":
            return abs(self.number - record.number) <= ORDER_TOLERANCE
        if self.kind == "holds in a range":
            return _same_ends(self.ends, record.ends)
        if self.kind == "fails" and math.isfinite(record.number):
            return abs(self.number - record.number) <= tolerance * abs(record.number) + self.error
        return True


def _ratio(number: float) -> str:
    """Return a ratio with three digits, or its difference from 1 if these would be 1."""
    text = f"{number:.3g}"
    return text if text != "1" or number == 1 else f"(1 {'+' if number > 1 else '−'} {abs(number - 1):.1g})"


def _same_ends(measured: Any, recorded: Any) -> bool:
    return all(math.isclose(a, b, rel_tol=1e-9) for a, b in zip(measured, recorded, strict=True))


HOLDS = Verdict("holds")  # verdict of a claim that holds in every case


def leading_order(order: float) -> Verdict:
    """Return the verdict of a claim whose relative error has an order in its small parameter.

    >>> leading_order(1).kind
    'holds to leading order'
    """
    return Verdict("holds to leading order", number=order)


def in_range(low: float, high: float) -> Verdict:
    """Return the verdict of a claim that holds for these values of its scanned parameter only.

    >>> in_range(0.0, 0.5).ends
    (0.0, 0.5)
    """
    return Verdict("holds in a range", ends=(low, high))


def fails(ratio: float = math.nan) -> Verdict:
    """Return the verdict of a claim that fails: measured over predicted where they differ most, if it is a number.

    >>> fails(2.5).holds
    False
    """
    return Verdict("fails", number=ratio)

"""A claim: a closed form, where it comes from, and a rival that the same measurement must be able to reject."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Verdict:
    """What a measurement says of a claim; true if it agrees with the prediction and rejects the rival."""

    measured: float
    predicted: float
    rival: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether the measurement is within the tolerance of the prediction, relative to it."""
        return abs(self.measured - self.predicted) <= self.tolerance * abs(self.predicted)

    @property
    def rejects_rival(self) -> bool:
        """Whether the measurement is further from the rival than the tolerance, relative to the rival."""
        return abs(self.measured - self.rival) > self.tolerance * abs(self.rival)

    def __bool__(self) -> bool:
        return self.agrees and self.rejects_rival


@dataclass(frozen=True)
class Claim:
    """A closed form that measurements are held against; calling it gives the predicted number.

    Attributes:
        statement: what is claimed, in a line.
        source: who claims it, and how far it is confirmed.
        formula: the closed form.
        rival: a plausible wrong answer, of the same arguments.
        rival_reason: what one would have to overlook to give it.
    """

    statement: str
    source: str
    formula: Callable[..., float]
    rival: Callable[..., float]
    rival_reason: str

    def __call__(self, **parameters: Any) -> float:
        return self.formula(**parameters)

    def check(self, measured: float, tolerance: float, **parameters: Any) -> Verdict:
        """Hold a measurement against the formula and its rival, within a relative tolerance."""
        return Verdict(float(measured), float(self.formula(**parameters)), float(self.rival(**parameters)), tolerance)

"""Contenders side by side: alternating rounds, rates, ratios, and the check that all of them compute the same thing."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Run = Callable[[np.ndarray, int], np.ndarray]  # starts (N, d) and a number of steps to ends (N, d)


LEAST = 500  # steps


class Missing(Exception):
    """A rival that is not installed; the message says what is not there."""


@dataclass(frozen=True)
class Contender:
    """Somebody who does the work.

    Attributes:
        name: what to call it.
        work: does the work so many times over, or takes so many steps.
        units: how much is done at each.
        amount: how many times or steps are timed; None: so many as fill the time that a measurement is to take.
    """

    name: str
    work: Callable[[int], Any]
    units: float
    amount: int | None = None


@dataclass(frozen=True)
class Check:
    """How far a contender's answer is from the right one; both in the same units, which ``what`` names."""

    name: str
    what: str
    error: float
    largest: float

    @property
    def passed(self) -> bool:
        """Whether the error is as small as it has to be. One that is not a number is not."""
        return self.error <= self.largest


@dataclass(frozen=True)
class Case:
    """One setting of a workload.

    Attributes:
        setting: what is measured, N and dtype among it.
        unit: what rates count per second.
        contenders: samdyn first; ratios are its rate over theirs.
        checks: of the contenders' answers.
        missing: why rivals are not there, by name.
        extra: other numbers, of samdyn alone.
    """

    setting: dict[str, Any]
    unit: str
    contenders: list[Contender]
    checks: list[Check] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    extra: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Effort:
    """How much to measure.

    Attributes:
        rounds: how many times every contender has its turn.
        seconds: how long a turn takes, where that can be chosen.
        quick: small sizes, to see that everything works.
        largest: the largest N of the scaling.
    """

    rounds: int
    seconds: float
    quick: bool
    largest: int


def gather(rivals: Mapping[str, Callable[[], Any]]) -> tuple[dict[str, Any], dict[str, str]]:
    """Make the rivals; return those that are there, and why others are not."""
    made, missing = {}, {}
    for name, make in rivals.items():
        try:
            made[name] = make()
        except Missing as reason:
            missing[name] = str(reason)
    return made, missing


def measure(case: Case, effort: Effort) -> dict[str, Any]:
    """Give every contender its turns, A B C A B C …, and return what JSON is to hold of the case."""
    amounts = [_amount(contender, effort.seconds) for contender in case.contenders]
    rates: list[list[float]] = [[] for _ in case.contenders]
    for _ in range(effort.rounds):
        for contender, amount, found in zip(case.contenders, amounts, rates, strict=True):
            found.append(contender.units * amount / _seconds(contender.work, amount))
    return {
        **case.setting,
        "unit": case.unit,
        "contenders": [
            {
                "name": contender.name,
                "amount": amount,
                "units": contender.units,
                "rates": found,
                "rate": statistics.median(found),
                **_ratio(rates[0], found),
            }
            for contender, amount, found in zip(case.contenders, amounts, rates, strict=True)
        ],
        "checks": [{**vars(check), "passed": check.passed} for check in case.checks],
        "missing": case.missing,
        "extra": case.extra,
    }


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, float]:
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return {"ratio": statistics.median(ratios), "ratio_least": min(ratios), "ratio_most": max(ratios)}


def _seconds(work: Callable[[int], Any], amount: int) -> float:
    began = time.perf_counter()
    work(amount)
    return time.perf_counter() - began


def _amount(contender: Contender, seconds: float) -> int:
    """Return how many steps fill the time; this also warms the contender up.

    What a call takes beside its steps must not be all that is measured: at least LEAST steps, if they fit the time.
    """
    if contender.amount is not None:
        contender.work(contender.amount)
        return contender.amount
    contender.work(1)
    amount = 1
    while (taken := _seconds(contender.work, amount)) < (seconds / 4 if amount >= LEAST else seconds):
        amount *= 2 if taken > seconds / 16 else 4
    return max(1, round(amount * seconds / taken))


def same_paths(name: str, ends: np.ndarray, reference: np.ndarray, steps: int) -> Check:
    """Compare ends of the same noise to rounding.

    A step rounds w once, by half a unit of the largest w at most; what else is rounded is multiplied by η first, and so
    few steps hardly stretch it. Two programs are then apart by at most one unit a step; with other noise they are more.
    """
    unit = float(np.finfo(ends.dtype).eps) * float(np.abs(reference).max())
    error = float(np.abs(ends.astype(float) - reference).max()) / unit
    return Check(name, "largest difference from samdyn's eager runs, in units of the last place", error, float(steps))


def same_law(name: str, ends: np.ndarray, mean: np.ndarray, variance: np.ndarray, se: np.ndarray) -> Check:
    """Compare means and variances ``(d,)`` of ends ``(N, d)`` with others, in standard errors.

    Args:
        name: whose ends.
        ends: after the same steps from one start.
        mean, variance: exact, or those of other runs.
        se: the standard errors of those, ``(2, d)``; 0 for exact ones.
    """
    found = moments(ends)
    told = np.stack([mean, variance])
    error = np.abs(found[0] - told) / np.sqrt(found[1] ** 2 + se**2)
    return Check(name, "largest error of mean and variance, in standard errors", float(error.max()), 5.0)


def moments(ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance of ends ``(N, d)``, as ``(2, d)``, and their standard errors, likewise."""
    ends = ends.astype(float)
    about = ends - ends.mean(0)
    variance, fourth = (about**2).mean(0), (about**4).mean(0)
    se = np.sqrt(np.stack([variance, fourth - variance**2]) / len(ends))
    return np.stack([ends.mean(0), variance]), se

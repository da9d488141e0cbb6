"""Escape from a saddle: what became of every run, and when it left."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ... import checks
from ...arguments import checked
from ...dynamics import Map
from ...dynamics.stacking import repeat, stack
from ...simulation import Status, simulate
from ...statistics import Survival, survival, wilson
from ..capture.trapping import distances_from, trapping_radii
from ..points.critical_points import CriticalPoint

TRAPPED, ESCAPED = "trapped", "escaped"
OUTCOMES: tuple[str, ...] = (TRAPPED, ESCAPED, Status.DIVERGED, Status.UNDECIDED)


@dataclass(frozen=True)
class Escape:
    """What became of N runs from around a saddle.

    Attributes:
        outcome: one of OUTCOMES per run, ``(N,)``.
        end: the step at which a run escaped or diverged, for the others the number of steps, ``(N,)``.
        w: where the runs ended, ``(N, d)``.
        lr: turns steps into time, t = kη.
    """

    outcome: np.ndarray
    end: np.ndarray
    w: np.ndarray
    lr: float

    def fraction(self, outcome: str) -> float:
        """Return the fraction of the runs with this outcome.

        Raises:
            InputError: a name that is none of OUTCOMES.
        """
        return float(self._with(outcome).mean())

    def interval(self, outcome: str) -> tuple[float, float]:
        """Return Wilson's 95 % interval of ``fraction(outcome)``."""
        return wilson(int(self._with(outcome).sum()), len(self.outcome))

    def _with(self, outcome: str) -> np.ndarray:
        return self.outcome == checks.known("outcome", outcome, OUTCOMES)

    def survival(self) -> Survival:
        """Return the Kaplan–Meier estimate of the time of escape; every run that did not escape is censored.

        So are diverged runs, where they ended: with many of them, times of escape are those of the runs that did not.
        """
        return survival(self.end * self.lr, self.outcome == ESCAPED)


@checked
def escape(
    map_: Map,
    point: CriticalPoint,
    starts: np.ndarray,
    radius: float,
    steps: int,
    *,
    dtype: str = "float64",
    device: str = "auto",
) -> Escape:
    """Run a map from around a saddle and say what becomes of every run.

    - trapped: at the end it is in a ball into which runs come in from its surface (``trapping_radius``, in float64);
    - escaped: it left the box of half-width ``radius`` around the saddle, downhill, to a loss below the saddle's;
    - diverged: it left the floating-point range, or left the box uphill, thrown out by steps too large to be stable;
    - undecided: it is still about. A run that passes the saddle slowly is never called trapped.

    Args:
        map_: the iterates.
        point: the saddle.
        starts: ``(N, d)``, within the box.
        radius: half the width of the box that a run must leave to have escaped, in the units of w.
        steps: how many steps every run has.
        dtype, device: as in ``simulate``.

    Raises:
        InputError: what ``simulate`` refuses.
    """
    return escapes([map_], point, starts, radius, steps, dtype=dtype, device=device)[0]


@checked
def escapes(
    maps: Sequence[Map],
    point: CriticalPoint,
    starts: np.ndarray,
    radius: float,
    steps: int,
    *,
    dtype: str = "float64",
    device: str = "auto",
) -> list[Escape]:
    """Run ``escape`` of many maps from the same starts: those that differ in numbers alone run as one ensemble."""
    starts = np.atleast_2d(starts)
    box = [(c - radius, c + radius) for c in point.w]
    measured: dict[int, Escape] = {}
    for members, together in stack(maps):
        many, everywhere = repeat(together, len(starts)), np.tile(starts, (len(members), 1))
        runs = simulate(many, everywhere, steps, box=box, dtype=dtype, device=device, progress=False)
        w, loss, status, end = (
            values.reshape(len(members), len(starts), *values.shape[1:])
            for values in (runs.w.values[:, -1], runs.loss.values[:, -1], runs.status.values, runs.end.values)
        )
        outcome = np.full(status.shape, Status.UNDECIDED, dtype="U9")
        left = status == Status.LEFT
        downhill = left & (loss < point.loss)
        outcome[downhill] = ESCAPED
        outcome[(status == Status.DIVERGED) | (left & ~downhill)] = Status.DIVERGED
        for place, i in enumerate(members):
            measured[i] = Escape(outcome[place], end[place], w[place], maps[i].lr)
    open_ = [i for i, one in measured.items() if (one.outcome == Status.UNDECIDED).any()]
    radii = trapping_radii([maps[i] for i in open_], point, radius, steps)
    for i, trap in zip(open_, radii, strict=True):
        one = measured[i]
        one.outcome[(one.outcome == Status.UNDECIDED) & (distances_from(point, one.w) <= trap)] = TRAPPED
    return [measured[i] for i in range(len(maps))]

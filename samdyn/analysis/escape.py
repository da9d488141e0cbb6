"""Escape from a saddle: what became of every run, and when it left."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .. import checks
from ..arguments import checked
from ..dynamics import Map
from ..simulate import simulate
from .critical_points import CriticalPoint
from .intervals import wilson
from .trapping import distances_from, trapping_radius

TRAPPED, ESCAPED, DIVERGED, UNDECIDED = OUTCOMES = ("trapped", "escaped", "diverged", "undecided")


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

    def survival(self) -> "Survival":
        """Return the Kaplan–Meier estimate of the time of escape; every run that did not escape is censored.

        So are diverged runs, where they ended: with many of them, times of escape are those of the runs that did not.
        """
        return survival(self.end * self.lr, self.outcome == ESCAPED)


@dataclass(frozen=True)
class Survival:
    """A Kaplan–Meier curve: P(T > t) at the times of escape, with a pointwise 95 % band (log-log).

    ``last`` is the latest time observed; beyond it nothing is known.
    """

    t: np.ndarray
    surviving: np.ndarray
    low: np.ndarray
    high: np.ndarray
    last: float

    def median(self) -> tuple[float, float, float]:
        """Return the median and its 95 % interval, by inversion of the band [Brookmeyer & Crowley 1982].

        inf where the curve, or the band's edge, never comes down to ½: most had not escaped when observation ended.
        """
        mid, low, high = (_first_at_half(self.t, curve) for curve in (self.surviving, self.low, self.high))
        return mid, low, high


@checked
def survival(t: np.ndarray, escaped: np.ndarray) -> Survival:
    """Return the Kaplan–Meier estimate from times ``(N,)`` and whether each is an escape or the end of observation.

    Raises:
        InputError: no time, times that are negative or infinite, or not as many truth values.
    """
    if t.ndim != 1 or not t.size or not np.isfinite(t).all() or (t < 0).any():
        checks.reject("t", t.tolist(), "must be one or more finite times >= 0", "Use e.g. [1.0, 2.5]")
    if escaped.shape != t.shape or not np.isin(escaped, (0, 1)).all():
        rule = f"must be {len(t)} truth value(s), one per time"
        checks.reject("escaped", escaped.tolist(), rule, "Use e.g. [True, False]")
    escaped = escaped.astype(bool)
    last = float(t.max())
    if not escaped.any():
        ones = np.ones(1)  # SciPy has no estimate without an event
        return Survival(np.zeros(1), ones, ones, ones, last)
    from scipy import stats

    estimate = stats.ecdf(stats.CensoredData(uncensored=t[escaped], right=t[~escaped])).sf
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # the log-log band does not exist where the curve is 0 or 1
        band = estimate.confidence_interval(0.95, method="log-log")
    surviving = estimate.probabilities
    # Where nobody is left the band does not exist: its lower edge is 0, its upper one what was last known.
    low = np.where(np.isfinite(band.low.probabilities), band.low.probabilities, surviving)
    known = np.isfinite(band.high.probabilities)
    high = np.append(1.0, band.high.probabilities[known])[np.cumsum(known)]
    return Survival(
        t=np.append(0.0, estimate.quantiles),
        surviving=np.append(1.0, surviving),
        low=np.append(1.0, low),
        high=np.append(1.0, high),
        last=last,
    )


def _first_at_half(t: np.ndarray, curve: np.ndarray) -> float:
    reached = np.flatnonzero(curve <= 0.5)
    return float(t[reached[0]]) if reached.size else np.inf


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
    box: Sequence[tuple[float, float]] = [(c - radius, c + radius) for c in point.w]
    runs = simulate(map_, starts, steps, box=box, dtype=dtype, device=device, progress=False)
    w, loss, status = runs.w.values[:, -1], runs.loss.values[:, -1], runs.status.values
    outcome = np.full(len(w), UNDECIDED, dtype="U9")
    left = status == "left the box"
    downhill = left & (loss < point.loss)
    outcome[downhill] = ESCAPED
    outcome[(status == "diverged") | (left & ~downhill)] = DIVERGED
    about = outcome == UNDECIDED
    distance = distances_from(point, w)
    if about.any():
        outcome[about & (distance <= trapping_radius(map_, point, radius, steps))] = TRAPPED
    return Escape(outcome, runs.end.values, w, map_.lr)

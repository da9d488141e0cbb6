"""Survival curves, with runs that were still there when observation ended."""

import warnings
from dataclasses import dataclass

import numpy as np

from .. import checks
from ..arguments import checked


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

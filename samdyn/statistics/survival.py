"""Estimates survival curves from times of which some are censored: the event came after the observation ended."""

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .. import checks
from ..arguments import checked

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True)
class Survival:
    """A Kaplan–Meier curve: estimates of P(T > t) at the times observed, with a pointwise 95 % band (log-log).

    Attributes:
        t: the times observed, each once, ascending, 0 first, ``(m,)``.
        surviving: P(T > t) at these times, ``(m,)``.
        low, high: the band's edges at these times, ``(m,)``.
        last: the latest time observed; the data say nothing about later times.

    >>> from samdyn.statistics import survival
    >>> curve = survival([1.0, 2.0, 3.0, 4.0], [True, True, False, True])
    >>> curve.t.tolist(), curve.surviving.round(2).tolist(), curve.last
    ([0.0, 1.0, 2.0, 3.0, 4.0], [1.0, 0.75, 0.5, 0.5, 0.0], 4.0)
    """

    t: np.ndarray
    surviving: np.ndarray
    low: np.ndarray
    high: np.ndarray
    last: float

    def median(self) -> tuple[float, float, float]:
        """Return the median of T and the lower and upper end of its 95 % interval, in the units of t.

        The ends are the times at which the band's edges reach ½. A number is inf where its curve never comes down to
        ½, because the observation ended before most events.

        Source: Brookmeyer & Crowley (1982), Biometrics 38, 29.

        >>> from samdyn.statistics import survival
        >>> survival([1.0, 2.0, 3.0, 4.0], [True, True, False, True]).median()
        (2.0, 1.0, inf)
        """
        mid, low, high = (_first_at_half(self.t, curve) for curve in (self.surviving, self.low, self.high))
        return mid, low, high


@checked
def survival(t: np.ndarray, escaped: np.ndarray) -> Survival:
    """Return the Kaplan–Meier estimate of the survival curve of N runs.

    Args:
        t: the time of each run's escape, or of the end of its observation, ``(N,)``.
        escaped: whether a run's time is that of its escape, ``(N,)`` bool; the other times are censored.

    Raises:
        InputError: there is no time, a time is negative or infinite, or the number of truth values is not N.

    Source: Kaplan & Meier (1958), J. Am. Stat. Assoc. 53, 457, as in ``scipy.stats``.

    >>> import numpy as np
    >>> from samdyn.statistics import survival
    >>> survival(np.array([1.0, 2.0, 3.0]), np.array([True, True, False])).surviving.round(3)
    array([1.   , 0.667, 0.333, 0.333])
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
    # The band does not exist after the last run escaped: its lower edge is then 0, its upper one the last that exists.
    low = np.where(np.isfinite(band.low.probabilities), band.low.probabilities, surviving)
    band_exists = np.isfinite(band.high.probabilities)
    high = np.append(1.0, band.high.probabilities[band_exists])[np.cumsum(band_exists)]
    return Survival(
        t=np.append(0.0, estimate.quantiles),
        surviving=np.append(1.0, surviving),
        low=np.append(1.0, low),
        high=np.append(1.0, high),
        last=last,
    )


@checked
def censored_median(
    t: "xarray.DataArray", escaped: "xarray.DataArray", dim: str
) -> tuple["xarray.DataArray", "xarray.DataArray", "xarray.DataArray"]:
    """Return the Kaplan–Meier median of times over a dimension and the lower and upper end of its 95 % interval.

    Args:
        t: the time of each run's escape, or of the end of its observation.
        escaped: whether a run's time is that of its escape, of the dimensions of ``t``; the other times are censored.
        dim: the name of the dimension of the runs.

    Returns:
        Three arrays without ``dim``, as those of ``Survival.median``: inf where most runs did not escape.

    Raises:
        InputError: the times lack the dimension, or ``survival`` refuses them.

    >>> import xarray as xr
    >>> t = xr.DataArray([[1.0, 2.0, 3.0, 4.0], [4.0, 4.0, 4.0, 4.0]], dims=("rho", "run"))
    >>> [end.values.tolist() for end in censored_median(t, t < 4, "run")]
    [[2.0, inf], [1.0, inf], [inf, inf]]
    """
    import xarray

    checks.present("dimension", dim, map(str, t.dims))
    median, low, high = xarray.apply_ufunc(
        lambda times, events: survival(times, events).median(),
        t,
        escaped,
        input_core_dims=[[dim], [dim]],
        output_core_dims=[[], [], []],
        vectorize=True,
    )
    return median, low, high


def _first_at_half(t: np.ndarray, curve: np.ndarray) -> float:
    """Return the first time at which a falling curve is ½ or less, inf if there is none."""
    at_half = np.flatnonzero(curve <= 0.5)
    return float(t[at_half[0]]) if at_half.size else np.inf

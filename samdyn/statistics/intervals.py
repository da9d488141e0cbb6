"""Computes 95 % confidence intervals."""

import warnings
from typing import TYPE_CHECKING

import numpy as np

from .. import checks
from ..arguments import checked

if TYPE_CHECKING:
    import xarray


@checked
def wilson(hits: int, of: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a probability, from ``hits`` successes in ``of`` independent trials.

    Raises:
        InputError: ``hits`` is negative or above ``of``, or ``of`` is 0.

    Source: Wilson (1927), J. Am. Stat. Assoc. 22, 209, as in ``scipy.stats``.

    >>> from samdyn.statistics import wilson
    >>> [round(end, 3) for end in wilson(5, 10)]
    [0.237, 0.763]
    """
    from scipy.stats import binomtest

    of = checks.count("of", of, "Give the number of trials")
    if not 0 <= hits <= of:
        checks.reject("hits", hits, f"must lie in [0, {of}], the number of trials", "Give the number of successes")
    ci = binomtest(hits, of).proportion_ci(0.95, method="wilson")
    return float(ci.low), float(ci.high)


@checked
def mean_interval(values: "xarray.DataArray", dim: str) -> tuple["xarray.DataArray", "xarray.DataArray"]:
    """Return the mean over a dimension and half the width of its 95 % interval, by Student's t.

    Args:
        values: samples that are independent and about normal along ``dim``. A missing sample is nan, and is left out.
        dim: the name of the dimension, e.g. "seed".

    Returns:
        Two arrays without ``dim``, in the units of ``values``. The half-width is nan for a single sample, and where a
        sample is infinite.

    Raises:
        InputError: the values lack the dimension, or are not real numbers.

    >>> import xarray as xr
    >>> from samdyn.statistics import mean_interval
    >>> mean, half = mean_interval(xr.DataArray([1.0, 2.0, 3.0], dims="seed"), "seed")
    >>> round(float(mean), 3), round(float(half), 3)
    (2.0, 2.484)
    """
    from scipy.stats import t

    _check(values, dim)
    n = values.count(dim)
    with np.errstate(invalid="ignore"):
        half = t.ppf(0.975, n - 1) * (values.var(dim) / (n - 1)) ** 0.5
    return values.mean(dim), half


@checked
def median_interval(
    values: "xarray.DataArray", dim: str, *, nan: float = np.inf
) -> tuple["xarray.DataArray", "xarray.DataArray", "xarray.DataArray"]:
    """Return the median over a dimension and the lower and upper end of its 95 % interval, by the bootstrap.

    One outlier among many samples moves neither. A run that diverged counts as the worst result and is not dropped:
    an inf stays, and ``nan`` replaces a missing value. The interval's ends are percentiles of the medians of 2,000
    resamples (``scipy.stats.bootstrap``), which a fixed seed draws. Each end is the median of one resample, so that
    infinite values do no harm.

    Args:
        values: samples that are independent along ``dim``. With fewer than 6 the intervals are too narrow: the range of
            5 samples contains the median in 94 % of cases only. A single sample has no interval: its ends are nan.
        dim: the name of the dimension, e.g. "seed".
        nan: the value that replaces a missing one: inf where large is bad, as for losses, −inf where small is bad.

    Returns:
        The median, the lower end and the upper end: three arrays without ``dim``, in the units of ``values``.

    Raises:
        InputError: the values lack the dimension, or are not real numbers.

    >>> import numpy as np
    >>> import xarray as xr
    >>> from samdyn.statistics import median_interval
    >>> losses = xr.DataArray([0.1, 0.2, 0.2, 0.3, 0.4, 0.5, 0.6, np.nan], dims="seed")
    >>> [float(end) for end in median_interval(losses, "seed")]
    [0.35, 0.2, 0.6]
    """
    from scipy.stats import bootstrap

    _check(values, dim)
    samples = values.fillna(nan).transpose(..., dim)
    middle = samples.median(dim)
    if samples.sizes[dim] < 2:
        return middle, middle * np.nan, middle * np.nan
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # SciPy's own interval is nan where values are infinite
        medians = bootstrap(
            (samples.values,), np.median, axis=-1, n_resamples=2000, batch=200, method="percentile", rng=0
        ).bootstrap_distribution
    low, high = np.quantile(medians, (0.025, 0.975), axis=-1, method="inverted_cdf")
    return middle, middle.copy(data=low), middle.copy(data=high)


def _check(values: "xarray.DataArray", dim: str) -> None:
    """Check that the values have the dimension and are real numbers.

    Raises:
        InputError: the dimension is missing, or the values are not real numbers.
    """
    if dim not in values.dims:
        checks.reject("dim", dim, f"the values have {', '.join(map(str, values.dims)) or 'none'}", "Use one of these")
    if values.dtype.kind not in "fiu":
        checks.reject("values", values.dtype, "must be real numbers", "Give an array of them")

"""95 % confidence intervals."""

import warnings
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share, from ``hits`` of ``of`` independent trials."""
    from scipy.stats import binomtest

    ci = binomtest(hits, of).proportion_ci(0.95, method="wilson")
    return float(ci.low), float(ci.high)


def mean_interval(values: "xarray.DataArray", dim: str) -> tuple["xarray.DataArray", "xarray.DataArray"]:
    """Return the mean over a dimension and half the width of its 95 % interval, by Student's t.

    Args:
        values: independent and about normal along ``dim``. nan says that there is no value: it does not count.
        dim: e.g. "seed".

    Returns:
        Two arrays without ``dim``. One value alone has no interval, nor have values with inf among them: nan.
    """
    from scipy.stats import t

    n = values.count(dim)
    with np.errstate(invalid="ignore"):
        half = t.ppf(0.975, n - 1) * (values.var(dim) / (n - 1)) ** 0.5
    return values.mean(dim), half


def median_interval(
    values: "xarray.DataArray", dim: str, *, nan: float = np.inf
) -> tuple["xarray.DataArray", "xarray.DataArray", "xarray.DataArray"]:
    """Return the median over a dimension and the lower and upper end of its 95 % interval, by the bootstrap.

    One odd value among many moves neither. A run that diverged counts as the worst that there is, and is not dropped:
    its inf stays, and a nan is taken for ``nan``. Percentiles of 2,000 resamples, drawn from a fixed seed; each is a
    resample's median itself, so that infinite values do no harm.  [scipy.stats.bootstrap]

    Args:
        values: independent along ``dim``. Fewer than 6 have intervals that are too narrow, as the extremes of 5 hold
            the median in 94 % of cases only; one alone has none, which is nan.
        dim: e.g. "seed".
        nan: what a value that is missing counts as: inf where large is bad, as for losses, −inf where small is.

    Example:
        >>> import xarray as xr
        >>> losses = xr.DataArray([0.1, 0.2, 0.2, 0.3, 0.4, 0.5, 0.6, np.nan], dims="seed")
        >>> [float(end) for end in median_interval(losses, "seed")]
        [0.35, 0.2, 0.6]
    """
    from scipy.stats import bootstrap

    filled = values.fillna(nan).transpose(..., dim)
    middle = filled.median(dim)
    if filled.sizes[dim] < 2:
        return middle, middle * np.nan, middle * np.nan
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # SciPy's own interval is nan where values are infinite
        medians = bootstrap(
            (filled.values,), np.median, axis=-1, n_resamples=2000, batch=200, method="percentile", rng=0
        ).bootstrap_distribution
    low, high = np.quantile(medians, (0.025, 0.975), axis=-1, method="inverted_cdf")
    return middle, middle.copy(data=low), middle.copy(data=high)

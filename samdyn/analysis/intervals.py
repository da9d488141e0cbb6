"""95 % confidence intervals."""

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

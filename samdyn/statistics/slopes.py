"""Fits exponents of power laws."""

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import checks
from ..arguments import checked

if TYPE_CHECKING:
    import xarray


@checked
def exponent(
    values: "xarray.DataArray", dim: str, errors: "xarray.DataArray | None" = None
) -> tuple["xarray.DataArray", "xarray.DataArray"]:
    """Return the exponent p of a power law, values ∝ xᵖ, and its standard error; x is the coordinate of ``dim``.

    p is the slope of a least-squares line through log values against log x.

    Args:
        values: positive numbers. Where one along ``dim`` is not, p is nan.
        dim: a dimension of at least two values, whose coordinate is positive.
        errors: standard errors of the values, small beside them. A value has the weight (value/error)², and the
            standard error of p follows from the errors. Default: equal weights, and a standard error from the scatter
            about the line, which two values do not have: it is then nan.

    Returns:
        p and its standard error, two arrays without ``dim``.

    Raises:
        InputError: the values lack the dimension, or its coordinate is not two or more different positive numbers.

    >>> import xarray as xr
    >>> from samdyn.statistics import exponent
    >>> error = xr.DataArray([0.02, 0.0049, 0.00126], dims="lr", coords={"lr": [0.1, 0.05, 0.025]})
    >>> p, standard_error = exponent(error, "lr")
    >>> round(float(p), 2), round(float(standard_error), 2)
    (1.99, 0.02)
    """
    if dim not in values.dims:
        checks.reject("dim", dim, f"the values have {', '.join(map(str, values.dims)) or 'none'}", "Use one of these")
    x = values[dim].astype(float)
    if dim not in values.coords or len(np.unique(x)) < 2 or not (np.isfinite(x) & (x > 0)).all():
        rule = "its coordinate must be two or more different finite numbers > 0"
        checks.reject(dim, x.values.tolist(), rule, "A power law needs a scale")
    positive = values.where(values > 0)
    y: Any = np.log(positive)
    weights = (positive / errors) ** 2 if errors is not None else positive / positive
    total = weights.sum(dim, skipna=False)
    centred = np.log(x) - (weights * np.log(x)).sum(dim, skipna=False) / total
    spread = (weights * centred**2).sum(dim, skipna=False)
    p = (weights * centred * y).sum(dim, skipna=False) / spread
    if errors is not None:
        return p, spread**-0.5
    rest = y - y.mean(dim, skipna=False) - p * centred
    free = len(x) - 2
    return p, ((rest**2).sum(dim, skipna=False) / free / spread) ** 0.5 if free else p * np.nan

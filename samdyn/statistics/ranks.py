"""Rank correlations over a grid of settings."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .. import checks
from ..arguments import checked

if TYPE_CHECKING:
    import xarray


@checked
def kendall(x: "xarray.DataArray", y: "xarray.DataArray", over: Sequence[str]) -> "xarray.DataArray":
    """Return Kendall's rank correlation τ_b of two quantities over all settings along some dimensions.

    It is the number of pairs of settings that both quantities order alike, less the number of those that they order
    oppositely, over √(n_x n_y), where n_x is the number of pairs without a tie in x. The function compares every pair,
    so that its memory grows with the square of the number of settings.

    Args:
        x, y: the quantities, real numbers on the same grid. A setting in which one of them is nan is left out.
        over: the dimensions whose product has the settings, e.g. ["lr", "rho"].

    Returns:
        τ_b in [−1, 1] along the other dimensions, nan where no pair without a tie is left.

    Raises:
        InputError: the quantities lack a dimension, are not real numbers, or have different coordinates.

    Source: Kendall (1945), Biometrika 33, 239, as in ``scipy.stats.kendalltau``.

    >>> import xarray as xr
    >>> from samdyn.statistics import kendall
    >>> x, y = (xr.DataArray(values, dims="lr") for values in ([1.0, 2.0, 3.0, 4.0], [1.0, 3.0, 2.0, 4.0]))
    >>> round(float(kendall(x, y, ["lr"])), 3)
    0.667
    """
    import xarray as xr

    for name, values in {"x": x, "y": y}.items():
        missing = [dim for dim in over if dim not in values.dims]
        if missing or not over:
            rule = f"{name} has the dimensions {', '.join(map(str, values.dims)) or 'none'}"
            checks.reject("over", list(over), rule, "Use one or more of these")
        if values.dtype.kind not in "fiu":
            checks.reject(name, values.dtype, "must be real numbers", "Give an array of them")
    try:
        return xr.apply_ufunc(_tau, x, y, input_core_dims=[[*over]] * 2, join="exact", kwargs={"axes": len(over)})
    except ValueError as error:
        checks.reject("y", dict(y.sizes), f"has other coordinates than x: {error}", "Give both on one grid")


@checked
def granulated(x: "xarray.DataArray", y: "xarray.DataArray", over: Sequence[str]) -> "xarray.DataArray":
    """Return the terms of the granulated rank correlation ψ, one for each of some dimensions.

    The term of a dimension is the mean τ_b among settings that differ along it alone, so that an effect of another
    dimension on both quantities does not count. ψ is the mean of the terms.

    Args:
        x, y: the quantities, as for ``kendall``.
        over: the dimensions, e.g. ["lr", "rho"].

    Returns:
        The terms along "axis", which has the names in ``over``, and along the other dimensions. A term is nan if no
        group of settings has a pair without a tie; the mean leaves out groups that have none.

    Raises:
        InputError: as for ``kendall``.

    Source: Jiang et al. (2020), Fantastic generalization measures, sec. 4; there τ has no correction for ties.

    >>> import xarray as xr
    >>> from samdyn.statistics import granulated
    >>> x = xr.DataArray([[1.0, 2.0], [3.0, 4.0]], dims=("lr", "rho"))
    >>> y = xr.DataArray([[2.0, 1.0], [4.0, 3.0]], dims=("lr", "rho"))
    >>> granulated(x, y, ["lr", "rho"]).values.tolist()
    [1.0, -1.0]
    """
    import xarray as xr

    if not len(over):
        checks.reject("over", "nothing", "a dimension is needed", 'Use e.g. ["lr", "rho"]')
    terms = [kendall(x, y, [axis]).mean([other for other in over if other != axis]) for axis in over]
    return xr.concat(terms, xr.Variable("axis", [*over]))


@checked
def rank_correlations(
    x: "xarray.DataArray", y: "xarray.DataArray", over: Sequence[str], *, within: str | None = None
) -> "xarray.DataArray":
    """Return every rank correlation of two quantities over a grid: τ, ψ and its terms, and τ within parts of the grid.

    Args:
        x, y: the quantities, as for ``kendall``.
        over: the dimensions of the grid, e.g. ["lr", "rho"].
        within: one of these dimensions, for the τ among settings that have one value of it.

    Returns:
        The correlations along "statistic", with the labels "τ", "ψ", "ψ_lr", … and "τ, lr = 0.1", …, and along the
        other dimensions. ψ is nan where one of its terms is.

    Raises:
        InputError: as for ``kendall``; ``within`` is not in ``over``.

    >>> import xarray as xr
    >>> from samdyn.statistics import rank_correlations
    >>> x = xr.DataArray([[1.0, 2.0], [3.0, 4.0]], dims=("lr", "rho"), coords={"lr": [0.1, 0.2]})
    >>> y = xr.DataArray([[2.0, 1.0], [4.0, 3.0]], dims=("lr", "rho"), coords={"lr": [0.1, 0.2]})
    >>> result = rank_correlations(x, y, ["lr", "rho"], within="lr").round(2)
    >>> dict(zip(result.statistic.values.tolist(), result.values.tolist()))
    {'τ': 0.33, 'ψ': 0.0, 'ψ_lr': 1.0, 'ψ_rho': -1.0, 'τ, lr = 0.1': -1.0, 'τ, lr = 0.2': -1.0}
    """
    import xarray as xr

    if within is not None and within not in over:
        checks.reject("within", within, f"is none of the dimensions {', '.join(over)}", "Use one of them")
    terms = granulated(x, y, over)
    values = {"τ": kendall(x, y, over), "ψ": terms.mean("axis", skipna=False)}
    values |= {f"ψ_{name}": terms.sel(axis=name, drop=True) for name in over}
    for i in range(x.sizes[within] if within else 0):
        part = {within: [i]}
        values[f"τ, {within} = {x[within].values[i]:g}"] = kendall(x.isel(part), y.isel(part), over)
    return xr.concat(values.values(), xr.Variable("statistic", [*values]))


def _tau(x: np.ndarray, y: np.ndarray, axes: int) -> np.ndarray:
    """Return τ_b over the last ``axes`` axes."""
    x, y = (values.reshape(*values.shape[: values.ndim - axes], -1) for values in (x, y))
    missing = np.isnan(x) | np.isnan(y)
    of_x, of_y = (_signs(np.where(missing, np.nan, values)) for values in (x, y))
    alike, no_tie_x, no_tie_y = ((a * b).sum((-2, -1)) for a, b in ((of_x, of_y), (of_x, of_x), (of_y, of_y)))
    with np.errstate(invalid="ignore"):
        return alike / np.sqrt(no_tie_x * no_tie_y)


def _signs(x: np.ndarray) -> np.ndarray:
    """Return the signs of the differences along the last axis, ``(…, n) -> (…, n, n)``: 0 of ties, and with nan."""
    with np.errstate(invalid="ignore"):  # inf − inf is a tie
        return np.nan_to_num(np.sign(x[..., :, None] - x[..., None, :]))

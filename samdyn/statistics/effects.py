"""Counts of the settings in which an effect is resolved."""

from typing import TYPE_CHECKING

from ..arguments import checked
from .intervals import median_interval

if TYPE_CHECKING:
    import xarray


@checked
def count_resolved(values: "xarray.DataArray", dim: str) -> tuple[int, int]:
    """Return the number of settings whose median has a 95 % interval above 0, and of those with one below 0.

    Args:
        values: effects, as differences between two methods: samples along ``dim``, settings along the others.
        dim: the name of the dimension of the samples, e.g. "seed".

    Raises:
        InputError: as for ``median_interval``.

    >>> import xarray as xr
    >>> from samdyn.statistics import count_resolved
    >>> count_resolved(xr.DataArray([[1.0, 2.0, 3.0], [-1.0, 0.0, 1.0]], dims=("rho", "seed")), "seed")
    (1, 0)
    """
    _, low, high = median_interval(values, dim)
    return int((low > 0).sum()), int((high < 0).sum())

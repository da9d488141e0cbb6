"""How far a quantity rises."""

from typing import TYPE_CHECKING

import numpy as np

from .. import checks
from ..arguments import checked

if TYPE_CHECKING:
    import xarray


@checked
def rises_up_to(values: "xarray.DataArray", dim: str) -> "xarray.DataArray":
    """Return the last coordinate of a dimension up to which the values never fall.

    Args:
        values: the values, which may be infinite.
        dim: a dimension with a coordinate, in ascending order.

    Returns:
        The coordinate, over the other dimensions; nan where the first value is not finite.

    Raises:
        InputError: the values lack the dimension.

    >>> import xarray as xr
    >>> from samdyn.statistics import rises_up_to
    >>> float(rises_up_to(xr.DataArray([0.1, 0.3, 0.2, 0.4], coords={"rho": [0.5, 1.0, 1.5, 2.0]}), "rho"))
    1.0
    """
    checks.present("dimension", dim, map(str, values.dims))
    falls = values < values.shift({dim: 1}, fill_value=-np.inf)
    rising = (~falls).astype(int).cumprod(dim).sum(dim)
    end = values[dim].astype(float).isel({dim: rising - 1}).drop_vars(dim)
    return end.where(np.isfinite(values.isel({dim: 0}, drop=True)))

"""Closed forms of labelled arrays."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import checks
from ..arguments import checked

if TYPE_CHECKING:
    import xarray


@checked
def labelled(form: Callable[..., Any], **parameters: Any) -> "xarray.DataArray":
    """Return the values of a closed form at the coordinates of measurements, with their labels.

    Args:
        form: a function of named parameters that returns a number, such as a closed form or its rival.
        parameters: its parameters: numbers, names, or DataArrays, which broadcast by their dimensions.

    Returns:
        The values, over all dimensions of the parameters.

    Raises:
        InputError: there is no parameter, or the closed form refuses one.

    >>> import xarray as xr
    >>> import samdyn as sd
    >>> rho = xr.DataArray([0.0, 0.5], coords={"rho": [0.0, 0.5]})
    >>> coupling = xr.DataArray(["shared", "clean"], coords={"coupling": ["shared", "clean"]})
    >>> at = {"lam": -1.0, "lr": 0.01, "batch_size": 16, "t": 1.0}
    >>> msd = sd.theory.labelled(sd.theory.usam_msd, **at, rho=rho, coupling=coupling)
    >>> msd.dims, float(msd.sel(rho=0.5, coupling="clean").round(6))
    (('rho', 'coupling'), 0.001074)
    """
    import xarray

    if not parameters:
        checks.reject("parameters", "nothing", "the closed form needs its parameters by name", "Use e.g. rho=0.1")
    arrays = xarray.broadcast(*(xarray.DataArray(value) for value in parameters.values()))
    # As Python's numbers and texts: a closed form may take integers alone, and none takes NumPy's texts.
    settings = zip(*(array.values.ravel().tolist() for array in arrays), strict=True)
    values = [form(**dict(zip(parameters, setting, strict=True))) for setting in settings]
    return arrays[0].copy(data=np.reshape(np.array(values, dtype=float), arrays[0].shape)).rename(None)

"""Exact mean squared displacements of iterates and of the diffusions that model them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import checks
from ...arguments import checked
from ...dynamics import Diffusion, Map
from ...dynamics.models import MODELS
from .exact_msd import checked_along, linear_of, msd_along

if TYPE_CHECKING:
    import xarray


@checked
def exact_msds(
    map_: Map,
    w0: Any,
    direction: np.ndarray | Sequence[float],
    times: np.ndarray | Sequence[float],
    models: Sequence[str] = ("moments", "taylor", "fisher"),
) -> "xarray.Dataset":
    """Return the exact mean squared displacement of iterates and of their diffusions, nan where there is none.

    There is none if a step or a drift is not linear, or if a model is none of this method, noise and radius.

    Args:
        map_: the iterates, with noise.
        w0, direction, times: as in ``exact_msd``.
        models: the models of the diffusions, as in ``Diffusion``.

    Raises:
        InputError: an unknown model, or what ``exact_msd`` refuses of w0, the direction and the times.

    Returns:
        Over ``time``: ``exact``, that of the iterates, and a variable for each model.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.Landscape("x**2", "x"), sd.SAM(rho=0.1), lr=0.1, noise=sd.noise.Gaussian(1.0))
    >>> sd.analysis.exact_msds(map_, [0.0], [1.0], [0.1, 0.2], models=["moments"]).exact.values
    array([nan, nan])
    """
    import xarray as xr

    for model in models:
        checks.present("model", model, MODELS)
    along = checked_along(map_.landscape.dim, w0, direction, times)
    results = {}
    for name in ("exact", *models):
        try:
            linear = linear_of(map_ if name == "exact" else Diffusion.of(map_, name))
        except checks.InputError:
            results[name] = np.full(along[-1].shape, np.nan)
        else:
            results[name] = msd_along(linear, *along)
    return xr.Dataset({name: ("time", values) for name, values in results.items()}, coords={"time": along[-1]})

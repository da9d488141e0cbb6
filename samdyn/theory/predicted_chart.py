"""Stability charts in closed form."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..analysis import CriticalPoint, StabilityChart, with_parameters
from ..arguments import checked
from ..dynamics import Map
from ..symbolic import predicted_boundary, predicted_growth

if TYPE_CHECKING:
    import xarray


@checked
def predicted_chart(
    map_: Map, point: CriticalPoint, chart: StabilityChart, resolution: int | None = None
) -> StabilityChart | None:
    """Return the closed form over the two parameters of a measured chart, or None if there is no formula.

    The rate is negative where the closed form says that runs return. If one parameter is the distance from the point,
    the rate is the distance beyond the edge of the trap instead, in the units of w.

    Args:
        map_: the iterates that were measured.
        point: the critical point that was measured.
        chart: the result of ``analysis.stability_chart``.
        resolution: the number of values along each axis, e.g. for a smooth line. Default: the grid of the chart.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.USAM(rho=0.1), lr=0.1)
    >>> (point,) = sd.critical_points(map_.landscape)
    >>> chart = sd.analysis.stability_chart(map_, point, ("rho", [0.1, 1.0]), ("lr", [0.01, 0.1]), steps=100)
    >>> sd.theory.predicted_chart(map_, point, chart).rate.round(3)
    array([[ 1.587, -2.02 ],
           [ 1.484, -2.231]])
    """
    x, y = (np.linspace(axis[0], axis[-1], resolution) if resolution else axis for axis in (chart.x, chart.y))
    grid = dict(zip((chart.x_name, chart.y_name), np.meshgrid(x, y), strict=True))
    distance = grid.pop("distance", None)
    if distance is None:
        values = {name: torch.as_tensor(axis.ravel()) for name, axis in grid.items()}
        rate = predicted_growth(with_parameters(map_, values), torch.as_tensor(point.eigenvalues))
        return None if rate is None else replace(chart, x=x, y=y, rate=rate.reshape(len(y), len(x)).numpy())
    trap = predicted_boundary(map_, point.eigenvalues)
    if trap is None or trap.quantity != "width":
        return None
    return replace(chart, x=x, y=y, rate=distance - np.asarray(grid.get("rho", trap.low)))


@checked
def compared_chart(map_: Map, point: CriticalPoint, chart: StabilityChart) -> "xarray.Dataset":
    """Return a measured chart beside its closed form, with how often and where they differ.

    Args:
        map_, point, chart: as for ``predicted_chart``.

    Returns:
        "rate" and "predicted" over the two parameters; "measured" and "theory", the shares of settings in which runs
        return; "differ" and "off", the numbers of ``StabilityChart.differences``. Without a closed form there is no
        "predicted", and the last three are nan.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.USAM(rho=0.1), lr=0.1)
    >>> (point,) = sd.critical_points(map_.landscape)
    >>> chart = sd.analysis.stability_chart(map_, point, ("rho", [0.1, 1.0]), ("lr", [0.01, 0.1]), steps=100)
    >>> data = sd.theory.compared_chart(map_, point, chart)
    >>> float(data.measured), float(data.theory), int(data.differ)
    (0.5, 0.5, 0)
    """
    data = chart.dataset.assign(measured=chart.returns.mean())
    closed_form = predicted_chart(map_, point, chart)
    if closed_form is None:
        return data.assign(theory=np.nan, differ=np.nan, off=np.nan)
    differ, off = chart.differences(closed_form)
    share = closed_form.returns.mean()
    return data.assign(predicted=closed_form.dataset.rate, theory=share, differ=differ, off=off)

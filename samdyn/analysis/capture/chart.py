"""Where a critical point holds its neighbours, over two parameters at once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ... import checks
from ...arguments import checked
from ...dynamics import Map
from ...simulation.iterates.iterate import Iterates
from ...simulation.iterates.stepping import Steps
from ..parameters import with_parameters
from ..points.critical_points import CriticalPoint
from .growth import growth_rates

PARAMETERS = ("rho", "lr", "momentum", "distance")


@dataclass(frozen=True, eq=False)
class StabilityChart:
    """Measured growth rates over two parameters.

    Attributes:
        x_name, y_name: which parameters.
        x, y: their values, ``(nx,)`` and ``(ny,)``.
        rate: how fast distances from the point grow, in 1/t, ``(ny, nx)``; negative where runs return.
    """

    x_name: str
    y_name: str
    x: np.ndarray
    y: np.ndarray
    rate: np.ndarray


@checked
def stability_chart(
    map_: Map, point: CriticalPoint, x: tuple[str, np.ndarray], y: tuple[str, np.ndarray], *, steps: int = 1000
) -> StabilityChart:
    """Measure, for every pair of two parameters, whether runs near a critical point leave it or return.

    With parameters of the map this is ``growth_rates``, 1e-7 from the point along every eigenvector: for methods that
    have a Jacobian there. For those that have none, like normalised SAM, it matters how far out a run starts: one of
    the two is then "distance", in the units of w, and the rate is that of a run from there, at rest, along the lowest
    eigenvector: ln(last distance along it / first) / t. Below the length of two of the map's own steps, by which it
    overshoots whatever happens, distances are not told apart; a run that gets four times as far out ends there.

    Args:
        map_: the iterates; their own values of the two parameters are not used.
        point: a critical point of their landscape.
        x, y: (name, values): "rho", "lr", "momentum" or "distance", and one-dimensional arrays.
        steps: how many every run has.

    Raises:
        InputError: parameters that the map does not have, twice the same one, or values out of range.
    """
    names = x[0], y[0]
    for name in names:
        if name not in PARAMETERS:
            checks.reject("parameter", name, "no chart is drawn over it", f"Use one of {', '.join(PARAMETERS)}")
    if names[0] == names[1]:
        checks.reject("parameter", names[0], "both axes are the same", "Choose two different parameters")
    steps = checks.count("steps", steps, "Use e.g. steps=1000")
    axes = [_values(*axis) for axis in (x, y)]
    grid = dict(zip(names, torch.meshgrid(*map(torch.as_tensor, axes), indexing="xy"), strict=True))
    distance = grid.pop("distance", None)
    settings = with_parameters(map_, {name: values.flatten() for name, values in grid.items()})
    if distance is None:
        rates = growth_rates(settings, point, steps=steps)
    else:
        rates = _rates_from(settings, point, distance.flatten(), steps)
    return StabilityChart(names[0], names[1], axes[0], axes[1], rates.reshape(len(axes[1]), len(axes[0])).numpy())


def _rates_from(map_: Map, point: CriticalPoint, distance: torch.Tensor, steps: int) -> torch.Tensor:
    """Return ln(last/first)/t for runs from ``distance`` along the lowest eigenvector."""
    map_.refuse_noise()
    center = torch.as_tensor(point.w)[:, None]
    along = torch.as_tensor(point.eigenvectors[:, :1])
    start = center + distance * along
    step = map_.lr / (1 - map_.momentum) * map_.method(start, map_.landscape.grad).norm(dim=0)
    first = torch.maximum(distance, 2 * step)
    last, time = distance.clone(), torch.zeros_like(distance)
    with Iterates(Steps(map_, None), start, number=steps) as runs:
        while runs.done < steps and runs.running.any():
            before = runs.running.clone()
            runs.advance(1)
            here = (along * (runs.w - center)).sum(0).abs()
            here = torch.where(runs.running, here, torch.inf)  # one that left the floating-point range is held
            last = torch.where(before, here, last)
            time = time + before.to(time) * map_.lr
            runs.stop(here >= 4 * first)
    return (last / first).clamp(min=torch.finfo(last.dtype).tiny).log() / time


def _values(name: str, values: Any) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or len(array) < 2 or not np.isfinite(array).all() or (np.diff(array) <= 0).any():
        checks.reject(
            name, values, "must be two or more finite numbers, ascending", "Use e.g. np.linspace(0.01, 1, 50)"
        )
    if name == "distance" and array[0] <= 0:
        checks.reject(name, values, "distances are > 0", "Use e.g. np.linspace(0.01, 1, 50)")
    return array

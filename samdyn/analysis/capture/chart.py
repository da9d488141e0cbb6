"""Measures growth rates near a critical point over a grid of two parameters."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ... import checks
from ...arguments import checked
from ...dynamics import Map
from ...landscapes import Landscape
from ...simulation.iterates.iterate import Iterates
from ...simulation.iterates.stepping import Steps
from ..parameters import with_parameters
from ..points.critical_points import CriticalPoint
from .growth import growth_rates

if TYPE_CHECKING:
    import xarray

PARAMETERS = ("rho", "lr", "momentum", "distance")
CRITICAL = 1e-9  # relative to ‖H‖ max(1, ‖w‖); a gradient of this length is that of a critical point


@dataclass(frozen=True, eq=False)
class StabilityChart:
    """Growth rates measured over two parameters, which ``plot.stability_chart`` draws.

    Attributes:
        x_name, y_name: the names of the parameters.
        x, y: their values, ``(nx,)`` and ``(ny,)``.
        rate: the growth rate of distances from the point, in 1/t, ``(ny, nx)``; negative where runs return.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.USAM(rho=0.1), lr=0.1)
    >>> (point,) = sd.critical_points(map_.landscape)
    >>> chart = sd.analysis.stability_chart(map_, point, ("rho", [0.1, 1.0]), ("lr", [0.01, 0.1]), steps=100)
    >>> chart.x_name, chart.y_name, (chart.rate < 0).tolist()
    ('rho', 'lr', [[False, True], [False, True]])
    """

    x_name: str
    y_name: str
    x: np.ndarray
    y: np.ndarray
    rate: np.ndarray

    @property
    def returns(self) -> np.ndarray:
        """Whether runs return, ``(ny, nx)``."""
        return np.asarray(self.rate < 0)

    @property
    def dataset(self) -> "xarray.Dataset":
        """The variable ``rate`` with the two parameters as its dimensions.

        >>> import numpy as np
        >>> StabilityChart("rho", "lr", np.arange(2.0), np.arange(3.0), np.zeros((3, 2))).dataset.rate.dims
        ('lr', 'rho')
        """
        import xarray as xr

        axes = {self.y_name: self.y, self.x_name: self.x}
        return xr.Dataset({"rate": (tuple(axes), self.rate)}, coords=axes)

    @checked
    def differences(self, other: "StabilityChart") -> tuple[int, int]:
        """Return in how many settings another chart of the same grid differs, and how many of them are off its line.

        Off the line are settings whose neighbours in the other chart, up to eight, all lie on their side there. The
        place of the line within a grid cell cannot explain these.

        Raises:
            InputError: the other chart has another grid.

        >>> import numpy as np
        >>> x = np.arange(4.0)
        >>> rate = np.array([[-1.0, -1, 1, 1]] * 3)
        >>> one, other = (StabilityChart("rho", "lr", x, x[:3], rate * s) for s in (1, [1, 1, -1, -1]))
        >>> one.differences(other), other.differences(one)
        ((6, 6), (6, 3))
        """
        if self.rate.shape != other.rate.shape:
            checks.reject("other", other.rate.shape, f"this chart has the grid {self.rate.shape}", "Use one grid")
        neighbours = np.lib.stride_tricks.sliding_window_view(np.pad(other.returns, 1, mode="edge"), (3, 3))
        off_the_line = neighbours.all((2, 3)) | (~neighbours).all((2, 3))
        differ = self.returns != other.returns
        return int(differ.sum()), int((differ & off_the_line).sum())


@checked
def stability_chart(
    map_: Map, point: CriticalPoint, x: tuple[str, np.ndarray], y: tuple[str, np.ndarray], *, steps: int = 1000
) -> StabilityChart:
    """Measure for every pair of two parameters whether runs near a critical point leave it or return.

    Two parameters of the map give the rates of ``growth_rates``, which needs a method with a Jacobian at the point. The
    rate of other methods, like normalised SAM, depends on the distance of the start. One parameter is then "distance",
    and the rate is ln(last distance / first distance) / t of a run that starts at rest, at this distance along the
    lowest eigenvector. The first distance counts as at least two steps of the map, by which runs overshoot anyway. A
    run ends when its distance has grown fourfold. A parameter of the landscape may vary where the point stays critical
    at all its values.

    Args:
        map_: the iterates; the chart does not use their own values of the two parameters.
        point: a critical point of their landscape.
        x, y: the name and the values of a parameter: "rho", "lr", "momentum", "distance" (in the units of w) or one of
            the landscape, and an ascending one-dimensional array.
        steps: the number of steps of each run.

    Raises:
        InputError: the map does not have a parameter, both names are the same, values are out of range, or the critical
            point moves with a parameter of the landscape.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.USAM(rho=0.1), lr=0.1)
    >>> (point,) = sd.critical_points(map_.landscape)
    >>> sd.analysis.stability_chart(map_, point, ("rho", [0.1, 1.0]), ("lr", [0.01, 0.1]), steps=100).rate.round(3)
    array([[ 1.587, -2.02 ],
           [ 1.484, -2.231]])
    """
    names = x[0], y[0]
    own = map_.landscape.parameters
    for name in names:
        if name not in (*PARAMETERS, *own):
            possible = ", ".join([*PARAMETERS, *own])
            checks.reject("parameter", name, "no chart is drawn over it", f"Use one of {possible}")
    if names[0] == names[1]:
        checks.reject("parameter", names[0], "both axes are the same", "Choose two different parameters")
    steps = checks.count("steps", steps, "Use e.g. steps=1000")
    axes = [_values(*axis) for axis in (x, y)]
    grid = dict(zip(names, torch.meshgrid(*map(torch.as_tensor, axes), indexing="xy"), strict=True))
    distance = grid.pop("distance", None)
    settings = with_parameters(map_, {name: values.flatten() for name, values in grid.items()})
    _check_it_stays(settings.landscape, point, [name for name in names if name in own])
    if distance is None:
        rates = growth_rates(settings, point, steps=steps)
    else:
        rates = _rates_from(settings, point, distance.flatten(), steps)
    return StabilityChart(names[0], names[1], axes[0], axes[1], rates.reshape(len(axes[1]), len(axes[0])).numpy())


def _check_it_stays(landscape: Landscape, point: CriticalPoint, names: list[str]) -> None:
    """Refuse a point that is not critical at all values of the landscape's parameters of these names."""
    if not names:
        return
    w = torch.as_tensor(point.w)[:, None]
    gradient = landscape.grad(w).norm(dim=0)
    size = landscape.hessian(w).norm(dim=(0, 1)) * w.norm().clamp(min=1)
    if (gradient > CRITICAL * size).any():
        rule = f"the gradient there is up to {gradient.max().item():.3g}: the critical point moves with it"
        checks.reject("parameter", " and ".join(names), rule, "Use branch, which follows the point")


def _rates_from(map_: Map, point: CriticalPoint, distance: torch.Tensor, steps: int) -> torch.Tensor:
    """Return ln(last/first)/t, in 1/t, for runs from distances ``(n,)`` along the lowest eigenvector: ``(n,)``."""
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
            here = torch.where(runs.running, here, torch.inf)  # a stopped run left the floating-point range
            last = torch.where(before, here, last)
            time = time + before.to(time) * map_.lr
            runs.stop(here >= 4 * first)
    return (last / first).clamp(min=torch.finfo(last.dtype).tiny).log() / time


def _values(name: str, values: Any) -> np.ndarray:
    """Return the values of a parameter as an array.

    Raises:
        InputError: the values are not two or more finite ascending numbers, or a distance is not positive.
    """
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or len(array) < 2 or not np.isfinite(array).all() or (np.diff(array) <= 0).any():
        checks.reject(
            name, values, "must be two or more finite numbers, ascending", "Use e.g. np.linspace(0.01, 1, 50)"
        )
    if name == "distance" and array[0] <= 0:
        checks.reject(name, values, "distances are > 0", "Use e.g. np.linspace(0.01, 1, 50)")
    return array

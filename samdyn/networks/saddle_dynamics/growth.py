"""The rate at which a method leaves a saddle along one eigenvector."""

import numpy as np
import torch

from ... import checks
from ...analysis import CriticalPoint
from ...arguments import checked
from ...dynamics import Map
from ...dynamics.settings import per_run
from ..training import train


@checked
def rates_along(
    map_: Map, point: CriticalPoint, number: int, *, distance: float = 1e-6, steps: int = 20, device: str = "auto"
) -> np.ndarray:
    """Measure the rate, per unit of t = kη, at which the distance from a critical point grows along one eigenvector.

    ``analysis.growth_rates`` measures the fastest of all directions, with runs along each, which are many for a
    network. Here the runs start along one eigenvector, and a line is fitted to the logarithm of their distance along it
    over the time. Few steps keep other directions, into which rounding leads, small.

    Args:
        map_: the iterates. Its radius may be a tensor ``(n,)``; its lr and momentum are numbers.
        point: a critical point of its landscape.
        number: the index of the eigenvector, 0 for that of the lowest eigenvalue.
        distance: the distance of the starts, in the units of w.
        steps: the number of steps.
        device: the device of the computation.

    Returns:
        The rates, in 1/t, ``(n,)``, or ``(1,)`` if the radius is a number.

    Raises:
        InputError: no eigenvector of this index, a distance that is not positive, or a map with noise.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.USAM(torch.tensor([0.0, 0.5])), lr=0.1)
    >>> (point,) = sd.critical_points(map_.landscape)
    >>> rates_along(map_, point, 0).round(6) + 0.0  # at ρ = 1/|λ| distances stay as they are
    array([1.823216, 0.      ])
    """
    if not 0 <= number < len(point.w):
        checks.reject("number", number, f"the point has the eigenvectors 0 to {len(point.w) - 1}", "Use e.g. number=0")
    checks.positive("distance", distance, "Use e.g. distance=1e-6")
    map_.refuse_noise()
    runs = max((len(values) for values in per_run(map_).values()), default=1)
    center, v = torch.as_tensor(point.w), torch.as_tensor(point.eigenvectors[:, number])
    starts = (center + distance * v).expand(runs, -1)
    saves = train(map_, starts, steps, save_every=1, dtype=torch.float64, device=device)
    along = np.array([(v @ (w.cpu() - center[:, None])).numpy() for _, w in saves])
    slopes: np.ndarray = np.polyfit(map_.lr * np.arange(steps + 1), np.log(abs(along)), 1)[0]
    return slopes

"""When runs have left a saddle downhill."""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ... import checks
from ...analysis import CriticalPoint, starts_around
from ...arguments import checked
from ...dynamics import Map
from ..measures.first_at_loss import first_at_loss
from ..training import train

if TYPE_CHECKING:
    import xarray


@checked
def escape_times(
    map_: Map, starts: Any, loss: float, steps: int, *, save_every: int = 2, device: str = "auto"
) -> tuple[np.ndarray, np.ndarray]:
    """Measure when the loss of each run first falls below a bound, in t = kη.

    ``analysis.escape`` waits for a run to leave a box, which a network with hundreds of parameters need not do. The
    observation stops when all runs escaped.

    Args:
        map_: the iterates; its lr is a number.
        starts: the starts, ``(n, d)``.
        loss: the bound, in the units of the loss.
        steps: the number of steps of the observation.
        save_every: the number of steps from one look at the loss to the next.
        device: the device of the computation.

    Returns:
        The time of each run's escape, or of the end of its observation, and whether it escaped: ``(n,)`` each, as
        ``statistics.survival`` takes them.

    Raises:
        InputError: a bound that is not finite, or arguments that ``train`` refuses.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.GD(), lr=0.1)
    >>> t, escaped = escape_times(map_, [(0.1, 0.1), (0.1, 0.0)], loss=-0.5, steps=20)
    >>> t.round(3).tolist(), escaped.tolist()
    ([1.2, 2.0], [True, False])
    """
    checks.number("loss", loss, "must be a finite number", "Use e.g. 0.99 times the loss at the saddle")
    saves = train(map_, starts, steps, save_every=save_every, dtype=torch.float64, device=device)
    _, step = first_at_loss(map_.landscape, saves, float(np.nextafter(loss, -np.inf)))  # below, and not at the bound
    escaped = np.isfinite(step)
    return np.where(escaped, step, steps) * map_.lr, escaped


@checked
def relative_times(
    map_: Map,
    point: CriticalPoint,
    runs: int,
    distance: float,
    steps: int,
    *,
    tolerance: float = 0.01,
    seed: int = 0,
    device: str = "auto",
) -> "xarray.Dataset":
    """Measure when runs that start around a saddle have lost a share of its loss, in units of 1/|λ_min|.

    Args:
        map_: the iterates; its lr is a number.
        point: a saddle of its landscape, with a loss > 0.
        runs: the number of runs.
        distance: the distance of their random starts from the saddle, in the units of w.
        steps: the number of steps of the observation.
        tolerance: the share of the loss, in (0, 1).
        seed: the seed of the starts.
        device: the device of the computation.

    Returns:
        Over "run": "t", the time of its escape or of the end of its observation, and "escaped", whether it escaped.

    Raises:
        InputError: a tolerance or a loss out of its range, or arguments that ``escape_times`` refuses.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.Landscape("1 + x**2 - y**2", "x y"), sd.GD(), lr=0.1)  # λ_min = −2
    >>> (point,) = sd.critical_points(map_.landscape)
    >>> times = relative_times(map_, point, 3, distance=0.1, steps=40, tolerance=0.1)
    >>> times.escaped.values.tolist(), bool((times.t < 40 * 0.1 * 2).all())
    ([True, True, True], True)
    """
    import xarray

    tolerance = checks.number("tolerance", tolerance, "must lie in (0, 1)", "Use e.g. 0.01", lambda x: 0 < x < 1)
    loss = checks.positive("loss", point.loss, "Add a constant to the landscape")
    starts = starts_around(point, runs, "sphere", distance, seed)
    t, escaped = escape_times(map_, starts, (1 - tolerance) * loss, steps, device=device)
    return xarray.Dataset({"t": ("run", -t * point.eigenvalues[0]), "escaped": ("run", escaped)})

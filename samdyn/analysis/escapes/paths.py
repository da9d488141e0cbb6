"""Example runs of several maps past a saddle, equally long, that show how each of them ends."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ... import checks
from ...arguments import checked
from ...dynamics import Map
from ...landscapes import Box
from ...simulation import Status, simulate
from ..points.critical_points import CriticalPoint

if TYPE_CHECKING:
    import xarray

FAR = 0.43  # distance of the start from the saddle, in units of the box's first side
OFF = 1 / 20  # tangent of the start's angle to the highest eigenvector
LONGER = 1.1  # length of the runs in units of the latest exit


@checked
def paths_past_saddle(maps: Sequence[Map], point: CriticalPoint, box: Box, most: int) -> "list[xarray.Dataset]":
    """Run several maps from one start that leads past a saddle, and save every step.

    The start lies out along the highest eigenvector and a little off it. All runs have the same number of steps: ten
    times as many as the fastest direction needs, and enough for the last of those that leave the box. A run that is
    shorter than another one's way out could look like capture.

    Args:
        maps: the maps, all with one learning rate.
        point: the saddle.
        box: a box around it, one (low, high) pair per coordinate.
        most: the largest number of steps, also if runs leave later.

    Returns:
        The result of ``simulate`` for each map, with the ``status`` and ``end`` of a run of ``most`` steps.

    Raises:
        InputError: the maps have several learning rates, or ``simulate`` refuses an argument.

    >>> import samdyn as sd
    >>> maps = [sd.Map(sd.landscapes.saddle(), method, lr=0.1) for method in (sd.GD(), sd.USAM(rho=1.0))]
    >>> (point,) = sd.critical_points(maps[0].landscape)
    >>> paths = sd.analysis.paths_past_saddle(maps, point, ((-1, 1), (-1, 1)), most=1000)
    >>> [path.sizes["step"] - 1 for path in paths], [str(path.status.item()) for path in paths]
    ([50, 50], ['left the box', 'settled'])
    """
    rates = {map_.lr for map_ in maps}
    if len(rates) != 1:
        rule = "the paths are equally long in steps and in time"
        checks.reject("lr", sorted(rates), rule, "Give one or more maps of one learning rate")
    # The sign of an eigenvector is arbitrary. This one puts the start to the left and the escape in front.
    stable, escaping = (-v * np.sign(v[abs(v).argmax()]) for v in (point.eigenvectors[:, -1], point.eigenvectors[:, 0]))
    start = point.w + FAR * (box[0][1] - box[0][0]) * (stable + OFF * escaping)
    shortest = max(1, round(10 / float(abs(point.eigenvalues).max()) / rates.pop()))
    # The first simulation saves nothing, which is fast, and returns how the runs end.
    ends = [simulate(map_, start, most, box=box, progress=False) for map_ in maps]
    exits = [int(end.end[0]) for end in ends if end.status[0] in (Status.LEFT, Status.DIVERGED)]
    steps = min(max([shortest, *(round(LONGER * step) for step in exits)]), most)
    paths = [simulate(map_, start, steps, save_every=1, box=box, progress=False) for map_ in maps]
    return [path.assign(status=end.status, end=end.end) for path, end in zip(paths, ends, strict=True)]

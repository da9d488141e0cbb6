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
LENGTHS = 7  # half the width of the box of examples, in units of 1/|λ| at the saddle
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


@checked
def example_paths(
    maps: Sequence[Map], point: CriticalPoint, most: int, rho: float
) -> "tuple[list[Map], list[xarray.Dataset], Box]":
    """Run one map of each method past a saddle, in a box that reaches seven lengths 1/|λ| in every direction.

    The box ends where that of the landscape does, unless this is within one length of the saddle.

    Args:
        maps: the maps. Those with the learning rate and the momentum of the first one are considered.
        point: the saddle.
        most: the largest number of steps; see ``paths_past_saddle``.
        rho: of each method, the map is chosen whose radius is nearest to this.

    Returns:
        The chosen maps, the result of ``paths_past_saddle`` for each, and the box.

    Raises:
        InputError: no map.

    >>> import samdyn as sd
    >>> methods = (sd.GD(), sd.SAM(rho=0.1), sd.SAM(rho=0.5))
    >>> maps = [sd.Map(sd.landscapes.saddle(), method, lr=0.1) for method in methods]
    >>> (point,) = sd.critical_points(maps[0].landscape)
    >>> chosen, paths, box = sd.analysis.example_paths(maps, point, 100, rho=0.6)
    >>> [map_.radius for map_ in chosen], len(paths), box
    ([0.0, 0.5], 2, ((-3.5, 3.5), (-3.5, 3.5)))
    """
    if not maps:
        checks.reject("maps", 0, "there is nothing to run", "Give one or more maps")
    of_methods: dict[type, list[Map]] = {}
    for map_ in maps:
        if (map_.lr, map_.momentum) == (maps[0].lr, maps[0].momentum):
            of_methods.setdefault(type(map_.method), []).append(map_)
    chosen = [min(members, key=lambda map_: abs(map_.radius - rho)) for members in of_methods.values()]
    length = 1 / float(abs(point.eigenvalues[0]))
    wall = min(float(min(w - low, high - w)) for w, (low, high) in zip(point.w, maps[0].landscape.box, strict=True))
    half = min(LENGTHS * length, wall) if wall > length else LENGTHS * length
    box = tuple((float(w) - half, float(w) + half) for w in point.w)
    return chosen, paths_past_saddle(chosen, point, box, most), box

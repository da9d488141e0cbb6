"""Example runs of several maps, equally long, that show how each of them ends."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...arguments import checked
from ...dynamics import Map
from ...landscapes import Box
from ...simulation import Status, simulate

if TYPE_CHECKING:
    import xarray

LONGER = 1.1  # length of the runs in units of the latest exit


@checked
def paths_until_exit(
    maps: Sequence[Map], start: np.ndarray, box: Box, *, shortest: int, most: int
) -> "list[xarray.Dataset]":
    """Run several maps from one start until the last of those that leave a box has left it, and save every step.

    All runs have the same number of steps. A run that is shorter than another one's way out could look like capture.

    Args:
        maps: the maps.
        start: the start ``(d,)``.
        box: the box, one (low, high) pair per coordinate.
        shortest: the smallest number of steps.
        most: the largest number of steps, also if runs leave later.

    Returns:
        The result of ``simulate`` for each map, with the ``status`` and ``end`` of a run of ``most`` steps.

    >>> import samdyn as sd
    >>> maps = [sd.Map(sd.landscapes.saddle(), method, lr=0.1) for method in (sd.GD(), sd.USAM(rho=1.0))]
    >>> paths = sd.analysis.paths_until_exit(maps, (0.5, 0.1), ((-1, 1), (-1, 1)), shortest=5, most=1000)
    >>> [path.sizes["step"] - 1 for path in paths], [str(path.status.item()) for path in paths]
    ([14, 14], ['left the box', 'undecided'])
    """
    # The first simulation saves nothing, which is fast, and returns how the runs end.
    ends = [simulate(map_, start, most, box=box, progress=False) for map_ in maps]
    exits = [int(end.end[0]) for end in ends if end.status[0] in (Status.LEFT, Status.DIVERGED)]
    steps = min(max([shortest, *(round(LONGER * step) for step in exits)]), most)
    paths = [simulate(map_, start, steps, save_every=1, box=box, progress=False) for map_ in maps]
    return [path.assign(status=end.status, end=end.end) for path, end in zip(paths, ends, strict=True)]

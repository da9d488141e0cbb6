"""Measurements of many maps that Ctrl-C may end early."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import TypeVar

from ..dynamics import Map
from ..simulation.progress import progress_bar
from .report import Report

T = TypeVar("T")

TOGETHER = 10  # the number of maps that are measured at once


def in_ensembles(
    maps: Sequence[Map], measure: Callable[[list[Map]], Iterable[T]], report: Report, description: str
) -> list[T]:
    """Measure many maps in small groups of one method, and display the progress.

    Ctrl-C loses one group, and the experiment goes on with what is finished; see ``Report.stoppable``.

    Args:
        maps: the maps.
        measure: a function of some maps that returns a result for each.
        report: the experiment's report.
        description: what is measured, for the progress.

    Returns:
        The results of the first maps, of all but after Ctrl-C.

    >>> import samdyn as sd
    >>> from samdyn import lab
    >>> from samdyn.output import OutputFolder
    >>> maps = [sd.Map(sd.landscapes.saddle(), sd.USAM(rho), lr=0.1) for rho in (0.1, 0.2)]
    >>> with OutputFolder("results", "radii", {}) as folder:
    ...     lab.in_ensembles(maps, lambda group: [map_.radius for map_ in group], lab.Report(folder), "radii")
    [0.1, 0.2]
    """
    groups = [list(members) for _, members in groupby(maps, key=lambda map_: type(map_.method))]
    finished: list[T] = []
    with report.stoppable(finished, len(maps)), progress_bar(description, len(maps)) as show:
        for group in groups:
            for first in range(0, len(group), TOGETHER):
                finished += measure(group[first : first + TOGETHER])
                show(len(finished))
    return finished

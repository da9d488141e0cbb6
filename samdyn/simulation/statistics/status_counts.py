"""The number of runs that ended with each status."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..results import meaning
from ..status import Status
from .statistic import Accumulator, Setting, Statistic, Variable


@dataclass(frozen=True)
class StatusCounts(Statistic):
    """The number of runs that ended "settled", "diverged", "left the box" and "undecided": status_count (status).

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.Landscape("(x**2 - y**2)/2", "x y"), sd.GD(), lr=0.5)
    >>> box = [(-4, 4), (-4, 4)]
    >>> runs = sd.simulate(map_, [(1, 0), (0, 1)], 4, box=box, statistics=[sd.StatusCounts()])
    >>> dict(zip(runs.status.values.tolist(), runs.status_count.values.tolist()))
    {'settled': 0, 'diverged': 0, 'left the box': 1, 'undecided': 1}
    """

    name = "status"

    def accumulator(self, setting: Setting) -> Accumulator:
        """Return an accumulator of endings."""
        return StatusAccumulator()


class StatusAccumulator(Accumulator):
    """Counts of runs by status."""

    def __init__(self) -> None:
        self.number = dict.fromkeys(map(str, Status), 0)

    def finish(self, status: np.ndarray, steps: np.ndarray) -> None:
        """Count the statuses of the runs."""
        for name in self.number:
            self.number[name] += int((status == name).sum())

    def variables(self) -> dict[str, Variable]:
        """Return the counts."""
        return {
            "status_count": (("status",), np.array(list(self.number.values())), meaning("runs that ended so", "runs"))
        }

    def coords(self) -> dict[str, Any]:
        """Return the statuses."""
        return {"status": ("status", list(self.number), meaning("what became of the run", "1"))}

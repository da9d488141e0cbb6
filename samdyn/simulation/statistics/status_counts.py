"""How many runs ended how."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..results import meaning
from ..status import Status
from .statistic import Accumulator, Setting, Statistic, Variable


@dataclass(frozen=True)
class StatusCounts(Statistic):
    """How many runs ended "settled", "diverged", "left the box", "undecided": status_count (status), all four."""

    name = "status"

    def accumulator(self, setting: Setting) -> Accumulator:
        """Return an accumulator of endings."""
        return StatusAccumulator()


class StatusAccumulator(Accumulator):
    """Counts of runs by status."""

    def __init__(self) -> None:
        self.number = dict.fromkeys(map(str, Status), 0)

    def finish(self, status: np.ndarray, steps: np.ndarray) -> None:
        """Count how the runs ended."""
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

"""When runs leave the box or diverge."""

from dataclasses import dataclass

import numpy as np

from ..results import TIME, meaning
from ..status import Status
from .statistic import Accumulator, Setting, Snapshot, Statistic, Variable


@dataclass(frozen=True)
class ExitTimes(Statistic):
    """How many runs have left, and when: exited (step), exposure and exit_time (), in t = kη.

    ``exited`` counts the runs that had left the box or diverged by then. ``exposure`` is the time that all runs
    together spent inside: if exit is memoryless its likeliest rate is exited[-1]/exposure. ``exit_time`` is the mean
    exit time of those that left, nan if none did.
    """

    name = "exit_times"

    def accumulator(self, setting: Setting) -> Accumulator:
        """Return an accumulator of exits."""
        return ExitAccumulator(setting)


class ExitAccumulator(Accumulator):
    """Counts of runs and of steps: integers, so that sums are exact in any order."""

    def __init__(self, setting: Setting) -> None:
        self.dt = setting.dt
        self.exited = np.zeros(setting.saves, dtype=np.int64)
        self.left, self.steps_of_left, self.steps_of_all = 0, 0, 0

    def observe(self, snapshot: Snapshot) -> None:
        """Count the runs that are out."""
        self.exited[snapshot.slot] += int((snapshot.diverged | snapshot.outside).sum())

    def finish(self, status: np.ndarray, steps: np.ndarray) -> None:
        """Add the steps that the runs took."""
        left = np.isin(status, (Status.DIVERGED, Status.LEFT))
        self.left += int(left.sum())
        self.steps_of_left += int(steps[left].sum())
        self.steps_of_all += int(steps.sum())

    def variables(self) -> dict[str, Variable]:
        """Return counts and times."""
        mean = self.dt * self.steps_of_left / self.left if self.left else np.nan
        exposure = np.array(self.dt * self.steps_of_all)
        return {
            "exited": (("step",), self.exited, meaning("runs that have left the box or diverged", "runs")),
            "exposure": ((), exposure, meaning("time that all runs together spent in the box", TIME)),
            "exit_time": (
                (),
                np.array(mean),
                meaning("mean time to leave the box, of the runs that did", TIME),
            ),
        }

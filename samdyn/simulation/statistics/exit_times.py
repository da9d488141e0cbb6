"""The times at which runs leave the box or diverge."""

from dataclasses import dataclass

import numpy as np

from ... import checks
from ...schedules import Schedule
from ..results import TIME, meaning
from ..status import Status
from .statistic import Accumulator, Setting, Snapshot, Statistic, Variable


@dataclass(frozen=True)
class ExitTimes(Statistic):
    """The number of exits, and the times: exited (step), exposure () and exit_time (), in the units of t = kη.

    ``exited`` counts the runs that have left the box or diverged. ``exposure`` is the total time that the runs spent
    inside: if exits are memoryless, the maximum-likelihood rate is exited[-1]/exposure. ``exit_time`` is the mean exit
    time of the runs that left, nan if none did.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.Landscape("(x**2 - y**2)/2", "x y"), sd.GD(), lr=0.5)
    >>> box = [(-4, 4), (-4, 4)]
    >>> runs = sd.simulate(map_, [(1, 0), (0, 1)], 4, save_every=2, box=box, statistics=[sd.ExitTimes()])
    >>> runs.exited.values.tolist(), runs.exit_time.item(), runs.exposure.item()
    ([0, 0, 1], 2.0, 4.0)
    """

    name = "exit_times"

    def accumulator(self, setting: Setting) -> Accumulator:
        """Return an accumulator of exits.

        Raises:
            InputError: the learning rate is a schedule.
        """
        if isinstance(setting.dt, Schedule):
            rule = "exit times are counted in steps of one length"
            checks.reject("lr", setting.dt, rule, "Use one learning rate, or analysis.exit_times")
        return ExitAccumulator(setting)


class ExitAccumulator(Accumulator):
    """Counts of runs and of steps. They are integers, so that their sums are exact in any order."""

    def __init__(self, setting: Setting) -> None:
        self.dt = setting.dt
        self.exited = np.zeros(setting.saves, dtype=np.int64)
        self.exits, self.steps_to_exit, self.all_steps = 0, 0, 0

    def observe(self, snapshot: Snapshot) -> None:
        """Count the runs that have left the box or diverged."""
        self.exited[snapshot.slot] += int((snapshot.diverged | snapshot.outside).sum())

    def finish(self, status: np.ndarray, steps: np.ndarray) -> None:
        """Add the steps that the runs took."""
        exits = np.isin(status, (Status.DIVERGED, Status.LEFT))
        self.exits += int(exits.sum())
        self.steps_to_exit += int(steps[exits].sum())
        self.all_steps += int(steps.sum())

    def variables(self) -> dict[str, Variable]:
        """Return counts and times."""
        mean = self.dt * self.steps_to_exit / self.exits if self.exits else np.nan
        exposure = np.array(self.dt * self.all_steps)
        return {
            "exited": (("step",), self.exited, meaning("runs that have left the box or diverged", "runs")),
            "exposure": ((), exposure, meaning("time that all runs together spent in the box", TIME)),
            "exit_time": (
                (),
                np.array(mean),
                meaning("mean time to leave the box, of the runs that did", TIME),
            ),
        }

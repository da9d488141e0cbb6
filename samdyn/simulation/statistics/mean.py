"""The mean of w."""

from dataclasses import dataclass

from ..results import OF_W, meaning
from .moments import Moments
from .statistic import Accumulator, Setting, Snapshot, Statistic, Variable


@dataclass(frozen=True)
class Mean(Statistic):
    """E w along each coordinate, and its standard error: mean, mean_error (step, coord).

    The mean of no run, and the error of one, is nan.
    """

    name = "mean"

    def accumulator(self, setting: Setting) -> Accumulator:
        """Return an accumulator of means."""
        return MeanAccumulator(setting)


class MeanAccumulator(Accumulator):
    """Moments of w at every save."""

    def __init__(self, setting: Setting) -> None:
        self.moments = Moments(setting, setting.landscape.dim)

    def observe(self, snapshot: Snapshot) -> None:
        """Add where the runs are."""
        self.moments.add(snapshot.slot, snapshot.w, snapshot.counts)

    def variables(self) -> dict[str, Variable]:
        """Return the mean and its standard error."""
        dims = ("step", "coord")
        return {
            "mean": (dims, self.moments.mean(), meaning("mean of w", OF_W)),
            "mean_error": (dims, self.moments.error(), meaning("standard error of the mean of w", OF_W)),
        }

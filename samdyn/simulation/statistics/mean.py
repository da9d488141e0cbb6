"""The mean of w."""

from dataclasses import dataclass

from ..results import OF_W, meaning
from .moments import Moments
from .statistic import Accumulator, Setting, Snapshot, Statistic, Variable


@dataclass(frozen=True)
class Mean(Statistic):
    """E w along each coordinate, and its standard error: mean, mean_error (step, coord), in units of w.

    The mean of no run and the error of one run are nan.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.Landscape("(x**2 - y**2)/2", "x y"), sd.GD(), lr=0.5)
    >>> runs = sd.simulate(map_, [(1, 0), (3, 0)], 1, statistics=[sd.Mean()])
    >>> runs["mean"].values.tolist(), runs.mean_error.values.tolist()
    ([[1.0, 0.0]], [[0.5, 0.0]])
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
        """Add the positions of the runs."""
        self.moments.add(snapshot.slot, snapshot.w, snapshot.counts)

    def variables(self) -> dict[str, Variable]:
        """Return the mean and its standard error."""
        dims = ("step", "coord")
        return {
            "mean": (dims, self.moments.mean(), meaning("mean of w", OF_W)),
            "mean_error": (dims, self.moments.error(), meaning("standard error of the mean of w", OF_W)),
        }

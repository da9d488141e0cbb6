"""The mean loss."""

from dataclasses import dataclass

from ..results import OF_LOSS, meaning
from .moments import Moments
from .statistic import FAR, Accumulator, Setting, Snapshot, Statistic, Variable


@dataclass(frozen=True)
class MeanLoss(Statistic):
    """E L(w), and its standard error: loss, loss_error (step), in units of L.

    The mean of no run and the error of one run are nan. A run whose |loss| exceeds FAR² or is not a number is about to
    diverge; it does not count.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.Landscape("(x**2 - y**2)/2", "x y"), sd.GD(), lr=0.5)
    >>> sd.simulate(map_, [(2, 0), (4, 0)], 1, statistics="loss").loss.values.tolist()
    [1.25]
    """

    name = "loss"

    def accumulator(self, setting: Setting) -> Accumulator:
        """Return an accumulator of losses."""
        return LossAccumulator(setting)


class LossAccumulator(Accumulator):
    """Moments of the loss at every save."""

    def __init__(self, setting: Setting) -> None:
        self.moments = Moments(setting, 1)

    def observe(self, snapshot: Snapshot) -> None:
        """Add the losses of the runs."""
        loss = snapshot.loss
        self.moments.add(snapshot.slot, loss[None], snapshot.counts & (loss.abs() <= FAR**2))

    def variables(self) -> dict[str, Variable]:
        """Return the mean loss and its standard error."""
        mean, error = self.moments.mean()[:, 0], self.moments.error()[:, 0]
        return {
            "loss": ("step", mean, meaning("mean loss over the runs", OF_LOSS)),
            "loss_error": ("step", error, meaning("standard error of the mean loss", OF_LOSS)),
        }

"""The covariance of w."""

from dataclasses import dataclass

from ..results import OF_W, meaning
from .moments import Moments
from .statistic import Accumulator, Setting, Snapshot, Statistic, Variable


@dataclass(frozen=True)
class Covariance(Statistic):
    """The unbiased covariance of w, over n − 1: covariance (step, coord, coord_2). Of one run it is nan."""

    name = "covariance"

    def accumulator(self, setting: Setting) -> Accumulator:
        """Return an accumulator of second moments."""
        return CovarianceAccumulator(setting)


class CovarianceAccumulator(Accumulator):
    """Moments of pairs of coordinates at every save."""

    def __init__(self, setting: Setting) -> None:
        self.moments = Moments(setting, setting.landscape.dim, full=True)

    def observe(self, snapshot: Snapshot) -> None:
        """Add where the runs are."""
        self.moments.add(snapshot.slot, snapshot.w, snapshot.counts)

    def variables(self) -> dict[str, Variable]:
        """Return the covariance."""
        about = meaning("covariance of w", f"{OF_W}, squared")
        return {"covariance": (("step", "coord", "coord_2"), self.moments.covariance(), about)}

"""The covariance of w."""

from dataclasses import dataclass

from ..results import OF_W, meaning
from .moments import Moments
from .statistic import Accumulator, Setting, Snapshot, Statistic, Variable


@dataclass(frozen=True)
class Covariance(Statistic):
    """The unbiased covariance of w, with the divisor n − 1: covariance (step, coord, coord_2), in units of w, squared.

    The covariance of one run is nan.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.Landscape("(x**2 - y**2)/2", "x y"), sd.GD(), lr=0.5)
    >>> runs = sd.simulate(map_, [(1, 0), (3, 0), (1, 2), (3, 2)], 1, statistics=[sd.Covariance()])
    >>> runs.covariance.sel(step=1).values.round(4).tolist()
    [[0.3333, 0.0], [0.0, 3.0]]
    """

    name = "covariance"

    def accumulator(self, setting: Setting) -> Accumulator:
        """Return an accumulator of second moments."""
        return CovarianceAccumulator(setting)


class CovarianceAccumulator(Accumulator):
    """Moments of pairs of coordinates at every save."""

    def __init__(self, setting: Setting) -> None:
        self.moments = Moments(setting, setting.landscape.dim, full=True)

    def observe(self, snapshot: Snapshot) -> None:
        """Add the positions of the runs."""
        self.moments.add(snapshot.slot, snapshot.w, snapshot.counts)

    def variables(self) -> dict[str, Variable]:
        """Return the covariance."""
        about = meaning("covariance of w", f"{OF_W}, squared")
        return {"covariance": (("step", "coord", "coord_2"), self.moments.covariance(), about)}

"""The mean squared displacement."""

from dataclasses import dataclass

from ..results import OF_W, meaning
from .moments import Moments
from .statistic import Accumulator, Setting, Snapshot, Statistic, Variable


@dataclass(frozen=True)
class MSD(Statistic):
    """E (w(t) − w(0))² along each coordinate, and its standard error: msd, msd_error (step, coord).

    The mean of no run, and the error of one, is nan.
    """

    name = "msd"

    def accumulator(self, setting: Setting) -> Accumulator:
        """Return an accumulator of squared displacements."""
        return MSDAccumulator(setting)


class MSDAccumulator(Accumulator):
    """Moments of squared displacements at every save."""

    def __init__(self, setting: Setting) -> None:
        self.moments = Moments(setting, setting.landscape.dim)

    def observe(self, snapshot: Snapshot) -> None:
        """Add how far the runs have gone."""
        self.moments.add(snapshot.slot, (snapshot.w - snapshot.start).square(), snapshot.counts)

    def variables(self) -> dict[str, Variable]:
        """Return the mean squared displacement and its standard error."""
        dims, units, what = ("step", "coord"), f"{OF_W}, squared", "mean squared displacement"
        return {
            "msd": (dims, self.moments.mean(), meaning(what, units)),
            "msd_error": (dims, self.moments.error(), meaning(f"standard error of the {what}", units)),
        }

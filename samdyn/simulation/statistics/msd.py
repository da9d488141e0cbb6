"""The mean squared displacement."""

from dataclasses import dataclass

from ..results import OF_W, meaning
from .moments import Moments
from .statistic import Accumulator, Setting, Snapshot, Statistic, Variable


@dataclass(frozen=True)
class MSD(Statistic):
    """E (w(t) − w(0))² along each coordinate, and its standard error: msd, msd_error (step, coord).

    Both are in units of w, squared. The mean of no run and the error of one run are nan.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.Landscape("(x**2 - y**2)/2", "x y"), sd.GD(), lr=0.5)
    >>> runs = sd.simulate(map_, [(1, 0), (3, 0)], 2, save_every=1, statistics=[sd.MSD()])
    >>> runs.msd.sel(coord="x").values.tolist()
    [0.0, 1.25, 2.8125]
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
        """Add the squared displacements of the runs."""
        self.moments.add(snapshot.slot, (snapshot.w - snapshot.start).square(), snapshot.counts)

    def variables(self) -> dict[str, Variable]:
        """Return the mean squared displacement and its standard error."""
        dims, units, what = ("step", "coord"), f"{OF_W}, squared", "mean squared displacement"
        return {
            "msd": (dims, self.moments.mean(), meaning(what, units)),
            "msd_error": (dims, self.moments.error(), meaning(f"standard error of the {what}", units)),
        }

"""Statistics over the runs of an ensemble. The catalogue finds every file here that defines a Statistic with a name."""

from typing import Any

from ... import catalogues, checks
from ...landscapes import Landscape
from .covariance import Covariance
from .exit_times import ExitTimes
from .histogram import Histogram
from .mean import Mean
from .msd import MSD
from .statistic import Accumulator, Setting, Snapshot, Statistic
from .status_counts import StatusCounts

__all__ = ["MSD", "Accumulator", "Covariance", "ExitTimes", "Histogram", "Mean", "Setting", "Snapshot", "Statistic"]
__all__ += ["StatusCounts", "catalogue", "choose"]

catalogues.import_all(__name__, __path__)


def catalogue() -> dict[str, type[Statistic]]:
    """Return every statistic that has a name, by that name. It includes the user's own classes.

    >>> catalogue()["msd"]
    <class 'samdyn.simulation.statistics.msd.MSD'>
    """
    return dict(sorted((cls.name, cls) for cls in _classes().values() if cls.name))


def __getattr__(name: str) -> type[Statistic]:
    return catalogues.attribute(__name__, name, _classes())


def _classes() -> dict[str, type[Statistic]]:
    return catalogues.concrete(Statistic)  # type: ignore[type-abstract]


def choose(statistics: Any, landscape: Landscape) -> tuple[Statistic, ...]:
    """Return the statistics that an argument of ``simulate`` names.

    Args:
        statistics: a list of statistics or their names, in upper or lower case; or one of them without a list.
        landscape: the landscape of the runs.

    Raises:
        InputError: the list is empty, a name is unknown, a statistic cannot be made from its name alone, an entry is a
            class in place of a statistic, or an entry comes twice.

    >>> import samdyn as sd
    >>> choose(["mean", sd.MSD()], sd.landscapes.saddle())
    (Mean(), MSD())
    """
    fix = 'Use e.g. statistics=["mean", "covariance"]'
    if isinstance(statistics, str | Statistic):
        statistics = [statistics]
    try:
        entries = list(statistics)
    except TypeError:
        checks.reject("statistics", statistics, "is no list of statistics", fix)
    if not entries:
        checks.reject("statistics", statistics, "names no statistic", fix)
    by_name, result = catalogue(), list[Statistic]()
    for one in entries:
        if isinstance(one, type) and issubclass(one, Statistic):
            checks.reject("statistic", one, "is a class", f"Make one: {one.__name__}(…)")
        if not isinstance(one, Statistic):
            one = by_name[checks.known("statistic", one, by_name)].by_name(landscape)
        if one in result:
            checks.reject("statistics", one.name or one, "is asked for twice", "Ask for it once")
        result.append(one)
    return tuple(result)

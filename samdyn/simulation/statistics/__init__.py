"""Statistics over the runs of an ensemble. A new file with a Statistic that has a name joins the catalogue."""

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
    """Return every statistic that has a name, those defined by the user included, by that name."""
    return dict(sorted((cls.name, cls) for cls in _classes().values() if cls.name))


def __getattr__(name: str) -> type[Statistic]:
    return catalogues.attribute(__name__, name, _classes())


def _classes() -> dict[str, type[Statistic]]:
    return catalogues.concrete(Statistic)  # type: ignore[type-abstract]


def choose(statistics: Any, landscape: Landscape) -> tuple[Statistic, ...]:
    """Return the statistics that were asked for.

    Args:
        statistics: statistics, or names of such in any case; one alone needs no list.
        landscape: where the runs are.

    Raises:
        InputError: none, an unknown name, a name that does not say enough, a class in place of a statistic, the same
            one twice.
    """
    fix = 'Use e.g. statistics=["mean", "covariance"]'
    if isinstance(statistics, str | Statistic):
        statistics = [statistics]
    try:
        wanted = list(statistics)
    except TypeError:
        checks.reject("statistics", statistics, "is no list of statistics", fix)
    if not wanted:
        checks.reject("statistics", statistics, "names no statistic", fix)
    known, chosen = catalogue(), list[Statistic]()
    for one in wanted:
        if isinstance(one, type) and issubclass(one, Statistic):
            checks.reject("statistic", one, "is a class", f"Make one: {one.__name__}(…)")
        if not isinstance(one, Statistic):
            one = known[checks.known("statistic", one, known)].by_name(landscape)
        if one in chosen:
            checks.reject("statistics", one.name or one, "is asked for twice", "Ask for it once")
        chosen.append(one)
    return tuple(chosen)

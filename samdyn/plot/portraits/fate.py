"""How a run ended, and which of its saved states come before that end."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ... import checks
from ...arguments import checked
from ...simulation import Status

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

# The marker at the last finite state of a run that diverged.
DIVERGED: dict[str, Any] = {"marker": "x", "color": "#C00000", "ms": 9, "mew": 2.2, "ls": "none", "zorder": 6}


def alive(runs: "xarray.Dataset", run: int) -> slice:
    """Return the slice of saved states before a run diverged, or up to its first state outside the box.

    From then on ``simulate`` and ``integrate`` repeat its last state, which no picture should show as motion.
    """
    axis, end = runs["step" if "step" in runs.dims else "time"].values, runs.end.values[run]
    match str(runs.status.values[run]):
        case Status.DIVERGED:
            return slice(0, max(1, int((axis < end).sum())))
        case Status.LEFT:
            return slice(0, int((axis < end).sum()) + 1)
        case _:
            return slice(0, len(axis))


def within_view(w: np.ndarray, ax: "Axes") -> np.ndarray:
    """Return the states ``(n, 2)`` to draw: all of them, or those up to the first far outside the axes.

    The function moves that last state nearer to the axes, along the same line. So a run that jumps far away neither
    stretches the picture nor comes back into it.
    """
    if ax.get_autoscale_on():  # the axes will grow with the drawing
        return w
    low, high = np.sort([ax.get_xlim(), ax.get_ylim()]).T
    size = high - low
    far = ~((w >= low - size) & (w <= high + size)).all(1)
    first = int(np.argmax(far)) if far.any() else 0
    if not first:
        return w
    way = w[first] - w[first - 1]
    there = w[first - 1] + way * min(1.0, 3 / float(abs(way / size).max()))
    return np.concatenate([w[:first], there[None]])


def is_inside(w: np.ndarray, ax: "Axes") -> bool:
    """Return whether a point lies inside the axes."""
    low, high = np.sort([ax.get_xlim(), ax.get_ylim()]).T
    return bool(((w >= low) & (w <= high)).all())


def check_run(runs: "xarray.Dataset", run: int, *needed: str) -> None:
    """Refuse results that lack one of the ``needed`` variables, or that have no run of this index.

    Raises:
        InputError: the same.
    """
    checks.holds(runs, *needed)
    check_index("run", run, runs.sizes["run"])


def check_index(name: str, index: int, size: int) -> None:
    """Refuse an index that is not in [−size, size).

    Raises:
        InputError: the same.
    """
    if not -size <= index < size:
        checks.reject(name, index, f"there are {size}, and the first is 0", f"Use e.g. {name}=0")


@checked
def fate(runs: "xarray.Dataset", *, run: int = 0) -> str:
    """Return in a few words how a run ended, for a legend.

    Args:
        runs: the result of ``simulate`` or ``integrate``.
        run: the index of the run.

    Raises:
        InputError: results without a status, or no run of this index.

    >>> import samdyn as sd
    >>> saddle = sd.landscapes.saddle()
    >>> sd.plot.fate(sd.simulate(sd.Map(saddle, sd.GD(), lr=0.1), (1, 0.1), steps=1000, box=saddle.box))
    'leaves at step 20'
    """
    check_run(runs, run, "status", "end")
    when = f"at {'step' if 'step' in runs.dims else 't ='} {runs.end.values[run]:g}"
    match str(runs.status.values[run]):
        case Status.DIVERGED:
            return f"diverges (×) {when}"
        case Status.LEFT:
            return f"leaves {when}"
        case Status.SETTLED:
            return "settles"
        case _:
            return "stays to the end"

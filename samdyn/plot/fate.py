"""What became of a run, so that none is drawn on as if it lived."""

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import checks
from ..arguments import checked
from ..simulation import Status

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

DIVERGED: dict[str, Any] = {"marker": "x", "color": "#C00000", "ms": 9, "mew": 2.2, "ls": "none", "zorder": 6}


def alive(runs: "xarray.Dataset", run: int) -> slice:
    """Return which of the saved states a run was in before it diverged, or up to the first outside its box.

    From there on ``simulate`` and ``integrate`` hold it where it was.
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
    """Return the states ``(n, 2)`` to draw: all, or up to the first far outside the axes, which is brought nearer.

    A run thrown out of the picture must not stretch it, nor come back to it through the frame.
    """
    if ax.get_autoscale_on():  # the axes will be as large as what is drawn
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
    """Whether a point is inside the axes."""
    low, high = np.sort([ax.get_xlim(), ax.get_ylim()]).T
    return bool(((w >= low) & (w <= high)).all())


def check_run(runs: "xarray.Dataset", run: int, *needed: str) -> None:
    """Refuse results that lack what is to be drawn, or that have no run of this index.

    Raises:
        InputError: the same.
    """
    checks.holds(runs, *needed)
    check_index("run", run, runs.sizes["run"])


def check_index(name: str, index: int, size: int) -> None:
    """Refuse an index of something that there are ``size`` of.

    Raises:
        InputError: the same.
    """
    if not -size <= index < size:
        checks.reject(name, index, f"there are {size}, and the first is 0", f"Use e.g. {name}=0")


@checked
def fate(runs: "xarray.Dataset", *, run: int = 0) -> str:
    """Say in a word what became of a run, for a legend.

    Args:
        runs: from ``simulate`` or ``integrate``.
        run: which of them.

    Raises:
        InputError: results without a status, or no such run.
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

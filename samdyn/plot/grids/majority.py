"""Which outcome most runs have, over a grid of two parameters."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import checks
from ...arguments import checked

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

NO_MAJORITY: dict[str, Any] = {"marker": "d", "color": "#999999"}


@checked
def majority(
    outcome: "xarray.DataArray",
    ax: "Axes",
    *,
    x: str,
    y: str,
    marks: Mapping[str, Mapping[str, Any]],
    labels: Mapping[str, str] | None = None,
    **style: Any,
) -> "Axes":
    """Mark the outcome that more than half of the runs have at every point of a grid.

    Args:
        outcome: the outcome of every run by name, with the dimensions ``x``, ``y`` and one of the runs.
        ax: the Axes to draw on.
        x, y: the dimensions of the axes.
        marks: keywords of ``ax.scatter`` for each outcome.
        labels: the label of each outcome. Default: its name.
        style: keywords of ``ax.scatter`` for all marks.

    Raises:
        InputError: the outcomes have other dimensions, or one of them has no mark.

    >>> import xarray as xr
    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> values = [[["held", "held", "left"], ["left", "left", "left"]]]
    >>> outcome = xr.DataArray(values, dims=("B", "rho", "run"), coords={"B": [8], "rho": [0.1, 0.2]})
    >>> figure, ax = plt.subplots()
    >>> marks = {"held": {"marker": "s"}, "left": {"marker": "o"}}
    >>> ax = sd.plot.majority(outcome, ax, x="rho", y="B", marks=marks)
    >>> {dots.get_label(): dots.get_offsets().tolist() for dots in ax.collections}
    {'held': [[0.1, 8.0]], 'left': [[0.2, 8.0]]}
    """
    for dim in (x, y):
        checks.present("dimension", dim, map(str, outcome.dims))
    for name in map(str, np.unique(outcome)):
        checks.present("outcome", name, marks)
    (over,) = {*map(str, outcome.dims)} - {x, y}
    shares = {name: ((outcome == name).mean(over) > 0.5).transpose(x, y).values for name in marks}
    texts = dict(labels or {})
    for name, mark in marks.items():
        at_x, at_y = np.nonzero(shares[name])
        ax.scatter(outcome[x][at_x], outcome[y][at_y], label=texts.get(name, name), **{**style, **mark})
    at_x, at_y = np.nonzero(~np.any([*shares.values()], axis=0))
    if at_x.size:
        ax.scatter(outcome[x][at_x], outcome[y][at_y], label="no majority", **{**style, **NO_MAJORITY})
    return ax

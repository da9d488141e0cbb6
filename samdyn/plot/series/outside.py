"""Lines of values that may lie beyond a range."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import checks
from ...arguments import checked
from .lines import each_line

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

MARGIN, ROW = 0.03, 0.045  # distance of the first triangles from the range, and between two lines', over its length


@checked
def with_outside(
    values: "xarray.DataArray",
    ax: "Axes",
    *,
    x: str,
    hue: str,
    limits: tuple[float, float],
    styles: Sequence[Mapping[str, Any]] | None = None,
) -> "Axes":
    """Draw a line for each value of a dimension, with triangles above and below a range where values are ±inf.

    Such values are solutions that lie beyond every value that was tried. The triangles of different lines stand in rows
    of their own.

    Args:
        values: the quantity over the dimensions ``x`` and ``hue``.
        ax: the Axes to draw on.
        x: the dimension of the horizontal axis.
        hue: the dimension whose values have a line each, with a label in the legend.
        limits: the range of the finite values, which two lines mark.
        styles: keywords of ``ax.plot`` for each value of ``hue``. Default: ``CYCLE``.

    Raises:
        InputError: the values have other dimensions, or the limits are not in order.

    >>> import numpy as np
    >>> import xarray as xr
    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> needed = xr.DataArray([[0.1, 0.4, np.inf]], coords={"form": ["shared"], "rho": [0.1, 0.2, 0.3]})
    >>> figure, ax = plt.subplots()
    >>> sd.plot.with_outside(needed, ax, x="rho", hue="form", limits=(0, 1)).get_legend_handles_labels()[1]
    ['shared']
    """
    if set(values.dims) != {x, hue}:
        checks.reject("values", values.dims, f"must have the dimensions {x} and {hue}", "Select one of each other one")
    low, high = limits
    if not low < high:
        checks.reject("limits", limits, "must be two numbers, the lower first", "Use e.g. limits=(0, 1)")
    at = values[x].values
    for number, (_, line, look) in enumerate(each_line(values, hue, styles)):
        finite = np.isfinite(line.values)
        style = {"ms": 4, **look, "label": str(line[hue].values)}
        (drawn,) = ax.plot(at, np.where(finite, line.values, np.nan), **style)
        far = (MARGIN + ROW * number) * (high - low)
        for end, height, marker in ((np.inf, high + far, "^"), (-np.inf, low - far, "v")):
            there = at[line.values == end]
            ax.plot(there, np.full(len(there), height), ls="none", marker=marker, ms=4, color=drawn.get_color())
    room = (2 * MARGIN + ROW * values.sizes[hue]) * (high - low)
    ax.set(ylim=(low - room, high + room), yticks=np.linspace(low, high, 6))
    for edge in limits:
        ax.axhline(edge, color="0.7", lw=0.8, zorder=0)
    return ax

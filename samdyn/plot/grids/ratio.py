"""Maps of how far one quantity is from another."""

from typing import TYPE_CHECKING

import numpy as np

from ... import checks
from ...arguments import checked
from ..styles.legends import legend_below_figure

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

NEAR, SAME_SIZE, FAR = "#0072B2", "#56B4E9", "#F0E442"  # dark, middle, light, which differ in grey print too


@checked
def ratio_map(ratio: "xarray.DataArray", ax: "Axes", *, x: str, y: str, near: float = 1.1, far: float = 2.0) -> "Axes":
    """Draw where a ratio is near 1, where it is of the right size, and where it is off; hatched where it is too small.

    One legend below the figure serves all maps of the figure.

    Args:
        ratio: the ratio of a formula to what it should be, over two dimensions. It may be 0 or inf; nan stays white.
        ax: the Axes to draw on.
        x, y: the dimensions of the horizontal and the vertical axis.
        near: the factor up to which a ratio is near 1, > 1.
        far: the factor from which it is off, > near.

    Raises:
        InputError: the ratio lacks a dimension, or the factors are not in order.

    >>> import xarray as xr
    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> ratio = xr.DataArray([[1.0, 1.5], [0.1, 9.0]], coords={"rho": [0.1, 0.2], "lr": [0.1, 0.2]})
    >>> figure, ax = plt.subplots()
    >>> ax = sd.plot.ratio_map(ratio, ax, x="lr", y="rho")
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['within 10 %', 'within a factor of 2', 'too large by more', 'too small by more']
    """
    from matplotlib.colors import ListedColormap

    for dim in (x, y):
        checks.present("dimension", dim, map(str, ratio.dims))
    near = checks.number("near", near, "must be > 1", "Use e.g. 1.1", lambda v: v > 1)
    far = checks.number("far", far, f"must be > near = {near:g}", "Use e.g. 2", lambda v: v > near)
    values = ratio.transpose(y, x).values
    factor = np.where(values < 1, np.divide(1, values, where=values != 0, out=np.full(values.shape, np.inf)), values)
    kind = np.where(np.isnan(values), np.nan, np.digitize(factor, (near, far)))
    at = ratio[x].values, ratio[y].values
    colours = ListedColormap([NEAR, SAME_SIZE, FAR])
    ax.pcolormesh(*at, kind, cmap=colours, vmin=-0.5, vmax=2.5, shading="nearest", rasterized=True)
    too_small = (kind == 2) & (values < 1)
    if too_small.any():
        ax.contourf(*at, too_small, levels=[0.5, 1.5], colors="none", hatches=["///"])
    ax.fill([], [], color=NEAR, label=f"within {100 * (near - 1):.3g} %")
    ax.fill([], [], color=SAME_SIZE, label=f"within a factor of {far:g}")
    ax.fill([], [], color=FAR, label="too large by more")
    ax.fill([], [], facecolor=FAR, edgecolor="black", hatch="///", lw=0, label="too small by more")
    legend_below_figure(ax)
    return ax

"""Maps of a quantity over a few settings, with its number in every cell."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ... import checks
from ...arguments import checked

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

DARK = 0.55  # share of the colours' range below which a cell is dark, so that its number is white


@checked
def heat_map(
    values: "xarray.DataArray", ax: "Axes", *, x: str, y: str, format: str = "{:.3g}", **colors: Any
) -> "Axes":
    """Draw a quantity over two dimensions as a grid of coloured cells, each with its number.

    Args:
        values: the quantity, over two dimensions. A cell that is not finite has no colour.
        ax: the Axes to draw on.
        x, y: the dimensions of the horizontal and the vertical axis; the ticks are their values.
        format: the format of a number.
        colors: keywords of ``ax.imshow``, such as ``vmin`` and ``vmax``, which maps of one figure should share.

    Raises:
        InputError: the quantity lacks a dimension, or has a third.

    >>> import xarray as xr
    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> accuracy = xr.DataArray([[20.0, 95.5]], coords={"rho": [0.5], "momentum": [0.0, 0.9]})
    >>> figure, ax = plt.subplots()
    >>> ax = sd.plot.heat_map(accuracy, ax, x="momentum", y="rho", format="{:.0f}", vmin=0, vmax=100)
    >>> [text.get_text() for text in ax.texts], [label.get_text() for label in ax.get_xticklabels()]
    (['20', '96'], ['0', '0.9'])
    """
    for dim in (x, y):
        checks.present("dimension", dim, map(str, values.dims))
    if values.ndim != 2 or x == y:
        rule = f"has the dimensions {', '.join(map(str, values.dims))}; a map has two, x and y"
        checks.reject("values", values.name, rule, "Select one value of the others")
    numbers = values.transpose(y, x).values.astype(float)
    shown = np.where(np.isfinite(numbers), numbers, np.nan)
    image = ax.imshow(shown, **{"cmap": "viridis", "aspect": "auto", "origin": "lower", **colors})
    is_dark = np.ma.filled(image.norm(np.ma.masked_invalid(numbers)), np.inf) < DARK
    for (row, column), number in np.ndenumerate(numbers):
        look: dict[str, Any] = {"color": "white" if is_dark[row, column] else "black", "ha": "center", "va": "center"}
        ax.text(column, row, format.format(number), **look)
    for name, dim in (("x", x), ("y", y)):
        ticks = [f"{value:g}" if values[dim].dtype.kind in "fiu" else str(value) for value in values[dim].values]
        ax.set(**{f"{name}ticks": range(len(ticks)), f"{name}ticklabels": ticks})
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax

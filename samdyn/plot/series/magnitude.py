"""Quantities of either sign on a logarithmic axis."""

from typing import TYPE_CHECKING, Any

from ... import checks
from ...arguments import checked

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes


@checked
def magnitude(values: "xarray.DataArray", ax: "Axes", *, x: str, label: str = "", **style: Any) -> "Axes":
    """Draw the size of a quantity on logarithmic axes, with hollow markers where it is negative.

    Args:
        values: the quantity over one dimension.
        ax: the Axes to draw on.
        x: the coordinate of the horizontal axis, positive.
        label: the label in the legend; negative values have the label with " (negative)".
        style: keywords of ``ax.plot``, with a marker.

    Raises:
        InputError: the values have another dimension.

    >>> import xarray as xr
    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> figure, ax = plt.subplots()
    >>> gap = xr.DataArray([-1.0, 2.0], coords={"time": [0.1, 0.2]})
    >>> sd.plot.magnitude(gap, ax, x="time", label="gap", marker="o").get_legend_handles_labels()[1]
    ['gap', 'gap (negative)']
    """
    if values.dims != (x,):
        checks.reject("x", x, f"the values have the dimensions {values.dims}", "Select one value of each other one")
    size = abs(values)
    (line,) = ax.plot(values[x], size, **{**style, "marker": "", "alpha": 0.4})
    style = {"ms": 4, **style, "color": line.get_color()}
    for chosen, fill, suffix in ((values > 0, style["color"], ""), (values < 0, "white", " (negative)")):
        if chosen.any():
            ax.plot(values[x], size.where(chosen), **{"markerfacecolor": fill, "label": label + suffix, **style})
    ax.set(xscale="log", yscale="log")
    return ax

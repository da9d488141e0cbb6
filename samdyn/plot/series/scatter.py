"""Two measurements against each other, coloured by a setting."""

from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from ... import checks
from ...arguments import checked

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

MARKERS = "o^sDvP"  # one for each value in turn, for readers who do not see colours


@checked
def scatter(x: "xarray.DataArray", y: "xarray.DataArray", ax: "Axes", *, hue: str, label: str = "{}") -> "Axes":
    """Draw a point for every setting in which two quantities were measured, in a colour for each value of a dimension.

    Args:
        x, y: the quantities on the same grid. A setting in which one of them is nan has no point.
        ax: the Axes to draw on.
        hue: the dimension whose values have a colour each.
        label: the format of a value in the legend.

    Raises:
        InputError: a dimension that the quantities lack.

    >>> import numpy as np
    >>> import xarray as xr
    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> x = xr.DataArray(np.ones((3, 2)), dims=("seed", "rho"), coords={"rho": [0.1, 0.5]})
    >>> figure, ax = plt.subplots()
    >>> sd.plot.scatter(x, 2 * x, ax, hue="rho", label="ρ = {:g}").get_legend_handles_labels()[1]
    ['ρ = 0.1', 'ρ = 0.5']
    """
    from matplotlib import colormaps

    checks.present("dimension", hue, map(str, x.dims))
    y = y.transpose(*x.dims)
    shades = colormaps["viridis"](np.linspace(0, 0.8, x.sizes[hue]))
    for value, shade, marker in zip(x[hue].values, shades, cycle(MARKERS), strict=False):
        points = (of.sel({hue: value}).values.ravel() for of in (x, y))
        ax.plot(*points, ls="none", marker=marker, ms=4, color=shade, alpha=0.6, mew=0, label=label.format(value))
    return ax

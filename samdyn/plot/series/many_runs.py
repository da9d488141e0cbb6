"""Lines of many runs: one in front of the others, or their median with a band."""

from typing import TYPE_CHECKING, Any

from ... import checks
from ...arguments import checked

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

PALE: dict[str, Any] = {"alpha": 0.25, "lw": 1}  # the style of runs in the background


@checked
def runs(values: "xarray.DataArray", ax: "Axes", *, x: str, over: str, **style: Any) -> "Axes":
    """Draw a variable of several runs, the first run in front and the others pale behind it.

    Args:
        values: a variable with the dimensions ``x`` and ``over``.
        ax: the Axes to draw on.
        x: the dimension of the horizontal axis.
        over: the dimension of the runs.
        style: keywords of ``ax.plot`` for all lines.

    Raises:
        InputError: the variable has other dimensions.

    >>> import numpy as np
    >>> import xarray as xr
    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> figure, ax = plt.subplots()
    >>> ax = sd.plot.runs(xr.DataArray(np.ones((3, 4)), dims=("seed", "step")), ax, x="step", over="seed")
    >>> [line.get_alpha() for line in ax.lines]
    [0.25, 0.25, None]
    """
    for dim in (x, over):
        checks.present("dimension", dim, map(str, values.dims))
    for number in reversed(range(values.sizes[over])):
        look = {**style, **PALE, "label": None} if number else style
        ax.plot(values[x], values.isel({over: number}), **look)
    return ax


@checked
def band(data: "xarray.Dataset", name: str, ax: "Axes", *, x: str, **style: Any) -> "Axes":
    """Draw a variable as a line, and its intervals as a band behind it.

    Args:
        data: a dataset with the variable and the ends of its intervals, ``NAME_low`` and ``NAME_high``, over ``x``.
        name: the name of the variable.
        ax: the Axes to draw on.
        x: the dimension of the horizontal axis.
        style: keywords of ``ax.plot``.

    Raises:
        InputError: the data lack the variable, its ends or the dimension.

    >>> import xarray as xr
    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> loss = xr.DataArray([2.0, 1.0], dims="step")
    >>> figure, ax = plt.subplots()
    >>> data = xr.Dataset({"loss": loss, "loss_low": loss - 0.5, "loss_high": loss + 0.5})
    >>> len(sd.plot.band(data, "loss", ax, x="step", label="SAM").collections)
    1
    """
    for variable in (name, f"{name}_low", f"{name}_high"):
        checks.present("variable", variable, map(str, data.data_vars))
    checks.present("dimension", x, map(str, data[name].dims))
    (line,) = ax.plot(data[x], data[name], **style)
    ax.fill_between(data[x], data[f"{name}_low"], data[f"{name}_high"], color=line.get_color(), alpha=0.2, lw=0)
    return ax

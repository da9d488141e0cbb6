"""Lines of many runs: one in front of the others, their median with a band, their mean beside the exact one, and how
long they can be compared."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import checks
from ...analysis.rounding import Predictability
from ...arguments import checked
from .lines import check_parts

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
    check_parts(data, (name, f"{name}_low", f"{name}_high"), (x,))
    (line,) = ax.plot(data[x], data[name], **style)
    ax.fill_between(data[x], data[f"{name}_low"], data[f"{name}_high"], color=line.get_color(), alpha=0.2, lw=0)
    return ax


@checked
def sampled(
    data: "xarray.Dataset", name: str, ax: "Axes", *, exact: str, x: str, hue: str, styles: Mapping[str, Any]
) -> "Axes":
    """Draw means over runs as points with 95 % bars, and their exact values as lines, for each value of a dimension.

    Where no exact value is known, the line goes through the points.

    Args:
        data: a dataset with the means, their standard errors ``NAME_error``, and the exact values, over ``x`` and
            ``hue``.
        name: the name of the means.
        ax: the Axes to draw on.
        exact: the name of the exact values, nan where there is none.
        x: the dimension of the horizontal axis.
        hue: the dimension whose values have a line each.
        styles: keywords of ``ax.errorbar`` for each value of ``hue`` by name: a colour, a linestyle and a marker.

    Raises:
        InputError: the data lack a variable or a dimension, or a value of ``hue`` has no style.

    >>> import xarray as xr
    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> mean = xr.DataArray([[2.1, 3.9]], coords={"method": ["SAM"], "t": [1, 2]})
    >>> data = xr.Dataset({"msd": mean, "msd_error": 0.1 + 0 * mean, "truth": 0 * mean + [2, 4]})
    >>> figure, ax = plt.subplots()
    >>> styles = {"SAM": sd.plot.line("SAM")}
    >>> sd.plot.sampled(data, "msd", ax, exact="truth", x="t", hue="method", styles=styles).lines[0].get_ydata()
    array([2., 4.])
    """
    check_parts(data, (name, f"{name}_error", exact), (x, hue))
    for value in data[hue].values.tolist():
        style, one = styles[checks.known(hue, value, styles)], data.sel({hue: value})
        ax.plot(one[x], one[exact].fillna(one[name]), **{**style, "marker": ""})
        points = {"ms": 4, **style, "linestyle": "none", "label": value}
        ax.errorbar(one[x], one[name], yerr=1.96 * one[f"{name}_error"], **points)
    return ax


@checked
def predictability(found: Predictability, ax: "Axes", **style: Any) -> "Axes":
    """Draw how copies of a run separate from it, with the tolerance and the horizon of ``samdyn.predictability``.

    Args:
        found: the result of ``samdyn.predictability``.
        ax: the Axes to draw on; its vertical axis becomes logarithmic.
        style: keywords of ``ax.plot`` for the copies.

    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> saddle = sd.Map(sd.Landscape("x**2 - y**2", "x y"), sd.GD(), lr=0.1)
    >>> figure, ax = plt.subplots()
    >>> found = sd.predictability(saddle, (1, 0), steps=200, copies=2, progress=False)
    >>> [text.get_text() for text in sd.plot.predictability(found, ax).get_legend().get_texts()]
    ['copies', 'tolerance', 'comparable for ... steps']
    """
    for number, distance in enumerate(found.distances.T):
        shown = np.where((distance > 0) & np.isfinite(distance), distance, np.nan)
        look: dict[str, Any] = {"color": "C0", **PALE, **style, "label": None if number else "copies"}
        ax.plot(found.at, shown, **look)
    ax.axhline(found.tolerance, color="black", lw=1, ls="--", label="tolerance")
    horizon(found, ax)
    ax.set(yscale="log", xlabel="step" if found.unit == "steps" else "$t$", ylabel="distance from the run")
    ax.legend(loc="lower right", frameon=True, framealpha=1, edgecolor="none")
    return ax


@checked
def horizon(found: Predictability, ax: "Axes", **style: Any) -> "Axes":
    """Mark on an axis of steps or times where runs stop being comparable, by a dotted line; nothing if they never do.

    Args:
        found: the result of ``samdyn.predictability`` for one of the runs that are drawn.
        ax: the Axes to draw on.
        style: keywords of ``ax.axvline``.

    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> bowl = sd.Map(sd.Landscape("x**2", "x"), sd.GD(), lr=0.1)
    >>> figure, ax = plt.subplots()
    >>> len(sd.plot.horizon(sd.predictability(bowl, (1,), steps=100, progress=False), ax).lines)
    0
    """
    if np.isfinite(found.horizon):
        far = f"{found.horizon:.4g} steps" if found.unit == "steps" else f"t = {found.horizon:.4g}"
        ax.axvline(found.horizon, **{"color": "black", "lw": 1, "ls": ":", "label": f"comparable for {far}", **style})
    return ax

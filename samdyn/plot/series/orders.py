"""Errors against a step, with their fitted orders."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import checks
from ...arguments import checked

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes


@checked
def orders(
    errors: "xarray.DataArray",
    order: "xarray.DataArray",
    ax: "Axes",
    *,
    x: str,
    hue: str,
    styles: Mapping[str, Mapping[str, Any]],
) -> "Axes":
    """Draw errors on logarithmic axes, a line for each value of a dimension, with its order in the legend.

    A line whose order is nan, as that of errors that vanish, is left out.

    Args:
        errors: the errors over ``x`` and ``hue``, in any order.
        order: the order of each line, over ``hue``, e.g. from ``statistics.exponent``.
        ax: the Axes to draw on.
        x: the dimension of the horizontal axis, positive.
        hue: the dimension whose values have a line each.
        styles: keywords of ``ax.plot`` for each value of ``hue`` by name.

    Raises:
        InputError: errors or orders of other dimensions, or a value of ``hue`` without a style.

    >>> import xarray as xr
    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> lr = xr.DataArray([0.1, 0.05], coords={"lr": [0.1, 0.05]})
    >>> errors = xr.concat([3 * lr, lr**2], "scheme").assign_coords(scheme=["Euler", "Heun"])
    >>> order, _ = sd.statistics.exponent(errors, "lr")
    >>> figure, ax = plt.subplots()
    >>> styles = {"Euler": {"marker": "o"}, "Heun": {"marker": "s"}}
    >>> sd.plot.orders(errors, order, ax, x="lr", hue="scheme", styles=styles).get_legend_handles_labels()[1]
    ['Euler: 1.00', 'Heun: 2.00']
    """
    if set(errors.dims) != {x, hue} or order.dims != (hue,):
        rule = f"the errors have the dimensions {errors.dims}, the orders {order.dims}"
        checks.reject("x, hue", (x, hue), rule, "Select one value of each other dimension")
    for name in errors[hue].values.tolist():
        style, p = styles[checks.known(hue, name, styles)], float(order.sel({hue: name}))
        if np.isfinite(p):
            ax.plot(errors[x], errors.sel({hue: name}), **{"ms": 5, "label": f"{name}: {p:.2f}", **style})
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.legend(fontsize="small", loc="lower right")
    return ax

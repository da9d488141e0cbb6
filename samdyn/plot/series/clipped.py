"""Values of which some lie beyond the axes, such as times that the end of the observation censors."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...arguments import checked
from .lines import check_parts, each_line

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes


@checked
def clipped(
    data: "xarray.Dataset",
    name: str,
    ax: "Axes",
    *,
    x: str,
    hue: str,
    limits: Any,
    styles: Sequence[Mapping[str, Any]] | None = None,
    label: str = "{}",
) -> "Axes":
    """Draw a variable as lines where it lies between two limits, and as arrows at the limit where it does not.

    Args:
        data: a dataset with the variable over the dimensions ``x`` and ``hue``. If it has the ends of intervals,
            ``NAME_low`` and ``NAME_high``, they are drawn up to the limits.
        name: the name of the variable.
        ax: the Axes to draw on.
        x: the dimension of the horizontal axis.
        hue: the dimension whose values have a line each.
        limits: the lowest and the highest value, each a number or an array over ``hue``. inf lies above them; nan is
            not drawn.
        styles, label: as in ``intervals``.

    Raises:
        InputError: the data lack the variable or a dimension.

    >>> import xarray as xr
    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> time = (("method", "rho"), [[1.0, 2.0, float("inf")]])
    >>> data = xr.Dataset({"time": time}, coords={"rho": [0.1, 0.2, 0.3], "method": ["SAM"]})
    >>> figure, ax = plt.subplots()
    >>> ax = sd.plot.clipped(data, "time", ax, x="rho", hue="method", limits=(0.0, 40.0))
    >>> ax.lines[-1].get_xydata().tolist()
    [[0.3, 40.0]]
    """
    import xarray

    check_parts(data, (name,), (x, hue))
    lowest, highest = limits
    values = data[name]
    low, high = ((data.get(f"{name}{end}", values)).clip(lowest, highest) for end in ("_low", "_high"))
    # Where a value is not drawn the line has a gap.
    middle = values.where((values >= lowest) & (values <= highest))
    above, below = values > highest, values < lowest
    edge = xarray.where(above, highest, lowest) + xarray.zeros_like(values)
    at = np.asarray(data[x], dtype=float)
    for number, (_, line, look) in enumerate(each_line(values, hue, styles)):
        one = {hue: number}
        bars = np.maximum([(middle - low).isel(one), (high - middle).isel(one)], 0) if f"{name}_low" in data else None
        text = label.format(line[hue].values[()])
        ax.errorbar(at, middle.isel(one).values, yerr=bars, label=text, **{"capsize": 2, "ms": 5, **look})
        for beyond, arrow in ((above, "uparrow"), (below, "downarrow")):
            there = beyond.isel(one).values
            if there.any():  # the layout takes an empty line without clipping for one far outside
                style: dict[str, Any] = {"marker": rf"$\{arrow}$", "ms": 9, "ls": "none", "clip_on": False}
                ax.plot(at[there], edge.isel(one).values[there], color=look.get("color"), **style)
    return ax

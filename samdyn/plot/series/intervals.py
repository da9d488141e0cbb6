"""Lines of measurements with their intervals."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import checks
from ...arguments import checked
from .lines import check_parts, each_line

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes


@checked
def intervals(
    data: "xarray.Dataset",
    name: str,
    ax: "Axes",
    *,
    x: str,
    hue: str | None = None,
    styles: Sequence[Mapping[str, Any]] | None = None,
    label: str = "{}",
    aside: float = 0.0,
    **style: Any,
) -> "Axes":
    """Draw a variable with its intervals against a coordinate, one line for each value of a second coordinate.

    Values that are not finite are not drawn, nor is an end of an interval that is not.

    Args:
        data: a dataset with the variable and the ends of its intervals, ``NAME_low`` and ``NAME_high``, over one
            dimension, and over ``hue`` if that is given.
        name: the name of the variable.
        ax: the Axes to draw on.
        x: the coordinate of the horizontal axis: a dimension, or numbers along it that may differ from line to line.
        hue: the dimension whose values have a line each.
        styles: keywords of ``ax.errorbar`` for each value of ``hue``. Default: ``CYCLE``.
        label: the format of a line's label, such as ``"ρ = {:g}"``, of the value of ``hue``. It may name the other
            coordinates of the line too, as ``"{method}, ρ = {rho:g}"``.
        aside: the shift in x from one line to the next, so that bars at one x stand side by side.
        style: keywords of ``ax.errorbar`` for all lines.

    Raises:
        InputError: the data lack the variable, its ends or a dimension.

    >>> import numpy as np
    >>> import xarray as xr
    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> loss = xr.DataArray(np.ones((2, 3)), dims=("momentum", "rho"), coords={"momentum": [0, 0.9], "rho": [1, 2, 3]})
    >>> data = xr.Dataset({"loss": loss, "loss_low": 0.9 * loss, "loss_high": 1.2 * loss})
    >>> figure, ax = plt.subplots()
    >>> ax = sd.plot.intervals(data, "loss", ax, x="rho", hue="momentum", label="γ = {:g}")
    >>> ax.get_legend_handles_labels()[1]
    ['γ = 0', 'γ = 0.9']
    """
    from matplotlib.cbook import normalize_kwargs
    from matplotlib.lines import Line2D

    ends = [name, f"{name}_low", f"{name}_high"]
    check_parts(data, ends, () if hue is None else (hue,))
    checks.present("coordinate", x, map(str, data.coords))
    for number, (place, line, look) in enumerate(each_line(data, hue, styles)):
        at = np.asarray(line[x], dtype=float) + aside * place
        values = np.stack([at, *(np.asarray(line[end], dtype=float) for end in ends)])
        at, middle, low, high = values[:, np.isfinite(values[1])]
        # Rounding may put an end on the wrong side of the middle, and a bar of negative length is refused.
        bars = np.maximum([middle - low, high - middle], 0)
        bars[~np.isfinite(bars)] = 0
        named = {str(other): value.item() for other, value in line.coords.items() if not value.dims}
        text = {} if hue is None else {"label": label.format(named.get(hue, number), **named)}
        drawing: dict[str, Any] = {"capsize": 2, "markersize": 5, **text}
        for part in (look, style):  # their short names, such as ls, made long, so that the later part replaces
            drawing |= normalize_kwargs(dict(part), Line2D)
        ax.errorbar(at, middle, yerr=bars, **drawing)
    return ax

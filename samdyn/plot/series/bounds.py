"""Arrows where a measurement has a lower bound only."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...arguments import checked
from .lines import check_parts, each_line

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes


@checked
def lower_bounds(
    data: "xarray.Dataset",
    name: str,
    ax: "Axes",
    *,
    x: str,
    hue: str | None = None,
    styles: Sequence[Mapping[str, Any]] | None = None,
    aside: float = 0.0,
    **style: Any,
) -> "Axes":
    """Draw hollow markers with arrows up where a variable is infinite, from the lower end of its interval.

    It completes ``plot.intervals``, which leaves such values out, as the mean time of runs that never left. The length
    of an arrow has no meaning.

    Args:
        data: a dataset with the variable and the lower ends ``NAME_low`` over the dimension ``x``, and over ``hue``.
        name: the name of the variable.
        ax: the Axes to draw on.
        x, hue, styles, aside, style: as in ``plot.intervals``.

    Raises:
        InputError: the data lack the variable, its lower end or a dimension.

    >>> import numpy as np
    >>> import xarray as xr
    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> times = {"time": ("rho", [3.0, np.inf]), "time_low": ("rho", [2.0, 50.0]), "time_high": ("rho", [4.0, np.inf])}
    >>> data = xr.Dataset(times, coords={"rho": [0.1, 0.2]})
    >>> figure, ax = plt.subplots()
    >>> ax = sd.plot.lower_bounds(data, "time", sd.plot.intervals(data, "time", ax, x="rho"), x="rho")
    >>> ax.containers[1].lines[0].get_xydata().tolist()
    [[0.2, 50.0]]
    """
    check_parts(data, (name, f"{name}_low"), (x,) if hue is None else (x, hue))
    for place, line, look in each_line(data, hue, styles):
        middle, low = (np.asarray(line[end], dtype=float) for end in (name, f"{name}_low"))
        is_shown = np.isposinf(middle) & np.isfinite(low)
        at = np.asarray(line[x], dtype=float) + aside * place
        looked = {"ms": 5, **look, **style, "linestyle": "none", "markerfacecolor": "white", "label": None}
        ax.errorbar(at[is_shown], low[is_shown], yerr=abs(low[is_shown]), lolims=True, **looked)
    return ax

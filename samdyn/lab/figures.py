"""Figures of measurements with their intervals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .. import plot

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

HANDLE = 8  # characters as wide as the line before a label of a legend
PER_INCH = 12  # characters in an inch of a legend


def facets(
    rows: Sequence[tuple["xarray.Dataset", str, str]],
    heading: str,
    *,
    column: str,
    size: tuple[float, float] = (3.2, 2.6),
    **drawing: Any,
) -> "tuple[Figure, Any]":
    """Return a figure with a variable in each row and one value of a dimension in each column, and its Axes.

    The Axes have one horizontal axis, and those of a row one vertical axis.

    Args:
        rows: for each row, a dataset, the name of its variable, and the row's label; see ``plot.facets``.
        heading: the title of the figure.
        column: the dimension whose values have a column each.
        size: width and height of one Axes in inches.
        drawing: further keywords of ``plot.facets``.

    >>> import numpy as np
    >>> import xarray as xr
    >>> from samdyn import lab
    >>> loss = xr.DataArray(np.ones((2, 3)), dims=("rho", "lr"), coords={"rho": [0, 0.5], "lr": [1, 2, 3]})
    >>> data = xr.Dataset({"loss": loss, "loss_low": 0.9 * loss, "loss_high": 1.2 * loss})
    >>> figure, axes = lab.facets([(data, "loss", "train loss")], "Does ρ matter?", column="rho", x="lr")
    >>> axes.shape, figure.get_suptitle()
    ((1, 2), 'Does ρ matter?')
    """
    from matplotlib import pyplot as plt

    shape = len(rows), rows[0][0].sizes[column]
    inches = size[0] * shape[1] + 0.8, size[1] * shape[0] + 0.4
    figure, axes = plt.subplots(*shape, figsize=inches, sharex=True, sharey="row", squeeze=False)
    plot.facets(rows, axes, column=column, **drawing)
    figure.suptitle(heading)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    if handles:
        widest = max(map(len, labels)) + HANDLE
        figure.legend(handles, labels, loc="outside lower center", ncols=max(1, int(PER_INCH * inches[0] / widest)))
    return figure, axes

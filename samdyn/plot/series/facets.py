"""Measurements with their intervals on a grid of Axes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ... import checks
from ...arguments import checked
from .intervals import intervals

if TYPE_CHECKING:
    import xarray


@checked
def facets(
    rows: Sequence[tuple["xarray.Dataset", str, str]],
    axes: Any,
    *,
    column: str,
    title: str = "{}",
    xlabel: str = "",
    **drawing: Any,
) -> Any:
    """Draw a variable in each row of a grid of Axes, one value of a dimension in each column.

    Args:
        rows: for each row of Axes, a dataset as for ``intervals``, the name of its variable, and the row's label.
        axes: the Axes, ``(rows, columns)``, as ``plt.subplots`` returns them with ``squeeze=False``.
        column: the dimension whose values have a column each.
        title: the format of a column's title, such as ``"ρ = {:g}"``, of that value.
        xlabel: the label of the horizontal axes.
        drawing: further keywords of ``intervals``, such as x and hue.

    Returns:
        The Axes.

    Raises:
        InputError: another number of Axes than of rows or columns; a dataset that ``intervals`` refuses.

    >>> import numpy as np
    >>> import xarray as xr
    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> loss = xr.DataArray(np.ones((2, 3)), dims=("rho", "lr"), coords={"rho": [0, 0.5], "lr": [1, 2, 3]})
    >>> data = xr.Dataset({"loss": loss, "loss_low": 0.9 * loss, "loss_high": 1.2 * loss})
    >>> figure, axes = plt.subplots(1, 2, squeeze=False)
    >>> axes = sd.plot.facets([(data, "loss", "train loss")], axes, column="rho", title="ρ = {:g}", x="lr")
    >>> [ax.get_title() for ax in axes[0]], axes[0, 0].get_ylabel()
    (['ρ = 0', 'ρ = 0.5'], 'train loss')
    """
    for row in rows:
        if len(row) != 3:
            checks.reject("rows", row, "a row is (dataset, name, label)", 'Use e.g. (data, "loss", "train loss")')
    for data, _, _ in rows:
        checks.present("dimension", column, map(str, data.sizes))
        if getattr(axes, "shape", None) != (len(rows), data.sizes[column]):
            rule = f"{len(rows)} row(s) of {data.sizes[column]} Axes are needed"
            checks.reject("axes", getattr(axes, "shape", axes), rule, "Use plt.subplots(rows, columns, squeeze=False)")
    for line, (data, name, label) in zip(axes, rows, strict=True):
        line[0].set_ylabel(label)
        for i, ax in enumerate(line):
            intervals(data.isel({column: i}), name, ax, **drawing)
    for ax, value in zip(axes[0], rows[0][0][column].values if rows else (), strict=True):
        ax.set_title(title.format(value.item()))
    for ax in axes[-1] if rows else ():
        ax.set_xlabel(xlabel)
    return axes

"""Figures of several Axes with one title and one legend: a panel for each value of one dimension or of two."""

import itertools
from typing import TYPE_CHECKING, Any, TypeVar

from ... import checks
from ...arguments import checked
from .legends import legend_below_figure

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Labelled = TypeVar("Labelled", "xarray.DataArray", "xarray.Dataset")


@checked
def panels(
    data: Labelled,
    *,
    column: str,
    row: str | None = None,
    title: str = "",
    size: tuple[float, float] = (3.2, 3.0),
    one_scale: bool = True,
) -> "tuple[Figure, list[tuple[Axes, Labelled]]]":
    """Return a figure with one panel for each value of a dimension, or of two, and each Axes with the data it shows.

    The Axes have one horizontal axis. ``frame`` completes the figure when they are drawn on.

    Args:
        data: the data.
        column: the dimension whose values have a column each.
        row: the dimension whose values have a row each. None: one row.
        title: the format of a panel's title, of the coordinates of its data that are one value, such as
            ``"B = {batch_size}"``. Default: the values of the dimensions.
        size: width and height of one Axes in inches.
        one_scale: whether all Axes have one vertical axis. Otherwise those of a row have one.

    Raises:
        InputError: the data lack a dimension.

    >>> import xarray as xr
    >>> import samdyn as sd
    >>> time = xr.DataArray([[1.0, 2.0], [3.0, 4.0]], coords={"method": ["GD", "SAM"], "rho": [0.1, 0.2]})
    >>> figure, panels = sd.plot.panels(time, column="method", title="the method {method}")
    >>> for ax, one in panels:
    ...     lines = ax.plot(one.rho, one, label="measured")
    >>> figure = sd.plot.frame(figure, "Times", xlabel="ρ", ylabel="t")
    >>> [(ax.get_title(), ax.get_xlabel(), ax.get_ylabel()) for ax in figure.axes]
    [('the method GD', 'ρ', 't'), ('the method SAM', 'ρ', '')]
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['measured']
    """
    from matplotlib import pyplot as plt

    if not hasattr(data, "coords"):
        checks.reject("data", type(data).__name__, "is no Dataset or DataArray", "Give one of xarray's")
    dims = [column] if row is None else [row, column]
    for dim in dims:
        checks.present("dimension", dim, map(str, data.sizes))
    rows, columns = 1 if row is None else data.sizes[row], data.sizes[column]
    inches = size[0] * columns + 0.8, size[1] * rows + 0.8
    sharey: Any = True if one_scale else "row"
    figure, axes = plt.subplots(rows, columns, figsize=inches, sharex=True, sharey=sharey, squeeze=False)
    places = itertools.product(*(range(data.sizes[dim]) for dim in dims))
    parts = [data.isel(dict(zip(dims, place, strict=True))) for place in places]
    for ax, part in zip(axes.flat, parts, strict=True):
        values = {str(name): value.item() for name, value in part.coords.items() if not value.dims}
        ax.set_title(title.format(**values) if title else ", ".join(str(values[dim]) for dim in dims))
    return figure, list(zip(axes.flat, parts, strict=True))


@checked
def frame(figure: "Figure", title: str, *, xlabel: str = "", ylabel: str = "") -> "Figure":
    """Give a figure its title, its outer Axes their labels, and one legend below with every label of its Axes once.

    Args:
        figure: a figure of ``plt.subplots`` whose Axes are drawn on.
        title: the title of the figure.
        xlabel: the label of the horizontal axes, which stands below the last row.
        ylabel: the label of the vertical axes, which stands at the left of the first column.

    Returns:
        The figure.

    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> figure, axes = plt.subplots(2, 1)
    >>> figure = sd.plot.frame(figure, "Losses", xlabel="step", ylabel="loss")
    >>> figure.get_suptitle(), [ax.get_xlabel() for ax in axes], [ax.get_ylabel() for ax in axes]
    ('Losses', ['', 'step'], ['loss', 'loss'])
    """
    for ax in figure.axes:
        place = ax.get_subplotspec()
        if place is None:  # such as those of a colour bar
            continue
        if xlabel and place.is_last_row():
            ax.set_xlabel(xlabel)
        if ylabel and place.is_first_col():
            ax.set_ylabel(ylabel)
    figure.suptitle(title)
    if any(ax.get_legend_handles_labels()[1] for ax in figure.axes):
        legend_below_figure(figure.axes[0])
    return figure

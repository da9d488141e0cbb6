"""Legends below the axes, where they cover nothing."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

LEGEND_ID = "samdyn legend"  # the group id by which this module recognises the legend it made
ENTRY_WIDTH = 2.3  # width of one entry of a legend, inches
MAX_RANGE_RATIO = 4.0  # ratio of the ranges of x and y up to which both axes have the same unit of length


def make_room_for_legends(ax: "Axes") -> None:
    """Give a figure without a layout engine the constrained layout, which leaves room for a legend below the axes."""
    figure: Any = ax.figure.figure  # the whole figure, also if the axes are in a subfigure
    if figure.get_layout_engine() is None:
        figure.set_layout_engine("constrained")


def equal_units(ax: "Axes") -> None:
    """Give both axes the same unit of length, so that a disc is round, unless that makes the axes a narrow strip."""
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    if 1 / MAX_RANGE_RATIO <= (high - low) / (right - left) <= MAX_RANGE_RATIO:
        ax.set(aspect="equal", anchor="S")  # axes that shrink stay at the bottom, next to the legend


def legend_below_figure(ax: "Axes") -> None:
    """Put one legend below the whole figure, with every label of its axes once, as it first looks.

    It replaces an earlier such legend.
    """
    figure = ax.figure
    make_room_for_legends(ax)
    for old in [legend for legend in figure.legends if legend.get_gid() == LEGEND_ID]:
        old.remove()
    labelled: dict[str, Any] = {}
    for panel in figure.axes:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            labelled.setdefault(label, handle)
    most = max(1, int(figure.bbox.width / figure.dpi / ENTRY_WIDTH))
    rows = math.ceil(len(labelled) / most)
    columns = math.ceil(len(labelled) / max(1, rows))  # fewest columns that need no further row
    legend = figure.legend(labelled.values(), labelled, loc="outside lower center", ncols=columns)
    legend.set_gid(LEGEND_ID)


def legend_below_axes(ax: "Axes", handles: Sequence["Artist"], columns: int = 1) -> None:
    """Give one Axes its own legend, below the tick labels and the label of x."""
    from matplotlib import pyplot as plt
    from matplotlib.transforms import ScaledTranslation

    points = ScaledTranslation(0, -3.8 * plt.rcParams["font.size"] / 72, ax.figure.dpi_scale_trans)
    ax.legend(
        handles=handles,
        ncols=columns,
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        bbox_transform=ax.transAxes + points,
        fontsize="small",
        borderaxespad=0,
    )

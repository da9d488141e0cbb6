"""Legends that cover nothing: below the axes they speak of."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

OURS = "samdyn legend"
ENTRY = 2.3  # inches that an entry may take
FLATTEST = 4.0  # the ratio of the axes' ranges up to which both have the same unit


def make_room_for_legends(ax: "Axes") -> None:
    """Let the figure be laid out anew around legends below it, where nobody has chosen a layout."""
    figure: Any = ax.figure.figure  # that of a subfigure too
    if figure.get_layout_engine() is None:
        figure.set_layout_engine("constrained")


def equal_units(ax: "Axes") -> None:
    """Draw both coordinates in one unit, so that a disc is round, unless the axes would be a narrow strip."""
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    if 1 / FLATTEST <= (high - low) / (right - left) <= FLATTEST:
        ax.set(aspect="equal", anchor="S")  # at the bottom, where the layout leaves room for a legend below


def legend_below_figure(ax: "Axes") -> None:
    """Put one legend below the whole figure, with every label of its axes once; it replaces an earlier one."""
    figure = ax.figure
    make_room_for_legends(ax)
    for old in [legend for legend in figure.legends if legend.get_gid() == OURS]:
        old.remove()
    labelled = {}
    for panel in figure.axes:
        labelled.update({label: handle for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)})
    most = max(1, int(figure.bbox.width / figure.dpi / ENTRY))
    rows = math.ceil(len(labelled) / most)
    columns = math.ceil(len(labelled) / max(1, rows))  # no emptier at the right than need be
    legend = figure.legend(labelled.values(), labelled, loc="outside lower center", ncols=columns)
    legend.set_gid(OURS)


def legend_below_axes(ax: "Axes", handles: Sequence["Artist"]) -> None:
    """Give one Axes a legend of its own, below the ticks and the label of x."""
    from matplotlib.transforms import ScaledTranslation

    points = ScaledTranslation(0, -38 / 72, ax.figure.dpi_scale_trans)
    ax.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        bbox_transform=ax.transAxes + points,
        fontsize="small",
        borderaxespad=0,
    )

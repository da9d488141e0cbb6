"""Legends that cover nothing: below the axes they speak of."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

OURS = "samdyn legend"
ENTRY = 2.3  # inches that an entry may take


def legend_below_figure(ax: "Axes") -> None:
    """Put one legend below the whole figure, with every label of its axes once; it replaces an earlier one."""
    figure = ax.figure
    for old in [legend for legend in figure.legends if legend.get_gid() == OURS]:
        old.remove()
    labelled = {}
    for panel in figure.axes:
        labelled.update({label: handle for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)})
    rows = math.ceil(len(labelled) * ENTRY / (figure.bbox.width / figure.dpi))
    columns = math.ceil(len(labelled) / max(1, rows))
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

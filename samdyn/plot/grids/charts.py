"""Stability charts of several maps side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ... import checks
from ...analysis import StabilityChart
from ...arguments import checked
from ...dynamics import Map
from ..styles.names import label
from .chart import stability_chart

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@checked
def stability_charts(
    maps: Sequence[Map], charts: Sequence[StabilityChart], *, predicted: Sequence[StabilityChart | None] = ()
) -> "Figure":
    """Draw the charts of several maps side by side, each with the name of its method and its other parameters.

    Args:
        maps: the maps.
        charts: their results of ``analysis.stability_chart``.
        predicted: what ``stability_chart`` takes for each of them; or none.

    Returns:
        A new figure.

    Raises:
        InputError: no map, or not one chart for each.

    >>> import numpy as np
    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.USAM(rho=0.1), lr=0.1, momentum=0.5)
    >>> (point,) = sd.critical_points(map_.landscape)
    >>> chart = sd.analysis.stability_chart(map_, point, ("rho", [0.1, 1.0]), ("lr", [0.01, 0.1]), steps=10)
    >>> [ax.get_title() for ax in sd.plot.stability_charts([map_], [chart]).axes]
    ['USAM, γ = 0.5']
    """
    from matplotlib import pyplot as plt

    if not maps or len(charts) != len(maps) or len(predicted) not in (0, len(maps)):
        rule = f"are {len(charts)}, and {len(predicted)} predicted, for {len(maps)} map(s)"
        checks.reject("charts", len(charts), rule, "Give one or more maps, and a chart for each")
    figure, axes = plt.subplots(1, len(charts), figsize=(max(4.4, 3.6 * len(charts)), 3.9), squeeze=False)
    for i, (ax, map_, chart) in enumerate(zip(axes[0], maps, charts, strict=True)):
        stability_chart(chart, ax, predicted=predicted[i] if predicted else None)
        ax.set_title(label(map_, without=(chart.x_name, chart.y_name)))
    return figure

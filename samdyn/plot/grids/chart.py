"""Stability charts: the measurement in two colours, and the closed form as a line over it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ... import checks
from ...analysis import StabilityChart
from ...arguments import checked
from ...dynamics import Map
from ..styles.legends import legend_below_figure
from ..styles.names import label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABELS = {
    "rho": r"radius $\rho$",
    "lr": r"learning rate $\eta$",
    "momentum": r"momentum $\gamma$",
    "distance": r"distance of the start from the saddle",
}
HOLDS, LEAVES = "#0072B2", "#F0E442"  # a dark and a light colour, which differ in grey print too


@checked
def stability_chart(chart: StabilityChart, ax: "Axes", *, predicted: StabilityChart | None = None) -> "Axes":
    """Draw where measured runs return to a critical point (dark) and where they leave it (light).

    One legend below the figure serves all charts of the figure.

    Args:
        chart: the result of ``analysis.stability_chart``.
        ax: the Axes to draw on.
        predicted: the rate in closed form over the same two parameters, on any grid. A line shows where it is zero.

    >>> import numpy as np
    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> rho, lr = np.linspace(0.1, 0.9, 5), np.array([0.01, 0.1])
    >>> chart = sd.analysis.StabilityChart("rho", "lr", rho, lr, np.stack([1 - 2 * rho, 1 - 2 * rho]))
    >>> figure, ax = plt.subplots()
    >>> ax = sd.plot.stability_chart(chart, ax)
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['runs return (measured)', 'runs leave (measured)']
    """
    from matplotlib.colors import ListedColormap

    ax.pcolormesh(
        chart.x, chart.y, (chart.rate < 0).astype(float), cmap=ListedColormap([LEAVES, HOLDS]), vmin=0, vmax=1,
        shading="nearest", rasterized=True,
    )  # fmt: skip
    ax.fill([], [], color=HOLDS, label="runs return (measured)")
    ax.fill([], [], color=LEAVES, label="runs leave (measured)")
    if predicted is not None and (predicted.rate < 0).any() and (predicted.rate > 0).any():
        line = predicted.x, predicted.y, predicted.rate
        ax.contour(*line, levels=[0.0], colors="white", linewidths=3.5)
        ax.contour(*line, levels=[0.0], colors="black", linewidths=1.5, linestyles="--")
        ax.plot([], [], color="black", ls="--", label="boundary in closed form")
    ax.set(xlabel=LABELS[chart.x_name], ylabel=LABELS[chart.y_name])
    legend_below_figure(ax)
    return ax


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

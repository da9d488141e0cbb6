"""Stability charts: the measurement in two colours, and the closed form as a line over it."""

from typing import TYPE_CHECKING

from ...analysis import StabilityChart
from ...arguments import checked
from ..styles.legends import legend_below_figure
from ..styles.names import latex

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
    x_label, y_label = (LABELS.get(name, f"${latex(name)}$") for name in (chart.x_name, chart.y_name))
    ax.set(xlabel=x_label, ylabel=y_label)
    legend_below_figure(ax)
    return ax

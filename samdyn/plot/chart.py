"""Stability charts: what was measured, in colour, and the closed form as a line over it."""

from typing import TYPE_CHECKING

from ..analysis import StabilityChart
from ..arguments import checked
from .legends import legend_below_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABELS = {
    "rho": r"radius $\rho$",
    "lr": r"learning rate $\eta$",
    "momentum": r"momentum $\gamma$",
    "distance": r"distance of the start from the saddle",
}
HOLDS, LEAVES = "#0072B2", "#F0E442"  # dark and light: told apart in grey too


@checked
def stability_chart(chart: StabilityChart, ax: "Axes", *, predicted: StabilityChart | None = None) -> "Axes":
    """Draw where runs return to a critical point (dark) and where they leave it (light), as measured.

    The legend stands below the figure, one for all its charts.

    Args:
        chart: from ``analysis.stability_chart``.
        ax: where to draw.
        predicted: the closed form over the same parameters, on a grid of its own; its zero is drawn as a line.
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

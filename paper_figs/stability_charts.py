"""Over which radii and learning rates does a saddle hold USAM, with and without momentum?

Colours: whether runs return to the saddle of x² − y² (λ = ±2) or leave it, measured on a grid of 70 radii and 70
learning rates. Dashed line: the derived condition that the iterates are stable at every eigenvalue, which is
0 < ηλ(1+ρλ) < 2(1+γ).

Source: ours; the left edge is Theorem 1 of [K23], ρ > 1/|λ|. Its upper edge is not in the paper.

Ours: the saddle attracts from ρ = ½ on, whatever η and γ are: momentum does not move the threshold of Theorem 1. Above
a largest η, runs leave since the steps overshoot along the other direction, λ = 2; momentum raises this bound by the
factor 1+γ. No cell of the grid differs from the formula.
"""

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import analysis, lab, plot, theory

MOMENTA, CELLS, FINE, STEPS = (0.0, 0.9), 70, 400, 1000
AXES = ("rho", np.linspace(0.02, 1.5, CELLS)), ("lr", np.linspace(0.01, 1.2, CELLS))


def draw() -> Figure:
    """Return the figure."""
    saddle = sd.landscapes.saddle()
    (origin,) = sd.critical_points(saddle)
    figure, panels = plt.subplots(1, len(MOMENTA), figsize=(9.6, 4.4), sharey=True)
    for ax, momentum in zip(panels, MOMENTA, strict=True):
        map_ = sd.Map(saddle, sd.USAM(0.1), lr=0.01, momentum=momentum)
        chart = analysis.stability_chart(map_, origin, *AXES, steps=STEPS)
        plot.stability_chart(chart, ax, predicted=theory.predicted_chart(map_, origin, chart, FINE))
        same_grid = theory.predicted_chart(map_, origin, chart)
        differ = chart.differences(same_grid)[0] if same_grid else None
        print(f"γ = {momentum:g}: {100 * chart.returns.mean():.1f} % of the grid returns,", end=" ")
        print(f"{differ} of {chart.rate.size} cells differ from the formula")
        ax.set_title(f"USAM, γ = {momentum:g}")
    panels[1].set_ylabel("")
    return figure


if __name__ == "__main__":
    lab.draw_figure(draw)

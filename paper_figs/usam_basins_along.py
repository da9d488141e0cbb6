"""Where do runs of USAM's flow end as the radius grows?

The flow of USAM on the double well (x² − 1)²/4 + y²/2, from 400 starts in |x| < 2 at each of 45 radii. Areas: the share
of the starts that end on each attractor, which keeps its colour and number along ρ. Dashed: the shares from the zeros
of x + ρ(x³ − x) and of x + ρ(x³ − x) = ±1, at which the perturbed point is a critical point of the loss.

Source: ours; the threshold ρ = 1/|λ| = 1 is Theorem 1 of [K23].

Ours: from ρ = 1 on the saddle 3 attracts |x| < √((ρ−1)/ρ). At ρ = 4 two attractors 4 and 5 emerge from folds at
x = ±½. They are no critical points of the loss: there the ascent leads exactly to the opposite minimum. The measured
shares agree with the formula to half the distance of the starts at every border of a basin.
"""

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import analysis, lab, plot

RADII, STARTS, EDGE = np.linspace(0.54, 6, 45), 200, 2.0


def predicted(rho: np.ndarray) -> np.ndarray:
    """Return the shares of both minima, of the saddle and of both new attractors at radii ``(n,)``: ``(3, n)``."""
    outer = np.sqrt(np.clip(rho - 1, 0, None) / rho)  # the border of the minima's basins
    inner = np.where(rho < 4, outer, (1 - np.sqrt(np.clip(1 - 4 / rho, 0, None))) / 2)  # that of the saddle's
    return np.stack([1 - outer / EDGE, inner / EDGE, (outer - inner) / EDGE])


def draw() -> Figure:
    """Return the figure."""
    well = sd.Landscape("(x**2 - 1)**2/4 + y**2/2", "x y", box=[(-EDGE, EDGE), (-1, 1)])
    along = analysis.basins_along(sd.Flow(well, sd.USAM(1.0)), "rho", RADII, resolution=(STARTS, 2))
    print(along)
    measured = [sum(along.share(i) for i in pair) for pair in ((0, 1), (2,), (3, 4))]
    differ, allowed = abs(predicted(RADII) - measured).max(1), np.array([2, 2, 4]) / 2 / STARTS  # borders, half a cell
    print(f"largest differences from the formula: {differ.round(4)}; half a cell at every border: {allowed}")

    figure, ax = plt.subplots(figsize=(6.8, 5.6))
    plot.basins_along(along, ax)
    rho = np.linspace(RADII[0], RADII[-1], 2000)
    minima, saddle, new = predicted(rho)
    ax.plot(rho, np.cumsum([minima / 2, minima / 2, saddle, new / 2], axis=0).T, "k--", lw=1.6)
    ax.set_title("USAM's flow on a double well: the saddle attracts from ρ = 1 on,\nand at ρ = 4 two attractors emerge")
    return figure


if __name__ == "__main__":
    lab.draw_figure(draw)

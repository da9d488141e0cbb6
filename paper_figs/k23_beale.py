"""Beale's function: SAM with a small radius heads for the minimum, with a large one it ends at the saddle.

Plain SAM steps with η = 1.25e-5 from (1, 2), 60,000 of them: paths, perturbed points around step 5000, and the cosine
of the gradients at w and at the perturbed point.

Source: [K23], the figures on Beale's function.

Agrees: GD and ρ = 0.1 head for the minimum (3, ½), ρ = 0.5 and 1 end at the saddle (0, 1).
"""

import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import analysis, lab, plot

LR, RADII, STEPS, START = 1.25e-5, (0.0, 0.1, 0.5, 1.0), 60_000, (1, 2)
AROUND = slice(5000, 5041)  # the steps whose perturbed points are shown


def draw() -> Figure:
    """Return the figure."""
    beale = sd.landscapes.beale()
    colors = plt.colormaps["viridis"](np.linspace(0, 0.85, len(RADII)))
    dashes = ("-", "--", "-.", ":")
    figure, (paths, near, cosines) = plt.subplots(1, 3, figsize=(14, 4.4), width_ratios=(1.3, 1, 1))
    plot.contours(beale, paths)
    for rho, color, dash in zip(RADII, colors, dashes, strict=True):
        map_ = sd.Map(beale, sd.SAM(rho), lr=LR)
        runs = sd.simulate(map_, START, STEPS, save_every=1)
        w = runs.w.values[0]
        print(
            f"rho = {rho:g}: ends at {np.round(w[-1], 5)}, {np.linalg.norm(w[-1] - (0, 1)):.1e} from the saddle (0, 1)"
        )
        plot.path(runs.isel(step=slice(0, None, 20)), paths, color=color, linestyle=dash, label=rf"$\rho = {rho:g}$")
        if rho:
            cosine = analysis.cosine(map_, runs).isel(step=slice(0, None, 60))
            plot.cosine(cosine, cosines, color=color, marker=".")
        if rho == RADII[-1]:
            perturbed = map_.method.perturbed(torch.as_tensor(w[AROUND].T), beale.grad).numpy().T
            arrows = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.004, "color": "0.75"}
            near.quiver(*w[AROUND].T, *(perturbed - w[AROUND]).T, **arrows)
            near.plot(*perturbed.T, ".", color=color, label=r"$w^p_k$, perturbed")
            near.plot(*w[AROUND].T, "k+", label=r"$w_k$")
            near.set(title=rf"$\rho = {rho:g}$, steps {AROUND.start} to {AROUND.stop - 1}", xlabel="$x$", ylabel="$y$")
            near.set(xlim=(-1.3 * rho, 1.3 * rho), ylim=(1 - 1.3 * rho, 1 + 1.3 * rho), aspect="equal")
            near.legend()
    figure.legend(*paths.get_legend_handles_labels(), loc="outside lower center", ncols=len(RADII))
    return figure


if __name__ == "__main__":
    lab.draw_figure(draw)

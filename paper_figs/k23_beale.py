"""[K23] on Beale's function from (1, 2): small radii head for the minimum (3, ½), large ones end at the saddle (0, 1).

Plain SAM steps with η = 1.25e-5, 60,000 of them.
"""

from pathlib import Path

import matplotlib
import numpy as np
import torch
from matplotlib import pyplot as plt

import samdyn as sd
from samdyn import analysis, output, plot

LR, RADII, STEPS, START = 1.25e-5, (0.0, 0.1, 0.5, 1.0), 60_000, (1, 2)
AROUND = slice(5000, 5041)  # the steps whose perturbed points are shown


def main() -> None:
    """Draw paper_figs/k23_beale.png."""
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
    # No date, commit or version: in a checkout git tells them, and the same figure is the same file.
    about = {"script": Path(__file__).name, "parameters": {"lr": LR, "rho": RADII, "steps": STEPS, "start": START}}
    output.save_figure(figure, Path(__file__).with_suffix(".png"), about)


if __name__ == "__main__":
    matplotlib.use("Agg")
    with plt.rc_context(plot.STYLE):
        main()

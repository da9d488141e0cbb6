"""Beale's function: SAM with a small radius heads for the minimum, with a large one it ends at the saddle.

Left: paths from (1, 2) with η = 1.25e-5, plain steps, 100,000 of them (darker: lower loss). Middle: the cosine of
∇L(w) and ∇L(wᵖ) at each of the first 6000 steps, where wᵖ = w + ρ∇L(w)/‖∇L(w)‖ is the perturbed point, at which SAM
takes its gradient. It is 1 where the ascent changes nothing and negative where SAM steps uphill. Right: iterates and
their perturbed points from step 5000 on. The run is 10⁻⁴ from the saddle and jumps across it at every step, so its
perturbed points lie at distance ρ on both sides.

Source: [K23], the paths on Beale's function for ρ ∈ {0, 0.1, 0.5, 1}, the perturbed points around step 5000, and the
cosine along the paths.

Agrees: GD and ρ = 0.1 head for the minimum (3, ½); ρ = 0.5 and 1 end at the saddle (0, 1), and there the cosine
jumps between nearly −1 and 1, with most values near 0. The paper's text has η = 1e-4; the authors' code has 1.25e-5, as
here. Theorem 1 gives the threshold ρ > 4/111 for USAM; these paths are of normalised SAM, whose saddle attracts what
comes within about ρ at every ρ. Near the saddle the motion is chaotic: rounding decides single steps.
"""

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import analysis, lab, plot

LR, RADII, START, STEPS = 1.25e-5, (0.0, 0.1, 0.5, 1.0), (1, 2), 100_000
CLOSE, AROUND, SHOWN = 6000, slice(5000, 5041), 0.5  # steps with cosines; steps with perturbed points, and their ρ
SADDLE, MINIMUM = (0, 1), (3, 0.5)


def draw() -> Figure:
    """Return the figure."""
    beale = sd.landscapes.beale()
    figure = plt.figure(figsize=(13, 4.4))
    grid = figure.add_gridspec(3, 3, width_ratios=(1.25, 1, 0.9))
    paths, near = figure.add_subplot(grid[:, 0]), figure.add_subplot(grid[:, 2])
    rows = [figure.add_subplot(grid[row, 1]) for row in range(3)]
    colors = plt.colormaps["viridis"](np.linspace(0, 0.85, len(RADII)))
    dashes = ("-", "--", "-.", ":")

    plot.contours(beale, paths, bar=False)
    map_ = sd.Map(beale, sd.SAM(list(RADII)), lr=LR)
    runs = sd.simulate(map_, [START] * len(RADII), STEPS, save_every=100, backend="compiled")
    distance = np.linalg.norm(runs.w.values - SADDLE, axis=2)
    for run, (rho, color, dash) in enumerate(zip(RADII, colors, dashes, strict=True)):
        name = rf"$\rho = {rho:g}$" + ("" if rho else " (GD)")
        plot.path(runs, paths, run=run, color=color, linestyle=dash, label=name)
        print(f"ρ = {rho:g}: at least {distance[run].min():.2g} from the saddle, at the end {distance[run, -1]:.1e}")
    for name, point, shift in (("saddle", SADDLE, (-14, -20)), ("minimum", MINIMUM, (8, 4))):
        paths.plot(*point, "x", color="black", ms=7, zorder=6)
        paths.annotate(name, point, xytext=shift, textcoords="offset points")
    paths.set_title("Small radii head for the minimum, large ones end at the saddle")
    paths.legend(loc="lower left")

    for ax, rho, color in zip(rows, RADII[1:], colors[1:], strict=True):
        map_ = sd.Map(beale, sd.SAM(rho), lr=LR)
        runs = sd.simulate(map_, START, CLOSE, save_every=1, backend="compiled")
        plot.cosine(analysis.cosine(map_, runs), ax, color=color, marker=".", rasterized=True)
        ax.set(xlim=(0, CLOSE), yticks=[-1, 0, 1], xlabel="", ylabel="")
        ax.text(0.98, 0.1, rf"$\rho = {rho:g}$", transform=ax.transAxes, ha="right", backgroundcolor="white")
        if rho == SHOWN:
            points = analysis.perturbed(map_, runs).isel(step=AROUND)
            plot.perturbed(runs.isel(step=AROUND), points, near, color=color, label=r"$w^p_k$, perturbed")
    rows[0].set_title(r"Cosine of $\nabla L(w_k)$ and $\nabla L(w^p_k)$")
    for ax in rows[:-1]:
        ax.tick_params(labelbottom=False)
    rows[-1].set_xlabel("step $k$")
    near.set(xlim=(-0.7, 0.7), ylim=(0.3, 1.7), aspect="equal")
    near.set_title(rf"$\rho = {SHOWN:g}$, steps {AROUND.start} to {AROUND.stop - 1}: $w^p$ alternates")
    near.legend(loc="upper right")
    return figure


if __name__ == "__main__":
    lab.draw_figure(draw)

"""The saddle x² − y²: gradient descent leaves it, SAM stays.

Left: paths from (−3, −0.01) with η = 0.01, ρ = 0.5, 500 steps (darker: lower loss; circle: runs within ρ are captured
by SAM). Middle: the distance |y| from the line along which runs arrive; it grows until a run leaves, and falls where
the saddle attracts. Right: the cosine of ∇L(w) and the gradient at the perturbed point w + ρ∇L(w)/‖∇L(w)‖.

Source: [K23], the saddle surface with gradient descent and SAM.

Agrees: GD leaves and SAM stays. We draw contours where the paper has a surface, which would hide the start. What the
authors' script computes is not SAM: it does not clear the gradient between two backward passes, so its steps follow
the sum ∇L(w) + ∇L(wᵖ) (dotted). It stays too, but the saddle captures only runs within ρ/2, where SAM's captures those
within ρ. The cosine only dips here and never flips: the runs end by jumping along x, where the ascent keeps the sign
of the gradient.
"""

from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import Circle

import samdyn as sd
from samdyn import analysis, lab, plot
from samdyn.ops import Point
from samdyn.oracle import Oracle

LR, RHO, STEPS, START = 0.01, 0.5, 500, (-3, -0.01)


@dataclass(frozen=True)
class SummedSAM(sd.SAM):
    """The sum of both gradients: F(w) = ∇L(w) + ∇L(wᵖ), the authors' script."""

    def __call__(self, w: Point, grad: Oracle) -> Point:
        return grad(w) + super().__call__(w, grad)


def draw() -> Figure:
    """Return the figure."""
    saddle = sd.landscapes.saddle()
    # SAM last, over what it shares with the others.
    styles = {"GD": plot.line("GD"), "sum of both gradients": plot.line("other"), "SAM": plot.line("SAM")}
    methods = dict(zip(styles, (sd.GD(), SummedSAM(RHO), sd.SAM(RHO)), strict=True))
    (origin,) = sd.critical_points(saddle)
    figure, (paths, heights, cosines) = plt.subplots(1, 3, figsize=(13, 4.2), width_ratios=(1.25, 1, 1))
    plot.contours(saddle, paths, bar=False)
    for name, method in methods.items():
        map_ = sd.Map(saddle, method, lr=LR)
        style = styles[name]
        runs = sd.simulate(map_, START, STEPS, save_every=1, box=saddle.box)
        plot.path(runs, paths, label=name, **style)
        distance = abs(runs.w.values[0, : int(runs.end[0]), 1])
        heights.plot(distance, color=style["color"], linestyle=style["linestyle"])
        if method != sd.GD():
            plot.cosine(analysis.cosine(map_, runs), cosines, **style)
            captured = analysis.held_set(map_, origin, 2 * RHO, 3000).inner
            print(
                f"{name}: ends at {np.round(runs.w.values[0, -1], 6)}, holds runs within {captured:.4f} of the saddle"
            )
    trap = {"fill": False, "ec": styles["SAM"]["color"], "ls": "--", "zorder": 2}
    paths.add_patch(Circle((0, 0), RHO, **trap, label=rf"within $\rho = {RHO:g}$ of the saddle"))
    paths.set(aspect="equal", title="GD leaves the saddle, SAM stays")
    heights.set_title("GD moves away, SAM comes nearer")
    cosines.set_title(r"Cosine of $\nabla L(w_k)$ and $\nabla L(w^p_k)$")
    cosines.set_ylabel("")
    heights.axhline(RHO, color="0.6", lw=1)
    heights.annotate(r"$\rho$", (STEPS, RHO), xytext=(-14, 4), textcoords="offset points", color="0.35")
    heights.set(yscale="log", xlabel="step $k$", ylabel="distance $|y_k|$", ylim=(1e-10, 10))
    figure.legend(*paths.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


if __name__ == "__main__":
    lab.draw_figure(draw)

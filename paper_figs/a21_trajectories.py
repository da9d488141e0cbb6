"""SAM and ASAM on |w₁ relu(w₂) − 1| from three starts that are the same network, rescaled.

The function w₁ relu(w₂) does not change if w₁ grows a-fold and w₂ shrinks a-fold. Above are the paths from three such
starts, below the same paths with that rescaling undone. There, a method that ignores the scale has one path for all
three starts. A cross marks the point wᵖ to which the first ascent climbs.

- SAM climbs to three different points. It moves along the valley of minima to the flattest one, where w₁ = w₂. From
  the start with the smallest w₂ it stops early: its ascent crosses w₂ = 0, beyond which the gradient is 0.
- ASAM climbs to the same point, so its ascent ignores the scale. Its paths do not coincide, because its descent is the
  usual one, w ← w − η∇L(wᵖ). They are gradient descent's, w₁² − w₂² = constant, up to where these meet the valley.
- If the descent is scaled by T² as well, with T = diag|w|, the paths coincide. This third method is ours.

Source: [A21], the figure of trajectories. The loss is the paper's. Its constant, radii and starts were not available;
those here are ours.

Agrees: ASAM's ascent does not depend on the scale, which is what the paper proves of it; SAM's does. More does not
follow: ASAM's paths depend on the scale.
"""

from dataclasses import dataclass

import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import lab, plot
from samdyn.ops import Point
from samdyn.oracle import Oracle

RHO, LR, STEPS, START = 0.3, 0.005, 3000, (2.0, 1.5)
FACTORS = np.array([0.5, 1.0, 2.0])  # a
VIEW = 5.2  # largest w₁ and w₂ in the panels


@dataclass(frozen=True)
class ScaledDescent(sd.ASAM):
    """ASAM whose descent is scaled like its ascent: F(w) = T²∇L(wᵖ), T = diag|w|."""

    def __call__(self, w: Point, grad: Oracle) -> Point:
        return w**2 * super().__call__(w, grad)


METHODS = {"SAM": sd.SAM(RHO), "ASAM": sd.ASAM(RHO), "ASAM, descent scaled too": ScaledDescent(RHO)}


def draw() -> Figure:
    """Draw the paths of the three methods, as they are and with the rescaling undone."""
    landscape, scale = sd.landscapes.relu_product(), np.stack([FACTORS, 1 / FACTORS], 1)
    starts = scale * np.array(START)
    figure, axes = plt.subplots(2, len(METHODS), figsize=(9.6, 7), sharex=True, sharey=True)
    valley = np.geomspace(1 / VIEW, VIEW)
    for ax in axes.flat:
        ax.plot(valley, 1 / valley, color="0.8", lw=5, zorder=0, label="minima")
    for (above, below), (name, method) in zip(axes.T, METHODS.items(), strict=True):
        runs = sd.simulate(sd.Map(landscape, method, lr=LR), starts, STEPS, save_every=1, progress=False)
        climbed = method.perturbed(torch.as_tensor(starts.T), landscape.grad).numpy().T
        for ax, unit in ((above, np.ones_like(scale)), (below, scale)):
            for i, style in enumerate(plot.CYCLE[1:4]):
                path, end = runs.w.values[i] / unit[i], {"ls": "none", "color": style["color"], "zorder": 4}
                ax.plot(*path.T, color=style["color"], lw=5 - 1.7 * i, label=rf"$a$ = {FACTORS[i]:g}")
                ax.plot(*path[:1].T, marker="o", mfc="white", ms=7, **end)
                ax.plot(*path[-1:].T, marker=style["marker"], mec="white", ms=10 - 2 * i, **end)
                ax.plot(*(climbed[i] / unit[i])[:, None], marker="x", ms=9 - i, mew=2, **end)
        undone = (runs.w.values / scale[:, None], climbed / scale)
        apart = [np.linalg.norm(points - points[1], axis=-1).max() for points in undone]
        print(f"{name}: with the rescaling undone, paths are {apart[0]:.2g} apart, the first w^p {apart[1]:.2g}")
        above.set_title(name)
        below.set_xlabel("$w_1$")
    axes[0, 0].set(xlim=(0, VIEW), ylim=(0, VIEW), ylabel="as they are\n\n$w_2$", aspect="equal")
    axes[1, 0].set(ylabel="rescaling undone\n\n$w_2$", aspect="equal")
    figure.suptitle("ASAM's ascent (×) ignores the scale of the weights, its path does not")
    title = "starts (○) $(2a, 1.5/a)$, which are the same function"
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4, title=title)
    return figure


if __name__ == "__main__":
    lab.draw_figure(draw)

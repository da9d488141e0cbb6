"""Which sharpness orders networks by their generalisation gap?

Each point is a network, trained on 200 of scikit-learn's digits to the same training loss with its own learning rate,
batch size, radius ρ of SAM, scale of the initial weights, and seed. Kendall's τ is +1 if a measure orders the networks
as their gap does, and 0 if it says nothing; ψ is the mean of τ among networks that differ in one hyper-parameter only.
Right are medians over seeds with 95 % intervals, the last three among networks of one scale of the initial weights.

Source: [A21], the scatter of sharpness and adaptive sharpness against the gap, and its table of rank correlations.
The grid of hyper-parameters was fixed before any network was trained. The paper's networks are others, and so are its
correlations, which we do not repeat since its table was not available.

RESULT
"""

from typing import Any

import torch
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import lab, networks, plot
from samdyn.statistics import rank_correlations

WIDTHS, SAMPLES, TRAIN_LOSS, STEPS, SAVE_EVERY, SEEDS = (64, 24, 24, 10), 200, 0.05, 800, 10, 8
SCALES = [1.0, 2.0, 4.0]  # factors on the initial weights
GRID: dict[str, Any] = {"lr": [0.1, 0.2], "batch_size": [8, 32], "rho": [0.0, 0.1], "scale": SCALES}
RADII = {"radius": 0.05, "adaptive_radius": 0.5}  # ρ of sharpness and of adaptive sharpness
NAMES = {"plain, 1 step": "sharpness", "adaptive, 1 step": "adaptive sharpness"}
SHOWN = {"τ": r"$\tau$", "ψ": r"$\psi$", **{f"τ, scale = {s:g}": f"$\\tau$, scale\n{s:g}" for s in SCALES}}
DATA = networks.digits(test=0.5)
NETWORK = networks.classifier(DATA, WIDTHS[1:-1], samples=SAMPLES)


def measure(batch_size: int, lr: Any, rho: Any, scale: Any, seed: Any) -> dict[str, Any]:
    """Train networks until their loss is low enough. Return their gap and both kinds of sharpness there."""
    own = zip(scale.tolist(), seed.tolist(), strict=True)
    starts = NETWORK.vector(networks.models.mlp(WIDTHS, scale=one, seed=number) for one, number in own)
    map_ = sd.Map(NETWORK, sd.SAM(torch.as_tensor(rho)), lr=torch.as_tensor(lr), noise=sd.noise.FiniteSum(batch_size))
    saves = networks.train(map_, starts, STEPS, save_every=SAVE_EVERY, runs=seed)
    w, step = networks.first_at_loss(NETWORK, saves, TRAIN_LOSS)
    losses, sharpness = networks.performance(NETWORK, w, DATA), networks.sharpnesses(NETWORK, w, **RADII)
    return {"step": step, "gap": losses["test_loss"] - losses["train_loss"], **{k: sharpness[k].numpy() for k in NAMES}}


def draw() -> Figure:
    """Draw the gap against both kinds of sharpness, and the rank correlations."""
    runs = sd.sweep(measure, {**GRID, "seed": range(SEEDS)}, batch=("lr", "rho", "scale", "seed"), progress=False)
    runs = runs.where(runs.step.notnull())
    print(f"{int(runs.step.count())} of {runs.step.size} networks reached a training loss of {TRAIN_LOSS:g}")
    measures = xr.concat([runs[name] for name in NAMES], xr.Variable("of", [*NAMES.values()]))
    tau = rank_correlations(measures, runs.gap, [*GRID], within="scale").sel(statistic=[*SHOWN])
    difference = (tau.sel(of=NAMES["adaptive, 1 step"]) - tau.sel(of=NAMES["plain, 1 step"])).assign_coords(
        of="difference"
    )
    medians = lab.medians(xr.concat([tau, difference], "of").to_dataset(name="tau"), "seed", nan=0.0)
    figure, axes = plt.subplots(1, 3, figsize=(11.4, 4.2), width_ratios=(1, 1, 1.1))
    axes[1].sharey(axes[0])
    for of in medians.of.values:
        texts = (
            f"{which} {lab.text(lab.interval('tau', '+.2f'), medians.sel(of=of, statistic=which))}" for which in SHOWN
        )
        print(f"{of}: {'; '.join(texts)}")
    for ax, of in zip(axes, NAMES.values(), strict=False):
        plot.scatter(measures.sel(of=of), runs.gap, ax, hue="scale", label="{:g}")
        plot.log_axis(ax, "x")
        ax.set(xlabel=of, title=rf"$\tau$ = {lab.text(lab.interval('tau', '+.2f'), medians.sel(of=of, statistic='τ'))}")
    axes[0].set_ylabel("generalisation gap: test loss − train loss")
    axes[0].legend(title="scale of\ninitial weights", markerscale=2)
    bars = medians.sel(of=[*NAMES.values()]).assign_coords(place=("statistic", range(len(SHOWN))))
    looks = [{**plot.line(name), "linestyle": "none"} for name in ("SAM", "ASAM")]
    plot.intervals(bars, "tau", axes[2], x="place", hue="of", styles=looks, aside=0.15)
    axes[2].axhline(0, color="0.7", lw=1, zorder=0)
    axes[2].set(title="rank correlation with the gap", xticks=bars.place, xticklabels=SHOWN.values())
    axes[2].legend(fontsize="small")
    figure.suptitle("TITLE")
    return figure


if __name__ == "__main__":
    lab.draw_figure(draw)

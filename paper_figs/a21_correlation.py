"""Which sharpness orders networks by their generalisation gap?

Each point is a network, trained on 200 of scikit-learn's digits to the same training loss with its own learning rate,
batch size, radius ρ of SAM, scale of the initial weights, and seed. Kendall's τ is +1 if a measure orders the networks
as their gap does, and 0 if it says nothing; ψ is the mean of τ among networks that differ in one hyper-parameter only.
Right are medians over seeds with 95 % intervals, the last three among networks of one scale of the initial weights.

Source: [A21], the scatter of both kinds of sharpness against the gap, and its table of rank correlations, which was not
available. Our grid of hyper-parameters was fixed before any network was trained.

Agrees: adaptive sharpness orders the networks better than sharpness does. Its τ is small, and the difference comes from
the scale of the initial weights: within one scale these seeds do not tell it from 0; 30 seeds on another grid do at
scale 4 (docs/networks.md). A larger scale has a larger gap and less sharpness, which orders them the wrong way.
"""

from itertools import product
from typing import Any

import torch
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import lab, networks, plot
from samdyn.statistics import rank_correlations

WIDTHS, SAMPLES, TRAIN_LOSS, STEPS, SAVE_EVERY, SEEDS = (64, 24, 24, 10), 200, 0.05, 800, 10, 20
SCALES = [1.0, 2.0, 4.0]  # factors on the initial weights
GRID: dict[str, Any] = {"lr": [0.1, 0.2], "batch_size": [8, 32], "rho": [0.0, 0.1], "scale": SCALES}
METHODS = {"sharpness": sd.SAM(0.05), "adaptive sharpness": sd.ASAM(0.5)}  # whose ascent step measures them
SHOWN = {"τ": "$\\tau$\nall", "ψ": "$\\psi$\nall", **{f"τ, scale = {s:g}": f"$\\tau$\nscale {s:g}" for s in SCALES}}
LOOKS, TAU = [plot.line(name) for name in ("SAM", "ASAM")], lab.interval("tau", "+.2f")
DATA = networks.digits(test=0.5)
NETWORK = networks.classifier(DATA, WIDTHS[1:-1], samples=SAMPLES)


def measure(batch_size: int, lr: Any, rho: Any, scale: Any, seed: Any) -> dict[str, Any]:
    """Train networks until their loss is low enough. Return their gap and both kinds of sharpness there."""
    own = zip(scale.tolist(), seed.tolist(), strict=True)
    starts = NETWORK.vector(networks.models.mlp(WIDTHS, scale=one, seed=number) for one, number in own)
    map_ = sd.Map(NETWORK, sd.SAM(torch.as_tensor(rho)), lr=torch.as_tensor(lr), noise=sd.noise.FiniteSum(batch_size))
    saves = networks.train(map_, starts, STEPS, save_every=SAVE_EVERY, runs=seed)
    w, step = networks.first_at_loss(NETWORK, saves, TRAIN_LOSS)
    losses = networks.performance(NETWORK, w, DATA)
    sharpness = {name: networks.rise(NETWORK, w, method).numpy() for name, method in METHODS.items()}
    return {"step": step, "gap": losses["test_loss"] - losses["train_loss"], **sharpness}


def draw() -> Figure:
    """Draw the gap against both kinds of sharpness, and the rank correlations."""
    runs = sd.sweep(measure, {**GRID, "seed": range(SEEDS)}, batch=("lr", "rho", "scale", "seed"), progress=False)
    runs = runs.where(runs.step.notnull())
    print(f"{int(runs.step.count())} of {runs.step.size} networks reached a training loss of {TRAIN_LOSS:g}")
    measures = xr.concat([runs[name] for name in METHODS], xr.Variable("of", [*METHODS]))
    tau = rank_correlations(measures, runs.gap, [*GRID], within="scale").sel(statistic=[*SHOWN])
    tau = xr.concat([tau, tau.diff("of").assign_coords(of=["difference"])], "of")
    medians = lab.medians(tau.to_dataset(name="tau"), "seed", nan=0.0)
    for of, key in product(medians.of.values, SHOWN):
        print(f"{of}, {key}:", lab.text(TAU, medians.sel(of=of, statistic=key)))
    figure, axes = plt.subplots(1, 3, figsize=(11.4, 4.6), width_ratios=(1, 1, 1.1))
    axes[1].sharey(axes[0])
    for ax, of in zip(axes, METHODS, strict=False):
        plot.scatter(measures.sel(of=of), runs.gap, ax, hue="scale", label="{:g}")
        plot.log_axis(ax, "x")
        ax.set(xlabel=of, title=rf"$\tau$ = {lab.text(TAU, medians.sel(of=of, statistic='τ'))}".replace("-", "−"))
    axes[0].set_ylabel("generalisation gap: test loss − train loss")
    handles = axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower left", ncols=3, title="scale of the initial weights")
    bars = medians.sel(of=[*METHODS]).assign_coords(place=("statistic", range(len(SHOWN))))
    plot.intervals(bars, "tau", axes[2], x="place", hue="of", styles=LOOKS, aside=0.15, ls="none")
    axes[2].axhline(0, color="0.7", lw=1, zorder=0)
    axes[2].set(title="rank correlation with the gap", xticks=bars.place, xticklabels=SHOWN.values())
    figure.legend(*axes[2].get_legend_handles_labels(), loc="outside lower right", ncols=2)
    figure.suptitle("Adaptive sharpness orders networks by their gap better than sharpness does, but weakly")
    return figure


if __name__ == "__main__":
    lab.draw_figure(draw)

"""Sharpness along the training of SAM with n ascent steps, and how high its ascent climbs.

Left are medians over networks with 95 % bands, along the training on a fifth of scikit-learn's digits, of SAM that
follows the gradient at the last of its n ascent points; then of SAM that follows the mean gradient of the n points.
Right are the ratios to n = 1, network by network, in the second half of the training. Sharpness is the largest rise of
the loss within 0.1 that projected ascent finds, in the same way for all networks. Height is the rise L(wᵖ) − L(w) that
SAM's own ascent reaches; for SGD it is that of SAM with n = 1.

Source: [M23], the sharpness along training for several n. The paper trains ResNets on CIFAR-10; its settings were not
available. The mean gradient is our reading of the paper's "simple modification", whose definition we could not find.

Differs: the abstract says that n > 1 steps lead to another loss landscape than one step. Here the sharpness is the same
for all n, to some 15 %, and SGD's is higher; n steps of ρ/n climb little higher than one step of ρ. With the mean
gradient the ascent of n = 10 stays higher, as after training with a smaller ρ. Larger networks may differ.
"""

from typing import Any

import numpy as np
import torch
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import lab, networks, plot

RHO, LR, BATCH_SIZE, STEPS, SAVE_EVERY, SEEDS = 0.2, 0.2, 32, 320, 40, 20
RADIUS, ASCENT_STEPS, COUNTS = 0.1, 5, (1, 2, 5, 10)  # of the ascent that measures sharpness; n of the training
TASK = networks.Task(networks.digits(test=0.8), (24, 24), SEEDS)
LAST, MEAN = "gradient at the last point", "mean gradient of the points"
SETTINGS = [(LAST, 0), *((LAST, n) for n in COUNTS), *((MEAN, n) for n in COUNTS[1:])]  # n = 0 is SGD
STYLES = dict(zip((0, *COUNTS), ({**look, "marker": ""} for look in (plot.CYCLE[4], *plot.CYCLE)), strict=False))
LOOKS = [{"color": "black", "marker": "o"}, {"color": "0.5", "marker": "s"}]
LABELS = {"sharpness": f"sharpness within {RADIUS:g}", "height": r"height $L(w^p) - L(w)$"}


def measure(form: str, n: int, seed: Any) -> dict[str, Any]:
    """Train networks by SAM. Return the sharpness at every save, and the height that SAM's ascent reaches there."""
    network, sam, values = TASK.network, sd.SAM(RHO, ascent_steps=max(n, 1), average=form == MEAN), {}
    map_ = sd.Map(network, sam if n else sd.GD(), lr=LR, noise=sd.noise.FiniteSum(BATCH_SIZE))
    for step, w in networks.train(map_, TASK.starts[seed], STEPS, save_every=SAVE_EVERY, runs=seed):
        sharpness = networks.max_rise(network, w, RADIUS, ascent_steps=ASCENT_STEPS)
        values[step] = torch.stack([sharpness, networks.rise(network, w, sam)])
    table = torch.stack([*values.values()]).double().permute(1, 2, 0)
    return {k: xr.DataArray(v, {"step": [*values]}, ("cell", "step")) for k, v in zip(LABELS, table, strict=True)}


def draw() -> Figure:
    """Draw sharpness and height along training, for each n, plain and averaged, and their ratios to n = 1."""
    runs = sd.sweep(measure, {("form", "n"): SETTINGS, "seed": range(SEEDS)}, batch="seed", progress=False)
    runs = runs[[*LABELS]].set_index(form_n=["form", "n"]).unstack().sel(form=[LAST, MEAN])
    late = runs.sel(step=slice(STEPS // 2, None)).map(np.log).mean("step").map(np.exp)
    medians, ratios = lab.medians(runs, "seed"), lab.medians(late / late.sel(form=LAST, n=1, drop=True), "seed")
    ratios = ratios.assign_coords(place=("n", range(ratios.sizes["n"])))
    figure, axes = plt.subplots(len(LABELS), 3, figsize=(11, 6.2), sharex="col")
    for row, name in zip(axes, LABELS, strict=True):
        for ax, form in zip(row, (LAST, MEAN), strict=False):
            for n, label in {0: "SGD", **{n: f"SAM, $n = {n}$" for n in COUNTS}}.items():
                plot.band(medians.sel(form=form if n > 1 else LAST, n=n), name, ax, x="step", **STYLES[n], label=label)
            plot.log_axis(ax, "y")
        for form, n in SETTINGS:
            print(f"{name}, {form}, n = {n}, ratio:", lab.text(lab.interval(name, ".2f"), ratios.sel(form=form, n=n)))
        row[1].sharey(row[0])
        row[0].set_ylabel(LABELS[name])
        plot.intervals(ratios, name, row[2], x="place", hue="form", styles=LOOKS, aside=0.15, ls="none")
        row[2].axhline(1, color="0.7", lw=1, zorder=0)
        row[2].set(ylabel="ratio to $n = 1$", xticks=ratios.place, xticklabels=["SGD", *COUNTS])
    titles = {LAST: "step", MEAN: "step", f"second half, {SEEDS} networks": "ascent steps $n$"}
    for ax, (title, below) in zip(axes.T, titles.items(), strict=True):
        ax[0].set_title(title)
        ax[1].set_xlabel(below)
    axes[0, 2].legend(fontsize="small")
    figure.suptitle("SAM's sharpness is the same for every number $n$ of ascent steps, and SGD's is higher")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return figure


if __name__ == "__main__":
    lab.draw_figure(draw)

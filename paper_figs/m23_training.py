"""Sharpness along the training of SAM with n ascent steps, and how high its ascent climbs.

Left and in the middle are medians over networks with 95 % bands, along the training on a fifth of scikit-learn's
digits: of SAM that follows the gradient at the last of its n ascent points, and of SAM that follows the mean gradient
of the n points. Right are the ratios to n = 1, network by network, in the second half of the training. Above is the
sharpness, the largest rise of the loss within 0.1 that five steps of projected ascent find, the same measure for all
networks. Below is the height L(wᵖ) − L(w) that SAM's own ascent reaches on the way.

Source: [M23], the sharpness along training for several n. The paper trains ResNets on CIFAR-10; its settings were not
available. The mean gradient is our reading of the paper's "simple modification", whose definition we could not find.
"""

from typing import Any

import numpy as np
import torch
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import lab, networks, plot

RHO, LR, BATCH_SIZE, STEPS, SAVE_EVERY, SEEDS = 0.2, 0.2, 32, 320, 40, 12
RADIUS, ASCENT_STEPS = 0.1, 5  # of the ascent that measures sharpness
COUNTS = (1, 2, 5, 10)  # n
TASK = networks.Task(networks.digits(test=0.8), (24, 24), SEEDS)
FORMS = {False: "gradient at the last point", True: "mean gradient of the points"}
LABELS = {"sharpness": f"sharpness within {RADIUS:g}", "height": r"height $L(w^p) - L(w)$"}


def measure(average: bool, n: int, seed: Any) -> dict[str, Any]:
    """Train networks by SAM. Return the sharpness at every save, and the height that SAM's ascent reaches there."""
    network, sam = TASK.network, sd.SAM(RHO, ascent_steps=n, average=average)
    map_ = sd.Map(network, sam, lr=LR, noise=sd.noise.FiniteSum(BATCH_SIZE))
    values = {}
    for step, w in networks.train(map_, TASK.starts[seed], STEPS, save_every=SAVE_EVERY, runs=seed):
        sharpness = networks.max_rise(network, w, RADIUS, ascent_steps=ASCENT_STEPS)
        values[step] = torch.stack([sharpness, networks.rise(network, w, sam)])
    table = torch.stack([*values.values()]).double().permute(1, 2, 0)
    return {k: xr.DataArray(v, {"step": [*values]}, ("cell", "step")) for k, v in zip(LABELS, table, strict=True)}


def draw() -> Figure:
    """Draw sharpness and height along training, for each n, plain and averaged, and their ratios to n = 1."""
    settings = [(average, n) for average in FORMS for n in COUNTS if n > 1 or not average]
    runs = sd.sweep(measure, {("average", "n"): settings, "seed": range(SEEDS)}, batch="seed", progress=False)
    runs = runs[[*LABELS]]
    late = np.exp(np.log(runs.sel(step=slice(STEPS // 2, None))).mean("step"))
    medians, ratios = lab.medians(runs, "seed"), lab.medians(late / late.isel(average_n=0, drop=True), "seed")
    figure, axes = plt.subplots(len(LABELS), 3, figsize=(11, 6), sharex="col", sharey=False)
    for row, (name, label) in zip(axes, LABELS.items(), strict=True):
        for ax, (average, form) in zip(row, FORMS.items(), strict=False):
            for n, look in zip(COUNTS, plot.CYCLE, strict=False):
                one = medians.isel(average_n=settings.index((average and n > 1, n)))
                plot.band(one, name, ax, x="step", **{**look, "marker": ""}, label=f"$n = {n}$")
            chosen = ratios.isel(average_n=np.flatnonzero(ratios.average == average))
            look = {"marker": "s" if average else "o", "color": "0.45" if average else "black", "ls": "none"}
            chosen = chosen.assign_coords(x=("average_n", np.log2(chosen.n.values) + 0.15 * average))
            plot.intervals(chosen, name, row[2], x="x", **look, label=form)
            ax.set(yscale="log", ylim=(row[0].get_ylim() if average else None))
            for i in range(chosen.sizes["average_n"]):
                value = lab.text(lab.interval(name, ".2f"), chosen.isel(average_n=i))
                print(f"{name}, {form}, n = {chosen.n.values[i]}: {value} of n = 1")
        row[0].set_ylabel(label)
        row[2].axhline(1, color="0.7", lw=1, zorder=0)
        row[2].set(ylabel="ratio to $n = 1$", xticks=np.log2(COUNTS), xticklabels=COUNTS)
    for ax, title in zip(axes[0], (*FORMS.values(), f"second half, {SEEDS} networks"), strict=True):
        ax.set_title(title)
    for ax, label in zip(axes[-1], ("step", "step", "ascent steps $n$"), strict=True):
        ax.set_xlabel(label)
    axes[0, 2].legend(fontsize="small")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


if __name__ == "__main__":
    lab.draw_figure(draw)

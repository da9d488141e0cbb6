"""Momentum and small batches rescue SAM in training without batch norm: most of it is the larger step.

Median test accuracy in % of eight ReLU networks 64-32-32-10 on the digits of scikit-learn, over momentum γ and batch
size B, for SGD (ρ = 0) and SAM, after 10 epochs. Upper row: all have the same η. Lower row: all have the same step
η/(1−γ), which is that of γ = 0.9 above, so the right columns of both rows are the same networks. Initial weights and
batches of a seed are the same at every γ and ρ.

Source: [K23], training without batch norm and augmentation over γ × B, there with ResNet-18 on CIFAR-10. The networks
and data here fit a laptop; the settings were fixed before training.

Differs: at equal η momentum rescues SAM with ρ = 0.5, and SGD with large batches, as the paper reports. But it also
multiplies the step by 1/(1−γ). At equal η/(1−γ) it changes little for SGD and ρ = 0.1; for ρ = 0.5 it still helps at
B = 64, and at the other batch sizes eight networks do not resolve an effect. Thirty do after 20 epochs, but for γ = 0.9
with B = 256: see the table in docs/networks.md. Small batches also take more steps in ten epochs; docs/networks.md
compares them over kη/(1−γ).
"""

from functools import partial
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import analysis, lab, networks, plot, statistics

MOMENTA, SIZES, RADII, SEEDS, EPOCHS, LR = (0.0, 0.5, 0.9), (16, 64, 256), (0.0, 0.1, 0.5), 8, 10, 0.05
ROWS = {"equal η": "equal η = {:g}", "equal η/(1−γ), large": "equal η/(1−γ) = {:g}"}


def draw() -> Figure:
    """Return the figure."""
    every = analysis.equal_rates(LR, MOMENTA[1:])
    rates = {name: every[name] for name in ROWS}
    task = networks.Task(networks.digits(), (32, 32), SEEDS, 0)
    axes = {"batch_size": SIZES, ("momentum", "lr"): analysis.distinct_rates(rates), "rho": RADII, "seed": range(SEEDS)}
    runs = sd.sweep(partial(accuracy, task), axes, batch=("momentum", "lr", "rho", "seed"))
    paired = analysis.by_comparison(runs, rates).value
    middle, low, high = statistics.median_interval(paired, "seed")
    figure, panels = plt.subplots(len(ROWS), len(RADII), figsize=(10, 5.6), squeeze=False)
    for row, (name, title) in enumerate(ROWS.items()):
        for ax, rho in zip(panels[row], RADII, strict=True):
            at = {"compared": name, "rho": rho}
            plot.heat_map(middle.sel(at), ax, x="momentum", y="batch_size", format="{:.0f}", vmin=0, vmax=100)
            step = title.format(LR / (1 - MOMENTA[-1]) if row else LR)
            ax.set_title((f"SAM, ρ = {rho:g}" if rho else "SGD") + f", {step}")
            ends = {
                f"B = {size}, γ = {gamma:g}": {**at, "batch_size": size, "momentum": gamma}
                for size in SIZES
                for gamma in (MOMENTA[0], MOMENTA[-1])
            }
            words = [
                f"{key}: {middle.sel(cell):.1f} [{low.sel(cell):.1f}, {high.sel(cell):.1f}]"
                for key, cell in ends.items()
            ]
            print(f"ρ = {rho:g}, {step}: " + "; ".join(words))
    for row in panels:
        row[0].set_ylabel("batch size $B$")
    for ax in panels[-1]:
        ax.set_xlabel(r"momentum $\gamma$")
    figure.suptitle("Median test accuracy [%]: momentum helps SAM at equal η, and less at equal η/(1−γ)")
    return figure


def accuracy(task: networks.Task, batch_size: int, rho: np.ndarray, seed: Any, **setting: Any) -> Any:
    """Train networks with batches of one size. Return their test accuracy in %."""
    map_ = sd.Map(task.network, sd.SAM(rho), noise=sd.noise.FiniteSum(batch_size), **setting)
    steps = round(EPOCHS * task.network.samples / batch_size)
    ((_, w),) = networks.train(map_, task.starts[seed], steps, runs=seed, device="cpu")
    return 100 * networks.performance(task.network, w, task.data)["test_accuracy"]


if __name__ == "__main__":
    lab.draw_figure(draw)

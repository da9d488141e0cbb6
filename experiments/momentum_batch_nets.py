"""Do momentum and small batches rescue SAM on networks, or is it the step size? The claim of [K23], with its control.

The script trains MLPs on the digits of scikit-learn for equally many epochs. Momentum γ also multiplies the step by
1/(1−γ), so that it compares γ at equal η and at equal η/(1−γ), once that of γ = 0 and once that of the largest γ. For
networks that stalled it asks: are they at a saddle, and does the step of SAM lead back up to it?

The grid and the seeds are the defaults below. They were fixed before any network was trained. docs/networks.md has the
numbers of --seeds 30, with all other options at their defaults.
"""

import math
from functools import partial
from itertools import chain
from typing import Annotated, Any

import numpy as np
import torch
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import checks, lab, networks, plot

COMPARED = {  # the comparisons: η in units of --lr, as a function of γ and the largest γ
    "equal η": lambda gamma, largest: 1.0,
    "equal η/(1−γ), small": lambda gamma, largest: 1 - gamma,
    "equal η/(1−γ), large": lambda gamma, largest: (1 - gamma) / (1 - largest),
}
STALLED, DIVERGED = 0.95 * math.log(10), 10 * math.log(10)  # log 10 is the loss of a network that knows nothing
LEGEND = (
    "Medians of {} networks with 95 % intervals; gains in points of test accuracy and ratios of train loss are of "
    "momentum against none, seed by seed. Stalled networks end above a train loss of 0.95 log 10; their share is in %. "
    "There λ is the lowest eigenvalue of H, v its eigenvector, g the full gradient. The step ratio F·v / g·v is 1 for "
    "SGD and negative where SAM climbs back to the saddle; were L quadratic, it would be 1 − ρ|λ|/‖g‖, as predicted."
)


def main(
    rho: Annotated[lab.PositiveRadii, "Radii ρ > 0 of SAM. 0, which is SGD, is always there."] = (0.1, 0.5),
    momentum: Annotated[lab.Momenta, "Momenta γ beside 0.", lab.each(bool, "must lie in (0, 1)")] = (0.5, 0.9),
    batch_sizes: Annotated[lab.BatchSizes, "Batch sizes B, drawn with replacement."] = (16, 64, 256),
    lr: Annotated[lab.LearningRate, "Learning rate η where it is equal, and at γ = 0 where η/(1−γ) is small."] = 0.05,
    epochs: Annotated[lab.Epochs, "How long: N/B steps each."] = 20,
    width: Annotated[lab.Width, "Width of both hidden layers."] = 32,
    seeds: lab.Seeds = 4,
    seed: Annotated[lab.Seed, "Seed of initial weights and batches."] = 0,
    processes: lab.Processes = 2,
    device: lab.Device = "auto",
    *,
    report: lab.Report,
) -> None:
    """Do momentum and small batches rescue SAM on networks, or is it the step size?"""
    data = networks.digits()
    network = networks.classifier(data, (width, width))
    if batch_sizes[-1] > network.samples:
        checks.reject("--batch-sizes", batch_sizes[-1], f"there are {network.samples} samples", "Use smaller ones")
    starts = networks.initial_weights(data, (width, width), seeds, seed=seed)
    rates = [[(gamma, lr * of(gamma, momentum[-1])) for gamma in (0.0, *momentum)] for of in COMPARED.values()]
    # What several comparisons share is trained once. The order is that of the steps together, η/(1−γ), and of γ.
    settings = sorted({*chain(*rates)}, key=lambda pair: (round(pair[1] / (1 - pair[0]), 9), pair[0]))
    function = partial(measure, network, data, starts, epochs, {"seed": seed, "device": device})
    grid = {"batch_size": batch_sizes, ("momentum", "lr"): settings, "rho": (0.0, *rho), "seed": range(seeds)}
    runs = sd.sweep(function, grid, batch=("momentum", "lr", "rho", "seed"), processes=processes)
    report.data(runs, "networks")

    runs = runs.assign_coords(length=runs.lr / (1 - runs.momentum), steps=runs.steps.isel(rho=0, seed=0, drop=True))
    ends = lab.medians(runs[["test_accuracy", "train_loss"]], "seed").assign_coords(time=runs.steps * runs.length)
    ends["stalled"] = (~(runs.train_loss <= STALLED)).sum("seed")  # with those that diverged
    columns: dict[str, Any] = {**lab.settings("rho", "momentum", "lr", "batch_size"), "η/(1−γ)": "{length:.3g}"}
    columns |= {"accuracy [%]": lab.interval("test_accuracy", ".1f"), "train loss": lab.interval("train_loss", ".2g")}
    columns["stalled"] = lambda row: lab.share(int(row.stalled), seeds)
    report.print(lab.table(ends, columns, ("rho", "momentum_lr", "batch_size")))

    parts = [runs.isel(momentum_lr=[*map(settings.index, pairs)]).swap_dims(momentum_lr="momentum") for pairs in rates]
    paired = xr.concat(parts, xr.Variable("compared", [*COMPARED]))
    gain = paired.test_accuracy.sel(momentum=[*momentum]) - paired.test_accuracy.sel(momentum=0)
    ratio = paired.train_loss.sel(momentum=[*momentum]) / paired.train_loss.sel(momentum=0)
    columns = {"compared at": "{compared}", **lab.settings("momentum", "rho", "batch_size")}
    columns |= {"gain": lab.interval("gain", "+.1f"), "ratio of losses": lab.interval("ratio", ".2f")}
    effects = lab.medians(xr.Dataset({"gain": gain, "ratio": ratio}), "seed")
    report.print(lab.table(effects, columns, ("compared", "momentum", "rho", "batch_size")))
    place, over = runs[["eigenvalue", "gradient_norm", "step_ratio"]], ["momentum_lr", "seed"]
    lam, rho_over_norm = place.eigenvalue.fillna(-1.0), (place.rho / place.gradient_norm).fillna(0.0)
    place["predicted"] = xr.apply_ufunc(sd.theory.effective_curvature, lam, rho_over_norm) / place.eigenvalue
    counts = {"number": place.step_ratio.count(over), "back": (place.step_ratio < 0).sum(over)}
    columns = {**lab.settings("rho", "batch_size"), "stalled": "{number}", "λ": "{eigenvalue:.2f}"}
    columns |= {"‖g‖": "{gradient_norm:.3f}", "step ratio": "{step_ratio:+.2f}", "predicted": "{predicted:+.2f}"}
    columns["step ratio < 0"] = lambda row: lab.share(int(row.back), int(row.number))
    report.print(lab.table(place.median(over).assign(counts), columns, ("rho", "batch_size")), LEGEND.format(seeds))

    report.figure(draw(lab.medians(paired[["test_accuracy"]], "seed"), seeds), "momentum_batch_nets")
    report.figure(draw_time(ends, seeds), "step_size")
    report.print(*(f"Points gained at {name}: {lab.effect(gain.sel(compared=name), 'seed')}" for name in COMPARED))


def measure(
    network: networks.Network, data: networks.Data, starts: torch.Tensor, epochs: int, training: dict[str, Any],
    *, batch_size: int, momentum: Any, lr: Any, rho: Any, seed: Any,
) -> dict[str, Any]:  # fmt: skip
    """Train networks with batches of one size. Return how good they are and, of those that stalled, where they are."""
    momentum, lr, rho = map(torch.as_tensor, (momentum, lr, rho))
    map_ = sd.Map(network, sd.SAM(rho), lr=lr, momentum=momentum, noise=sd.noise.FiniteSum(batch_size))
    steps = round(epochs * network.samples / batch_size)
    ((_, w),) = networks.train(map_, starts[seed], steps, runs=seed, **training)
    measured = networks.performance(network, w, data)
    stalled = (measured["train_loss"] > STALLED) & (measured["train_loss"] < DIVERGED)
    for name, values in networks.escape_step(network, w[:, stalled], sd.SAM(rho[stalled])).items():
        measured[name] = np.full(len(stalled), np.nan)
        measured[name][stalled] = values
    return {**measured, "test_accuracy": 100 * measured["test_accuracy"], "steps": np.full(len(stalled), steps)}


def draw(paired: xr.Dataset, seeds: int) -> Figure:
    """Draw test accuracy against γ, a column per batch size, a row per comparison."""
    of = {f"{name} = {float(paired.lr.sel(compared=name)[0]):.3g}": paired.sel(compared=name) for name in COMPARED}
    rows = [(data, "test_accuracy", f"{label}\n\ntest accuracy [%]") for label, data in of.items()]
    heading = f"Momentum at equal η and at equal η/(1−γ)\n(medians of {seeds}; bars: 95 %; grey: chance; ρ = 0: SGD)"
    look: dict[str, Any] = {"x": "momentum", "hue": "rho", "label": "ρ = {:g}", "aside": 0.015, "xlabel": r"$\gamma$"}
    figure, axes = lab.facets(rows, heading, column="batch_size", title="$B = {:g}$", **look)
    for ax in axes.flat:
        ax.axhline(10, color="0.7", lw=0.8, zorder=0)
        ax.set_ylim(0, 103)
    return figure


def draw_time(ends: xr.Dataset, seeds: int) -> Figure:
    """Draw test accuracy of every setting against kη/(1−γ), a column per ρ."""
    figure, axes = plt.subplots(1, ends.sizes["rho"], figsize=(9.6, 4.2), sharex=True, sharey=True, squeeze=False)
    look: dict[str, Any] = {
        "column": "rho",
        "title": r"$\rho = {:g}$",
        "x": "time",
        "xlabel": r"$t = k\eta/(1-\gamma)$",
    }
    for i, gamma in enumerate(np.unique(ends.momentum)):
        one = ends.isel(momentum_lr=np.flatnonzero(ends.momentum == gamma))
        rows = [(one.assign_coords(time=1.12**i * one.time), "test_accuracy", "test accuracy [%]")]  # side by side
        style = {"label": f"B = {{:g}}, γ = {gamma:g}", "marker": "osD^v<P"[i % 7], "mfc": "white", "linestyle": "none"}
        plot.facets(rows, axes, hue="batch_size", **look, **style)
    for ax in axes[0]:
        ax.axhline(10, color="0.7", lw=0.8, zorder=0)
        ax.set(ylim=(0, 103), xscale="log")
    figure.suptitle(f"Accuracy after the time kη/(1−γ) (medians of {seeds}; bars: 95 %; grey: chance; ρ = 0: SGD)")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


if __name__ == "__main__":
    lab.run(main)

"""Do momentum and small batches rescue SAM on networks, or is it the step size? The claim of [K23], with its control.

The script trains MLPs on the digits of scikit-learn for equally many epochs. Momentum γ also multiplies the step by
1/(1−γ), so that it compares γ at equal η and at equal η/(1−γ), once that of γ = 0 and once that of the largest γ. For
networks that stalled it asks: are they at a saddle, and does the step of SAM lead back up to it?

The grid and the seeds are the defaults below. They were fixed before any network was trained. docs/networks.md has the
numbers of --seeds 30, with all other options at their defaults.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, cast

import matplotlib
import numpy as np
import torch
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from rich.table import Table
from torch.nn.functional import cross_entropy
from typer import Option

import samdyn as sd
from samdyn import checks, cli, networks, plot
from samdyn.networks import Network
from samdyn.output import OutputFolder
from samdyn.simulation.progress import progress_bar
from samdyn.simulation.starts import choose_device
from samdyn.statistics import median_interval, wilson

# The comparisons: η in units of --lr, as a function of γ and the largest γ.
COMPARED: dict[str, Callable[[float, float], float]] = {
    "equal η": lambda gamma, largest: 1.0,
    "equal η/(1−γ), small": lambda gamma, largest: 1 - gamma,
    "equal η/(1−γ), large": lambda gamma, largest: (1 - gamma) / (1 - largest),
}
STALLED = 0.95 * math.log(10)  # log 10 is the loss of a network that gives all ten digits the same probability
DIVERGED = 10 * math.log(10)
TOGETHER = 128  # networks in one part; more at once save time on small batches only
# Quantities at a stalled network; see ``place``.
PLACE = ("eigenvalue", "gradient_norm", "step_ratio", "predicted_ratio")
LINES: list[dict[str, Any]] = [
    {"color": "#000000", "marker": "o", "linestyle": "-"},
    {"color": "#0072B2", "marker": "s", "linestyle": "--"},
    {"color": "#D55E00", "marker": "^", "linestyle": "-"},
    {"color": "#009E73", "marker": "D", "linestyle": "-."},
    {"color": "#CC79A7", "marker": "v", "linestyle": ":"},
]

MEDIANS = "Medians of {seeds} networks with 95 % bootstrap intervals."
STALL = (
    "Networks with a train loss above {bound:.2f} = 0.95 log 10 at the end, of {seeds}; Wilson's 95 % interval in %."
)
PAIRED = (
    "Differences are taken seed by seed, between networks with the same initial weights and the same batches: "
    "medians with 95 % intervals, as above."
)
RATIOS = "Ratios are taken seed by seed: medians with 95 % intervals, as above."
HELD = (
    "Medians over the stalled networks, of the full batch. λ is the lowest eigenvalue of H, v its eigenvector and "
    "g the gradient. The step ratio is F·v / g·v, which is 1 for SGD and negative where SAM climbs back to the "
    "saddle; were L quadratic, it would be 1 − ρ|λ|/‖g‖, which is predicted."
)


def main(
    rho: Annotated[str, Option(help="Radii ρ > 0 of SAM. 0, which is SGD, is always there.")] = "0.1,0.5",
    momentum: Annotated[str, Option(help="Momenta γ. 0 is always there.")] = "0.5,0.9",
    batch_sizes: Annotated[str, Option(help="Batch sizes B, drawn with replacement.")] = "16,64,256",
    lr: Annotated[float, Option(help="Learning rate η where it is equal, and at γ = 0 where η/(1−γ) is small.")] = 0.05,
    epochs: Annotated[int, Option(help="How long: N/B steps each.")] = 20,
    width: Annotated[int, Option(help="Width of both hidden layers.")] = 32,
    seeds: Annotated[int, Option(help="Networks of every setting; 30 in the docs.")] = 4,
    seed: Annotated[int, Option(help="Seed of initial weights and batches.")] = 0,
    processes: Annotated[int, Option(help="Number of processes; results do not depend on it.")] = 2,
    device: Annotated[str, Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    out: Annotated[
        Path, Option(help="Folder for figures and data; replaced only if it holds an earlier result.")
    ] = Path("results/momentum_batch_nets"),
) -> None:
    """Do momentum and small batches rescue SAM on networks, or is it the step size?"""
    parameters = {key: str(value) if isinstance(value, Path) else value for key, value in locals().items()}
    radii = [0.0, *cli.listed("--rho", rho, lambda v: 0 < v < np.inf, "must be finite numbers > 0", "0.1,0.5")]
    momenta = [0.0, *cli.listed("--momentum", momentum, lambda v: 0 < v < 1, "must lie in (0, 1)", "0.5,0.9")]
    rule = "must be integers >= 1"
    whole = cli.listed("--batch-sizes", batch_sizes, lambda v: v >= 1 and v % 1 == 0, rule, "16,64,256")
    sizes = [*map(int, whole)]
    checks.positive("--lr", lr, "Use e.g. --lr 0.05")
    checks.count("--epochs", epochs, "Use e.g. --epochs 20")
    checks.count("--width", width, "Use e.g. --width 32")
    if checks.count("--seeds", seeds, "Use e.g. --seeds 4") < 2:
        checks.reject("--seeds", seeds, "an interval needs two or more", "Use e.g. --seeds 4")
    checks.word("--seed", seed, "Use e.g. --seed 0")
    checks.count("--processes", processes, "Use e.g. --processes 2")
    choose_device(device)
    data = networks.digits()
    samples = len(data.train_targets)
    if sizes[-1] > samples:
        checks.reject("--batch-sizes", batch_sizes, f"there are {samples} samples", "Use e.g. --batch-sizes 16,64,256")

    of_weights = np.random.SeedSequence(seed).generate_state(seeds).tolist()
    models = [networks.models.mlp((64, width, width, data.classes), seed=s) for s in of_weights]
    network = Network(models[0], cross_entropy, data.train_inputs, data.train_targets)
    axes = {"momentum": momenta, "rho": radii, "seed": of_weights}
    sgd = sd.Map(network, sd.SAM(0.0), lr=lr)
    console = cli.console()
    with OutputFolder(out, "momentum_batch_nets", parameters) as folder:
        console.print(f"digits, MLP 64-{width}-{width}-10 ({network.dim} parameters), {epochs} epochs, cross entropy")
        lengths = [round(epochs * samples / size) for size in sizes]
        grid = train(
            sgd, network.vector(models), axes, dict(zip(sizes, lengths, strict=True)), data, seed, device, processes
        )
        for table, legend in tables(grid):
            console.print(table, legend.format(seeds=seeds, bound=STALLED), sep="\n")
        folder.save_dataset(grid, "networks.zarr")
        with plt.rc_context(plot.STYLE):
            folder.save_figure(draw(grid), "momentum_batch_nets.png")
            folder.save_figure(draw_time(grid), "step_size.png")
        console.print(answer(grid))
    console.print(f"figures, data and provenance in {out}/")


def train(
    sgd: sd.Map,
    starts: torch.Tensor,
    axes: dict[str, list[Any]],
    steps: dict[int, int],
    data: networks.Data,
    seed: int,
    device: str,
    processes: int,
) -> xr.Dataset:
    """Train the networks of every batch size B for ``steps[B]``; measure them over B × compared × γ × ρ × seed.

    The function trains a setting that several comparisons share once. Networks of one seed have the same batches, which
    do not depend on the rest of the grid.
    """
    momenta, radii, _ = axes.values()
    rates = [[(gamma, sgd.lr * of(gamma, momenta[-1])) for gamma in momenta] for of in COMPARED.values()]
    different = list(dict.fromkeys(itertools.chain(*rates)))
    at_once = max(1, TOGETHER // (len(radii) * len(starts)))
    groups = [different[i : i + at_once] for i in range(0, len(different), at_once)]
    # The smallest batches have the most steps and start first, so that no process ends with one part alone.
    work = [(size, group) for size in sorted(steps) for group in groups]
    parts = [(sgd, size, group, radii, starts, steps[size], data, seed, device) for size, group in work]
    results: dict[tuple[int, tuple[float, float]], dict[str, np.ndarray]] = {}
    done = 0
    with progress_bar("training", sum(steps.values()) * len(different)) as show:
        for number, measured in cli.in_processes(train_settings, parts, processes):
            size, group = work[number]
            results |= {(size, setting): one for setting, one in zip(group, measured, strict=True)}
            done += steps[size] * len(group)
            show(done)
    variables: dict[str, Any] = {
        name: (
            ("batch_size", "compared", "momentum", "rho", "seed"),
            np.array([[[results[size, setting][name] for setting in row] for row in rates] for size in steps]),
        )
        for name in results[work[0][0], different[0]]
    }
    variables["lr"] = (("compared", "momentum"), np.array(rates)[..., 1])
    variables["steps"] = ("batch_size", [*steps.values()])
    return xr.Dataset(variables, coords={"batch_size": [*steps], "compared": [*COMPARED], **axes})


def train_settings(
    sgd: sd.Map,
    size: int,
    settings: list[tuple[float, float]],
    radii: list[float],
    starts: torch.Tensor,
    steps: int,
    data: networks.Data,
    seed: int,
    device: str,
) -> list[dict[str, np.ndarray]]:
    """Train the networks of one B at some (γ, η) and every radius; return the measures of each, ``(ρ, seeds)``."""
    shape = (len(settings), len(radii), len(starts))
    gamma, lr = (torch.tensor(values).repeat_interleave(shape[1] * shape[2]) for values in zip(*settings, strict=True))
    rho = torch.tensor(radii).repeat_interleave(shape[2]).repeat(shape[0])
    map_ = replace(sgd, method=sd.SAM(rho), lr=lr, momentum=gamma, noise=sd.noise.FiniteSum(size))
    copies = shape[0] * shape[1]
    runs = torch.arange(shape[2]).repeat(copies)
    ((_, w),) = networks.train(map_, starts.repeat(copies, 1), steps, seed=seed, runs=runs, device=device)
    measured = {name: v.reshape(shape) for name, v in measure(map_, w, data).items()}
    return [{name: v[i] for name, v in measured.items()} for i in range(shape[0])]


def measure(map_: sd.Map, w: torch.Tensor, data: networks.Data) -> dict[str, np.ndarray]:
    """Measure networks ``(d, n)`` and, of those that stalled, where they are: ``(n,)`` each."""
    network, rho = cast(Network, map_.landscape), vars(map_.method)["rho"]
    loss = np.nan_to_num(network.value(w).cpu().numpy().astype(float), nan=np.inf, posinf=np.inf)  # diverged
    accuracy = network.accuracy(w, data.test_inputs, data.test_targets).cpu().numpy()
    places = np.full((len(PLACE), len(loss)), np.nan)
    for i in np.flatnonzero((loss > STALLED) & (loss < DIVERGED)):
        places[:, i] = place(network, w[:, i].contiguous(), float(rho[i]))
    return {"train_loss": loss, "test_accuracy": accuracy, **dict(zip(PLACE, places, strict=True))}


def place(landscape: sd.Landscape, w: torch.Tensor, rho: float) -> tuple[float, float, float, float]:
    """Return H's lowest eigenvalue λ at w, ‖g‖, and along that eigenvector F over g: measured, and predicted from λ."""
    values, vectors = networks.extreme_eigenpairs(landscape, w, highest=0, tolerance=1e-3)
    v, g = torch.as_tensor(vectors[:, 0]).to(w), landscape.grad(w)
    norm, ratio = float(g.norm()), float(sd.SAM(rho)(w, landscape.grad) @ v / (g @ v))
    return float(values[0]), norm, ratio, 1 + rho * float(values[0]) / norm


def stalled(grid: xr.Dataset) -> xr.DataArray:
    """Return whether networks stalled or diverged."""
    return ~(grid.train_loss <= STALLED)


def settings(grid: xr.Dataset) -> list[tuple[list[str], xr.Dataset]]:
    """Return every setting that was trained, once, by ρ, η/(1−γ) and γ: how to write it, and its networks."""
    results = {}
    for rho, compared, gamma in itertools.product(grid.rho.values, grid.compared.values, grid.momentum.values):
        one = grid.sel(rho=rho, compared=compared, momentum=gamma)
        lr = float(one.lr)
        results[rho, float(f"{lr / (1 - gamma):.6g}"), gamma] = [f"{lr:.3g}"], one
    return [
        ([f"{rho:g}", f"{step:.3g}", f"{gamma:g}", *lr], one)
        for (rho, step, gamma), (lr, one) in sorted(results.items(), key=lambda item: item[0])
    ]


def median(values: xr.DataArray, style: str) -> list[str]:
    """Write the medians over seeds with their intervals, one per batch size."""
    results = median_interval(values.transpose("batch_size", ...), "seed")
    return [cli.with_interval(one, style) for one in zip(*results, strict=True)]


def tables(grid: xr.Dataset) -> list[tuple[Table, str]]:
    """Return all tables, each with the text below it."""
    sizes = [f"B = {size}" for size in grid.batch_size.values]
    names = ("ρ", "η/(1−γ)", "γ", "η", *sizes)
    accuracy = cli.table("\nTest accuracy in %", *names, gap=2)
    loss = cli.table("\nTrain loss", *names, gap=1)
    stall = cli.table("\nStalled networks, in settings that have some", *names, gap=2)
    for named, one in settings(grid):
        accuracy.add_row(*named, *median(100 * one.test_accuracy, ".1f"))
        loss.add_row(*named, *median(one.train_loss, ".2g"))
        counts = stalled(one).sum("seed").values
        if counts.any():
            stall.add_row(*named, *(share(int(count), one.sizes["seed"]) for count in counts))
    gain = paired_table(grid, "Test accuracy with momentum minus that without, in points", 100 * gained(grid), "+.1f")
    ratio = paired_table(grid, "Train loss with momentum over that without", loss_ratio(grid), ".2f")
    return [
        (accuracy, MEDIANS),
        (loss, MEDIANS),
        (stall, STALL),
        (gain, PAIRED),
        (ratio, RATIOS),
        (place_table(grid), HELD),
    ]


def share(count: int, of: int) -> str:
    """Write how many of some, with the interval of the share in %."""
    low, high = wilson(count, of)
    return f"{count}/{of} [{100 * low:.0f}, {100 * high:.0f}]"


def gained(grid: xr.Dataset) -> xr.DataArray:
    """Return test accuracies at γ > 0 minus those at γ = 0, seed by seed."""
    return grid.test_accuracy.isel(momentum=slice(1, None)) - grid.test_accuracy.isel(momentum=0, drop=True)


def loss_ratio(grid: xr.Dataset) -> xr.DataArray:
    """Return train losses at γ > 0 over those at γ = 0, seed by seed."""
    return grid.train_loss.isel(momentum=slice(1, None)) / grid.train_loss.isel(momentum=0, drop=True)


def paired_table(grid: xr.Dataset, title: str, values: xr.DataArray, style: str) -> Table:
    """Return the table of the effect of momentum on a quantity."""
    sizes = [f"B = {size}" for size in grid.batch_size.values]
    table = cli.table(f"\n{title}", "compared at", "γ", "ρ", *sizes, gap=1)
    for compared, gamma, rho in itertools.product(grid.compared.values, values.momentum.values, grid.rho.values):
        first = compared if gamma == values.momentum.values[0] and not rho else ""
        cells = median(values.sel(compared=compared, momentum=gamma, rho=rho), style)
        table.add_row(first, "" if rho else f"{gamma:g}", f"{rho:g}", *cells)
    return table


def answer(grid: xr.Dataset) -> str:
    """Say in numbers what momentum does at equal steps, and at equal lengths of the steps together."""
    _, low, high = median_interval(gained(grid), "seed")
    lines = []
    for what, chosen in (("η", [*COMPARED][:1]), ("η/(1−γ)", [*COMPARED][1:])):
        above = int((low.sel(compared=chosen) > 0).sum())
        below = int((high.sel(compared=chosen) < 0).sum())
        lines.append(
            f"at equal {what} better in {above} and worse in {below} of {low.sel(compared=chosen).size} settings"
        )
    return (
        f"With momentum the test accuracy is, where its 95 % interval over {grid.sizes['seed']} seeds excludes 0, "
        + "; ".join(lines)
        + "."
    )


def step_lengths(grid: xr.Dataset, compared: str) -> str:
    """Write η/(1−γ) at γ = 0 and the largest γ."""
    one = grid.sel(compared=compared)
    ends = [f"{float(one.lr[i]) / (1 - float(one.momentum[i])):.3g}" for i in (0, -1)]
    return " → ".join(dict.fromkeys(ends))


def place_table(grid: xr.Dataset) -> Table:
    """Return the table of the places of stalled networks."""
    names = "ρ", "B", "stalled", "λ", "‖g‖", "ρ|λ|/‖g‖", "step ratio", "predicted", "step ratio < 0"
    table = cli.table("\nWhere stalled networks are", *names, gap=2)
    for rho, size in itertools.product(grid.rho.values, grid.batch_size.values):
        once = [one.sel(batch_size=size)[[*PLACE]].to_array() for _, one in settings(grid.sel(rho=[rho]))]
        places = np.concatenate(once, axis=1)
        places = places[:, np.isfinite(places).all(axis=0)]
        n = places.shape[1]
        if n:
            lam, norm, ratio, predicted = np.median(places, axis=1)
            numbers = f"{lam:.2f}", f"{norm:.3f}", f"{1 - predicted:.2f}", f"{ratio:+.2f}", f"{predicted:+.2f}"
            back = int((places[PLACE.index("step_ratio")] < 0).sum())
            table.add_row(f"{rho:g}", str(size), str(n), *numbers, share(back, n))
    return table


def draw(grid: xr.Dataset) -> Figure:
    """Draw test accuracy against γ, a column per batch size, a row per comparison."""
    shape = grid.sizes["compared"], grid.sizes["batch_size"]
    figure, axes = plt.subplots(*shape, figsize=(2.7 * shape[1] + 1.2, 7.2), sharex=True, sharey=True, squeeze=False)
    for (i, compared), (j, size) in itertools.product(
        enumerate(grid.compared.values), enumerate(grid.batch_size.values)
    ):
        ax: Axes = axes[i, j]
        for n, rho in enumerate(grid.rho.values):
            line = grid.sel(compared=compared, batch_size=size, rho=rho)
            middle, low, high = median_interval(100 * line.test_accuracy, "seed")
            label = f"SAM, ρ = {rho:g}" if rho else "SGD"
            aside = 0.015 * (n - (grid.sizes["rho"] - 1) / 2)  # error bars side by side
            bars = [middle - low, high - middle]
            ax.errorbar(line.momentum + aside, middle, yerr=bars, label=label, capsize=2, ms=5, **LINES[n % len(LINES)])
        ax.axhline(10, color="0.7", lw=0.8, zorder=0)
        ax.set(ylim=(0, 103))
        if not i:
            ax.set_title(f"$B = {size}$, {int(grid.steps.sel(batch_size=size))} steps")
    for ax, compared in zip(axes[:, 0], grid.compared.values, strict=True):
        left, value = (
            (r"$\eta$", float(grid.lr[0, 0]))
            if compared == "equal η"
            else (r"$\eta/(1-\gamma)$", float(step_lengths(grid, compared)))
        )
        ax.set_ylabel(f"equal {left} = {value:.3g}\n\ntest accuracy [%]")
    for ax in axes[-1]:
        ax.set_xlabel(r"momentum $\gamma$")
    runs = grid.sizes["seed"]
    figure.suptitle(f"Momentum at equal η and at equal η/(1−γ) (medians of {runs}; bars: 95 %; grey: chance)")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(LINES))
    return figure


def draw_time(grid: xr.Dataset) -> Figure:
    """Draw test accuracy of every setting against kη/(1−γ), a panel per ρ."""
    figure, axes = plt.subplots(
        1, grid.sizes["rho"], figsize=(3.4 * grid.sizes["rho"] + 0.6, 4.2), sharex=True, sharey=True, squeeze=False
    )
    for ax, rho in zip(axes[0], grid.rho.values, strict=True):
        for _, one in settings(grid.sel(rho=[rho])):
            gamma = float(one.momentum)
            number = [*grid.momentum.values].index(gamma)
            # Markers at one t stand side by side, one for each momentum.
            aside = 1.12 ** (number - (grid.sizes["momentum"] - 1) / 2)
            t = aside * one.steps * float(one.lr) / (1 - gamma)
            for j, (m, low, high) in enumerate(zip(*median_interval(100 * one.test_accuracy, "seed"), strict=True)):
                style = {"color": LINES[j % len(LINES)]["color"], "marker": LINES[number % len(LINES)]["marker"]}
                bars = [[float(m - low)], [float(high - m)]]
                ax.errorbar(float(t[j]), m, yerr=bars, capsize=2, ms=5, mfc="white", alpha=0.9, **style)
        ax.axhline(10, color="0.7", lw=0.8, zorder=0)
        ax.set(
            title=rf"SAM, $\rho = {rho:g}$" if rho else "SGD",
            xscale="log",
            ylim=(0, 103),
            xlabel=r"time $t = k\eta/(1-\gamma)$",
        )
    axes[0, 0].set_ylabel("test accuracy [%]")
    handles: list[Any] = [
        Patch(color=LINES[j % len(LINES)]["color"], label=f"$B = {size}$")
        for j, size in enumerate(grid.batch_size.values)
    ]
    handles += [
        Line2D(
            [],
            [],
            color="0.3",
            ls="none",
            mfc="white",
            marker=LINES[i % len(LINES)]["marker"],
            label=rf"$\gamma = {gamma:g}$",
        )
        for i, gamma in enumerate(grid.momentum.values)
    ]
    runs = grid.sizes["seed"]
    figure.suptitle(f"Accuracy after the time $k\\eta/(1-\\gamma)$ (medians of {runs}; bars: 95 %; grey: chance)")
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


if __name__ == "__main__":
    matplotlib.use("Agg")
    torch.set_num_threads(1)  # two threads slow down networks this small if another program runs
    cli.run(main)

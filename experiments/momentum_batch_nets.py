"""Do momentum and small batches rescue SAM on networks, or is it the step size? The claim of [K23], with its control.

MLPs on the digits of scikit-learn, for equally many epochs. Momentum γ also multiplies the step, by 1/(1−γ): γ is
compared at equal η, and at equal η/(1−γ), once that of γ = 0 and once that of the largest γ. Of networks that stalled:
are they at a saddle, and does the step of SAM lead back up to it?
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
from rich.box import SIMPLE_HEAD
from rich.table import Table
from torch.nn.functional import cross_entropy
from typer import Option

import samdyn as sd
from samdyn import checks, cli, networks, plot
from samdyn.analysis.intervals import mean_interval, wilson
from samdyn.networks import Network
from samdyn.output import OutputFolder
from samdyn.simulate.progress import progress_bar
from samdyn.simulate.starts import choose_device

# What momentum is compared at, and η there in units of --lr, from γ and the largest γ.
COMPARED: dict[str, Callable[[float, float], float]] = {
    "equal η": lambda gamma, largest: 1.0,
    "equal η/(1−γ), small": lambda gamma, largest: 1 - gamma,
    "equal η/(1−γ), large": lambda gamma, largest: (1 - gamma) / (1 - largest),
}
STALLED = 0.95 * math.log(10)  # log 10 is the loss of saying the same of all digits
DIVERGED = 10 * math.log(10)
# Where a network that stalled is; see ``place``.
PLACE = ("eigenvalue", "gradient_norm", "drive", "drive_told")
LINES: list[dict[str, Any]] = [
    {"color": "#000000", "marker": "o", "linestyle": "-"},
    {"color": "#0072B2", "marker": "s", "linestyle": "--"},
    {"color": "#D55E00", "marker": "^", "linestyle": "-"},
    {"color": "#009E73", "marker": "D", "linestyle": "-."},
    {"color": "#CC79A7", "marker": "v", "linestyle": ":"},
]

MEANS = "Mean of {runs} networks ± half its 95 % interval, by Student's t over seeds."
STALL = "Networks with a train loss above {bound:.2f} = 0.95 log 10 at the end, of {runs}; Wilson's 95 % interval in %."
PAIRED = "Seed by seed: the same initial weights, other batches. Mean ± half its 95 % interval, as above."
HELD = """\
Medians over the stalled, of the full batch; H's lowest eigenvalue λ with eigenvector v. drive: of a
step along v, (F·v)/(g·v); 1 for SGD, < 0: SAM climbs back. told: 1 − ρ|λ|/‖g‖, were L quadratic.
"""


def main(
    rho: Annotated[str, Option(help="Radii ρ > 0 of SAM. 0, which is SGD, is always there.")] = "0.1,0.5",
    momentum: Annotated[str, Option(help="Momenta γ. 0 is always there.")] = "0.5,0.9",
    batch_sizes: Annotated[str, Option(help="Batch sizes B, drawn with replacement.")] = "16,64,256",
    lr: Annotated[float, Option(help="Learning rate η where it is equal, and at γ = 0 where η/(1−γ) is small.")] = 0.05,
    epochs: Annotated[int, Option(help="How long: N/B steps each.")] = 20,
    width: Annotated[int, Option(help="Of both hidden layers.")] = 32,
    runs: Annotated[int, Option(help="Networks of every setting.")] = 8,
    seed: Annotated[int, Option(help="Of initial weights and batches.")] = 0,
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
    if checks.count("--runs", runs, "Use e.g. --runs 8") < 2:
        checks.reject("--runs", runs, "one alone tells no interval", "Use e.g. --runs 8")
    checks.word("--seed", seed, "Use e.g. --seed 0")
    choose_device(device)
    data = networks.digits()
    samples = len(data.train_targets)
    if sizes[-1] > samples:
        checks.reject("--batch-sizes", batch_sizes, f"there are {samples} samples", "Use e.g. --batch-sizes 16,64,256")

    seeds = np.random.SeedSequence(seed).generate_state(runs).tolist()
    models = [networks.models.mlp((64, width, width, data.classes), seed=s) for s in seeds]
    network = Network(models[0], cross_entropy, data.train_inputs, data.train_targets)
    axes = {"momentum": momenta, "rho": radii, "seed": seeds}
    sgd = sd.Map(network, sd.SAM(0.0), lr=lr)
    console = cli.console()
    with OutputFolder(out, "momentum_batch_nets", parameters) as folder:
        console.print(f"digits, MLP 64-{width}-{width}-10 ({network.dim} parameters), {epochs} epochs, cross entropy")
        found = []
        for size in sizes:
            map_ = replace(sgd, noise=sd.noise.FiniteSum(size))
            found.append(train(map_, network.vector(models), axes, round(epochs * samples / size), data, seed, device))
        grid = xr.concat(found, "batch_size", join="exact").assign_coords(batch_size=sizes)
        for table, legend in tables(grid):
            console.print(table, legend.format(runs=runs, bound=STALLED), sep="\n")
        folder.save_dataset(grid, "networks.zarr")
        with plt.rc_context(plot.STYLE):
            folder.save_figure(draw(grid), "momentum_batch_nets.png")
            folder.save_figure(draw_time(grid), "step_size.png")
    console.print(f"figures, data and provenance in {out}/")


def train(
    map_: sd.Map,
    starts: torch.Tensor,
    axes: dict[str, list[Any]],
    steps: int,
    data: networks.Data,
    seed: int,
    device: str,
) -> xr.Dataset:
    """Train the networks of one batch size together; measure them over what is compared × γ × ρ × seed.

    What several comparisons have in common is trained once.
    """
    momenta, radii, seeds = axes.values()
    rates = [[(gamma, map_.lr * of(gamma, momenta[-1])) for gamma in momenta] for of in COMPARED.values()]
    different = list(dict.fromkeys(itertools.chain(*rates)))
    each = [(*setting, rho) for setting in different for rho in radii for _ in seeds]
    gamma, lr, rho = (torch.tensor(values) for values in zip(*each, strict=True))
    together = replace(map_, method=sd.SAM(rho), lr=lr, momentum=gamma)
    every, copies = max(1, steps // 50), len(each) // len(starts)
    saves = networks.train(together, starts.repeat(copies, 1), steps, save_every=every, seed=seed, device=device)
    with progress_bar(f"B = {vars(map_.noise)['batch_size']}", steps) as show:
        for step, w in saves:
            show(step)
            end = w
    measured = measure(together, end, data)
    shape = len(different), len(radii), len(seeds)
    chosen = np.array([[different.index(setting) for setting in row] for row in rates])
    dims = ("compared", "momentum", "rho", "seed")
    variables: dict[str, Any] = {name: (dims, v.reshape(shape)[chosen]) for name, v in measured.items()}
    variables["lr"] = (dims[:2], np.array(rates)[..., 1])
    return xr.Dataset({**variables, "steps": steps}, coords={"compared": [*COMPARED], **axes})


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
    """Return H's lowest eigenvalue λ at w, ‖g‖, and along that eigenvector F over g: measured, and told by λ."""
    values, vectors = networks.extreme_eigenpairs(landscape, w, highest=0, tolerance=1e-3)
    v, g = torch.as_tensor(vectors[:, 0]).to(w), landscape.grad(w)
    norm, drive = float(g.norm()), float(sd.SAM(rho)(w, landscape.grad) @ v / (g @ v))
    return float(values[0]), norm, drive, 1 + rho * float(values[0]) / norm


def stalled(grid: xr.Dataset) -> xr.DataArray:
    """Whether networks stalled, or diverged."""
    return ~(grid.train_loss <= STALLED)


def settings(grid: xr.Dataset) -> list[tuple[list[str], xr.Dataset]]:
    """Return every setting that was trained, once, by ρ, η/(1−γ) and γ: how to write it, and its networks."""
    found = {}
    for rho, compared, gamma in itertools.product(grid.rho.values, grid.compared.values, grid.momentum.values):
        one = grid.sel(rho=rho, compared=compared, momentum=gamma)
        lr = float(one.lr[0])
        found[rho, float(f"{lr / (1 - gamma):.6g}"), gamma] = [f"{lr:.3g}"], one
    return [
        ([f"{rho:g}", f"{step:.3g}", f"{gamma:g}", *lr], one)
        for (rho, step, gamma), (lr, one) in sorted(found.items(), key=lambda item: item[0])
    ]


def tables(grid: xr.Dataset) -> list[tuple[Table, str]]:
    """Return all tables, each with what to say below it."""
    sizes = [f"B = {size}" for size in grid.batch_size.values]
    names = ("ρ", "η/(1−γ)", "γ", "η", *sizes)
    accuracy, loss = new_table("test accuracy in %", *names), new_table("train loss", *names)
    stall = new_table("stalled, of settings where a network did", *names)
    for named, one in settings(grid):
        accuracy.add_row(
            *named,
            *(f"{100 * m:.1f} ± {100 * h:.1f}" for m, h in zip(*mean_interval(one.test_accuracy, "seed"), strict=True)),
        )
        loss.add_row(
            *named, *(f"{m:.3g} ± {h:.1g}" for m, h in zip(*mean_interval(one.train_loss, "seed"), strict=True))
        )
        counts = stalled(one).sum("seed").values
        if counts.any():
            stall.add_row(*named, *(share(int(count), one.sizes["seed"]) for count in counts))
    return [(accuracy, MEANS), (loss, MEANS), (stall, STALL), (paired_table(grid), PAIRED), (place_table(grid), HELD)]


def new_table(title: str, *columns: str) -> Table:
    """Return an empty table of numbers."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, title=f"\n{title}", title_justify="left")
    for name in columns:
        table.add_column(name, justify="right")
    return table


def share(count: int, of: int) -> str:
    """Write how many of some, with the interval of the share in %."""
    low, high = wilson(count, of)
    return f"{count}/{of} [{100 * low:.0f}, {100 * high:.0f}]"


def paired(grid: xr.Dataset) -> xr.DataArray:
    """Return test accuracies at the largest γ minus those at γ = 0, seed by seed."""
    return grid.test_accuracy.isel(momentum=-1, drop=True) - grid.test_accuracy.isel(momentum=0, drop=True)


def paired_table(grid: xr.Dataset) -> Table:
    """Return the table of what momentum does to test accuracy."""
    sizes = [f"B = {size}" for size in grid.batch_size.values]
    title = f"test accuracy at γ = {grid.momentum.values[-1]:g} minus at γ = 0, in points"
    table = new_table(title, "compared at", "η/(1−γ)", "ρ", *sizes)
    for compared, rho in itertools.product(grid.compared.values, grid.rho.values):
        of = mean_interval(paired(grid).sel(compared=compared, rho=rho), "seed")
        cells = [f"{100 * m:+.1f} ± {100 * h:.1f}" for m, h in zip(*of, strict=True)]
        first = [compared, steps_told(grid, compared)] if not rho else ["", ""]
        table.add_row(*first, f"{rho:g}", *cells)
    return table


def steps_told(grid: xr.Dataset, compared: str) -> str:
    """Write η/(1−γ) at γ = 0 and the largest γ."""
    one = grid.isel(batch_size=0).sel(compared=compared)
    ends = [f"{float(one.lr[i]) / (1 - float(one.momentum[i])):.3g}" for i in (0, -1)]
    return " → ".join(dict.fromkeys(ends))


def place_table(grid: xr.Dataset) -> Table:
    """Return the table of where stalled networks are."""
    table = new_table(
        "where stalled networks are", "ρ", "B", "stalled", "λ", "‖g‖", "ρ|λ|/‖g‖", "drive", "told", "drive < 0"
    )
    for rho, size in itertools.product(grid.rho.values, grid.batch_size.values):
        once = [one.sel(batch_size=size)[[*PLACE]].to_array() for _, one in settings(grid.sel(rho=[rho]))]
        places = np.concatenate(once, axis=1)
        places = places[:, np.isfinite(places).all(axis=0)]
        n = places.shape[1]
        if n:
            lam, norm, drive, told = np.median(places, axis=1)
            numbers = f"{lam:.2f}", f"{norm:.3f}", f"{1 - told:.2f}", f"{drive:+.2f}", f"{told:+.2f}"
            back = int((places[PLACE.index("drive")] < 0).sum())
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
            middle, half = mean_interval(100 * line.test_accuracy, "seed")
            label = f"SAM, ρ = {rho:g}" if rho else "SGD"
            aside = 0.015 * (n - (grid.sizes["rho"] - 1) / 2)  # error bars side by side
            ax.errorbar(line.momentum + aside, middle, yerr=half, label=label, capsize=2, ms=5, **LINES[n % len(LINES)])
        ax.axhline(10, color="0.7", lw=0.8, zorder=0)
        ax.set(ylim=(0, 103))
        if not i:
            ax.set_title(f"$B = {size}$, {int(grid.steps.sel(batch_size=size))} steps")
    for ax, compared in zip(axes[:, 0], grid.compared.values, strict=True):
        left, value = (
            (r"$\eta$", float(grid.lr[0, 0, 0]))
            if compared == "equal η"
            else (r"$\eta/(1-\gamma)$", float(steps_told(grid, compared)))
        )
        ax.set_ylabel(f"equal {left} = {value:.3g}\n\ntest accuracy [%]")
    for ax in axes[-1]:
        ax.set_xlabel(r"momentum $\gamma$")
    figure.suptitle("What does momentum do that a larger step does not? (bars: 95 %, grey: chance)")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(LINES))
    return figure


def draw_time(grid: xr.Dataset) -> Figure:
    """Draw test accuracy of every setting against kη/(1−γ), a panel per ρ."""
    figure, axes = plt.subplots(
        1, grid.sizes["rho"], figsize=(3.1 * grid.sizes["rho"] + 0.6, 3.9), sharex=True, sharey=True, squeeze=False
    )
    for ax, rho in zip(axes[0], grid.rho.values, strict=True):
        for _, one in settings(grid.sel(rho=[rho])):
            gamma = float(one.momentum)
            shape = LINES[[*grid.momentum.values].index(gamma) % len(LINES)]["marker"]
            t = one.steps * float(one.lr[0]) / (1 - gamma)
            for j, (m, h) in enumerate(zip(*mean_interval(100 * one.test_accuracy, "seed"), strict=True)):
                style = {"color": LINES[j % len(LINES)]["color"], "marker": shape}
                ax.errorbar(float(t[j]), m, yerr=h, capsize=2, ms=5, alpha=0.8, **style)
        ax.axhline(10, color="0.7", lw=0.8, zorder=0)
        ax.set(
            title=f"SAM, ρ = {rho:g}" if rho else "SGD", xscale="log", ylim=(0, 103), xlabel=r"$t = k\eta/(1-\gamma)$"
        )
    axes[0, 0].set_ylabel("test accuracy [%]")
    handles: list[Any] = [
        Patch(color=LINES[j % len(LINES)]["color"], label=f"$B = {size}$")
        for j, size in enumerate(grid.batch_size.values)
    ]
    handles += [
        Line2D([], [], color="0.3", ls="none", marker=LINES[i % len(LINES)]["marker"], label=rf"$\gamma = {gamma:g}$")
        for i, gamma in enumerate(grid.momentum.values)
    ]
    figure.suptitle("All settings by how far their steps go together (bars: 95 %, grey: chance)")
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


if __name__ == "__main__":
    matplotlib.use("Agg")
    torch.set_num_threads(1)  # networks this small are slower with two as soon as another program runs
    cli.run(main)

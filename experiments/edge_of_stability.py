"""Does the largest curvature of a network in training settle at the edge that is predicted for GD, USAM and SAM?

The script trains with the full batch on a squared loss. Runs with momentum γ use η(1+γ), at which GD's edge 2(1+γ)/η is
the same. SAM's edge moves with the gradient norm. At the end the script changes ρ at once, to see which of the two
follows the other.

The settings and the seeds are the defaults below. They were fixed before any network was trained. docs/networks.md has
the numbers of --seeds 30, with all other options at their defaults.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import matplotlib
import numpy as np
import sympy
import torch
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from rich.table import Table
from typer import Option

import samdyn as sd
from samdyn import checks, cli, networks, plot, symbolic
from samdyn.networks import Network
from samdyn.output import OutputFolder
from samdyn.simulation.progress import progress_bar
from samdyn.simulation.starts import choose_device
from samdyn.statistics import median_interval

WIDTHS = (40, 32, 32, 10)
TOP = 5  # count of eigenvalues
FACTORS = (0.25, 4.0)  # factors by which ρ changes at the end
FOLLOWED, EVERY = 100, 5  # steps after the change, and steps between two measurements
SHOWN = (0, 5, 25, 100)  # steps after the change that the table has
TOGETHER = 6  # networks in one part; parts may run in several processes

LEGEND = (
    'Medians over {seeds} networks with 95 % bootstrap intervals, over the last third of training. "from k" is '
    "the step at which λ first reached its edge, with the number of networks that did in brackets if not all did. "
    '"sd" is the standard deviation of λ/edge along a run, and "above" the share of the measurements with λ > edge. '
    '"v₁" and "top 5" are the shares of ‖∇L‖² along the first eigenvector and the first five. GD\'s edge is '
    "2(1+γ)/η, which is the same for all, since η is multiplied by 1+γ with momentum."
)
SWITCHED = (
    "SAM without momentum goes on with another ρ: medians over {seeds} networks with 95 % intervals. λ, the edge "
    "and ‖∇L‖ are relative to step 0 after the change."
)


def main(
    lr: Annotated[float, Option(help="Learning rate η without momentum.")] = 0.2,
    rho: Annotated[float, Option(help="SAM's radius ρ > 0.")] = 0.05,
    usam_rho: Annotated[float, Option(help="USAM's radius ρ > 0.")] = 0.1,
    momentum: Annotated[float, Option(help="Momentum γ of the runs that have one.")] = 0.9,
    samples: Annotated[int, Option(help="Samples of MNIST-1D to train on, up to 4000.")] = 200,
    steps: Annotated[int, Option(help="Steps k of training.")] = 2000,
    look_every: Annotated[int, Option(help="Steps from one look at the Hessian to the next; odd.")] = 101,
    seeds: Annotated[int, Option(help="Networks of every method; 30 in the docs.")] = 3,
    seed: Annotated[int, Option(help="Seed of the first network's weights.")] = 0,
    processes: Annotated[int, Option(help="Number of processes; results do not depend on it.")] = 2,
    device: Annotated[str, Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    out: Annotated[
        Path, Option(help="Folder for figures and data; replaced only if it holds an earlier result.")
    ] = Path("results/edge_of_stability"),
) -> None:
    """Does the largest curvature of a network in training settle at the edge predicted for GD, USAM and SAM?"""
    parameters = {key: str(value) if isinstance(value, Path) else value for key, value in locals().items()}
    checks.learning_rate(lr)
    checks.positive("--rho", rho, "Use e.g. --rho 0.05")
    checks.positive("--usam-rho", usam_rho, "Use e.g. --usam-rho 0.1")
    fix, rule = "Use e.g. --momentum 0.9", "must lie in (0, 1): runs without are always there"
    checks.number("--momentum", momentum, rule, fix, lambda gamma: 0 < gamma < 1)
    if checks.count("--samples", samples, "Use e.g. --samples 200") > 4000:
        checks.reject("--samples", samples, "there are 4000 to train on", "Use e.g. --samples 200")
    if checks.count("--seeds", seeds, "Use e.g. --seeds 4") < 2:
        checks.reject("--seeds", seeds, "an interval needs two or more", "Use e.g. --seeds 4")
    # Iterates at the edge alternate between two sides, and an even interval would show one side only.
    if checks.count("--look-every", look_every, "Use e.g. --look-every 101") % 2 == 0:
        checks.reject("--look-every", look_every, "must be odd", "Use e.g. --look-every 101")
    if checks.count("--steps", steps, "Use e.g. --steps 2000") < 6 * look_every:
        checks.reject("--steps", steps, f"is less than 6 looks of {look_every} steps", "Use a smaller --look-every")
    for word in (seed, seed + seeds):  # every network has its own seed
        checks.word("--seed", word, "Use e.g. --seed 0")
    checks.count("--processes", processes, "Use e.g. --processes 2")
    choose_device(device)
    net = landscape(samples)
    maps = settings(net, lr, rho, usam_rho, momentum)

    console = cli.console()
    with OutputFolder(out, "edge_of_stability", parameters) as folder:
        console.print(f"tanh MLP {'-'.join(map(str, WIDTHS))}, {samples} samples of MNIST-1D, squared loss, full batch")
        starts = net.vector(networks.models.mlp(WIDTHS, activation="tanh", seed=seed + i) for i in range(seeds))
        runs, switched = training(maps, starts, steps, look_every, device, processes)
        console.print(runs_table(runs, maps), LEGEND.format(seeds=seeds), sep="\n")
        folder.save_dataset(runs, "runs.zarr")
        console.print(switch_table(switched), SWITCHED.format(seeds=seeds), sep="\n")
        folder.save_dataset(switched, "switched.zarr")
        with plt.rc_context(plot.STYLE):
            folder.save_figure(draw_runs(runs, maps), "edge_of_stability.png")
            folder.save_figure(draw_switch(switched), "switched.png")
        console.print(answer(runs, switched))
    console.print(f"figures, data and provenance in {out}/")


def squared(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the mean of ½‖output − target‖²."""
    return ((outputs - targets) ** 2).sum(-1).mean() / 2


def landscape(samples: int) -> Network:
    """Return the loss of the network on the first samples, with one-hot targets."""
    data = networks.mnist1d()
    targets = torch.nn.functional.one_hot(data.train_targets[:samples], data.classes).float()
    return Network(networks.models.mlp(WIDTHS, activation="tanh"), squared, data.train_inputs[:samples], targets)


def settings(net: Network, lr: float, rho: float, usam_rho: float, momentum: float) -> dict[str, sd.Map]:
    """Return the maps that the script compares, by name."""
    return {
        "GD": sd.Map(net, sd.GD(), lr=lr),
        f"GD, γ = {momentum:g}": sd.Map(net, sd.GD(), lr=lr * (1 + momentum), momentum=momentum),
        "USAM": sd.Map(net, sd.USAM(usam_rho), lr=lr),
        "SAM": sd.Map(net, sd.SAM(rho), lr=lr),
        f"SAM, γ = {momentum:g}": sd.Map(net, sd.SAM(rho), lr=lr * (1 + momentum), momentum=momentum),
    }


def edge(map_: sd.Map, gradient_norm: np.ndarray) -> np.ndarray:
    """Return the curvature λ above which steps along its eigenvector are predicted to grow, for every ‖∇L‖: ``(n,)``.

    At the distance x along the eigenvector, ‖∇L‖ = λx and the method multiplies x by 1 − ηF(x)/x in a step without
    momentum. The edge is the least λ > 0 with ηF(x)/x = 2, or 2(1+γ) with heavy ball: λ for GD, λ + ρλ² for USAM and
    λ + ρλ²/‖∇L‖ for SAM in place of F(x)/x [L23]. It is nan where ‖∇L‖ is.
    """
    lam, norm, distance = sympy.symbols("lambda g x", positive=True)
    field = symbolic.field_along(map_.method, lam)
    curvature = sympy.expand((field / distance).subs(distance, norm / lam))
    largest = symbolic.largest_lr(replace(map_, method=sd.GD()), 1.0)  # 2(1+γ): at curvature 1 it is ηλ
    excess = sympy.lambdify(norm, sympy.Poly(map_.lr * curvature - largest, lam).all_coeffs())
    edges = np.full_like(gradient_norm, np.nan)
    for i in np.flatnonzero(np.isfinite(gradient_norm) & (gradient_norm > 0)):
        roots = np.roots(excess(gradient_norm[i]))
        edges[i] = min((root.real for root in roots if root.real > 0 and root.imag == 0), default=np.inf)
    return edges


def look(map_: sd.Map, w: torch.Tensor) -> dict[str, np.ndarray]:
    """Measure networks ``(d, n)``: loss, gradient norm, λ (the largest first), shares of ‖∇L‖² along their vectors.

    nan where a network diverged.

    Raises:
        InputError: all diverged.
    """
    net = map_.landscape
    gradients = net.grad(w).double().cpu().numpy()
    finite = np.isfinite(gradients).all(axis=0)
    if not finite.any():
        rule = f"{type(map_.method).__name__} diverged"
        checks.reject("--lr", map_.lr, rule, "Use a smaller one, or a smaller radius")
    norms = np.where(finite, np.linalg.norm(gradients, axis=0), np.nan)
    eigenvalues, shares = np.full((2, len(norms), TOP), np.nan)
    for i in np.flatnonzero(finite):
        values, vectors = networks.extreme_eigenpairs(net, w[:, i], lowest=0, highest=TOP, tolerance=1e-3)
        eigenvalues[i] = values[::-1]
        shares[i] = ((gradients[:, i] @ vectors)[::-1] / norms[i]) ** 2
    return {
        "loss": net.value(w).double().cpu().numpy(),
        "gradient_norm": norms,
        "edge": edge(map_, norms),
        "eigenvalue": eigenvalues,
        "share": shares,
    }


def along(map_: sd.Map, states: Iterator[tuple[int, torch.Tensor]]) -> tuple[xr.Dataset, torch.Tensor]:
    """Measure networks along their training; return that and where they end, ``(n, d)``."""
    looks = []
    for step, w in states:
        looks.append((step, look(map_, w)))
    dims = {name: ["step", "init", *(["order"] if value.ndim > 1 else [])] for name, value in looks[0][1].items()}
    data = {name: (dims[name], np.stack([results[name] for _, results in looks])) for name in dims}
    coords = {"step": [step for step, _ in looks], "order": np.arange(1, TOP + 1)}
    return xr.Dataset(data, coords=coords), w.T


def training(
    maps: dict[str, sd.Map], starts: torch.Tensor, steps: int, look_every: int, device: str, processes: int
) -> tuple[xr.Dataset, xr.Dataset]:
    """Train the same networks by every map; return the measurements then, and after the change of SAM's ρ."""
    chunks = starts.split(TOGETHER)
    # Parts of SAM take longest and start first, so that no process ends with one alone.
    names = sorted(maps, key=lambda name: name != "SAM")
    work = [(name, number) for name in names for number in range(len(chunks))]
    parts = [(maps[name], chunks[number], steps, look_every, name == "SAM", device) for name, number in work]
    results: dict[tuple[str, int], xr.Dataset] = {}
    after: dict[tuple[str, int], xr.Dataset] = {}
    with progress_bar("training", len(parts)) as show:
        for number, (along_training, switched) in cli.in_processes(train_part, parts, processes):
            results[work[number]] = along_training
            if switched is not None:
                after[work[number]] = switched
            show(len(results))
    runs = [
        xr.concat([results[name, number] for number in range(len(chunks))], "init").assign_coords(
            lr=map_.lr, momentum=map_.momentum, rho=map_.method.radius
        )
        for name, map_ in maps.items()
    ]
    changed = xr.concat([after["SAM", number] for number in range(len(chunks))], "init")
    return xr.concat(runs, xr.Variable("setting", [*maps])), changed


def train_part(
    map_: sd.Map, starts: torch.Tensor, steps: int, look_every: int, switched: bool, device: str
) -> tuple[xr.Dataset, xr.Dataset | None]:
    """Train some networks by one map; return the measurements then, and after a change of ρ if ``switched``."""
    runs, ends = along(map_, networks.train(map_, starts, steps, save_every=look_every, device=device))
    return runs, switch(map_, ends, device) if switched else None


def switch(map_: sd.Map, w: torch.Tensor, device: str) -> xr.Dataset:
    """Continue from the ends of training with ρ times each of ``FACTORS``, and measure the networks."""
    results = []
    for factor in FACTORS:
        other = sd.analysis.with_parameters(map_, {"rho": factor * map_.method.radius})
        results.append(along(other, networks.train(other, w, FOLLOWED, save_every=EVERY, device=device))[0])
    return xr.concat(results, xr.Variable("factor", [*FACTORS]))


def ratio(data: xr.Dataset) -> xr.DataArray:
    """Return λ_max over its edge."""
    return data.eigenvalue.sel(order=1) / data.edge


def last_third(data: xr.Dataset) -> xr.Dataset:
    """Return the last third of training."""
    return data.isel(step=data.step >= data.step[-1] * 2 / 3)


def reached(data: xr.Dataset) -> np.ndarray:
    """Return the first measured step with λ_max at its edge or above, or nan: one per network."""
    at = ratio(data).transpose("init", "step").values >= 1
    return np.where(at.any(1), data.step.values[at.argmax(1)], np.nan)


def median(values: xr.DataArray, style: str) -> str:
    """Write the median over networks with its interval."""
    return cli.with_interval(median_interval(values, "init"), style)


def over_gd(runs: xr.Dataset, map_: sd.Map) -> xr.DataArray:
    """Return λ_max over GD's edge."""
    return map_.lr / (2 * (1 + map_.momentum)) * runs.eigenvalue.sel(order=1)


def runs_table(runs: xr.Dataset, maps: dict[str, sd.Map]) -> Table:
    """Return the table of the training runs."""
    names = ("", "ρ", "from k", "λ/edge", "sd", "above", "λ/GD's edge", "v₁", f"top {TOP}", "loss")
    table = cli.table("\nλ_max and its edge in training", *names)
    for name, map_ in maps.items():
        data = runs.sel(setting=name)
        late, steps = last_third(data), reached(data)
        crossed = steps[np.isfinite(steps)]
        first = f"{np.median(crossed):.0f}" if crossed.size else "never"
        first += f" ({crossed.size})" if 0 < crossed.size < len(steps) else ""
        middles = {
            "sd": ratio(late).std("step", ddof=1),
            "above": (ratio(late) > 1).mean("step"),
            "v₁": late.share.sel(order=1).mean("step"),
            "top": late.share.sum("order").mean("step"),
            "loss": data.loss[-1],
        }
        sd_, above, v1, top, loss = (float(values.median("init")) for values in middles.values())
        table.add_row(
            *(name, f"{float(data.rho):g}", first, median(ratio(late).mean("step"), ".3f")),
            *(f"{sd_:.3f}", f"{100 * above:.0f} %", median(over_gd(late, map_).mean("step"), ".2f")),
            *(f"{v1:.2f}", f"{top:.2f}", f"{loss:.2g}"),
        )
    return table


def changes(switched: xr.Dataset) -> dict[str, xr.DataArray]:
    """Return λ_max over its edge and, relative to their values before the change, λ_max, its edge and ‖∇L‖."""
    before = switched.isel(step=0)
    relative = {name: switched[name] / before[name] for name in ("eigenvalue", "edge", "gradient_norm")}
    return {
        "λ/edge": ratio(switched),
        "λ": relative["eigenvalue"].sel(order=1),
        "edge": relative["edge"],
        "‖∇L‖": relative["gradient_norm"],
    }


def switch_table(switched: xr.Dataset) -> Table:
    """Return the table of the steps after a change of ρ."""
    changed = changes(switched)
    table = cli.table("\nAfter SAM's radius was changed", "ρ ×", "step", *changed)
    for factor in FACTORS:
        for step in SHOWN:
            cells = (median(values.sel(step=step, factor=factor), ".3f") for values in changed.values())
            table.add_row("" if step else f"{factor:g}", str(step), *cells)
    return table


def answer(runs: xr.Dataset, switched: xr.Dataset) -> str:
    """Say in numbers whether λ_max settles at SAM's edge, and which of the two moves."""
    late, changed = last_third(runs.sel(setting="SAM")), changes(switched)
    now, then = ({name: v.isel(step=step, factor=0) for name, v in changed.items()} for step in (1, 0))
    lam, norm = (100 * (now[name] - 1) for name in ("λ", "‖∇L‖"))
    return (
        f"In the last third of training SAM's λ_max is {median(ratio(late).mean('step'), '.3f')} times its edge "
        f"(medians over {runs.sizes['init']} networks, 95 %). With ρ × {FACTORS[0]:g} it is "
        f"{median(then['λ/edge'], '.2f')} times, and {EVERY} steps later {median(now['λ/edge'], '.2f')} times: in "
        f"these steps λ_max changed by {median(lam, '+.1f')} % and ‖∇L‖ by {median(norm, '+.0f')} %."
    )


def draw_runs(runs: xr.Dataset, maps: dict[str, sd.Map]) -> Figure:
    """Draw λ_max with its edge along training, and the loss below: the first network, the others behind."""
    figure, axes = plt.subplots(2, len(maps), figsize=(12, 5.2), sharex=True, sharey="row", height_ratios=(3, 2))
    for (name, map_), (top, bottom) in zip(maps.items(), axes.T, strict=True):
        data, style = runs.sel(setting=name), {"color": plot.line(map_.method)["color"]}
        for init in reversed(range(data.sizes["init"])):
            one, pale = data.isel(init=init), {"alpha": 0.25, "lw": 1} if init else {}
            top.plot(one.step, one.eigenvalue.sel(order=1), **style, **pale)
            bottom.plot(one.step, one.loss, **style, **pale)
            if not init:
                top.plot(one.step, one.edge, color="0.45", lw=1.2, ls=(0, (3, 1)))
        top.set_title(name)
        bottom.set(xlabel="step $k$", yscale="log")
    gd = float(runs.sel(setting="GD").edge[0, 0])
    # The high curvatures of the first steps would squeeze the rest.
    axes[0, 0].set(ylabel=r"curvature $\lambda$", ylim=(0, 1.35 * gd))
    axes[1, 0].set_ylabel("training loss")
    for ax in axes[0]:
        ax.axhline(gd, color="0.8", lw=0.8, zorder=0)
    lines = {
        r"$\lambda_{\max}$": {"color": plot.line("GD")["color"]},
        "its edge at the time": {"color": "0.45", "lw": 1.2, "ls": (0, (3, 1))},
        r"GD's edge, $2(1+\gamma)/\eta$": {"color": "0.8", "lw": 0.8},
        "other initial weights": {"color": "black", "alpha": 0.25, "lw": 1},
    }
    handles = [Line2D([], [], label=label, **style) for label, style in lines.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    figure.suptitle("The largest curvature in training and the edge predicted for it")
    return figure


def draw_switch(switched: xr.Dataset) -> Figure:
    """Draw λ_max and its edge after ρ was changed, over λ_max before: medians over networks with intervals."""
    figure, axes = plt.subplots(1, len(FACTORS), figsize=(9, 4), sharey=True)
    before = switched.eigenvalue.sel(order=1).isel(step=0)
    lines: dict[str, tuple[xr.DataArray, dict[str, Any]]] = {
        r"$\lambda_{\max}$": (switched.eigenvalue.sel(order=1) / before, {**plot.line("SAM"), "ms": 4}),
        "SAM's edge": (switched.edge / before, {"color": "0.3", "ls": (0, (3, 1)), "marker": "o", "ms": 3}),
    }
    for ax, factor in zip(axes, FACTORS, strict=True):
        for name, (values, style) in lines.items():
            middle, low, high = median_interval(values.sel(factor=factor), "init")
            ax.plot(switched.step, middle, label=name, **style)
            ax.fill_between(switched.step, low, high, color=style["color"], alpha=0.2, lw=0)
        ax.set(xlabel="steps after the change", title=rf"$\rho$ multiplied by {factor:g}", ylim=(0, None))
    axes[0].set_ylabel(r"curvature $/$ $\lambda_{\max}$ before")
    axes[0].legend()
    runs = switched.sizes["init"]
    figure.suptitle(f"When SAM's radius changes, its edge moves first (medians of {runs}, bands: 95 %)")
    return figure


if __name__ == "__main__":
    matplotlib.use("Agg")
    torch.set_num_threads(1)  # threads slow down networks this small
    cli.run(main)

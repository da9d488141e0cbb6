"""Does adaptive sharpness predict a network's generalisation gap better than sharpness does, as [A21] claims?

The script trains many networks to the same training loss over a grid of hyper-parameters. Rank correlations with the
gap show which measure orders them better. Then the script rescales one network without changing its function.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import matplotlib
import numpy as np
import torch
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from rich.table import Table
from scipy.stats import kendalltau
from typer import Option

import samdyn as sd
from samdyn import checks, cli, networks, plot
from samdyn.networks import Data, Network
from samdyn.ops import unit
from samdyn.output import OutputFolder
from samdyn.simulation.progress import progress_bar
from samdyn.simulation.starts import choose_device
from samdyn.statistics import median_interval

WIDTHS = (64, 32, 32, 10)
AXES = {"lr": "η", "batch_size": "B", "rho": "ρ", "scale": "scale"}
GAPS = {"loss_gap": "test loss − training loss", "error_gap": "test error − training error"}
CHECKED = 10  # steps between two tests of the training loss
SHARE = 0.5  # fraction of the digits that are for testing
MEASURE = "measure: "  # prefix of the names of measures among a network's numbers
KNOWING_NOTHING = float(np.log(10))  # loss of a network that gives all ten digits the same probability
FEW = 10  # fewest networks for a rank correlation
FACTORS = (0.25, 0.5, 2.0, 4.0)  # factors on the first layer; the second has their inverses

LEGEND = (
    "τ is Kendall's rank correlation over the networks of one seed, which has the whole grid. ψ is its granulated "
    "form: the mean over the hyper-parameters of ψ_x, the mean τ among networks that differ in x alone. All "
    'are medians over {seeds} seeds with 95 % bootstrap intervals. "minus plain" is adaptive minus plain '
    "sharpness, seed by seed. The last rows have measures that are no sharpness."
)
WITHIN = "τ with both gaps, as above, among the networks of one scale of the initial weights.\n"
RESCALED = (
    "Values are relative to those of the network before. The first layer is multiplied by a and the weights of the "
    "second are divided by a, so that the function is the same."
)


def main(
    lr: Annotated[str, Option(help="Learning rates η.")] = "0.05,0.1,0.2",
    batch_sizes: Annotated[str, Option(help="Batch sizes B.")] = "8,32,128",
    rho: Annotated[str, Option(help="Radii ρ ≥ 0 of SAM in training; 0 is SGD.")] = "0,0.1",
    scales: Annotated[str, Option(help="Factors on the initial weights.")] = "1,2,4",
    seeds: Annotated[int, Option(help="Networks of every setting; 30 in the docs.")] = 4,
    samples: Annotated[int, Option(help="Number of digits to train on, up to 898.")] = 200,
    train_loss: Annotated[float, Option(help="Training stops at the first look at which the loss is this low.")] = 0.02,
    steps: Annotated[int, Option(help="Steps after which a network that is not there is left out.")] = 1500,
    radius: Annotated[float, Option(help="ρ of sharpness.")] = 0.05,
    adaptive_radius: Annotated[float, Option(help="ρ of adaptive sharpness.")] = 0.5,
    ascent_steps: Annotated[int, Option(help="Steps of the longer ascent, 2 at least.")] = 20,
    seed: Annotated[int, Option(help="Seed of initial weights and batches.")] = 0,
    processes: Annotated[int, Option(help="Number of processes; results do not depend on it.")] = 2,
    device: Annotated[str, Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    out: Annotated[
        Path, Option(help="Folder for figure and data; replaced only if it holds an earlier result.")
    ] = Path("results/asam_correlation"),
) -> None:
    """Does adaptive sharpness predict a network's generalisation gap better than sharpness does?"""
    parameters = {key: str(value) if isinstance(value, Path) else value for key, value in locals().items()}
    above, rule = (lambda v: 0 < v < np.inf), "must be two or more finite numbers > 0"
    axes: dict[str, list[Any]] = {
        "lr": several("--lr", lr, above, rule),
        "batch_size": several(
            "--batch-sizes", batch_sizes, lambda v: v >= 1 and v % 1 == 0, "must be two or more integers >= 1"
        ),
        "rho": several("--rho", rho, lambda v: 0 <= v < np.inf, "must be two or more finite numbers >= 0"),
        "scale": several("--scales", scales, above, rule),
    }
    if checks.count("--seeds", seeds, "Use e.g. --seeds 4") < 2:
        checks.reject("--seeds", seeds, "an interval needs two or more", "Use e.g. --seeds 4")
    if checks.count("--samples", samples, "Use e.g. --samples 200") > 898:
        checks.reject("--samples", samples, "there are 898 to train on", "Use e.g. --samples 200")
    rule = f"must lie in (0, {KNOWING_NOTHING:.2f}), below the loss of networks that know nothing"
    checks.number("--train-loss", train_loss, rule, "Use e.g. --train-loss 0.02", lambda v: 0 < v < KNOWING_NOTHING)
    checks.count("--steps", steps, "Use e.g. --steps 1500")
    checks.positive("--radius", radius, "Use e.g. --radius 0.05")
    checks.positive("--adaptive-radius", adaptive_radius, "Use e.g. --adaptive-radius 0.5")
    if checks.count("--ascent-steps", ascent_steps, "Use e.g. --ascent-steps 20") < 2:
        checks.reject("--ascent-steps", ascent_steps, "one step is measured anyway", "Use e.g. --ascent-steps 20")
    for word in (seed, seed + seeds):  # every network has its own seed
        checks.word("--seed", word, "Use e.g. --seed 0")
    checks.count("--processes", processes, "Use e.g. --processes 2")
    choose_device(device)

    console = cli.console()
    with OutputFolder(out, "asam_correlation", parameters) as folder:
        data = networks.digits(test=SHARE)
        net = landscape(data, samples)
        sharp = Sharpness(radius, adaptive_radius, ascent_steps)
        results, w = training(net, data, axes, seeds, train_loss, steps, sharp, seed, device, processes)
        reached, total = int(results.step.notnull().sum()), results.step.size
        shape = "-".join(map(str, WIDTHS))
        console.print(
            f"{total} ReLU MLPs {shape}, {samples} digits to train on, {len(data.test_targets)} to test;\n"
            f"{total - reached} that did not reach a training loss of {train_loss:g} in {steps} steps are left out"
        )
        if reached < FEW:
            rule = f"only {reached} of {total} networks reached it in {steps} steps"
            checks.reject("--train-loss", train_loss, rule, "Use a larger one, or more --steps")
        correlated = {gap: correlations(results, results[gap]) for gap in GAPS}
        for gap, title in GAPS.items():
            console.print(correlation_table(correlated[gap], f"{title}: {spread(results[gap])}"))
        console.print(LEGEND.format(seeds=seeds))
        console.print(scale_table(results), WITHIN, sep="\n")
        rescaled = rescaling(net, w, sharp)
        console.print(rescaling_table(rescaled), RESCALED, sep="\n")
        folder.save_dataset(results, "networks.zarr")
        folder.save_dataset(xr.concat(correlated.values(), xr.Variable("gap", [*correlated])), "correlations.zarr")
        folder.save_dataset(rescaled, "rescaled.zarr")
        with plt.rc_context(plot.STYLE):
            folder.save_figure(draw(results, correlated["loss_gap"]), "asam_correlation.png")
        console.print(answer(correlated["loss_gap"]))
    console.print(f"figure, data and provenance in {out}/")


def several(option: str, text: str, allowed: Callable[[float], bool], rule: str) -> list[float]:
    """Read a list of two or more allowed numbers. Return each once, in ascending order."""
    values = cli.listed(option, text, allowed, rule, "1,2")
    if len(values) < 2:
        checks.reject(option, text, rule, f"Use e.g. {option} 1,2")
    return values


def landscape(data: Data, samples: int) -> Network:
    """Return the loss on the first samples for training."""
    inputs, targets = data.train_inputs[:samples], data.train_targets[:samples]
    return Network(networks.models.mlp(WIDTHS), torch.nn.functional.cross_entropy, inputs, targets)


@dataclass(frozen=True)
class Sharpness:
    """The settings of the sharpness: radii of the plain and the adaptive one, and the steps of the longer ascent."""

    radius: float
    adaptive_radius: float
    ascent_steps: int


def training(
    net: Network,
    data: Data,
    axes: dict[str, list[Any]],
    seeds: int,
    train_loss: float,
    steps: int,
    sharp: Sharpness,
    seed: int,
    device: str,
    processes: int,
) -> tuple[xr.Dataset, torch.Tensor]:
    """Train a network for every setting and seed until its loss on all samples is low enough. Measure it there.

    Networks of one seed have the same batches, whatever else is in the grid.

    Returns:
        Along the hyper-parameters and "init", the steps taken, nan where they were too many, and of the others losses,
        errors, gaps and measures; and the first network that came to the loss, ``(d,)``.
    """
    work = [*itertools.product(axes["lr"], axes["batch_size"])]
    together = [*itertools.product(axes["rho"], axes["scale"], range(seeds))]
    parts = [(net, data, *setting, [*map(tuple, together)], train_loss, steps, sharp, seed, device) for setting in work]
    results: dict[int, dict[str, np.ndarray]] = {}
    first, chosen = (
        torch.empty(0),
        len(parts),
    )  # network, and the index of its part; the lowest index wins, not the first to finish
    with progress_bar("training", len(parts)) as show:
        for number, (numbers, w) in cli.in_processes(train_part, parts, processes):
            results[number] = numbers
            if len(w) and number < chosen:
                first, chosen = w, number
            show(len(results))
    shape = [len(values) for values in axes.values()] + [seeds]
    coords = {**axes, "init": range(seeds)}
    on_grid = {
        name: xr.DataArray(np.concatenate([results[n][name] for n in range(len(work))]).reshape(shape), coords=coords)
        for name in results[0]
    }
    names = [name for name in on_grid if name.startswith(MEASURE)]
    grid = xr.Dataset({name: values for name, values in on_grid.items() if name not in names})
    grid["loss_gap"] = grid.test_loss - grid.train_loss
    grid["error_gap"] = grid.test_error - grid.train_error
    of = xr.Variable("of", [name.removeprefix(MEASURE) for name in names])
    return grid.assign(measure=xr.concat([on_grid[name] for name in names], of)), first


def train_part(
    net: Network,
    data: Data,
    lr: float,
    batch_size: int,
    grid: list[tuple[float, float, int]],
    train_loss: float,
    steps: int,
    sharp: Sharpness,
    seed: int,
    device: str,
) -> tuple[dict[str, np.ndarray], torch.Tensor]:
    """Train the networks of one η and B, for every (ρ, scale, init); return their numbers, and the first of them."""
    rho, scales, inits = zip(*grid, strict=True)
    starts = net.vector(networks.models.mlp(WIDTHS, scale=s, seed=seed + i) for s, i in zip(scales, inits, strict=True))
    noise = sd.noise.FiniteSum(int(batch_size))
    map_ = sd.Map(net, sd.SAM(torch.tensor(rho)), lr=lr, noise=noise)
    w, reached_at = until(net, map_, starts, torch.tensor(inits), train_loss, steps, seed, device)
    there = np.isfinite(reached_at)
    numbers = {"step": reached_at}
    for name, values in measured(net, data, w[:, there], sharp).items():
        numbers[name] = np.full(len(reached_at), np.nan)
        numbers[name][there] = values.double().cpu().numpy()
    return numbers, w[:, there][:, 0].cpu() if there.any() else torch.empty(0)


def until(
    net: Network,
    map_: sd.Map,
    starts: torch.Tensor,
    runs: torch.Tensor,
    train_loss: float,
    steps: int,
    seed: int,
    device: str,
) -> tuple[torch.Tensor, np.ndarray]:
    """Train networks until each has come to a loss; return where that was, ``(d, n)``, and the step, nan if nowhere."""
    reached_at = np.full(len(starts), np.nan)
    end = torch.empty(0)
    for step, w in networks.train(map_, starts, steps, save_every=CHECKED, seed=seed, runs=runs, device=device):
        end = w.clone() if not step else end
        there = (net.value(w) <= train_loss).cpu().numpy() & np.isnan(reached_at)
        end[:, there] = w[:, there]
        reached_at[there] = step
        if not np.isnan(reached_at).any():
            break
    return end, reached_at


def sharpness(net: Network, w: torch.Tensor, radius: float, adaptive: bool, ascent_steps: int) -> torch.Tensor:
    """Return max L(w + Tu) − L(w) over ‖u‖ ≤ ρ as an ascent finds it, T = |w| or 1: ``(d, n) -> (n,)``.

    One step is that of SAM and ASAM. With n > 1 steps of length 2ρ/n, the ascent projects every point on the ball, and
    the highest loss counts.  [A21, eqs. 4 and 8]
    """
    t = w.abs() if adaptive else torch.ones_like(w)
    length = radius if ascent_steps == 1 else 2 * radius / ascent_steps
    u, highest = torch.zeros_like(w), torch.full_like(w[0], -torch.inf)
    for _ in range(ascent_steps):
        u = u + length * unit(t * net.grad(w + t * u))
        u = u * (radius / u.norm(dim=0)).clamp(max=1)
        highest = torch.maximum(highest, net.value(w + t * u))
    return highest - net.value(w)


def measures(net: Network, w: torch.Tensor, sharp: Sharpness) -> dict[str, torch.Tensor]:
    """Return every sharpness of networks by name, ``(d, n) -> (n,)`` each."""
    return {
        f"{name}, {count} step{'s' * (count > 1)}": sharpness(net, w, rho, name == "adaptive", count)
        for count in (1, sharp.ascent_steps)
        for name, rho in (("plain", sharp.radius), ("adaptive", sharp.adaptive_radius))
    }


def measured(net: Network, data: Data, w: torch.Tensor, sharp: Sharpness) -> dict[str, torch.Tensor]:
    """Return losses, errors, measures of networks ``(d, n)``, ``(n,)`` each; measures' names begin with ``MEASURE``."""
    test = Network(net.model, net.criterion, data.test_inputs, data.test_targets)
    numbers = {
        "train_loss": net.value(w),
        "test_loss": test.value(w),
        "train_error": 1 - net.accuracy(w, net.inputs, net.targets),
        "test_error": 1 - net.accuracy(w, data.test_inputs, data.test_targets),
    }
    of = measures(net, w, sharp) | {"training loss": numbers["train_loss"], "‖w‖": w.norm(dim=0)}
    return numbers | {MEASURE + name: values for name, values in of.items()}


def spread(gap: xr.DataArray) -> str:
    """Write the range of a gap."""
    return f"from {float(gap.min()):.3g} to {float(gap.max()):.3g}"


def signs(x: np.ndarray) -> np.ndarray:
    """Return the signs of the differences along the last axis: ``(…, n) -> (…, n, n)``, 0 with nan."""
    return np.nan_to_num(np.sign(x[..., :, None] - x[..., None, :]))


def kendall(x: xr.DataArray, y: xr.DataArray) -> xr.DataArray:
    """Return Kendall's τ_b over all networks of a seed, "init"; networks without one of the two are left out.

    It is 0 for fewer than two networks, which have no order.
    """
    order = ("init", *AXES)
    taus = []
    for a, b in zip(x.transpose(..., *order).values, y.transpose(..., *order).values, strict=True):
        finite = np.isfinite(a) & np.isfinite(b)
        taus.append(kendalltau(a[finite], b[finite]).statistic if finite.sum() > 1 else 0.0)
    return xr.DataArray(np.nan_to_num(taus), dims="init")


def granulated(x: xr.DataArray, y: xr.DataArray) -> xr.DataArray:
    """Return ψ's terms: the mean τ_b among networks that differ in one hyper-parameter, ("axis", "init").

    The mean omits groups without a pair. It is nan if no group has one.  [Jiang et al. 2020, Fantastic generalization
    measures]
    """
    x, y = x.where(y.notnull()), y.where(x.notnull())
    terms = []
    for axis in AXES:
        order = ("init", *(name for name in AXES if name != axis), axis)
        a, b = (signs(of.transpose(*order).values) for of in (x, y))
        both, of_x, of_y = (pairs.sum((-2, -1)) for pairs in (a * b, a**2, b**2))
        with np.errstate(invalid="ignore"):
            tau = both / np.sqrt(of_x * of_y)
        terms.append(xr.DataArray(tau.reshape(len(tau), -1), dims=("init", "group")).mean("group"))
    return xr.concat(terms, xr.Variable("axis", [*AXES]))


def with_differences(of: dict[str, Any]) -> dict[str, Any]:
    """Return the measures and, after each adaptive one, its difference from the plain one."""
    rows: dict[str, Any] = {}
    for name, value in of.items():
        rows[name] = value
        if name.startswith("adaptive"):
            rows[name.replace("adaptive", "minus plain")] = value - of[name.replace("adaptive", "plain")]
    return rows


def correlations(results: xr.Dataset, gap: xr.DataArray) -> xr.Dataset:
    """Correlate every measure with a gap, seed by seed: τ, ψ and its terms, "row" by row."""
    names = [str(name) for name in results.of.values]
    taus = with_differences({name: kendall(results.measure.sel(of=name, drop=True), gap) for name in names})
    terms = with_differences({name: granulated(results.measure.sel(of=name, drop=True), gap) for name in names})
    rows = [
        xr.Dataset({"tau": taus[name], "psi": terms[name].mean("axis", skipna=False), "term": terms[name]})
        for name in taus
    ]
    return xr.concat(rows, xr.Variable("row", [*taus])).assign_attrs(networks=int(gap.notnull().sum()))


def median(values: xr.DataArray, style: str = "+.2f") -> str:
    """Write the median of correlations over seeds with its interval. A seed without pairs counts as 0."""
    return cli.with_interval(median_interval(values, "init", nan=0.0), style)


def correlation_table(correlated: xr.Dataset, title: str) -> Table:
    """Return the table of correlations with one gap."""
    table = cli.table(f"\n{title}", "measure", "τ", "ψ", *(f"ψ_{mark}" for mark in AXES.values()), gap=1)
    for name in correlated.row.values:
        one = correlated.sel(row=name)
        terms = median_interval(one.term, "init", nan=0.0)[0]
        table.add_row(str(name), median(one.tau), median(one.psi), *(f"{float(term):+.2f}" for term in terms))
    return table


def scale_table(results: xr.Dataset) -> Table:
    """Return the table of τ within every scale, with either gap and by either number of steps."""
    table = cli.table(
        "\nOne scale of the initial weights at a time", "gap of the", "by", "scale", "networks",
        "plain", "adaptive", "minus plain",
    )  # fmt: skip
    steps = [str(name).removeprefix("plain, ") for name in results.of.values if str(name).startswith("plain")]
    for (gap, title), by, scale in itertools.product(GAPS.items(), steps, results.scale.values):
        one = results.sel(scale=[scale])
        number = str(int(one[gap].notnull().sum()))
        taus = with_differences(
            {kind: kendall(one.measure.sel(of=f"{kind}, {by}", drop=True), one[gap]) for kind in ("plain", "adaptive")}
        )
        cells = (median(taus[kind]) for kind in ("plain", "adaptive", "minus plain"))
        table.add_row(title.split()[-1], by, f"{scale:g}", number, *cells)
    return table


def rescaling(net: Network, w: torch.Tensor, sharp: Sharpness) -> xr.Dataset:
    """Return the measures of a rescaled network ``(d,)`` over those before, along "factor", in float64."""
    points = torch.stack([rescale(w.double(), a) for a in (1.0, *FACTORS)], dim=1)
    numbers = {"loss": net.value(points), **measures(net, points, sharp)}
    data = {name: ("factor", (values[1:] / values[0]).cpu().numpy()) for name, values in numbers.items()}
    return xr.Dataset(data, coords={"factor": [*FACTORS]})


def rescale(w: torch.Tensor, a: float) -> torch.Tensor:
    """Return a network ``(d,)`` with its first layer times a and the weights of the second over a."""
    first = (WIDTHS[0] + 1) * WIDTHS[1]
    second = first + WIDTHS[1] * WIDTHS[2]
    return torch.cat([a * w[:first], w[first:second] / a, w[second:]])


def rescaling_table(rescaled: xr.Dataset) -> Table:
    """Return the table of the rescaled network."""
    table = cli.table("One network rescaled", "a", *map(str, rescaled.data_vars))
    for factor in FACTORS:
        values = [float(value) for value in rescaled.sel(factor=factor).values()]
        table.add_row(f"{factor:g}", *(f"{value:.6f}" for value in values))
    return table


def answer(correlated: xr.Dataset) -> str:
    """Say in numbers which measure orders the networks better by their loss gap."""
    rows = {name: correlated.sel(row=f"{name}, 1 step") for name in ("plain", "adaptive", "minus plain")}
    _, low, high = map(float, median_interval(rows["minus plain"].tau, "init", nan=0.0))
    verdict = "better" if low > 0 else "worse" if high < 0 else "neither resolved as better nor as worse"
    return (
        f"Over {correlated.networks} networks adaptive sharpness has τ = {median(rows['adaptive'].tau)} with the loss "
        f"gap, sharpness {median(rows['plain'].tau)} (one step; medians over seeds, 95 %): the difference, "
        f"{median(rows['minus plain'].tau)}, is {verdict}. By ψ it is {median(rows['minus plain'].psi)}. The norm ‖w‖ "
        f"alone has τ = {median(correlated.tau.sel(row='‖w‖'))}."
    )


def draw(results: xr.Dataset, correlated: xr.Dataset) -> Figure:
    """Draw the loss gap against both kinds of sharpness, in a colour for every scale of the initial weights."""
    figure, axes = plt.subplots(1, 2, figsize=(9.6, 4.8), sharey=True)
    shades = plt.get_cmap("viridis")(np.linspace(0, 0.9, results.sizes["scale"]))
    for ax, kind in zip(axes, ("plain", "adaptive"), strict=True):
        tau = median_interval(correlated.sel(row=f"{kind}, 1 step").tau, "init", nan=0.0)
        measure = results.measure.sel(of=f"{kind}, 1 step")
        for scale, shade, mark in zip(results.scale.values, shades, itertools.cycle("o^sDvP")):
            x, y = (of.sel(scale=scale).values.ravel() for of in (measure, results.loss_gap))
            ax.plot(x, y, ls="none", marker=mark, ms=3, color=shade, alpha=0.5, mew=0, label=f"{scale:g}")
        name = "sharpness" if kind == "plain" else "adaptive sharpness"
        ax.set(xscale="log", xlabel=f"{name} (one ascent step)")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_title(rf"median $\tau$ = {cli.with_interval(tau, '+.2f')}")
    axes[0].set_ylabel("test loss − training loss")
    axes[0].legend(title="scale of initial weights", markerscale=2)
    figure.suptitle(f"Which sharpness orders {correlated.networks} trained networks by their generalisation gap?")
    return figure


if __name__ == "__main__":
    matplotlib.use("Agg")
    torch.set_num_threads(1)  # threads slow down networks this small
    cli.run(main)

"""Does adaptive sharpness tell a network's generalisation gap better than sharpness does, as [A21] found?

Many networks are trained to the same training loss over a grid of hyper-parameters; rank correlations with the gap say
which measure orders them better. Then one of them is rescaled without changing its function.
"""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import matplotlib
import numpy as np
import torch
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from rich.table import Table
from typer import Option

import samdyn as sd
from samdyn import checks, cli, networks, plot
from samdyn.analysis.intervals import mean_interval
from samdyn.networks import Data, Network
from samdyn.ops import unit
from samdyn.output import OutputFolder
from samdyn.simulate.progress import progress_bar
from samdyn.simulate.starts import choose_device

WIDTHS = (64, 32, 32, 10)
AXES = {"lr": "η", "batch_size": "B", "rho": "ρ", "scale": "scale"}
GAPS = {"loss_gap": "test loss − training loss", "error_gap": "test error − training error"}
CHECKED = 10  # steps from one look at the training loss to the next
SHARE = 0.5  # of the digits, for testing
KNOWING_NOTHING = float(np.log(10))
FEW = 10  # networks, below which nothing is correlated
FACTORS = (0.25, 0.5, 2.0, 4.0)  # on the first layer, and their inverses on the second

LEGEND = """\
τ: Kendall's over all networks, with 95 % bootstrap intervals ({resamples} resamples of the networks, the
same for every row). ψ: granulated; the mean over hyper-parameters of the mean τ among networks that
differ in it alone; the last columns are its terms. ±: 95 %, Student t over {inits} inits, each with the
whole grid. minus plain: adaptive − plain. Last rows: what is no sharpness at all.
"""
WITHIN = "τ with the gaps as above, among the networks of one scale of the initial weights.\n"
RESCALED = "Over what they were before: first layer × a, weights of the second / a; the function is the same."


def main(
    lr: Annotated[str, Option(help="Learning rates η.")] = "0.05,0.1,0.2",
    batch_sizes: Annotated[str, Option(help="Batch sizes B.")] = "8,32,128",
    rho: Annotated[str, Option(help="Radii ρ ≥ 0 of SAM in training; 0 is SGD.")] = "0,0.05,0.1",
    scales: Annotated[str, Option(help="Factors on the initial weights.")] = "1,2,4",
    inits: Annotated[int, Option(help="Initial weights for every setting.")] = 4,
    samples: Annotated[int, Option(help="Digits to train on, up to 898.")] = 200,
    train_loss: Annotated[float, Option(help="Training stops at the first look at which the loss is this low.")] = 0.02,
    steps: Annotated[int, Option(help="Steps after which a network that is not there is left out.")] = 1500,
    radius: Annotated[float, Option(help="ρ of sharpness.")] = 0.05,
    adaptive_radius: Annotated[float, Option(help="ρ of adaptive sharpness.")] = 0.5,
    ascent_steps: Annotated[int, Option(help="Steps of the longer ascent, 2 at least.")] = 20,
    resamples: Annotated[int, Option(help="Of the bootstrap.")] = 2000,
    seed: Annotated[int, Option(help="Of weights, batches and resamples.")] = 0,
    device: Annotated[str, Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    out: Annotated[
        Path, Option(help="Folder for figure and data; replaced only if it holds an earlier result.")
    ] = Path("results/asam_correlation"),
) -> None:
    """Does adaptive sharpness tell a network's generalisation gap better than sharpness does?"""
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
    if checks.count("--inits", inits, "Use e.g. --inits 4") < 2:
        checks.reject("--inits", inits, "one alone tells no interval", "Use e.g. --inits 4")
    if checks.count("--samples", samples, "Use e.g. --samples 200") > 898:
        checks.reject("--samples", samples, "there are 898 to train on", "Use e.g. --samples 200")
    rule = f"must lie in (0, {KNOWING_NOTHING:.2f}), below the loss of networks that know nothing"
    checks.number("--train-loss", train_loss, rule, "Use e.g. --train-loss 0.02", lambda v: 0 < v < KNOWING_NOTHING)
    checks.count("--steps", steps, "Use e.g. --steps 1500")
    checks.positive("--radius", radius, "Use e.g. --radius 0.05")
    checks.positive("--adaptive-radius", adaptive_radius, "Use e.g. --adaptive-radius 0.5")
    if checks.count("--ascent-steps", ascent_steps, "Use e.g. --ascent-steps 20") < 2:
        checks.reject("--ascent-steps", ascent_steps, "one step is measured anyway", "Use e.g. --ascent-steps 20")
    if checks.count("--resamples", resamples, "Use e.g. --resamples 2000") < 1000:
        checks.reject("--resamples", resamples, "must be at least 1000", "Use e.g. --resamples 2000")
    checks.word("--seed", seed + inits, "Use e.g. --seed 0")
    choose_device(device)

    console = cli.console()
    with OutputFolder(out, "asam_correlation", parameters) as folder:
        data = networks.digits(test=SHARE)
        net = landscape(data, samples)
        w, found = training(net, axes, inits, train_loss, steps, seed, device)
        reached, total = int(found.step.notnull().sum()), found.step.size
        shape = "-".join(map(str, WIDTHS))
        console.print(
            f"{total} ReLU MLPs {shape}, {samples} digits to train on, {len(data.test_targets)} to test;\n"
            f"{total - reached} that did not come to a training loss of {train_loss:g} in {steps} steps are left out"
        )
        if reached < FEW:
            rule = f"only {reached} of {total} networks came to it in {steps} steps"
            checks.reject("--train-loss", train_loss, rule, "Use a larger one, or more --steps")
        found = measured(net, data, w, found, radius, adaptive_radius, ascent_steps)
        told = {gap: correlations(found, found[gap], resamples, seed) for gap in GAPS}
        for gap, title in GAPS.items():
            console.print(correlation_table(told[gap], f"{title}: {spread(found[gap])}"))
        console.print(LEGEND.format(resamples=resamples, inits=inits))
        console.print(scale_table(found, resamples, seed), WITHIN, sep="\n")
        rescaled = rescaling(net, w, found, radius, adaptive_radius, ascent_steps)
        console.print(rescaling_table(rescaled), RESCALED, sep="\n")
        console.print(answer(told["loss_gap"]))
        folder.save_dataset(found, "networks.zarr")
        folder.save_dataset(xr.concat(told.values(), xr.Variable("gap", [*told])), "correlations.zarr")
        folder.save_dataset(rescaled, "rescaled.zarr")
        with plt.rc_context(plot.STYLE):
            folder.save_figure(draw(found, told["loss_gap"]), "asam_correlation.png")
    console.print(f"figure, data and provenance in {out}/")


def several(option: str, text: str, allowed: Callable[[float], bool], rule: str) -> list[float]:
    """Read a list of numbers that have to be allowed, for there to be two or more; return each once, in order."""
    values = cli.listed(option, text, allowed, rule, "1,2")
    if len(values) < 2:
        checks.reject(option, text, rule, f"Use e.g. {option} 1,2")
    return values


def landscape(data: Data, samples: int) -> Network:
    """Return the loss on the first samples for training."""
    inputs, targets = data.train_inputs[:samples], data.train_targets[:samples]
    return Network(networks.models.mlp(WIDTHS), torch.nn.functional.cross_entropy, inputs, targets)


def training(
    net: Network, axes: dict[str, list[Any]], inits: int, train_loss: float, steps: int, seed: int, device: str
) -> tuple[torch.Tensor, xr.Dataset]:
    """Train a network for every setting and init until its loss on all samples is low enough.

    Returns:
        Networks ``(d, n)`` and, along the hyper-parameters and "init", the steps they took: nan where they were too
        many. The n networks are in the order of that array.
    """
    together = {name: values for name, values in axes.items() if name != "batch_size"}
    grid = [*itertools.product(*together.values(), range(inits))]
    models = [networks.models.mlp(WIDTHS, scale=scale, seed=seed + init) for *_, scale, init in grid]
    starts = net.vector(models)
    lr, rho = (torch.tensor([row[i] for row in grid]) for i in (0, 1))
    ends, taken = [], []
    with progress_bar("training, by batch size", len(axes["batch_size"])) as show:
        for i, size in enumerate(axes["batch_size"]):
            noise = sd.noise.FiniteSum(int(size))
            map_ = sd.Map(net, sd.SAM(rho), lr=lr, noise=noise)
            one = until(net, map_, starts, train_loss, steps, (seed + i) % 2**32, device)
            ends.append(one[0])
            taken.append(one[1])
            show(i + 1)
    shape = [*map(len, together.values()), inits]
    step = xr.DataArray(
        np.reshape(taken, (-1, *shape)), coords={"batch_size": axes["batch_size"], **together, "init": range(inits)}
    )
    return torch.cat(ends, dim=1), xr.Dataset({"step": step})


def until(
    net: Network, map_: sd.Map, starts: torch.Tensor, train_loss: float, steps: int, seed: int, device: str
) -> tuple[torch.Tensor, np.ndarray]:
    """Train networks until each has come to a loss; return where that was, ``(d, n)``, and the step, nan if nowhere."""
    taken = np.full(len(starts), np.nan)
    end = torch.empty(0)
    for step, w in networks.train(map_, starts, steps, save_every=CHECKED, seed=seed, device=device):
        end = w.clone() if not step else end
        there = (net.value(w) <= train_loss).cpu().numpy() & np.isnan(taken)
        end[:, there] = w[:, there]
        taken[there] = step
        if not np.isnan(taken).any():
            break
    return end, taken


def sharpness(net: Network, w: torch.Tensor, radius: float, adaptive: bool, ascent_steps: int) -> torch.Tensor:
    """Return max L(w + Tu) − L(w) over ‖u‖ ≤ ρ as an ascent finds it, T = |w| or 1: ``(d, n) -> (n,)``.

    One step is that of SAM and ASAM. More, 2ρ/n long each and projected on the ball, climb from point to point; the
    highest counts.  [A21, eqs. 4 and 8]
    """
    t = w.abs() if adaptive else torch.ones_like(w)
    length = radius if ascent_steps == 1 else 2 * radius / ascent_steps
    u, highest = torch.zeros_like(w), torch.full_like(w[0], -torch.inf)
    for _ in range(ascent_steps):
        u = u + length * unit(t * net.grad(w + t * u))
        u = u * (radius / u.norm(dim=0)).clamp(max=1)
        highest = torch.maximum(highest, net.value(w + t * u))
    return highest - net.value(w)


def measures(
    net: Network, w: torch.Tensor, radius: float, adaptive_radius: float, ascent_steps: int
) -> dict[str, torch.Tensor]:
    """Return every sharpness of networks by name, ``(d, n) -> (n,)`` each."""
    return {
        f"{name}, {count} step{'s' * (count > 1)}": sharpness(net, w, rho, name == "adaptive", count)
        for count in (1, ascent_steps)
        for name, rho in (("plain", radius), ("adaptive", adaptive_radius))
    }


def measured(
    net: Network, data: Data, w: torch.Tensor, found: xr.Dataset, radius: float, adaptive_radius: float, steps: int
) -> xr.Dataset:
    """Return the dataset with losses, errors, gaps and measures of the networks that came to the loss."""
    there = found.step.notnull().values.ravel()
    w = w[:, there]
    test = Network(net.model, net.criterion, data.test_inputs, data.test_targets)
    numbers = {
        "train_loss": net.value(w),
        "test_loss": test.value(w),
        "train_error": 1 - net.accuracy(w, net.inputs, net.targets),
        "test_error": 1 - net.accuracy(w, data.test_inputs, data.test_targets),
    }
    sharp = measures(net, w, radius, adaptive_radius, steps)
    sharp |= {"training loss": numbers["train_loss"], "‖w‖": w.norm(dim=0)}

    def on_grid(values: torch.Tensor) -> xr.DataArray:
        full = np.full(there.shape, np.nan)
        full[there] = values.double().cpu().numpy()
        return found.step.copy(data=full.reshape(found.step.shape))

    found = found.assign({name: on_grid(values) for name, values in numbers.items()})
    found["loss_gap"] = found.test_loss - found.train_loss
    found["error_gap"] = found.test_error - found.train_error
    found["measure"] = xr.concat([on_grid(v) for v in sharp.values()], xr.Variable("of", [*sharp]))
    return found


def spread(gap: xr.DataArray) -> str:
    """Write the range of a gap."""
    return f"from {float(gap.min()):.3g} to {float(gap.max()):.3g}"


def signs(x: np.ndarray) -> np.ndarray:
    """Return the signs of the differences along the last axis: ``(…, n) -> (…, n, n)``, 0 with nan."""
    return np.nan_to_num(np.sign(x[..., :, None] - x[..., None, :]))


def kendall(x: np.ndarray, y: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return Kendall's τ_b of resamples that have every pair (x, y) so many times: ``(n,), (n,), (R, n) -> (R,)``."""
    a, b = signs(x), signs(y)
    both, of_x, of_y = (((counts @ pairs) * counts).sum(1) for pairs in (a * b, a**2, b**2))
    return both / np.sqrt(of_x * of_y)


def granulated(x: xr.DataArray, y: xr.DataArray) -> xr.DataArray:
    """Return ψ's terms: the mean τ_b among networks that differ in one hyper-parameter, ("axis", "init").

    Groups without a pair are left out; nan if all are.  [Jiang et al. 2020, Fantastic generalization measures]
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


def resampled(found: xr.Dataset, gap: xr.DataArray, resamples: int, seed: int) -> dict[str, np.ndarray]:
    """Return τ of every measure with a gap: first of the networks as they are, then of resamples, ``(1 + R,)``."""
    known = gap.notnull().values
    n = int(known.sum())
    drawn = np.random.default_rng(seed).multinomial(n, [1 / n] * n, size=resamples)
    counts = np.concatenate([np.ones((1, n)), drawn])
    return {
        str(name): kendall(found.measure.sel(of=name).values[known], gap.values[known], counts)
        for name in found.of.values
    }


def with_differences(of: dict[str, Any]) -> dict[str, Any]:
    """Return the measures' numbers and, after each adaptive one, what it is less the plain one."""
    rows: dict[str, Any] = {}
    for name, value in of.items():
        rows[name] = value
        if name.startswith("adaptive"):
            rows[name.replace("adaptive", "minus plain")] = value - of[name.replace("adaptive", "plain")]
    return rows


def correlations(found: xr.Dataset, gap: xr.DataArray, resamples: int, seed: int) -> xr.Dataset:
    """Correlate every measure with a gap: τ with its interval, ψ and its terms, "row" by row."""
    taus = with_differences(resampled(found, gap, resamples, seed))
    terms = with_differences({str(name): granulated(found.measure.sel(of=name), gap) for name in found.of.values})
    rows = []
    for name, tau in taus.items():
        low, high = np.quantile(tau[1:], (0.025, 0.975))
        psi, wide = mean_interval(terms[name].mean("axis", skipna=False), "init")
        each, each_wide = mean_interval(terms[name], "init")
        numbers = {"tau": tau[0], "low": low, "high": high, "psi": psi, "wide": wide}
        rows.append(xr.Dataset({**numbers, "term": each, "term_wide": each_wide}))
    return xr.concat(rows, xr.Variable("row", [*taus])).assign_attrs(networks=int(gap.notnull().sum()))


def correlation_table(told: xr.Dataset, title: str) -> Table:
    """Return the table of correlations with one gap."""
    table = cli.table(f"\n{title}", "measure", "τ", "95 %", "ψ", *(f"ψ_{mark}" for mark in AXES.values()))
    for name in told.row.values:
        one = told.sel(row=name)
        table.add_row(
            *(str(name), f"{float(one.tau):+.3f}", f"[{float(one.low):+.3f}, {float(one.high):+.3f}]"),
            *(f"{float(one.psi):+.3f} ± {float(one.wide):.3f}", *(f"{float(term):+.2f}" for term in one.term)),
        )
    return table


def scale_table(found: xr.Dataset, resamples: int, seed: int) -> Table:
    """Return the table of τ within every scale, with either gap and by either number of steps."""
    table = cli.table(
        "One scale at a time", "gap of the", "by", "scale", "networks", "plain", "adaptive", "minus plain"
    )
    steps = [str(name).removeprefix("plain, ") for name in found.of.values if str(name).startswith("plain")]
    for (gap, title), scale in itertools.product(GAPS.items(), found.scale.values):
        one = found.sel(scale=scale)
        number = int(one[gap].notnull().sum())
        if number < FEW:
            table.add_row(title.split()[-1], "", f"{scale:g}", str(number))
            continue
        taus = with_differences(resampled(one, one[gap], resamples, seed))
        for by in steps:
            cells = []
            for kind in ("plain", "adaptive", "minus plain"):
                tau = taus[f"{kind}, {by}"]
                low, high = np.quantile(tau[1:], (0.025, 0.975))
                cells.append(f"{tau[0]:+.2f} [{low:+.2f}, {high:+.2f}]")
            table.add_row(title.split()[-1], by, f"{scale:g}", str(number), *cells)
    return table


def rescaling(
    net: Network, w: torch.Tensor, found: xr.Dataset, radius: float, adaptive_radius: float, ascent_steps: int
) -> xr.Dataset:
    """Measure the first network that came to the loss, rescaled, over what it was: along "factor", in float64."""
    first = int(np.flatnonzero(found.step.notnull().values.ravel())[0])
    before = w[:, first].double()
    points = torch.stack([rescale(before, a) for a in (1.0, *FACTORS)], dim=1)
    numbers = {"loss": net.value(points), **measures(net, points, radius, adaptive_radius, ascent_steps)}
    data = {name: ("factor", (values[1:] / values[0]).cpu().numpy()) for name, values in numbers.items()}
    return xr.Dataset(data, coords={"factor": [*FACTORS]})


def rescale(w: torch.Tensor, a: float) -> torch.Tensor:
    """Return a network ``(d,)`` with its first layer times a and the weights of the second over a."""
    first = (WIDTHS[0] + 1) * WIDTHS[1]
    second = first + WIDTHS[1] * WIDTHS[2]
    return torch.cat([a * w[:first], w[first:second] / a, w[second:]])


def rescaling_table(rescaled: xr.Dataset) -> Table:
    """Return the table of what rescaling does."""
    table = cli.table("One network rescaled", "a", *map(str, rescaled.data_vars))
    for factor in FACTORS:
        values = [float(value) for value in rescaled.sel(factor=factor).values()]
        table.add_row(f"{factor:g}", *(f"{value:.6f}" for value in values))
    return table


def answer(told: xr.Dataset) -> str:
    """Say in numbers which measure orders the networks better by their loss gap."""
    plain, adaptive, less = (told.sel(row=f"{name}, 1 step") for name in ("plain", "adaptive", "minus plain"))
    low, high, norm = float(less.low), float(less.high), float(told.tau.sel(row="‖w‖"))
    sure = "better" if low > 0 else "worse" if high < 0 else "neither better nor worse for sure"
    return (
        f"Over {told.networks} networks adaptive sharpness has τ = {float(adaptive.tau):+.3f} with the loss gap, "
        f"sharpness {float(plain.tau):+.3f}:\nthe difference, {float(less.tau):+.3f} [{low:+.3f}, {high:+.3f}], "
        f"makes it {sure}. By ψ it is {float(less.psi):+.3f} ± {float(less.wide):.3f}.\n"
        f"The norm ‖w‖ alone has τ = {norm:+.3f}."
    )


def draw(found: xr.Dataset, told: xr.Dataset) -> Figure:
    """Draw the loss gap against both kinds of sharpness, in a colour for every scale of the initial weights."""
    figure, axes = plt.subplots(1, 2, figsize=(9.2, 4.6), sharey=True)
    shades = plt.get_cmap("viridis")(np.linspace(0, 0.9, found.sizes["scale"]))
    for ax, kind in zip(axes, ("plain", "adaptive"), strict=True):
        one = told.sel(row=f"{kind}, 1 step")
        measure = found.measure.sel(of=f"{kind}, 1 step")
        for scale, shade, mark in zip(found.scale.values, shades, itertools.cycle("o^sDvP")):
            x, y = (of.sel(scale=scale).values.ravel() for of in (measure, found.loss_gap))
            ax.plot(x, y, ls="none", marker=mark, ms=4, color=shade, alpha=0.7, mew=0, label=f"{scale:g}")
        name = "sharpness" if kind == "plain" else "adaptive sharpness"
        ax.set(xscale="log", xlabel=f"{name} (1 step)")
        ax.set_title(rf"$\tau$ = {float(one.tau):.2f}, 95 % [{float(one.low):.2f}, {float(one.high):.2f}]")
    axes[0].set_ylabel("test loss − training loss")
    axes[0].legend(title="scale of initial weights")
    figure.suptitle(f"Which sharpness orders {told.networks} trained networks by their generalisation gap?")
    return figure


if __name__ == "__main__":
    matplotlib.use("Agg")
    torch.set_num_threads(1)  # in networks this small threads cost more than they do
    cli.run(main)

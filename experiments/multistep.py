"""Does SAM generalise better with n ascent steps than with one, and does averaging their gradients repair it? [M23]

MLPs on a fifth of scikit-learn's digits, trained by SGD and by SAM with n ascent steps of radius ρ/n, which follow the
gradient at the last point or the mean of the gradients at all n; from the same weights with the same batches. The n
points are ρ(n+1)/2n away on average: beside the mean of their gradients stands a single step that long. At the end:
test accuracy, train loss, sharpness and λ_max, how high n steps climb, and the loss along the plane of ∇L(w) and
∇L(wᵖ).
"""

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, cast

import matplotlib
import numpy as np
import torch
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from rich.box import SIMPLE_HEAD
from rich.table import Table
from torch.nn.functional import cross_entropy
from typer import Option

import samdyn as sd
from samdyn import checks, cli, networks, plot
from samdyn.analysis.intervals import mean_interval
from samdyn.networks import Network
from samdyn.ops import unit
from samdyn.output import OutputFolder
from samdyn.simulate.progress import progress_bar
from samdyn.simulate.starts import choose_device

TEST = 0.8  # the share of the digits that is for testing: with few to learn from there is a gap to close
SHARPNESS_RADIUS = 0.1  # in L(w + r g/‖g‖) − L(w), for all methods
SAVES = 10  # of accuracy along training
FORMS: dict[str, Callable[[Any, int], sd.SAM]] = {  # what is followed, from ρ and n
    "last": lambda rho, n: sd.SAM(rho, ascent_steps=n),
    "averaged": lambda rho, n: sd.SAM(rho, ascent_steps=n, average=True),
    "shorter": lambda rho, n: sd.SAM(rho * (n + 1) / (2 * n)),
}
STYLES: dict[str, dict[str, Any]] = {
    "last": {"color": "#D55E00", "linestyle": "-", "marker": "^", "label": "gradient at the last of n points"},
    "averaged": {"color": "#0072B2", "linestyle": "--", "marker": "s", "label": "mean of the gradients at n points"},
    "shorter": {"color": "#000000", "linestyle": ":", "marker": "o", "mfc": "white", "label": "one step of ρ(n+1)/2n"},
}
GRID = 41  # points along each axis of a plane
EXTENT = 1.5  # of a plane, in units of ρ

ENDS = """\
{runs} networks each. n = 0: SGD. shorter: one step of ρ(n+1)/2n. Accuracy: mean ± half its 95 %
interval, less n = 1: seed by seed, in points. The others, of the full training set: geometric mean
and the factor to either end of its 95 % interval. sharpness: L(w + {radius:g} g/‖g‖) − L(w). λ: the
largest eigenvalue of H. Intervals: Student's t over seeds.
"""
PAIRED = "Seed by seed, in points. Means ± half their 95 % intervals."
CLIMBED = "L(wᵖ) − L(w) on the networks of n = 1. Geometric means and factors, as above."


def main(
    rho: Annotated[str, Option(help="Radii ρ > 0, of all n steps together.")] = "0.1,0.2,0.4",
    ascent_steps: Annotated[str, Option(help="Ascent steps n >= 2. 0, which is SGD, and 1 are always there.")] = (
        "2,3,5,10"
    ),
    lr: Annotated[float, Option(help="Learning rate η.")] = 0.2,
    batch_size: Annotated[int, Option(help="B, drawn with replacement.")] = 32,
    steps: Annotated[int, Option(help="Equally many for all n.")] = 700,
    width: Annotated[int, Option(help="Of both hidden layers.")] = 24,
    runs: Annotated[int, Option(help="Networks of every setting.")] = 6,
    seed: Annotated[int, Option(help="Of initial weights and batches.")] = 0,
    device: Annotated[str, Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    out: Annotated[
        Path, Option(help="Folder for figures and data; replaced only if it holds an earlier result.")
    ] = Path("results/multistep"),
) -> None:
    """Does SAM generalise better with n ascent steps than with one, and does averaging their gradients repair it?"""
    parameters = {key: str(value) if isinstance(value, Path) else value for key, value in locals().items()}
    radii = cli.listed("--rho", rho, lambda v: 0 < v < np.inf, "must be finite numbers > 0", "0.1,0.2")
    rule = "must be integers >= 2"
    numbers = [*map(int, cli.listed("--ascent-steps", ascent_steps, lambda v: v >= 2 and v % 1 == 0, rule, "2,10"))]
    checks.positive("--lr", lr, "Use e.g. --lr 0.2")
    checks.count("--batch-size", batch_size, "Use e.g. --batch-size 32")
    if checks.count("--steps", steps, "Use e.g. --steps 700") < SAVES:
        checks.reject("--steps", steps, f"must be at least {SAVES}", "Use e.g. --steps 700")
    checks.count("--width", width, "Use e.g. --width 24")
    if checks.count("--runs", runs, "Use e.g. --runs 6") < 2:
        checks.reject("--runs", runs, "one alone tells no interval", "Use e.g. --runs 6")
    checks.word("--seed", seed, "Use e.g. --seed 0")
    choose_device(device)

    data = networks.digits(test=TEST)
    seeds = np.random.SeedSequence(seed).generate_state(runs).tolist()
    models = [networks.models.mlp((64, width, width, data.classes), seed=s) for s in seeds]
    network = Network(models[0], cross_entropy, data.train_inputs, data.train_targets)
    starts = network.vector(models)
    sgd = sd.Map(network, sd.GD(), lr=lr, noise=sd.noise.FiniteSum(batch_size))
    axes = {"ascent_steps": [0, 1, *numbers], "rho": radii, "seed": seeds}
    console = cli.console()
    with OutputFolder(out, "multistep", parameters) as folder:
        console.print(
            f"digits, {network.samples} of {network.samples + len(data.test_targets)} to learn from, MLP "
            f"64-{width}-{width}-10 ({network.dim} parameters), η = {lr:g}, B = {batch_size}, {steps} steps"
        )
        grid, w = train(sgd, starts, axes, steps, data, seed, device)
        climbs = climb(network, w["last", 1], axes)
        console.print(end_table(grid), ENDS.format(runs=runs, radius=SHARPNESS_RADIUS), sep="\n")
        console.print(gain_table(grid, "last"), gain_table(grid, "shorter"), PAIRED, sep="\n")
        console.print(climb_table(climbs), CLIMBED, sep="\n")
        folder.save_dataset(grid.merge(climbs), "networks.zarr")
        shown = len(radii) // 2
        planes = surfaces(network, {key: w[key][:, shown * runs] for key in shown_planes(numbers)}, radii[shown])
        folder.save_dataset(planes, "planes.zarr")
        with plt.rc_context(plot.STYLE):
            folder.save_figure(draw(grid), "multistep.png")
            folder.save_figure(draw_cost(grid), "cost.png")
            folder.save_figure(draw_planes(planes), "planes.png")
    console.print(f"figures, data and provenance in {out}/")


def shown_planes(numbers: list[int]) -> list[tuple[str, int]]:
    """Return form and n of the networks whose planes are drawn."""
    return [("last", 1), ("last", numbers[-1]), ("averaged", numbers[-1])]


def train(
    map_: sd.Map,
    starts: torch.Tensor,
    axes: dict[str, list[Any]],
    steps: int,
    data: networks.Data,
    seed: int,
    device: str,
) -> tuple[xr.Dataset, dict[tuple[str, int], torch.Tensor]]:
    """Train the networks of every form, n, ρ and seed; return what they became, and where they are.

    Those of one ρ and seed have the same batches. SGD has no ρ: its networks are the same but for these.
    """
    numbers, radii, seeds = axes.values()
    network = cast(Network, map_.landscape)
    rho = torch.tensor(radii).repeat_interleave(len(seeds))
    every = steps // SAVES
    found: dict[tuple[str, int], dict[str, np.ndarray]] = {}
    ends: dict[tuple[str, int], torch.Tensor] = {}
    work = [(form, n) for n in numbers for form in forms(n)]
    done, total = 0, steps * sum(gradients(form, n) for form, n in work)
    with progress_bar("gradients", total) as show:
        for form, n in work:
            here = replace(map_, method=FORMS[form](rho, n) if n else map_.method)
            saves = networks.train(
                here, starts.repeat(len(radii), 1), steps, save_every=every, seed=seed, device=device
            )
            accuracy, times = [], []
            for step, w in saves:
                show(done + step * gradients(form, n))
                times.append(step)
                accuracy.append(network.accuracy(w, data.test_inputs, data.test_targets).cpu().numpy())
            done += steps * gradients(form, n)
            ends[form, n] = w.double()
            found[form, n] = {"accuracy": np.array(accuracy).T, **measure(network, ends[form, n])}
    shape = len(radii), len(seeds)
    data_: dict[str, Any] = {}
    for name in found["last", 0]:
        cells = [[found[form if form in forms(n) else "last", n][name] for n in numbers] for form in FORMS]
        values = np.array(cells)
        dims = ("form", "ascent_steps", "rho", "seed", *(["step"] if name == "accuracy" else []))
        data_[name] = (dims, values.reshape(*values.shape[:2], *shape, *values.shape[3:]))
    return xr.Dataset(data_, coords={"form": list(FORMS), **axes, "step": times}), ends


def forms(n: int) -> list[str]:
    """Return the forms that differ: up to one ascent step all are the same."""
    return [*FORMS] if n > 1 else ["last"]


def gradients(form: str, n: int) -> int:
    """Return how many gradients a step takes."""
    return 2 if form == "shorter" else n + 1


def measure(network: sd.Landscape, w: torch.Tensor) -> dict[str, np.ndarray]:
    """Return train loss, sharpness and λ_max of networks ``(d, n)``."""
    loss = network.value(w)
    sharpness = network.value(w + SHARPNESS_RADIUS * unit(network.grad(w))) - loss
    # In float32, which is twice as fast: three digits are enough here.
    top = [networks.extreme_eigenpairs(network, one, lowest=0, tolerance=1e-3)[0][-1] for one in w.float().T]
    return {"train_loss": loss.cpu().numpy(), "sharpness": sharpness.cpu().numpy(), "eigenvalue": np.array(top)}


def climb(network: sd.Landscape, w: torch.Tensor, axes: dict[str, list[Any]]) -> xr.Dataset:
    """Return how much higher than networks ``(d, n)`` the last point of n ascent steps is, along n × ρ × seed."""
    numbers, radii, seeds = axes.values()
    rho = torch.tensor(radii).repeat_interleave(len(seeds)).to(w)
    heights = [network.value(sd.SAM(rho, ascent_steps=n).perturbed(w, network.grad)) for n in numbers[1:]]
    values = torch.stack([height - network.value(w) for height in heights]).cpu().numpy()
    values = np.concatenate([np.zeros_like(values[:1]), values])  # SGD does not climb
    dims = ("ascent_steps", "rho", "seed")
    return xr.Dataset({"climb": (dims, values.reshape(len(numbers), len(radii), len(seeds)))}, coords=axes)


def plus_minus(values: xr.DataArray, style: str) -> str:
    """Write the mean over seeds with its interval."""
    middle, half = mean_interval(values, "seed")
    return f"{middle:{style}} ± {half:.1f}"


def geometric(values: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """Return the geometric mean over seeds, of values > 0, and the factor to the ends of its 95 % interval."""
    middle, half = mean_interval(xr.apply_ufunc(np.log, values), "seed")
    return xr.apply_ufunc(np.exp, middle), xr.apply_ufunc(np.exp, half)


def times_over(values: xr.DataArray, style: str) -> str:
    """Write the geometric mean over seeds with its interval."""
    middle, factor = geometric(values)
    return f"{middle:{style}} ×÷ {factor:.2f}"


def new_table(title: str, *columns: str) -> Table:
    """Return an empty table of numbers."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, title=f"\n{title}", title_justify="left")
    for name in columns:
        table.add_column(name, justify="right")
    return table


def final(grid: xr.Dataset) -> xr.DataArray:
    """Return test accuracies at the end, in %."""
    return 100 * grid.accuracy.isel(step=-1, drop=True)


def end_table(grid: xr.Dataset) -> Table:
    """Return the table of what networks are in the end."""
    names = ("ρ", "n", "follows", "test acc. in %", "less n = 1", "loss ×10³", "sharpness ×10³", "λ")
    table = new_table("at the end of training", *names)
    for rho, n in itertools.product(grid.rho.values, grid.ascent_steps.values):
        for form in forms(n):
            one = grid.sel(rho=rho, ascent_steps=n, form=form)
            less = plus_minus(gain(grid).sel(rho=rho, ascent_steps=n, form=form), "+.1f") if n != 1 else ""
            named = f"{rho:g}" if not n else "", str(n) if form == "last" else "", form if n > 1 else ""
            rest = [times_over(values, ".2g") for values in (1e3 * one.train_loss, 1e3 * one.sharpness, one.eigenvalue)]
            table.add_row(*named, plus_minus(final(one), ".1f"), less, *rest)
    return table


def gain(grid: xr.Dataset) -> xr.DataArray:
    """Return test accuracies less those of one ascent step, seed by seed, in points."""
    return final(grid) - final(grid).sel(ascent_steps=1, drop=True)


def gain_table(grid: xr.Dataset, over: str) -> Table:
    """Return the table of what the mean of gradients does to test accuracy, over another form."""
    table = new_table(f"test accuracy, averaged minus {over}", "n", *(f"ρ = {rho:g}" for rho in grid.rho.values))
    gained = final(grid).sel(form="averaged") - final(grid).sel(form=over)
    for n in grid.ascent_steps.values[2:]:
        cells = [plus_minus(gained.sel(ascent_steps=n, rho=rho), "+.1f") for rho in grid.rho.values]
        table.add_row(str(n), *cells)
    return table


def climb_table(climbs: xr.Dataset) -> Table:
    """Return the table of how high n steps climb."""
    table = new_table("height of n steps over that of one", "n", *(f"ρ = {r:g}" for r in climbs.rho.values))
    ratio = climbs.climb / climbs.climb.sel(ascent_steps=1, drop=True)
    for n in climbs.ascent_steps.values[2:]:
        table.add_row(str(n), *(times_over(ratio.sel(ascent_steps=n, rho=rho), ".3g") for rho in climbs.rho.values))
    return table


def surfaces(network: sd.Landscape, ends: dict[tuple[str, int], torch.Tensor], rho: float) -> xr.Dataset:
    """Return the loss along planes through networks ``(d,)``, with the points of their ascent.

    A plane is spanned by ∇L(w) and the gradient at the last point of the ascent; coordinates are in units of ρ.
    """
    axis = torch.linspace(-EXTENT, EXTENT, GRID, dtype=torch.float64)
    most = max(n for _, n in ends)
    loss, ascent, off, ends_of = [], np.full((len(ends), most + 1, 2), np.nan), [], []
    for number, ((_, n), w) in enumerate(ends.items()):
        path = list(sd.SAM(rho, ascent_steps=n).ascend(w, network.grad))
        u = unit(network.grad(w))
        v = unit(path[-1][1] - (path[-1][1] @ u) * u)
        x, y = (rho * axis.to(w), rho * axis.to(w))
        plane = w[:, None, None] + u[:, None, None] * x + v[:, None, None] * y[:, None]
        loss.append(network.value(plane).cpu().numpy())
        points = torch.stack([w, *(p for p, _ in path)]) - w
        inside = torch.stack([points @ u, points @ v], 1)
        ascent[number, : n + 1] = inside.cpu().numpy() / rho
        ends_of.append([float(network.value(p)) for p in (w, path[-1][0])])
        off.append(float((points - inside @ torch.stack([u, v])).norm(dim=1).max()) / rho)
    names = [f"n = {n}" + (f", {form}" if n > 1 else "") for form, n in ends]
    return xr.Dataset(
        {
            "loss": (("shown", "v", "u"), np.array(loss)),
            "ascent": (("shown", "point", "along"), ascent),
            "bottom": ("shown", [low for low, _ in ends_of]),
            "height": ("shown", [high for _, high in ends_of]),
            "off": ("shown", off),
        },
        coords={"shown": names, "u": axis.numpy(), "v": axis.numpy(), "along": ["u", "v"]},
        attrs={"rho": rho},
    )


def draw(grid: xr.Dataset) -> Figure:
    """Draw test accuracy less that of one ascent step, sharpness and λ_max against n, a column per ρ."""
    columns = grid.sizes["rho"]
    figure, axes = plt.subplots(3, columns, figsize=(3.2 * columns + 0.8, 8), sharex=True, sharey="row", squeeze=False)
    x = np.arange(grid.sizes["ascent_steps"])
    for (j, rho), (i, form) in itertools.product(enumerate(grid.rho.values), enumerate(FORMS)):
        style = {"capsize": 2, "ms": 5, **STYLES[form]}
        one, aside = grid.sel(rho=rho, form=form), x + 0.1 * (i - 1)  # error bars side by side
        middle, half = mean_interval(gain(grid).sel(rho=rho, form=form), "seed")
        axes[0, j].errorbar(aside, middle, yerr=half, **style)
        for ax, values in zip(axes[1:, j], (one.sharpness, one.eigenvalue), strict=True):
            middle, factor = geometric(values)
            ax.errorbar(aside, middle, yerr=[middle - middle / factor, middle * factor - middle], **style)
            ax.set_yscale("log")
    for ax, rho in zip(axes[0], grid.rho.values, strict=True):
        ax.axhline(0, color="0.7", lw=0.8, zorder=0)
        ax.set_title(f"ρ = {rho:g}")
    for ax in axes[-1]:
        labels = ["SGD" if not n else str(n) for n in grid.ascent_steps.values]
        ax.set(xlabel="ascent steps $n$", xticks=x, xticklabels=labels)
    sharpness = "sharpness\n" rf"$L(w+{SHARPNESS_RADIUS:g}\,g/\|g\|)-L(w)$"
    for ax, name in zip(
        axes[:, 0], ("test accuracy\nless $n=1$ [points]", sharpness, r"$\lambda_{\max}$"), strict=True
    ):
        ax.set_ylabel(name)
    figure.suptitle("Do more ascent steps generalise better than one? (bars: 95 %)")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def draw_cost(grid: xr.Dataset) -> Figure:
    """Draw test accuracy along training against the gradients it took, a panel per ρ."""
    figure, axes = plt.subplots(
        1, grid.sizes["rho"], figsize=(3.4 * grid.sizes["rho"] + 0.6, 4), sharex=True, sharey=True, squeeze=False
    )
    accuracy = 100 * grid.accuracy.isel(step=slice(1, None))
    shades = plt.get_cmap("viridis")(np.linspace(0, 0.9, grid.sizes["ascent_steps"] - 1))
    for ax, rho in zip(axes[0], grid.rho.values, strict=True):
        for i, n in enumerate(grid.ascent_steps.values):
            for form in ("last", "averaged") if n > 1 else ("last",):
                middle, half = mean_interval(accuracy.sel(rho=rho, ascent_steps=n, form=form), "seed")
                label = (f"n = {n}" if n else "SGD") if form == "last" else None
                style = {**STYLES[form], "color": shades[i - 1] if n else "0.5", "ms": 3, "label": label}
                cost = accuracy.step.values * gradients(form, n)
                ax.plot(cost, middle, **style)
                ax.errorbar(cost[-1], middle[-1], yerr=half[-1], capsize=2, color=style["color"])
        ax.set(title=f"ρ = {rho:g}", xscale="log", xlabel="gradients per network")
    axes[0, 0].set_ylabel("test accuracy [%]")
    # What slow starts would squeeze is the difference at the end.
    axes[0, 0].set_ylim(float(final(grid).quantile(0.02)) - 5, float(final(grid).max()) + 0.5)
    figure.suptitle("What accuracy costs (dashed: mean of the n gradients; bars: 95 %)")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
    return figure


def draw_planes(planes: xr.Dataset) -> Figure:
    """Draw the loss along planes, with ascents."""
    figure, axes = plt.subplots(1, planes.sizes["shown"], figsize=(3.7 * planes.sizes["shown"] + 1, 4.4), sharey=True)
    low, high = max(float(planes.loss.min()), 1e-12), float(planes.loss.max())
    levels = np.geomspace(low, high, 16)
    for i, ax in enumerate(axes):
        one = planes.isel(shown=i)
        filled = ax.contourf(
            one.u, one.v, one.loss, levels=levels, norm=LogNorm(low, high), cmap="viridis", extend="min"
        )
        ax.contour(one.u, one.v, one.loss, levels=levels, colors="white", linewidths=0.4)
        ax.add_patch(Circle((0, 0), 1, fill=False, ec="white", ls=":"))
        x, y = one.ascent.values.T
        ax.plot(x, y, color="#D55E00", marker="o", ms=4, mec="white", mew=0.5)
        ax.plot(0, 0, color="black", marker="*", ms=11, mec="white", ls="none")
        title = f"{one.shown.values}\nL(w) = {float(one.bottom):.2g}, L(wᵖ) = {float(one.height):.2g}"
        ax.set(title=title, aspect="equal", xlabel=r"along $\nabla L(w)$, in units of $\rho$")
    axes[0].set_ylabel(r"along $\nabla L(w^p)$ across it, in units of $\rho$")
    figure.colorbar(filled, ax=axes, label="train loss", format="%.1g")
    figure.suptitle(f"From w (★) the ascent goes up within ρ = {planes.rho:g} (dotted)")
    return figure


if __name__ == "__main__":
    matplotlib.use("Agg")
    torch.set_num_threads(1)  # networks this small are slower with two as soon as another program runs
    cli.run(main)

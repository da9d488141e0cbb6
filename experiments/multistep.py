"""Does SAM generalise better with n ascent steps than with one, and does averaging their gradients repair it? [M23]

The script trains MLPs on a fifth of scikit-learn's digits by SGD and by SAM with n ascent steps of radius ρ/n, which
follows the gradient at the last point or the mean of the gradients at all n. All start from the same weights and have
the same batches. The n points are at a mean distance of ρ(n+1)/2n, so that the mean of gradients is compared with a
single step of that length. At the end the script measures test accuracy, train loss, sharpness, λ_max, how high n steps
climb, and the loss along the plane of ∇L(w) and ∇L(wᵖ).

The grid and the seeds are the defaults below. They were fixed before any network was trained. docs/networks.md has the
numbers of --seeds 30 --ascent-steps 2,5,10, with all other options at their defaults.
"""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import matplotlib
import numpy as np
import torch
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.ticker import LogLocator, NullFormatter
from rich.table import Table
from torch.nn.functional import cross_entropy
from typer import Option

import samdyn as sd
from samdyn import checks, cli, networks, plot
from samdyn.networks import Network
from samdyn.ops import unit
from samdyn.output import OutputFolder
from samdyn.simulation.progress import progress_bar
from samdyn.simulation.starts import choose_device
from samdyn.statistics import median_interval

TEST = 0.8  # fraction of the digits that are for testing; few training samples leave a generalisation gap
SHARPNESS_RADIUS = 0.1  # r in the sharpness L(w + r g/‖g‖) − L(w), in the units of w, for all methods
SAVES = 10  # count of measurements of accuracy in training
FORMS: dict[
    str, Callable[[Any, int], sd.Method]
] = {  # the methods, by the gradient that they follow, as functions of ρ and n
    "last": lambda rho, n: sd.SAM(rho, ascent_steps=n) if n else sd.GD(),
    "averaged": lambda rho, n: sd.SAM(rho, ascent_steps=n, average=True),
    "shorter": lambda rho, n: sd.SAM(rho * (n + 1) / (2 * n)),
}
STYLES: dict[str, dict[str, Any]] = {
    "last": {"color": "#D55E00", "linestyle": "-", "marker": "^", "label": "gradient at the last of n points"},
    "averaged": {"color": "#0072B2", "linestyle": "--", "marker": "s", "label": "mean of the gradients at n points"},
    "shorter": {"color": "#000000", "linestyle": ":", "marker": "o", "mfc": "white", "label": "one step of ρ(n+1)/2n"},
}
SHARED: dict[int, dict[str, Any]] = {  # styles of n = 0 and 1, where all forms are the same
    0: {"color": "#777777", "linestyle": "none", "marker": "D", "label": "SGD"},
    1: {"color": "#009E73", "linestyle": "none", "marker": "*", "ms": 9, "label": "one ascent step"},
}
GRADIENTS = {"last": "gradient at the last point", "shorter": "gradient after one shorter step"}
GRID = 41  # points along each axis of a plane
EXTENT = 1.5  # half-width of a plane, in units of ρ

ENDS = (
    "Medians over {seeds} networks with 95 % bootstrap intervals. n = 0 is SGD. The gradient is that at the last "
    'of n points, the mean over the n points, or that after one shorter step of ρ(n+1)/2n. "minus n = 1" is the '
    "difference in test accuracy from one ascent step, seed by seed. The loss is that of the full training set."
)
SHARP = (
    "Medians with 95 % intervals, as above. The sharpness is L(w + {radius:g} g/‖g‖) − L(w), λ_max the largest "
    "eigenvalue of H, and the height L(wᵖ) − L(w) after n ascent steps, over that after one, both on the networks "
    "of n = 1."
)
PAIRED = "Differences are taken seed by seed: medians with 95 % intervals, as above."


def main(
    rho: Annotated[str, Option(help="Radii ρ > 0, of all n steps together.")] = "0.1,0.2,0.4",
    ascent_steps: Annotated[str, Option(help="Ascent steps n >= 2. 0, which is SGD, and 1 are always there.")] = (
        "2,10"
    ),
    lr: Annotated[float, Option(help="Learning rate η.")] = 0.2,
    batch_size: Annotated[int, Option(help="B, drawn with replacement.")] = 32,
    steps: Annotated[int, Option(help="Equally many for all n.")] = 700,
    width: Annotated[int, Option(help="Width of both hidden layers.")] = 24,
    seeds: Annotated[int, Option(help="Networks of every setting; 30 in the docs.")] = 4,
    seed: Annotated[int, Option(help="Seed of initial weights and batches.")] = 0,
    processes: Annotated[int, Option(help="Number of processes; results do not depend on it.")] = 2,
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
    if checks.count("--seeds", seeds, "Use e.g. --seeds 4") < 2:
        checks.reject("--seeds", seeds, "an interval needs two or more", "Use e.g. --seeds 4")
    checks.word("--seed", seed, "Use e.g. --seed 0")
    checks.count("--processes", processes, "Use e.g. --processes 2")
    choose_device(device)

    data = networks.digits(test=TEST)
    of_weights = np.random.SeedSequence(seed).generate_state(seeds).tolist()
    models = [networks.models.mlp((64, width, width, data.classes), seed=s) for s in of_weights]
    network = Network(models[0], cross_entropy, data.train_inputs, data.train_targets)
    sgd = sd.Map(network, sd.GD(), lr=lr, noise=sd.noise.FiniteSum(batch_size))
    axes = {"ascent_steps": [0, 1, *numbers], "rho": radii, "seed": of_weights}
    console = cli.console()
    with OutputFolder(out, "multistep", parameters) as folder:
        console.print(
            f"digits, {network.samples} of {network.samples + len(data.test_targets)} to learn from, MLP "
            f"64-{width}-{width}-10 ({network.dim} parameters), η = {lr:g}, B = {batch_size}, {steps} steps"
        )
        grid, w = train(sgd, network.vector(models), axes, steps, data, seed, device, processes)
        grid["climb"] = climb(network, w["last", 1], axes).climb
        console.print(end_table(grid), ENDS.format(seeds=seeds), sep="\n")
        console.print(sharpness_table(grid), SHARP.format(radius=SHARPNESS_RADIUS), sep="\n")
        console.print(gain_table(grid, "last"), gain_table(grid, "shorter"), PAIRED, sep="\n")
        folder.save_dataset(grid, "networks.zarr")
        shown = len(radii) // 2
        planes = surfaces(network, {key: w[key][:, shown * seeds] for key in shown_planes(numbers)}, radii[shown])
        folder.save_dataset(planes, "planes.zarr")
        with plt.rc_context(plot.STYLE):
            folder.save_figure(draw(grid), "multistep.png")
            folder.save_figure(draw_cost(grid), "cost.png")
            folder.save_figure(draw_planes(planes), "planes.png")
        console.print(answer(grid))
    console.print(f"figures, data and provenance in {out}/")


def shown_planes(numbers: list[int]) -> list[tuple[str, int]]:
    """Return form and n of the networks whose planes are drawn."""
    return [("last", 1), ("last", numbers[-1]), ("averaged", numbers[-1])]


def train(
    sgd: sd.Map,
    starts: torch.Tensor,
    axes: dict[str, list[Any]],
    steps: int,
    data: networks.Data,
    seed: int,
    device: str,
    processes: int,
) -> tuple[xr.Dataset, dict[tuple[str, int], torch.Tensor]]:
    """Train the networks of every form, n, ρ and seed; return their measures, and the networks.

    Networks of one seed have the same batches, which do not depend on the rest of the grid. SGD has no ρ and is trained
    once.
    """
    numbers, radii, _ = axes.values()
    # The longest part starts first, so that no process ends with it alone.
    work = sorted(((form, n) for n in numbers for form in forms(n)), key=lambda part: -gradients(*part))
    parts = [(sgd, form, n, starts, radii, steps, data, seed, device) for form, n in work]
    results: dict[tuple[str, int], dict[str, np.ndarray]] = {}
    ends: dict[tuple[str, int], torch.Tensor] = {}
    done = 0
    with progress_bar("gradients", steps * sum(gradients(form, n) for form, n in work)) as show:
        for number, (measured, end) in cli.in_processes(train_one, parts, processes):
            results[work[number]], ends[work[number]] = measured, end
            done += steps * gradients(*work[number])
            show(done)
    variables: dict[str, Any] = {}
    for name in results["last", 0]:
        cells = [[results[form if form in forms(n) else "last", n][name] for n in numbers] for form in FORMS]
        values = np.array(cells)
        dims = ("form", "ascent_steps", "rho", "seed", *(["step"] if name == "accuracy" else []))
        variables[name] = (dims, values)
    coords = {"form": list(FORMS), **axes, "step": [0, *range(steps // SAVES, steps, steps // SAVES), steps]}
    return xr.Dataset(variables, coords=coords), ends


def train_one(
    sgd: sd.Map,
    form: str,
    n: int,
    starts: torch.Tensor,
    radii: list[float],
    steps: int,
    data: networks.Data,
    seed: int,
    device: str,
) -> tuple[dict[str, np.ndarray], torch.Tensor]:
    """Train the networks of one form and n; return their measures ``(ρ, seeds, …)``, and where they are ``(d, n)``."""
    network, inits = sgd.landscape, len(starts)
    assert isinstance(network, Network)
    copies = len(radii) if n else 1
    rho = torch.tensor(radii).repeat_interleave(inits)
    map_ = sd.Map(network, FORMS[form](rho, n), lr=sgd.lr, noise=sgd.noise)
    runs = torch.arange(inits).repeat(copies)
    saves = networks.train(
        map_, starts.repeat(copies, 1), steps, save_every=steps // SAVES, seed=seed, runs=runs, device=device
    )
    accuracy = []
    for _, w in saves:
        accuracy.append(network.accuracy(w, data.test_inputs, data.test_targets).cpu().numpy())
    measured = {"accuracy": np.array(accuracy).T, **measure(network, w.double())}
    shape = (copies, inits)
    on_grid = {name: values.reshape(*shape, *values.shape[1:]) for name, values in measured.items()}
    alike = len(radii) // copies
    return {name: np.concatenate([values] * alike) for name, values in on_grid.items()}, w.double().cpu()


def forms(n: int) -> list[str]:
    """Return the forms that differ: up to one ascent step all are the same."""
    return [*FORMS] if n > 1 else ["last"]


def gradients(form: str, n: int) -> int:
    """Return how many gradients a step takes."""
    return 2 if form == "shorter" else n + 1


def measure(network: sd.Landscape, w: torch.Tensor) -> dict[str, np.ndarray]:
    """Return train loss, sharpness and λ_max of networks ``(d, n)``: inf, nan and nan of those that diverged."""
    loss = network.value(w)
    sharpness = network.value(w + SHARPNESS_RADIUS * unit(network.grad(w))) - loss
    # Three digits are enough here, and float32 is twice as fast.
    top = [
        networks.extreme_eigenpairs(network, one, lowest=0, tolerance=1e-3)[0][-1] if one.isfinite().all() else np.nan
        for one in w.float().T
    ]
    loss = loss.nan_to_num(nan=np.inf, posinf=np.inf)
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


def median(values: xr.DataArray, style: str) -> str:
    """Write the median over seeds with its interval."""
    return cli.with_interval(median_interval(values, "seed"), style)


def final(grid: xr.Dataset) -> xr.DataArray:
    """Return test accuracies at the end, in %."""
    return 100 * grid.accuracy.isel(step=-1, drop=True)


def gain(grid: xr.Dataset) -> xr.DataArray:
    """Return test accuracies less those of one ascent step, seed by seed, in points."""
    return final(grid) - final(grid).sel(ascent_steps=1, drop=True)


def averaged_over(grid: xr.Dataset, form: str) -> xr.DataArray:
    """Return test accuracies by the mean of gradients less those of another form, seed by seed, n ≥ 2, in points."""
    several = final(grid).isel(ascent_steps=slice(2, None))
    return several.sel(form="averaged", drop=True) - several.sel(form=form, drop=True)


def rows(grid: xr.Dataset) -> Iterator[tuple[list[str], dict[str, Any]]]:
    """Yield every setting that was trained, once: how to write it, and where it is in the grid."""
    for rho, n in itertools.product(grid.rho.values, grid.ascent_steps.values):
        if not n and rho != grid.rho.values[0]:
            continue  # SGD has no ρ
        for form in forms(n):
            named = [f"{rho:g}" if n == 1 else "", str(n) if form == "last" else "", form if n > 1 else ""]
            yield named, {"rho": rho, "ascent_steps": n, "form": form}


def end_table(grid: xr.Dataset) -> Table:
    """Return the table of the networks at the end of training."""
    names = ("ρ", "n", "gradient", "test accuracy [%]", "minus n = 1 [points]", "train loss × 1000")
    table = cli.table("\nAccuracy and loss at the end of training", *names, gap=2)
    for named, at in rows(grid):
        less = median(gain(grid).sel(at), "+.1f") if at["ascent_steps"] != 1 else ""
        table.add_row(*named, median(final(grid).sel(at), ".1f"), less, median(1e3 * grid.train_loss.sel(at), ".2g"))
    return table


def sharpness_table(grid: xr.Dataset) -> Table:
    """Return the table of sharpness, curvature and the height that n steps climb."""
    names = ("ρ", "n", "gradient", "sharpness × 1000", "λ_max", "height over that of n = 1")
    table = cli.table("\nSharpness at the end of training", *names, gap=2)
    ratio = grid.climb / grid.climb.sel(ascent_steps=1, drop=True)
    for named, at in rows(grid):
        several = at["ascent_steps"] > 1 and at["form"] == "last"
        height = median(ratio.sel(rho=at["rho"], ascent_steps=at["ascent_steps"]), ".2f") if several else ""
        sharp, top = (median(values.sel(at), ".3g") for values in (1e3 * grid.sharpness, grid.eigenvalue))
        table.add_row(*named, sharp, top, height)
    return table


def gain_table(grid: xr.Dataset, over: str) -> Table:
    """Return the table of test accuracies with the mean of gradients minus those of another form."""
    title = f"\nTest accuracy by the mean of gradients minus that by the {GRADIENTS[over]}, in points"
    table = cli.table(title, "n", *(f"ρ = {rho:g}" for rho in grid.rho.values), gap=2)
    gained = averaged_over(grid, over)
    for n in gained.ascent_steps.values:
        table.add_row(str(n), *(median(gained.sel(ascent_steps=n, rho=rho), "+.1f") for rho in grid.rho.values))
    return table


def resolved(values: xr.DataArray) -> str:
    """Write in how many settings the interval over seeds lies above 0, and in how many below."""
    _, low, high = median_interval(values, "seed")
    return f"above 0 in {int((low > 0).sum())} and below in {int((high < 0).sum())} of {low.size} settings"


def span(values: xr.DataArray) -> str:
    """Write the range of the medians, and how far their intervals reach."""
    middle, low, high = median_interval(values, "seed")
    return (
        f"{float(middle.min()):+.1f} to {float(middle.max()):+.1f} [{float(low.min()):+.1f}, {float(high.max()):+.1f}]"
    )


def answer(grid: xr.Dataset) -> str:
    """Return the effect of several ascent steps on test accuracy, in a sentence with numbers."""
    several = gain(grid).isel(ascent_steps=slice(2, None))
    last, averaged = several.sel(form="last"), several.sel(form="averaged")
    sgd = gain(grid).sel(form="last", ascent_steps=0)
    shorter = averaged_over(grid, "shorter")
    return (
        "Test accuracy in points: ranges of the medians of all settings, and of their 95 % intervals in brackets. SGD "
        f"minus one ascent step: {span(sgd)}. Several steps minus one: last gradient {span(last)}, {resolved(last)}; "
        f"mean gradient {span(averaged)}, {resolved(averaged)}. The mean minus one shorter step: {span(shorter)}, "
        f"{resolved(shorter)}."
    )


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
    shown = gain(grid), 1e3 * grid.sharpness, grid.eigenvalue
    numbers = grid.ascent_steps.values
    for (j, rho), (row, values) in itertools.product(enumerate(grid.rho.values), zip(axes, shown, strict=True)):
        for i, form in enumerate(FORMS):
            aside = np.arange(2, len(numbers)) + 0.14 * (i - 1)  # error bars side by side
            bars(row[j], aside, values.sel(rho=rho, form=form, ascent_steps=numbers[2:]), STYLES[form])
        for n, style in SHARED.items():
            bars(row[j], np.array([n]), values.sel(rho=rho, form="last", ascent_steps=[n]), style)
    for ax, rho in zip(axes[0], grid.rho.values, strict=True):
        ax.axhline(0, color="0.7", lw=0.8, zorder=0)
        ax.set_title(f"$\\rho = {rho:g}$")
    for ax in axes[-1]:
        labels = ["SGD" if not n else str(n) for n in numbers]
        ax.set(xlabel="ascent steps $n$", xticks=range(len(numbers)), xticklabels=labels)
    sharpness = "sharpness × 1000\n" rf"$L(w+{SHARPNESS_RADIUS:g}\,g/\|g\|)-L(w)$"
    names = "test accuracy minus\nthat of $n=1$ [points]", sharpness, r"$\lambda_{\max}$ of the Hessian"
    for row, name in zip(axes, names, strict=True):
        row[0].set_ylabel(name)
    for row in axes[1:]:
        row[0].set_yscale("log")
        row[0].yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        row[0].yaxis.set_major_formatter("{x:g}")
        row[0].yaxis.set_minor_formatter(NullFormatter())
    figure.suptitle(f"Do more ascent steps generalise better than one? (medians of {grid.sizes['seed']}, bars: 95 %)")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def bars(ax: Axes, x: np.ndarray, values: xr.DataArray, style: dict[str, Any]) -> None:
    """Draw medians over seeds with their intervals."""
    middle, low, high = median_interval(values, "seed")
    ax.errorbar(x, middle, yerr=[middle - low, high - middle], **{"capsize": 2, "ms": 5, **style})


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
                middle, low, high = median_interval(accuracy.sel(rho=rho, ascent_steps=n, form=form), "seed")
                label = (f"$n = {n}$" if n else "SGD") if form == "last" else None
                style = {**STYLES[form], "color": shades[i - 1] if n else "0.5", "ms": 3, "label": label}
                cost = accuracy.step.values * gradients(form, n)
                ax.plot(cost, middle, **style)
                ends = [middle[-1:] - low[-1:], high[-1:] - middle[-1:]]
                ax.errorbar(cost[-1:], middle[-1:], yerr=ends, capsize=2, color=style["color"])
        ax.set(title=rf"$\rho = {rho:g}$", xscale="log", xlabel="gradients per network")
    axes[0, 0].set_ylabel("test accuracy [%]")
    # The low accuracies of the first steps would squeeze the differences at the end.
    medians = final(grid).median("seed")
    axes[0, 0].set_ylim(float(medians.min()) - 5, float(medians.max()) + 1)
    figure.suptitle(
        f"What accuracy costs (dashed: mean of the n gradients; medians of {grid.sizes['seed']}, bars: 95 %)"
    )
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
    torch.set_num_threads(1)  # two threads slow down networks this small if another program runs
    cli.run(main)

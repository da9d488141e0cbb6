"""Does the largest curvature of a network in training settle at the edge that is predicted for GD, USAM and SAM?

Full-batch training on a squared loss; with a momentum γ at η(1+γ), where GD's edge 2(1+γ)/η is the same. SAM's edge
moves with the gradient norm: at the end its ρ is changed at once, to see which of the two comes to the other.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import matplotlib
import numpy as np
import torch
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from rich.table import Table
from typer import Option

import samdyn as sd
from samdyn import checks, cli, networks, plot, theory
from samdyn.analysis.intervals import mean_interval
from samdyn.networks import Network
from samdyn.output import OutputFolder
from samdyn.simulate.progress import progress_bar
from samdyn.simulate.starts import choose_device

WIDTHS = (40, 32, 32, 10)
TOP = 5  # eigenvalues looked at
FACTORS = (0.25, 4.0)  # on ρ, at the end
FOLLOWED, EVERY = 100, 5  # steps after that, and how often they are looked at
SHOWN = (0, 5, 25, 100)  # of them, in the table

LEGEND = """\
95 % intervals over {inits} inits (Student t). Over the last third of training: λ, its mean at the
beginning and at the end; sd: of λ/edge along a run; above: share of the looks with λ > edge;
v₁ and top 5: share of ‖∇L‖² along the first eigenvector, and the first five. k: at which the edge
was first reached, from the first init to the last (so many, if not all). loss: at the end.
GD's edge is 2(1+γ)/η: with momentum η is times 1+γ, so that it is the same for all.
"""
SWITCHED = "SAM without momentum goes on with another ρ; means over {inits} inits. λ, edge, ‖∇L‖: relative to k = 0."


def main(
    lr: Annotated[float, Option(help="Learning rate η without momentum.")] = 0.2,
    rho: Annotated[float, Option(help="SAM's radius ρ > 0.")] = 0.05,
    usam_rho: Annotated[float, Option(help="USAM's radius ρ > 0.")] = 0.1,
    momentum: Annotated[float, Option(help="Momentum γ of the runs that have one.")] = 0.9,
    samples: Annotated[int, Option(help="Samples of MNIST-1D to train on, up to 4000.")] = 200,
    steps: Annotated[int, Option(help="Steps k of training.")] = 2000,
    look_every: Annotated[int, Option(help="Steps from one look at the Hessian to the next; odd.")] = 61,
    inits: Annotated[int, Option(help="Networks of every method.")] = 3,
    seed: Annotated[int, Option(help="Of the first network's weights.")] = 0,
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
    if checks.count("--inits", inits, "Use e.g. --inits 3") < 2:
        checks.reject("--inits", inits, "one alone tells no interval", "Use e.g. --inits 3")
    # Iterates at the edge jump to and fro: looks at even steps alone would see one side.
    if checks.count("--look-every", look_every, "Use e.g. --look-every 61") % 2 == 0:
        checks.reject("--look-every", look_every, "must be odd", "Use e.g. --look-every 61")
    if checks.count("--steps", steps, "Use e.g. --steps 2000") < 6 * look_every:
        checks.reject("--steps", steps, f"is less than 6 looks of {look_every} steps", "Use a smaller --look-every")
    checks.word("--seed", seed + inits, "Use e.g. --seed 0")
    choose_device(device)
    net = landscape(samples)
    maps = settings(net, lr, rho, usam_rho, momentum)

    console = cli.console()
    with OutputFolder(out, "edge_of_stability", parameters) as folder:
        console.print(f"tanh MLP {'-'.join(map(str, WIDTHS))}, {samples} samples of MNIST-1D, squared loss, full batch")
        runs, ends = training(net, maps, inits, seed, steps, look_every, device)
        console.print(runs_table(runs, maps), LEGEND.format(inits=inits), sep="\n")
        folder.save_dataset(runs, "runs.zarr")
        switched = switch(maps["SAM"], ends["SAM"], device)
        console.print(switch_table(switched), SWITCHED.format(inits=inits), sep="\n")
        folder.save_dataset(switched, "switched.zarr")
        console.print(answer(runs, switched))
        with plt.rc_context(plot.STYLE):
            folder.save_figure(draw_runs(runs, maps), "edge_of_stability.png")
            folder.save_figure(draw_switch(switched), "switched.png")
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
    """Return what is compared, by name."""
    return {
        "GD": sd.Map(net, sd.GD(), lr=lr),
        f"GD, γ = {momentum:g}": sd.Map(net, sd.GD(), lr=lr * (1 + momentum), momentum=momentum),
        "USAM": sd.Map(net, sd.USAM(usam_rho), lr=lr),
        "SAM": sd.Map(net, sd.SAM(rho), lr=lr),
        f"SAM, γ = {momentum:g}": sd.Map(net, sd.SAM(rho), lr=lr * (1 + momentum), momentum=momentum),
    }


def edge(map_: sd.Map, gradient_norm: np.ndarray) -> np.ndarray:
    """Return the curvature λ above which steps along its eigenvector are predicted to grow, for every ‖∇L‖.

    GD: λ = 2(1+γ)/η; USAM: λ + ρλ² = 2(1+γ)/η; SAM: USAM's at ρ/‖∇L‖.  [L23; γ > 0: theory.largest_lr]
    """
    lr = map_.lr / (1 + map_.momentum)
    if isinstance(map_.method, sd.GD):
        return np.full_like(gradient_norm, 2 / lr)
    rho = vars(map_.method)["rho"] / (gradient_norm if isinstance(map_.method, sd.SAM) else 1 + 0 * gradient_norm)
    return np.array([theory.edge_of_stability(lr=lr, rho=one) for one in rho])


def look(map_: sd.Map, w: torch.Tensor) -> dict[str, np.ndarray]:
    """Measure networks ``(d, n)``: loss, gradient norm, λ (the largest first), shares of ‖∇L‖² along their vectors."""
    net = map_.landscape
    gradients = net.grad(w).double().cpu().numpy()
    if not np.isfinite(gradients).all():
        rule = f"{type(map_.method).__name__} diverged"
        checks.reject("--lr", map_.lr, rule, "Use a smaller one, or a smaller radius")
    norms, eigenvalues, shares = np.linalg.norm(gradients, axis=0), [], []
    for one, g, norm in zip(w.T, gradients.T, norms, strict=True):
        values, vectors = networks.extreme_eigenpairs(net, one, lowest=0, highest=TOP, tolerance=1e-3)
        eigenvalues.append(values[::-1])
        shares.append(((g @ vectors)[::-1] / norm) ** 2)
    return {
        "loss": net.value(w).double().cpu().numpy(),
        "gradient_norm": norms,
        "edge": edge(map_, norms),
        "eigenvalue": np.array(eigenvalues),
        "share": np.array(shares),
    }


def along(map_: sd.Map, states: Iterator[tuple[int, torch.Tensor]]) -> tuple[xr.Dataset, torch.Tensor]:
    """Measure networks along their training; return that and where they end, ``(n, d)``."""
    looks = []
    for step, w in states:
        looks.append((step, look(map_, w)))
    dims = {name: ["step", "init", *(["order"] if value.ndim > 1 else [])] for name, value in looks[0][1].items()}
    data = {name: (dims[name], np.stack([found[name] for _, found in looks])) for name in dims}
    coords = {"step": [step for step, _ in looks], "order": np.arange(1, TOP + 1)}
    return xr.Dataset(data, coords=coords), w.T


def training(
    net: Network, maps: dict[str, sd.Map], inits: int, seed: int, steps: int, look_every: int, device: str
) -> tuple[xr.Dataset, dict[str, torch.Tensor]]:
    """Train the same networks by every map; return what was measured, and where they end."""
    found, ends = [], {}
    starts = net.vector(networks.models.mlp(WIDTHS, activation="tanh", seed=seed + i) for i in range(inits))
    with progress_bar("training", len(maps)) as show:
        for name, map_ in maps.items():
            states = networks.train(map_, starts, steps, save_every=look_every, device=device)
            one, ends[name] = along(map_, states)
            settings = {"lr": map_.lr, "momentum": map_.momentum, "rho": vars(map_.method).get("rho", 0.0)}
            found.append(one.assign_coords(settings))
            show(len(found))
    return xr.concat(found, xr.Variable("setting", [*maps])), ends


def switch(map_: sd.Map, w: torch.Tensor, device: str) -> xr.Dataset:
    """Go on from where networks ended with ρ times each of ``FACTORS``, and measure what follows."""
    found = []
    for factor in FACTORS:
        other = sd.analysis.with_parameters(map_, {"rho": factor * vars(map_.method)["rho"]})
        found.append(along(other, networks.train(other, w, FOLLOWED, save_every=EVERY, device=device))[0])
    return xr.concat(found, xr.Variable("factor", [*FACTORS]))


def ratio(data: xr.Dataset) -> xr.DataArray:
    """Return λ_max over its edge."""
    return data.eigenvalue.sel(order=1) / data.edge


def last_third(data: xr.Dataset) -> xr.Dataset:
    """Return the last third of training."""
    return data.isel(step=data.step >= data.step[-1] * 2 / 3)


def reached(data: xr.Dataset) -> np.ndarray:
    """Return the first step at which λ_max was seen at its edge or above, nan if never: one per network."""
    at = ratio(data).transpose("init", "step").values >= 1
    return np.where(at.any(1), data.step.values[at.argmax(1)], np.nan)


def runs_table(runs: xr.Dataset, maps: dict[str, sd.Map]) -> Table:
    """Return the table of the training runs."""
    table = cli.table(
        "λ_max and its edge in training",
        *("", "ρ", "k", "λ", "λ/edge", "sd", "above", "λ/GD's", "v₁", f"top {TOP}", "loss"),
    )
    for name, map_ in maps.items():
        data = runs.sel(setting=name)
        late, steps = last_third(data), reached(data)
        known = steps[np.isfinite(steps)]
        first = f"{known.min():.0f}–{known.max():.0f}" if known.size else "never"
        first += f" ({known.size})" if 0 < known.size < len(steps) else ""
        lam = late.eigenvalue.sel(order=1).mean("init")
        mean, wide = mean_interval(ratio(late).mean("step"), "init")
        stretch = map_.lr / (2 * (1 + map_.momentum))  # over GD's edge
        of_gd, wide_gd = mean_interval(stretch * late.eigenvalue.sel(order=1).mean("step"), "init")
        table.add_row(
            *(name, f"{float(data.rho):g}", first, f"{float(lam[0]):.3g} → {float(lam[-1]):.3g}"),
            *(f"{mean:.3f} ± {wide:.3f}", f"{float(ratio(late).std('step', ddof=1).mean()):.3f}"),
            *(f"{100 * float((ratio(late) > 1).mean()):.0f} %", f"{of_gd:.2f} ± {wide_gd:.2f}"),
            *(f"{float(late.share.sel(order=1).mean()):.2f}", f"{float(late.share.sum('order').mean()):.2f}"),
            f"{float(data.loss[-1].mean()):.2g}",
        )
    return table


def changes(before: xr.Dataset, after: xr.Dataset) -> tuple[float, float, float]:
    """Return by which factors λ_max, its edge and ‖∇L‖ have changed, the means over networks."""
    lam, moved, norm = (after[name] / before[name] for name in ("eigenvalue", "edge", "gradient_norm"))
    return float(lam.sel(order=1).mean()), float(moved.mean()), float(norm.mean())


def switch_table(switched: xr.Dataset) -> Table:
    """Return the table of what follows a change of ρ."""
    table = cli.table("SAM's radius changed", "ρ ×", "k", "λ/edge", "λ", "edge", "‖∇L‖")
    before = switched.isel(step=0)
    for factor in FACTORS:
        for step in SHOWN:
            now, then = (data.sel(factor=factor) for data in (switched.sel(step=step), before))
            cells = (f"{value:.3f}" for value in (float(ratio(now).mean()), *changes(then, now)))
            table.add_row("" if step else f"{factor:g}", str(step), *cells)
    return table


def answer(runs: xr.Dataset, switched: xr.Dataset) -> str:
    """Say in numbers whether λ_max settles at SAM's edge, and which of the two moves."""
    late = last_third(runs.sel(setting="SAM"))
    mean, wide = mean_interval(ratio(late).mean("step"), "init")
    now, then = switched.isel(step=1, factor=0), switched.isel(step=0, factor=0)
    lam, _, norm = changes(then, now)
    return (
        f"In the last third SAM's λ_max is {mean:.3f} ± {wide:.3f} times its edge. With ρ × {FACTORS[0]:g} it is\n"
        f"{float(ratio(then).mean()):.2f} times, and {EVERY} steps later {float(ratio(now).mean()):.2f} times: "
        f"in them λ_max changed by {100 * (lam - 1):+.1f} %, ‖∇L‖ by {100 * (norm - 1):+.0f} %."
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
    # Early curvatures that no step sees twice would squeeze the rest.
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
    """Draw λ_max, its edge and the gradient norm after ρ was changed: the first network."""
    figure, axes = plt.subplots(1, len(FACTORS), figsize=(8.4, 3.8), sharey=True)
    for ax, factor in zip(axes, FACTORS, strict=True):
        one = switched.sel(factor=factor).isel(init=0)
        ax.plot(one.step, one.eigenvalue.sel(order=1), label=r"$\lambda_{\max}$", **plot.line("SAM"), ms=4)
        ax.plot(one.step, one.edge, label="SAM's edge", color="0.3", ls=(0, (3, 1)), marker="o", ms=3)
        ax.set(xlabel=r"steps after the change", title=rf"$\rho \times {factor:g}$")
    axes[0].set(ylabel=r"curvature $\lambda$", ylim=(0, None))
    axes[0].legend()
    figure.suptitle("SAM's radius is changed at once: which comes to the other?")
    return figure


if __name__ == "__main__":
    matplotlib.use("Agg")
    torch.set_num_threads(1)  # in networks this small threads cost more than they do
    cli.run(main)

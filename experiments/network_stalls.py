"""Does mini-batch SAM stall beside a saddle of a network where the noise's size says?

Networks on digits, trained from small weights, which are next to the saddle where all weights are 0.
"""

import itertools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import matplotlib
import numpy as np
import torch
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from rich.console import Console
from rich.table import Table
from torch.nn.functional import cross_entropy
from typer import Option

import samdyn as sd
from samdyn import checks, cli, plot
from samdyn.analysis.intervals import mean_interval
from samdyn.networks import Data, Network, digits, extreme_eigenpairs, models, train
from samdyn.networks.saddles import critical_point, ways_out, without_weights
from samdyn.output import OutputFolder
from samdyn.simulate.starts import choose_device

RADII = np.geomspace(0.03, 3, 14)  # ρ at which networks are trained
PARTS = 4  # of the batches, for an interval
COUPLINGS = ("shared", "independent")
LEFT, HELD, ABOUT = OUTCOMES = ("left", "held", "stalled farther out")
MARKS: dict[str, dict[str, Any]] = {
    LEFT: {"marker": "o", "facecolor": "white", "edgecolor": "#0072B2"},
    HELD: {"marker": "s", "facecolor": "#D55E00", "edgecolor": "#D55E00"},
    ABOUT: {"marker": "x", "color": "#000000"},
}
PREDICTIONS: dict[str, dict[str, Any]] = {
    "entry_20": {"color": "#666666", "ls": "--", "label": r"$s\sqrt{d}\,/\,|\lambda_{\min}|$"},
    "entry_20_nearest": {"color": "#666666", "ls": ":", "label": r"$s\sqrt{d}\,/\,|\lambda_*|$, nearest 0"},
    "additive": {"color": "#56B4E9", "ls": "-.", "label": "mean step, noise added, by $T$"},
    "mean_step": {"color": "#009E73", "ls": "-", "label": "mean step of batches, by $T$"},
}


def main(
    hidden: Annotated[int, Option(help="Hidden tanh units of the networks on digits.")] = 8,
    batch_sizes: Annotated[str, Option(help="Batch sizes B to train with, beside the full batch.")] = "8,32,128,512",
    scale: Annotated[float, Option(help="Factor on torch's initial weights.")] = 0.01,
    lr: Annotated[float, Option(help="Learning rate η of the training.")] = 0.2,
    steps: Annotated[int, Option(help="Steps T of the training.")] = 600,
    starts: Annotated[int, Option(help="Networks trained at every B and ρ, from weights of their own.")] = 3,
    tolerance: Annotated[float, Option(help="Share of the initial loss that a stalled network has not lost.")] = 0.01,
    batches: Annotated[int, Option(help="Batches that the noise is measured with.")] = 200,
    seed: Annotated[int, Option(help="Of starts and batches.")] = 0,
    device: Annotated[str, Option(help="auto (CUDA where there is one), cpu or cuda.")] = "auto",
    out: Annotated[
        Path, Option(help="Folder for figure and data; replaced only if it holds an earlier result.")
    ] = Path("results/network_stalls"),
) -> None:
    """Does mini-batch SAM stall beside a saddle of a network where the noise's size says?"""
    parameters = {key: str(value) if isinstance(value, Path) else value for key, value in locals().items()}
    hidden = checks.count("--hidden", hidden, "Use e.g. --hidden 8")
    scale = checks.positive("--scale", scale, "Use e.g. --scale 0.01")
    lr = checks.learning_rate(lr)
    counts = {"--starts": starts, "--batches": batches, "--steps": steps}
    for option, value in counts.items():
        fewest = 2 * PARTS if option == "--batches" else 2
        if checks.count(option, value, f"Use e.g. {option} 200") < fewest:
            checks.reject(option, value, f"must be at least {fewest}", f"Use e.g. {option} 200")
    rule = "must lie in (0, 1)"
    tolerance = checks.number("--tolerance", tolerance, rule, "Use e.g. --tolerance 0.01", lambda x: 0 < x < 1)
    checks.word("--seed", seed, "Use e.g. --seed 0")
    choose_device(device)
    data = digits()
    most = len(data.train_inputs)
    rule = f"must be integers >= 1 and below the full batch, {most}, which is trained with anyway"
    sizes = cli.listed("--batch-sizes", batch_sizes, lambda v: 1 <= v < most and v % 1 == 0, rule, "8,32")
    setup = Training(hidden, scale, lr, steps, starts, tolerance, seed, device)

    console = cli.console()
    with OutputFolder(out, "network_stalls", parameters) as folder:
        stalls, found = measure_stalls(setup, data, [*map(int, sizes)], batches)
        tell(console, threshold_table(found, setup))
        tell(console, stall_table(stalls, setup, data, batches))
        with plt.rc_context(plot.STYLE):
            folder.save_figure(draw_stalls(stalls, found), "stalls.png")
        folder.save_dataset(stalls, "stalls.zarr")
        folder.save_dataset(found, "thresholds.zarr")
    console.print(f"figure, data and provenance in {out}/")


@dataclass(frozen=True)
class Training:
    """How networks are trained on digits."""

    hidden: int
    scale: float
    lr: float
    steps: int
    starts: int
    tolerance: float
    seed: int
    device: str


def measure_stalls(setup: Training, data: Data, sizes: list[int], batches: int) -> tuple[xr.Dataset, xr.Dataset]:
    """Train over coupling × B × ρ; return what became of the networks, and where they stall beside predictions.

    The full batch is the last size: the number of samples, without noise.
    """
    network = Network(tanh(setup.hidden, 0.0), cross_entropy, data.train_inputs, data.train_targets)
    exact = on_digits(data, setup.hidden)
    saddle = critical_point(exact, without_weights(exact))
    lams, vectors = ways_out(saddle)
    center, escaping = torch.as_tensor(saddle.w), torch.as_tensor(vectors)
    begin = network.vector([tanh(setup.hidden, setup.scale, (setup.seed + i) % 2**32) for i in range(setup.starts)])
    initial = float(network.value(begin.T).mean())
    shape = (len(COUPLINGS), len(sizes) + 1, len(RADII), setup.starts)
    loss, along, w = np.zeros(shape), np.zeros((3, *shape)), np.zeros((*shape, network.dim), dtype=np.float32)
    for j, size in enumerate([*sizes, None]):
        for i, coupling in enumerate(COUPLINGS):
            if size is None and i:
                loss[i, j], along[:, i, j], w[i, j] = loss[0, j], along[:, 0, j], w[0, j]
                continue
            noise = None if size is None else sd.noise.FiniteSum(size, coupling=coupling)
            for save, at in enumerate(trained(setup, network, noise, begin)):
                off = escaping.T @ (at.double().cpu() - center[:, None])
                along[save, i, j] = off.norm(dim=0).reshape(shape[2:]).numpy()
            loss[i, j] = network.value(at).cpu().reshape(shape[2:]).numpy()
            w[i, j] = at.cpu().T.reshape(*shape[2:], -1).numpy()
    dims = ("coupling", "batch_size", "rho", "start")
    stalled = ~(loss < (1 - setup.tolerance) * initial)
    half = setup.lr * (setup.steps - setup.steps // 2)
    outcome = np.where(stalled, np.where(along[2] < along[0], HELD, ABOUT), LEFT)
    stalls = xr.Dataset(
        {
            "outcome": (dims, outcome),
            "loss": (dims, loss),
            "along": (("moment", *dims), along, {"long_name": "distance from the saddle in escaping directions"}),
            "rate": (dims, np.log(along[2] / along[1]) / half, {"long_name": "of that, in the second half, per t"}),
            "w": ((*dims, "coord"), w),
        },
        coords={
            "coupling": list(COUPLINGS),
            "batch_size": [*sizes, network.samples],
            "rho": RADII,
            "moment": ["start", "half", "end"],
        },
        attrs={"initial_loss": initial, "lam_min": lams[0], "lam_nearest": lams[-1]},
    )
    return stalls, compare(stalls, begin, setup, data, batches)


def tanh(hidden: int, scale: float, seed: int = 0) -> torch.nn.Module:
    """Return a network on digits."""
    return models.mlp((64, hidden, 10), activation="tanh", scale=scale, seed=seed)


def on_digits(data: Data, hidden: int) -> Network:
    """Return the loss of a network on all digits, in float64."""
    return Network(tanh(hidden, 0.0), cross_entropy, data.train_inputs.double(), data.train_targets)


def trained(setup: Training, network: Network, noise: sd.noise.FiniteSum | None, begin: torch.Tensor) -> list[Any]:
    """Train at every radius from every start; return the start, the middle and the end, ``(d, ρ · starts)``."""
    radii = torch.as_tensor(np.repeat(RADII, setup.starts))
    map_ = sd.Map(network, sd.SAM(radii), lr=setup.lr, noise=noise)
    begins, half = begin.repeat(len(RADII), 1), setup.steps // 2
    saves = [w for _, w in train(map_, begins, setup.steps, save_every=half, seed=setup.seed, device=setup.device)]
    return [*saves[:2], saves[-1]]


def compare(stalls: xr.Dataset, begin: torch.Tensor, setup: Training, data: Data, batches: int) -> xr.Dataset:
    """Return where networks begin to stall, beside what follows from the noise at the plateau, over B and coupling."""
    units = hidden_units(begin, setup.hidden)
    lost = setup.tolerance * stalls.initial_loss
    rows = []
    sizes = stalls.batch_size.values[:-1]
    for size, coupling in itertools.product(sizes, COUPLINGS):
        seeds = [(setup.seed + part) % 2**32 for part in range(PARTS)]
        steps = [mean_step(data, int(size), coupling, batches // PARTS, seed) for seed in seeds]
        own = [slow_from(step.hessian, step.perturbing, units, lost, setup) for step in steps]
        middle, half = mean_interval(xr.DataArray(own, dims="part"), "part")
        hessian = steps[0].hessian
        noise = math.sqrt(np.mean([step.noise**2 for step in steps]))
        added = hessian @ hessian * np.mean([step.inverse for step in steps])
        chosen = stalls.sel(coupling=coupling, batch_size=size)
        below, above = bracket((chosen.outcome != LEFT).mean("start").values > 0.5)
        rows.append(
            {
                "batch_size": int(size),
                "coupling": coupling,
                "below": below,
                "above": above,
                "noise": noise,
                "effective_dim": effective_dim(torch.cat([step.samples for step in steps])),
                "entry_20": noise / -stalls.lam_min,
                "entry_20_nearest": noise / -stalls.lam_nearest,
                "additive": slow_from(hessian, added, units, lost, setup),
                "mean_step": float(middle),
                "mean_step_error": float(half),
            }
        )
    found = {name: ("setting", [row[name] for row in rows]) for name in rows[0]}
    return xr.Dataset(found, attrs={name: stalls.attrs[name] for name in ("lam_min", "lam_nearest")})


def bracket(stalled: np.ndarray) -> tuple[float, float]:
    """Return the largest radius before the first at which most stall, and that one; 0 or inf where there is none."""
    first = int(stalled.argmax()) if stalled.any() else len(RADII)
    return (RADII[first - 1] if first else 0.0), (RADII[first] if first < len(RADII) else math.inf)


@dataclass(frozen=True)
class MeanStep:
    """What a step does on average near the saddle, measured from batches there: H + ρQ, on a hidden unit's weights.

    Attributes:
        hessian: H.
        perturbing: Q = E[H_B₂ (I − uuᵀ) H_B₁/‖ξ‖], u = ξ/‖ξ‖ the direction of the noise; B₁ = B₂ if shared.
        inverse: E[1/‖ξ‖].
        noise: s√d, the root of the mean square of ‖ξ‖.
        samples: ξ, one per batch, ``(batches, d)``.
    """

    hessian: np.ndarray
    perturbing: np.ndarray
    inverse: float
    noise: float
    samples: torch.Tensor


def effective_dim(samples: torch.Tensor) -> float:
    """Return (tr C)²/tr C² of the covariance of noise ``(n, d)`` of mean 0."""
    variances = torch.linalg.svdvals(samples) ** 2
    return float(variances.sum() ** 2 / (variances**2).sum())


def mean_step(data: Data, size: int, coupling: str, batches: int, seed: int) -> MeanStep:
    """Measure the mean step at the saddle.

    Hidden units do not see each other there, so the network with one unit has all of it. That the curvature changes
    over the perturbation itself is left out.
    """
    model, network = tanh(1, 0.0), on_digits(data, 1)
    w = without_weights(network)
    full = network.hessian(w)
    random = np.random.default_rng((seed, size))
    lengths, noises, products = [], [], []
    for _ in range(batches):
        chosen = torch.as_tensor(random.integers(network.samples, size=size))
        batch = Network(model, cross_entropy, network.inputs[chosen], network.targets[chosen])
        xi, hessian = batch.grad(w), batch.hessian(w)
        u = xi / xi.norm()
        across = (hessian - torch.outer(u, u @ hessian)) / xi.norm()
        products.append((hessian if coupling == "shared" else full) @ across)
        lengths.append(float(xi.norm()))
        noises.append(xi)
    weights = slice(0, network.dim - 10)
    return MeanStep(
        full[weights, weights].numpy(),
        torch.stack(products).mean(0)[weights, weights].numpy(),
        float(np.mean(1 / np.array(lengths))),
        float(np.sqrt(np.mean(np.square(lengths)))),
        torch.stack(noises),
    )


def hidden_units(begin: torch.Tensor, hidden: int) -> np.ndarray:
    """Return what belongs to each hidden unit, in the order of the network with one, ``(75, units)``."""
    first, biases, last = begin[:, :-10].split([64 * hidden, hidden, 10 * hidden], dim=1)
    parts = [first.view(-1, hidden, 64), biases[..., None], last.view(-1, 10, hidden).transpose(1, 2)]
    return torch.cat(parts, 2).flatten(0, 1).T.numpy()


def slow_from(hessian: np.ndarray, perturbing: np.ndarray, units: np.ndarray, lost: float, setup: Training) -> float:
    """Return the smallest radius at which the mean step H + ρQ lowers the loss, a quadratic, by less than ``lost``."""
    rho = np.geomspace(1e-3, 1e2, 300)
    steps = np.eye(len(hessian)) - setup.lr * (hessian + rho[:, None, None] * perturbing)
    with np.errstate(over="ignore", invalid="ignore"):
        end = np.linalg.matrix_power(steps, setup.steps) @ units
        lowered = -(end * (hessian @ end)).sum((1, 2)) / 2 / setup.starts
    stalled = lowered < lost
    return float(rho[np.argmax(stalled)]) if stalled.any() else math.inf


@dataclass(frozen=True)
class Look:
    """A network where it stalled: extreme eigenvalues, gradient and noise, over the samples."""

    lam_min: float
    lam_max: float
    gradient: float
    cosine: float
    escaping: float  # that cosine, in the saddle's escaping directions alone
    noise: float
    along: float  # the noise's standard deviation along the eigenvector of λ_min


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    """Return that of the angle between two vectors."""
    return float(a @ b / a.norm() / b.norm())


def look_at(
    network: Network, w: torch.Tensor, rho: float, escaping: torch.Tensor, size: int, batches: int, seed: int
) -> Look:
    """Measure what there is to see of a stalled network."""
    values, vectors = extreme_eigenpairs(network, w)
    g = network.grad(w)
    perturbed = network.grad(w + rho * g / g.norm())
    chosen = np.random.default_rng(seed).integers(network.samples, size=(1, size, batches))
    here = network.batch_gradient(w[:, None].expand(-1, batches), torch.as_tensor(chosen))
    noise = here - g[:, None]
    return Look(
        float(values[0]),
        float(values[-1]),
        float(g.norm()),
        cosine(g, perturbed),
        cosine(escaping.T @ g, escaping.T @ perturbed),
        float((noise**2).sum(0).mean().sqrt()),
        float((torch.as_tensor(vectors[:, 0]) @ noise).square().mean().sqrt()),
    )


Told = tuple[str, Table]  # a caption and what it is of


def tell(console: Console, told: Told) -> None:
    """Print a table under its caption."""
    caption, table = told
    console.print(caption, markup=False)
    console.print(table)


def threshold_table(found: xr.Dataset, setup: Training) -> Told:
    """Return where training begins to stall, beside predictions."""
    caption = (
        f"\ntanh 64-{setup.hidden}-10 on digits, SAM from small weights, η = {setup.lr:g}, {setup.steps} steps: the ρ"
        f" between which most\nof {setup.starts} networks begin to stall (loss {setup.tolerance:.0%} down at most)."
        " Predicted at the saddle beside the start:\n"
        f"s√d/|λ| with λ_min = {found.lam_min:.3f} and λ* = {found.lam_nearest:.3f}; and the ρ from which the mean"
        " step,\nlinear, does not take these starts that far: noise only added to H, or batches' own H (± 95 %)"
    )
    table = cli.table(
        None, "batches", "B", "stall from ρ in", "s√d", "d_eff", "/|λ_min|", "/|λ*|", "noise added", "batches' H", gap=1
    )
    for number in range(found.sizes["setting"]):
        row = found.isel(setting=number)
        between = f"({float(row.below):.3f}, {float(row.above):.3f}]".replace("inf]", "∞)")
        predicted = [f"{float(row[name]):.3f}" for name in PREDICTIONS]
        predicted[-1] += f" ± {float(row.mean_step_error):.3f}"
        table.add_row(
            str(row.coupling.values), str(int(row.batch_size)), between, f"{float(row.noise):.3f}",
            f"{float(row.effective_dim):.1f}", *predicted,
        )  # fmt: skip
    return caption, table


def stall_table(stalls: xr.Dataset, setup: Training, data: Data, batches: int) -> Told:
    """Look at a network of every B, shared batches: at the smallest ρ from which all stay held, and at the largest."""
    caption = (
        "\nstalled networks (first start), shared batches: at the smallest ρ at which all are held, and the\n"
        "largest. p ratio: distance from the saddle in escaping directions, end over start; rate: its growth,\n"
        "second half; cos: of the full-batch gradients at w and wᵖ, and in escaping directions alone; along:\n"
        "noise along the eigenvector of λ_min, over s√d"
    )
    columns = (
        "B",
        "ρ",
        "loss",
        "λ_min",
        "λ_max",
        "‖g‖",
        "cos",
        "esc.",
        "s√d",
        "ρ|λ_min|/s√d",
        "along",
        "p ratio",
        "rate",
    )
    table = cli.table(None, *columns, gap=1)
    network = on_digits(data, setup.hidden)
    escaping = torch.as_tensor(ways_out(critical_point(network, without_weights(network)))[1])
    for size in stalls.batch_size.values:
        chosen = stalls.sel(coupling="shared", batch_size=size)
        held = np.flatnonzero((chosen.outcome == HELD).all("start").values)
        for number in dict.fromkeys([*held[:1].tolist(), len(RADII) - 1]):
            one = chosen.isel(rho=number, start=0)
            w = torch.as_tensor(one.w.values).double()
            look = look_at(network, w, RADII[number], escaping, int(size), batches, setup.seed)
            full, crossed = size == network.samples, RADII[number] * -look.lam_min / look.noise
            noise = ["0", "", ""] if full else [
                f"{look.noise:.3f}", f"{crossed:.2f}", f"{look.along / look.noise:.0e}"
            ]  # fmt: skip
            table.add_row(
                "full" if full else str(size), f"{RADII[number]:.3f}", f"{float(one.loss):.4f}", f"{look.lam_min:.3f}",
                f"{look.lam_max:.3f}", f"{look.gradient:.0e}", f"{look.cosine:+.2f}", f"{look.escaping:+.2f}", *noise,
                f"{float(one.along[2] / one.along[0]):.2g}", f"{float(one.rate):+.3f}",
            )  # fmt: skip
    return caption, table


def draw_stalls(stalls: xr.Dataset, found: xr.Dataset) -> Figure:
    """Draw what became of networks over ρ × B, and the predicted lines."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 5), sharey=True)
    for ax, coupling in zip(axes, COUPLINGS, strict=True):
        one = stalls.sel(coupling=coupling)
        for outcome, looks in MARKS.items():
            most = (one.outcome == outcome).sum("start") > stalls.sizes["start"] / 2
            sizes, radii = np.nonzero(most.values)
            ax.scatter(RADII[radii], one.batch_size.values[sizes], s=44, label=outcome, zorder=3, **looks)
        split = ~np.any(
            [((one.outcome == o).sum("start") > stalls.sizes["start"] / 2).values for o in OUTCOMES], axis=0
        )
        sizes, radii = np.nonzero(split)
        if len(sizes):
            ax.scatter(
                RADII[radii], one.batch_size.values[sizes], s=44, marker="d", color="#999999", label="no majority"
            )
        chosen = found.isel(setting=(found.coupling == coupling).values)
        for name, looks in PREDICTIONS.items():
            ax.plot(chosen[name], chosen.batch_size, lw=1.8, **looks)
        ax.set(xscale="log", yscale="log", xlabel=r"radius $\rho$", xlim=(RADII[0] / 1.3, RADII[-1] * 1.3))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.set_title(f"{coupling} batches")
    axes[0].set_yticks(stalls.batch_size.values, [*map(str, stalls.batch_size.values[:-1]), "full"])
    axes[0].yaxis.set_minor_locator(NullLocator())
    axes[0].set_ylabel("batch size $B$")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    figure.suptitle("Where SAM stalls beside the saddle at zero weights")
    return figure


if __name__ == "__main__":
    matplotlib.use("Agg")
    torch.set_num_threads(1)  # in ensembles this small threads cost more than they do
    cli.run(main)

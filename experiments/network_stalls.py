"""Does mini-batch SAM stall beside a saddle of a network at the radii that the noise predicts?

The script trains networks on digits from small weights, which are next to the saddle where all weights are 0.

The grid and the seeds are the defaults below. They were fixed before any network was trained. docs/networks.md has the
numbers of --seeds 30 --batch-sizes 8,32,128,512, with all other options at their defaults.
"""

import itertools
import math
from dataclasses import dataclass
from functools import cache
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
from samdyn.networks import Data, Network, digits, extreme_eigenpairs, models, train
from samdyn.networks.saddles import critical_point, ways_out, without_weights
from samdyn.output import OutputFolder
from samdyn.simulation.progress import progress_bar
from samdyn.simulation.starts import choose_device
from samdyn.statistics import median_interval, wilson

RADII = np.geomspace(0.06, 3, 12)  # ρ at which networks are trained
PARTS = 8  # parts into which the script splits the batches of the noise, for an interval
SEEN = 50  # batches that measure the noise at a stalled network
LOOKED = 10  # largest count of starts whose eigenvalues the script computes
TOGETHER = 10  # starts in one part; parts may run in several processes
COUPLINGS = ("shared", "independent")
LEFT, HELD, ABOUT = OUTCOMES = ("left", "held", "stalled farther out")
MARKS: dict[str, dict[str, Any]] = {
    LEFT: {"marker": "o", "facecolor": "white", "edgecolor": "#0072B2"},
    HELD: {"marker": "s", "facecolor": "#D55E00", "edgecolor": "#D55E00"},
    ABOUT: {"marker": "x", "color": "#000000"},
}
PREDICTIONS: dict[str, dict[str, Any]] = {
    "entry_20": {"color": "#666666", "ls": "--", "label": r"$s\sqrt{d}\,/\,|\lambda_{\min}|$"},
    "entry_20_nearest": {
        "color": "#666666",
        "ls": ":",
        "label": r"$s\sqrt{d}\,/\,|\lambda_*|$, $\lambda_*$ the negative one nearest 0",
    },
    "additive": {"color": "#56B4E9", "ls": "-.", "label": "mean step with noise added to $H$"},
    "mean_step": {"color": "#009E73", "ls": "-", "label": "mean step with the batches' own $H$"},
}


def main(
    hidden: Annotated[int, Option(help="Hidden tanh units of the networks on digits.")] = 8,
    batch_sizes: Annotated[str, Option(help="Batch sizes B to train with, beside the full batch.")] = "8,128",
    scale: Annotated[float, Option(help="Factor on torch's initial weights.")] = 0.01,
    lr: Annotated[float, Option(help="Learning rate η of the training.")] = 0.2,
    steps: Annotated[int, Option(help="Steps T of the training.")] = 600,
    seeds: Annotated[
        int, Option(help="Number of networks for every B and ρ, each with its own initial weights; 30 in the docs.")
    ] = 3,
    tolerance: Annotated[float, Option(help="Share of the initial loss that a stalled network has not lost.")] = 0.01,
    batches: Annotated[int, Option(help="Number of batches that measure the noise.")] = 4000,
    seed: Annotated[int, Option(help="Seed of starts and batches.")] = 0,
    processes: Annotated[int, Option(help="Number of processes; results do not depend on it.")] = 2,
    device: Annotated[str, Option(help="auto (CUDA if there is one), cpu or cuda.")] = "auto",
    out: Annotated[
        Path, Option(help="Folder for figure and data; replaced only if it holds an earlier result.")
    ] = Path("results/network_stalls"),
) -> None:
    """Does mini-batch SAM stall beside a saddle of a network where the noise's size says?"""
    parameters = {key: str(value) if isinstance(value, Path) else value for key, value in locals().items()}
    hidden = checks.count("--hidden", hidden, "Use e.g. --hidden 8")
    scale = checks.positive("--scale", scale, "Use e.g. --scale 0.01")
    lr = checks.learning_rate(lr)
    counts = {"--seeds": seeds, "--batches": batches, "--steps": steps}
    for option, value in counts.items():
        fewest = 2 * PARTS if option == "--batches" else 2
        if checks.count(option, value, f"Use e.g. {option} 200") < fewest:
            checks.reject(option, value, f"must be at least {fewest}", f"Use e.g. {option} 200")
    rule = "must lie in (0, 1)"
    tolerance = checks.number("--tolerance", tolerance, rule, "Use e.g. --tolerance 0.01", lambda x: 0 < x < 1)
    checks.word("--seed", seed, "Use e.g. --seed 0")
    checks.count("--processes", processes, "Use e.g. --processes 2")
    choose_device(device)
    data = digits()
    most = len(data.train_inputs)
    rule = f"must be integers >= 1 and below the full batch, {most}, which is always added"
    sizes = cli.listed("--batch-sizes", batch_sizes, lambda v: 1 <= v < most and v % 1 == 0, rule, "8,32")
    setup = Training(hidden, scale, lr, steps, seeds, tolerance, seed, device)

    console = cli.console()
    with OutputFolder(out, "network_stalls", parameters) as folder:
        stalls = measure_stalls(setup, data, [*map(int, sizes)], processes)
        results = compare(stalls, setup, data, batches, processes)
        print_section(console, threshold_table(results, setup))
        looks = look_at_all(stalls, setup, data, processes)
        print_section(console, stall_table(looks))
        with plt.rc_context(plot.STYLE):
            folder.save_figure(draw_stalls(stalls, results), "stalls.png")
        folder.save_dataset(stalls, "stalls.zarr")
        folder.save_dataset(results, "thresholds.zarr")
        folder.save_dataset(looks, "looks.zarr")
        console.print(answer(stalls, results))
    console.print(f"figure, data and provenance in {out}/")


@dataclass(frozen=True)
class Training:
    """The settings of training on digits."""

    hidden: int
    scale: float
    lr: float
    steps: int
    starts: int
    tolerance: float
    seed: int
    device: str


def measure_stalls(setup: Training, data: Data, sizes: list[int], processes: int) -> xr.Dataset:
    """Train over coupling × B × ρ; return the outcome of every network.

    The full batch is the last size: the number of samples, without noise.
    """
    network = Network(tanh(setup.hidden, 0.0), cross_entropy, data.train_inputs, data.train_targets)
    lams = at_saddle(setup, data)[1][0]
    begin = starts_of(setup, network)
    initial = float(network.value(begin.T).mean())
    chunks = torch.arange(setup.starts).split(TOGETHER)
    work = [
        (coupling, size, number)
        for size in (
            network.samples,
            *reversed(sizes),
        )  # the longest part starts first, so that no process ends with it alone
        for coupling in (COUPLINGS if size < network.samples else COUPLINGS[:1])
        for number in range(len(chunks))
    ]
    parts = [(setup, data, coupling, size, chunks[number], begin) for coupling, size, number in work]
    results: dict[tuple[str, int, int], dict[str, np.ndarray]] = {}
    with progress_bar("training", len(parts)) as show:
        for number, one in cli.in_processes(train_part, parts, processes):
            results[work[number]] = one
            show(len(results))

    def on_grid(name: str) -> np.ndarray:
        def of(coupling: str, size: int) -> np.ndarray:
            own = coupling if size < network.samples else COUPLINGS[0]  # the full batch has no noise and no coupling
            return np.concatenate([results[own, size, number][name] for number in range(len(chunks))], axis=1)

        return np.array([[of(coupling, size) for size in (*sizes, network.samples)] for coupling in COUPLINGS])

    dims = ("coupling", "batch_size", "rho", "start")
    loss, along = on_grid("loss"), on_grid("along")
    stalled = ~(loss < (1 - setup.tolerance) * initial)
    return xr.Dataset(
        {
            "outcome": (dims, np.where(stalled, np.where(along[..., 2] < along[..., 0], HELD, ABOUT), LEFT)),
            "loss": (dims, loss),
            "along": ((*dims, "moment"), along, {"long_name": "distance from the saddle in escaping directions"}),
            "cosine": (dims, on_grid("cosine"), {"long_name": "of full-batch gradients at w and wᵖ, in these"}),
            "w": ((*dims, "coord"), on_grid("w")),
        },
        coords={
            "coupling": list(COUPLINGS),
            "batch_size": [*sizes, network.samples],
            "rho": RADII,
            "moment": ["start", "half", "end"],
        },
        attrs={"initial_loss": initial, "lam_min": lams[0], "lam_nearest": lams[-1]},
    )


@cache
def at_saddle(setup: Training, data: Data) -> tuple[sd.analysis.CriticalPoint, tuple[np.ndarray, np.ndarray]]:
    """Return the saddle at zero weights, and its negative eigenvalues with their directions."""
    exact = on_digits(data, setup.hidden)
    saddle = critical_point(exact, without_weights(exact))
    return saddle, ways_out(saddle)


def starts_of(setup: Training, network: Network) -> torch.Tensor:
    """Return the initial weights, ``(starts, d)``."""
    return network.vector([tanh(setup.hidden, setup.scale, (setup.seed + i) % 2**32) for i in range(setup.starts)])


def train_part(
    setup: Training, data: Data, coupling: str, size: int, numbers: torch.Tensor, begin: torch.Tensor
) -> dict[str, np.ndarray]:
    """Train the starts of these numbers by one coupling and B at every radius; return ``(ρ, starts, …)`` each.

    Networks of one start have the same batches, which do not depend on the rest of the grid.
    """
    network = Network(tanh(setup.hidden, 0.0), cross_entropy, data.train_inputs, data.train_targets)
    saddle, (_, vectors) = at_saddle(setup, data)
    center, escaping = torch.as_tensor(saddle.w), torch.as_tensor(vectors)
    radii = torch.as_tensor(np.repeat(RADII, len(numbers)))
    noise = sd.noise.FiniteSum(size, coupling=coupling) if size < network.samples else None
    map_ = sd.Map(network, sd.SAM(radii), lr=setup.lr, noise=noise)
    saves = [
        w.double().cpu()
        for _, w in train(
            map_, begin[numbers].repeat(len(RADII), 1), setup.steps, save_every=setup.steps // 2,
            seed=setup.seed, runs=numbers.repeat(len(RADII)), device=setup.device,
        )
    ]  # fmt: skip
    end, shape = saves[-1], (len(RADII), len(numbers))
    along = [(escaping.T @ (w - center[:, None])).norm(dim=0) for w in (*saves[:2], end)]
    here = network.grad(end)
    there = network.grad(sd.SAM(radii).perturbed(end, network.grad))
    return {
        "loss": network.value(end).reshape(shape).numpy(),
        "along": torch.stack(along, -1).reshape(*shape, 3).numpy(),
        "cosine": torch.cosine_similarity(escaping.T @ here, escaping.T @ there, dim=0).reshape(shape).numpy(),
        "w": end.float().T.reshape(*shape, -1).numpy(),
    }


def tanh(hidden: int, scale: float, seed: int = 0) -> torch.nn.Module:
    """Return a network on digits."""
    return models.mlp((64, hidden, 10), activation="tanh", scale=scale, seed=seed)


def on_digits(data: Data, hidden: int) -> Network:
    """Return the loss of a network on all digits, in float64."""
    return Network(tanh(hidden, 0.0), cross_entropy, data.train_inputs.double(), data.train_targets)


def compare(stalls: xr.Dataset, setup: Training, data: Data, batches: int, processes: int) -> xr.Dataset:
    """Return the radii at which networks begin to stall, measured and predicted, over B and coupling."""
    begin = starts_of(setup, on_digits(data, setup.hidden))
    lost = setup.tolerance * stalls.initial_loss
    sizes = stalls.batch_size.values[:-1].tolist()
    parts = [(setup, data, begin, lost, size, batches) for size in sizes]
    predicted = dict(cli.in_processes(predict, parts, processes))
    rows = []
    for (number, size), coupling in itertools.product(enumerate(sizes), COUPLINGS):
        row = predicted[number][coupling]
        outcome = stalls.outcome.sel(coupling=coupling, batch_size=size).transpose("start", "rho").values
        first = [bracket(one != LEFT) for one in outcome]
        for name, values in {"below": [a for a, _ in first], "above": [b for _, b in first]}.items():
            row |= intervals(name, values)
        row |= {
            "batch_size": size,
            "coupling": coupling,
            "entry_20": row["noise"] / -stalls.lam_min,
            "entry_20_nearest": row["noise"] / -stalls.lam_nearest,
        }
        rows.append(row)
    results = {name: ("setting", [row[name] for row in rows]) for name in rows[0]}
    return xr.Dataset(results, attrs={name: stalls.attrs[name] for name in ("lam_min", "lam_nearest")})


def intervals(name: str, values: list[float]) -> dict[str, Any]:
    """Return the median of values under a name, and the ends of its interval after it."""
    ends = median_interval(xr.DataArray(values, dims="of"), "of")
    return {name + ending: float(end) for ending, end in zip(("", "_low", "_high"), ends, strict=True)}


def predict(
    setup: Training, data: Data, begin: torch.Tensor, lost: float, size: int, batches: int
) -> dict[str, dict[str, Any]]:
    """Measure the noise of one B at the saddle; predict from which radius the mean step of a coupling is too slow."""
    units = hidden_units(begin, setup.hidden)
    # From too few batches the predicted radius is too large: by about 10 % from 50 batches, by less than 4 % from 500.
    seeds = [(setup.seed + part) % 2**32 for part in range(PARTS)]
    steps = [mean_step(data, size, batches // PARTS, seed) for seed in seeds]
    hessian = steps[0].hessian
    added = hessian @ hessian * np.mean([step.inverse for step in steps])
    alike = {
        "noise": math.sqrt(np.mean([step.noise**2 for step in steps])),
        "effective_dim": effective_dim(torch.cat([step.samples for step in steps])),
        "additive": slow_from(hessian, added, units, lost, setup),
    }
    own = {
        coupling: [slow_from(step.hessian, step.perturbing[coupling], units, lost, setup) for step in steps]
        for coupling in COUPLINGS
    }
    return {coupling: alike | intervals("mean_step", own[coupling]) for coupling in COUPLINGS}


def bracket(stalled: np.ndarray) -> tuple[float, float]:
    """Return the largest radius before the first at which a network stalls, and that one; 0 or inf if there is none."""
    first = int(stalled.argmax()) if stalled.any() else len(RADII)
    return (RADII[first - 1] if first else 0.0), (RADII[first] if first < len(RADII) else math.inf)


@dataclass(frozen=True)
class MeanStep:
    """The mean step near the saddle, measured from batches there: H + ρQ, on the weights of a hidden unit.

    Attributes:
        hessian: H.
        perturbing: Q = E[H_B₂ (I − uuᵀ) H_B₁/‖ξ‖] by coupling, u = ξ/‖ξ‖ the direction of the noise; B₁ = B₂ if shared.
        inverse: E[1/‖ξ‖].
        noise: s√d, the root of the mean square of ‖ξ‖.
        samples: ξ, one per batch, ``(batches, d)``.
    """

    hessian: np.ndarray
    perturbing: dict[str, np.ndarray]
    inverse: float
    noise: float
    samples: torch.Tensor


def effective_dim(samples: torch.Tensor) -> float:
    """Return (tr C)²/tr C² of the covariance of noise ``(n, d)`` of mean 0."""
    variances = torch.linalg.svdvals(samples) ** 2
    return float(variances.sum() ** 2 / (variances**2).sum())


@cache
def at_samples(data: Data) -> tuple[Network, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the network with one hidden unit, its saddle, and there every sample's gradient and Hessian.

    Hidden units do not interact at the saddle, so that the network with one unit has all the information.
    """
    network = on_digits(data, 1)
    w = without_weights(network)
    at, each = w[:, None].expand(-1, network.samples), torch.arange(network.samples)[None, None]
    units = torch.eye(network.dim, dtype=torch.float64)
    hessians = [network.batch_hvp(at, each, unit[:, None].expand_as(at)).T for unit in units]
    return network, w, network.batch_gradient(at, each).T, torch.stack(hessians, 1)


def mean_step(data: Data, size: int, batches: int, seed: int) -> MeanStep:
    """Measure the mean step at the saddle. It neglects the change of curvature over the perturbation."""
    network, w, gradients, hessians = at_samples(data)
    full = network.hessian(w)
    chosen = np.random.default_rng((seed, size)).integers(network.samples, size=(batches, size))
    counts = np.array([np.bincount(batch, minlength=network.samples) for batch in chosen])
    shares = torch.as_tensor(counts / size)
    xi, own = shares @ gradients, torch.einsum("bn,nij->bij", shares, hessians)
    lengths = xi.norm(dim=1)
    u = xi / lengths[:, None]
    across = (own - u[:, :, None] * torch.einsum("bi,bij->bj", u, own)[:, None]) / lengths[:, None, None]
    products = {"shared": (own @ across).mean(0), "independent": full @ across.mean(0)}
    weights = slice(0, network.dim - 10)
    return MeanStep(
        full[weights, weights].numpy(),
        {coupling: product[weights, weights].numpy() for coupling, product in products.items()},
        float((1 / lengths).mean()),
        float((lengths**2).mean().sqrt()),
        xi,
    )


def hidden_units(begin: torch.Tensor, hidden: int) -> np.ndarray:
    """Return the weights of each hidden unit, in the order of the network with one unit, ``(75, units)``."""
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
    escaping: float  # that cosine, in the escape directions of the saddle only
    noise: float
    along: float  # the noise's standard deviation along the eigenvector of λ_min


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    """Return the cosine of the angle between two vectors."""
    return float(a @ b / a.norm() / b.norm())


def look_at(
    network: Network, w: torch.Tensor, rho: float, escaping: torch.Tensor, size: int, batches: int, seed: int
) -> Look:
    """Measure a stalled network."""
    # Beside the saddle the two ends are of equal size to six digits. A smaller tolerance would try to separate them.
    values, vectors = extreme_eigenpairs(network, w, tolerance=1e-4)
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


Section = tuple[str, Table]  # a caption and its table


def print_section(console: Console, section: Section) -> None:
    """Print a table under its caption."""
    caption, table = section
    console.print(caption, markup=False)
    console.print(table)


def threshold_table(results: xr.Dataset, setup: Training) -> Section:
    """Return the table of the radii at which training begins to stall, beside predictions."""
    caption = (
        f"\nThe radius from which SAM stalls: tanh 64-{setup.hidden}-10 on digits from small weights, "
        f"η = {setup.lr:g}, {setup.steps} steps. Measured is the smallest radius tried at which a network stalls, that "
        f"is, lowers the loss by at most {setup.tolerance:.0%}: the median over {setup.starts} networks with its 95 % "
        "interval; before: the next smaller radius tried. The last columns are predicted at the saddle: s√d/|λ| with "
        f"λ_min = {results.lam_min:.3f} and λ* = {results.lam_nearest:.3f}, the negative one nearest 0; and the ρ from "
        "which the linear mean step does not lower the loss by that much, with the noise only added to H, or with the "
        f"batches' own H (median and 95 % interval of {PARTS} parts of the batches)."
    )
    names = "batches", "B", "before", "stalls from ρ", "s√d", "d_eff", "/|λ_min|", "/|λ*|", "noise added", "batches' H"
    table = cli.table(None, *names)
    for number in range(results.sizes["setting"]):
        row = results.isel(setting=number)
        plain = [f"{float(row[name]):.2f}" for name in ("entry_20", "entry_20_nearest", "additive")]
        table.add_row(
            str(row.coupling.values), str(int(row.batch_size)), f"{float(row.below):.2f}".replace("inf", "∞"),
            with_ends(row, "above"), f"{float(row.noise):.3f}", f"{float(row.effective_dim):.1f}", *plain,
            with_ends(row, "mean_step"),
        )  # fmt: skip
    return caption, table


def with_ends(row: xr.Dataset, name: str) -> str:
    """Write a median with its interval."""
    return cli.with_interval([row[name + ending] for ending in ("", "_low", "_high")], ".2f")


def look_at_all(stalls: xr.Dataset, setup: Training, data: Data, processes: int) -> xr.Dataset:
    """Look at networks of every B, shared batches: at the smallest ρ from which all stay held, and at the largest."""
    work = []
    for size in stalls.batch_size.values.tolist():
        held = (stalls.outcome.sel(coupling="shared", batch_size=size) == HELD).all("start").values
        work += [(size, number) for number in dict.fromkeys([*np.flatnonzero(held)[:1].tolist(), len(RADII) - 1])]
    parts = []
    for size, number in work:
        one = stalls.sel(coupling="shared", batch_size=size).isel(rho=number, start=slice(LOOKED))
        parts.append((setup, data, one.w.values, float(one.rho), size))
    looks = dict(cli.in_processes(look_at_part, parts, processes))
    stalls = stalls.sel(coupling="shared").isel(start=slice(LOOKED))
    chosen = [stalls.sel(batch_size=size).isel(rho=number) for size, number in work]
    variables = {
        name: (("setting", "start"), np.array([[getattr(look, name) for look in looks[k]] for k in range(len(work))]))
        for name in Look.__annotations__
    }
    variables["loss"] = (("setting", "start"), np.array([one.loss.values for one in chosen]))
    variables["shrunk"] = (
        ("setting", "start"),
        np.array([one.along.sel(moment="end") / one.along.sel(moment="start") for one in chosen]),
    )
    coords = {"batch_size": ("setting", [size for size, _ in work]), "rho": ("setting", RADII[[k for _, k in work]])}
    return xr.Dataset(variables, coords=coords, attrs={"samples": len(data.train_targets)})


def look_at_part(setup: Training, data: Data, w: np.ndarray, rho: float, size: int) -> list["Look"]:
    """Look at stalled networks ``(starts, d)`` of one setting."""
    network, (_, (_, vectors)) = on_digits(data, setup.hidden), at_saddle(setup, data)
    escaping = torch.as_tensor(vectors)
    return [look_at(network, torch.as_tensor(one).double(), rho, escaping, size, SEEN, setup.seed) for one in w]


def stall_table(looks: xr.Dataset) -> Section:
    """Return the table of stalled networks."""
    caption = (
        "\nWhere networks stalled with shared batches, at the smallest ρ at which all are held and at the largest: "
        f"medians over {looks.sizes['start']}, and the cosine's 95 % interval. The cosine is that of the full-batch "
        'gradients at w and wᵖ along the saddle\'s escape directions; "in all" is that over all directions. The '
        "distance is that from the saddle along the escape directions, at the end over that at the start."
    )
    names = "B", "ρ", "loss", "λ_min", "λ_max", "‖g‖", "noise s√d", "distance", "in all", "cosine"
    table = cli.table(None, *names, gap=1)
    middles = looks.median("start")
    for number, size in enumerate(looks.batch_size.values):
        one = middles.isel(setting=number)
        full = size == looks.samples
        escaping = looks.escaping.isel(setting=number)
        table.add_row(
            "full" if full else str(size), f"{float(one.rho):.3f}", f"{float(one.loss):.3f}",
            f"{float(one.lam_min):.3f}", f"{float(one.lam_max):.3f}", f"{float(one.gradient):.0e}",
            "0" if full else f"{float(one.noise):.3f}", f"{float(one.shrunk):.2g}", f"{float(one.cosine):+.2f}",
            cli.with_interval(median_interval(escaping, "start"), "+.2f"),
        )  # fmt: skip
    return caption, table


def answer(stalls: xr.Dataset, results: xr.Dataset) -> str:
    """Say in numbers from which radius networks stall, and whether held ones have a reversed gradient."""
    held = (stalls.outcome == HELD).sel(batch_size=stalls.batch_size.values[:-1])
    back = held & (stalls.cosine < 0)
    low, high = wilson(int(back.sum()), int(held.sum())) if held.any() else (0.0, 1.0)
    rows = [results.isel(setting=number) for number in range(results.sizes["setting"])]
    from_ = {
        coupling: ", ".join(
            f"{with_ends(row, 'above')} for B = {int(row.batch_size)}" for row in rows if row.coupling == coupling
        )
        for coupling in COUPLINGS
    }
    return (
        "The median network stalls from ρ = "
        + "; ".join(f"{radii} with {coupling} batches" for coupling, radii in from_.items())
        + f". Of {int(held.sum())} runs held beside the saddle, the gradient at wᵖ is reversed along the escape "
        f"directions in {int(back.sum())} (95 %: {low:.1%} to {high:.1%})."
    )


def draw_stalls(stalls: xr.Dataset, results: xr.Dataset) -> Figure:
    """Draw the outcome of networks over ρ × B, and the predicted lines."""
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
        chosen = results.isel(setting=(results.coupling == coupling).values)
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
    torch.set_num_threads(1)  # threads slow down ensembles this small
    cli.run(main)

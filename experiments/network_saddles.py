"""Do statements about saddles hold at exact saddles of small networks: rates, traps, times of escape?

The saddles, radii and starts are the defaults. They were fixed before anything was measured. Rates and traps are those
of one saddle each and have no random error, only rounding. Escape times are medians over --escapes random starts.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import matplotlib
import numpy as np
import torch
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator, NullLocator
from rich.console import Console
from rich.table import Table
from torch.nn.functional import cross_entropy, mse_loss
from typer import Option

import samdyn as sd
from samdyn import analysis, checks, cli, plot
from samdyn.analysis import CriticalPoint, Exits
from samdyn.methods import Method
from samdyn.networks import Data, Network, digits, models, train
from samdyn.networks.saddles import ZERO, critical_point, rank_one, ways_out, without_weights
from samdyn.output import OutputFolder
from samdyn.simulation.starts import choose_device

LINEAR = (4, 4, 3)  # widths of the linear net
TEACHER = 64  # count of the teacher's samples
NEAR = 1e-6  # distance from the saddle at which rates are measured, in the units of w
RATE_STEP, RATE_STEPS = 0.05, 20  # η|λ_min| and count of steps, for rates
RATE_RATIOS = (0.0, 0.25, 0.5, 0.75, 0.95, 1.05, 1.25, 1.5, 2.0)  # ρ|λ| at which rates are measured
TRAP_STEP, TRAP_TIME = 0.1, 12  # η max|λ| and t|λ_min|, for widths
TRAP_SHARES = (0.01, 0.03, 0.1, 0.3, 0.6, 0.9, 1.2)  # ρ over the distance of the minimum along the line
TRAP_LIMITS = (0.25, 4.0)  # range of width/ρ in which the script searches
TRAP_CUTS, TRAP_ROUNDS = 12, 3  # count of starts in a round of the search, and count of rounds
ESCAPE_STEP, ESCAPE_TIME = 0.2, 40  # η|λ_min| and t|λ_min|, for escapes
ESCAPE_FROM = 0.01  # distance of the starts from the saddle
ESCAPE_RATIOS = {"USAM": (0.25, 0.5, 1.0, 1.5, 3.0), "SAM": (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 3.0)}
WIDEST = 2.0  # largest width/ρ in the figure
STYLES: list[dict[str, Any]] = [
    {"color": "#000000", "marker": "o", "linestyle": "-"},
    {"color": "#D55E00", "marker": "^", "linestyle": "--"},
    {"color": "#56B4E9", "marker": "s", "linestyle": ":"},
    {"color": "#009E73", "marker": "D", "linestyle": "-."},
]


def main(
    hidden: Annotated[int, Option(help="Hidden tanh units of the network on digits.")] = 8,
    samples: Annotated[int, Option(help="Number of digits in its loss.")] = 200,
    escapes: Annotated[int, Option(help="Runs for escape times, at every radius.")] = 30,
    tolerance: Annotated[float, Option(help="Share of the saddle's loss that an escaped run has lost.")] = 0.01,
    seed: Annotated[int, Option(help="Seed of teachers and starts.")] = 0,
    device: Annotated[str, Option(help="auto (CUDA if there is one), cpu or cuda.")] = "auto",
    out: Annotated[
        Path, Option(help="Folder for figure and data; replaced only if it holds an earlier result.")
    ] = Path("results/network_saddles"),
) -> None:
    """Do statements about saddles hold at exact saddles of small networks: rates, traps, times of escape?"""
    parameters = {key: str(value) if isinstance(value, Path) else value for key, value in locals().items()}
    hidden = checks.count("--hidden", hidden, "Use e.g. --hidden 8")
    if checks.count("--escapes", escapes, "Use e.g. --escapes 30") < 2:
        checks.reject("--escapes", escapes, "must be at least 2", "Use e.g. --escapes 30")
    rule = "must lie in (0, 1)"
    tolerance = checks.number("--tolerance", tolerance, rule, "Use e.g. --tolerance 0.01", lambda x: 0 < x < 1)
    checks.word("--seed", seed, "Use e.g. --seed 0")
    choose_device(device)
    data = digits()
    if not 20 <= checks.count("--samples", samples, "Use e.g. --samples 200") <= len(data.train_inputs):
        rule = f"must lie in [20, {len(data.train_inputs)}], for every digit to be among them"
        checks.reject("--samples", samples, rule, "Use e.g. --samples 200")

    console = cli.console()
    with OutputFolder(out, "network_saddles", parameters) as folder:
        saddles = exact_saddles(data, hidden, samples, seed)
        console.print(degenerate_cases(seed))
        rates = measure_rates(saddles, device)
        print_section(console, rate_table(saddles, rates))
        traps = measure_traps(saddles, device, seed)
        print_section(console, trap_table(traps))
        leaving = measure_escapes([saddles[0], saddles[-1]], escapes, tolerance, device, seed)
        print_section(console, escape_table(leaving))
        with plt.rc_context(plot.STYLE):
            folder.save_figure(draw_saddles(rates, traps, leaving), "saddles.png")
        for name, dataset in {"rates": rates, "traps": traps, "escapes": leaving}.items():
            folder.save_dataset(dataset, f"{name}.zarr")
        console.print(answer(rates, traps, leaving))
    console.print(f"figure, data and provenance in {out}/")


@dataclass(frozen=True)
class Saddle:
    """A saddle of a network's loss, in float64."""

    name: str
    network: Network
    point: CriticalPoint

    @property
    def gradient(self) -> float:
        """‖g‖ at the saddle."""
        return float(self.network.grad(torch.as_tensor(self.point.w)).norm())

    @property
    def zero(self) -> float:
        """The size below which an eigenvalue counts as zero."""
        return ZERO * float(abs(self.point.eigenvalues).max())

    @property
    def lowest(self) -> float:
        """|λ_min|."""
        return float(-self.point.eigenvalues[0])

    @property
    def nearest(self) -> int:
        """The index of the negative eigenvalue nearest to 0."""
        return len(ways_out(self.point)[0]) - 1


def exact_saddles(data: Data, hidden: int, samples: int, seed: int) -> list[Saddle]:
    """Return saddles of a linear net, of the one-neuron net and of a network on digits."""
    linear, inputs, targets = teacher(LINEAR, seed)
    name = "-".join(map(str, LINEAR))
    x = torch.tensor([0.25, 0.5, 0.75, 1.0], dtype=torch.float64)
    neuron = Network(models.one_neuron(), mse_loss, x, x**2)
    model = models.mlp((64, hidden, 10), activation="tanh")
    mlp = Network(model, cross_entropy, data.train_inputs[:samples].double(), data.train_targets[:samples])
    places = [
        (f"linear {name}, origin", linear, torch.zeros(linear.dim, dtype=torch.float64)),
        (f"linear {name}, rank 1", linear, rank_one(inputs, targets, LINEAR[1])),
        ("one neuron, (0, 1)", neuron, torch.tensor([0.0, 1.0], dtype=torch.float64)),
        (f"tanh 64-{hidden}-10, zero", mlp, without_weights(mlp)),
    ]
    return [Saddle(name, network, critical_point(network, w)) for name, network, w in places]


def teacher(widths: tuple[int, ...], seed: int) -> tuple[Network, torch.Tensor, torch.Tensor]:
    """Return a linear net under the mean squared error, with Gaussian inputs and a random teacher's targets."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(TEACHER, widths[0], generator=generator, dtype=torch.float64)
    targets = inputs @ torch.randn(widths[0], widths[-1], generator=generator, dtype=torch.float64)
    return Network(models.deep_linear(widths, scale=0.0), mse_loss, inputs, targets), inputs, targets


def degenerate_cases(seed: int) -> str:
    """Name the saddles at which the theory has no λ."""
    critical = analysis.critical_points(sd.landscapes.one_neuron())
    flat = sd.landscapes.one_neuron().hessian(torch.zeros(2, dtype=torch.float64)).abs().max()
    deep = teacher((4, 4, 4, 3), seed)[0]
    w = torch.zeros(deep.dim, dtype=torch.float64)
    return (
        f"degenerate: the one-neuron net has {len(critical)} isolated critical points in its box; w₁ = 0 is a curve\n"
        f"of them. Largest entry of H at its w = 0: {float(flat):.1g}; of a linear net of depth 3 at the origin:"
        f" {float(deep.hessian(w).abs().max()):.1g},\nwith ‖g‖ = {float(deep.grad(w).norm()):.1g}. There λ = 0, and"
        " USAM's Jacobian says nothing.\n"
    )


def measure_rates(saddles: list[Saddle], device: str) -> xr.Dataset:
    """Measure USAM's growth rates along two eigenvectors: of λ_min, and of the negative λ nearest 0."""
    shape = (len(saddles), 2, len(RATE_RATIOS))
    measured, predicted, flow = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    lams = np.array([s.point.eigenvalues[[0, s.nearest]] for s in saddles])
    ratios = np.array(RATE_RATIOS)
    for i, saddle in enumerate(saddles):
        lr = RATE_STEP / saddle.lowest
        for j, number in enumerate((0, saddle.nearest)):
            lam, v = lams[i, j], torch.as_tensor(saddle.point.eigenvectors[:, number])
            rho = ratios / abs(lam)
            center = torch.as_tensor(saddle.point.w)
            map_ = sd.Map(saddle.network, sd.USAM(torch.as_tensor(rho)), lr=lr)
            begin = (center + NEAR * v).expand(len(rho), -1)
            runs = train(map_, begin, RATE_STEPS, save_every=1, dtype=torch.float64, device=device)
            along = np.array([(v @ (w.cpu() - center[:, None])).numpy() for _, w in runs])
            measured[i, j] = np.polyfit(lr * np.arange(RATE_STEPS + 1), np.log(abs(along)), 1)[0]
            flow[i, j] = -lam * (1 + rho * lam)
            predicted[i, j] = np.log(abs(1 + lr * flow[i, j])) / lr
    dims = ("saddle", "direction", "ratio")
    return xr.Dataset(
        {
            "rate": (dims, measured, {"units": "1/t"}),
            "predicted": (dims, predicted, {"units": "1/t"}),
            "flow": (dims, flow, {"units": "1/t"}),
            "lam": (dims[:2], lams),
            "gradient": ("saddle", [s.gradient for s in saddles]),
        },
        coords={"saddle": [s.name for s in saddles], "direction": ["lowest", "nearest 0"], "ratio": ratios},
    )


def sign_change(ratios: np.ndarray, rates: np.ndarray) -> float:
    """Return where falling rates pass 0, by linear interpolation between two neighbours."""
    after = int(np.argmax(rates < 0))
    return float(np.interp(0, rates[[after, after - 1]], ratios[[after, after - 1]]))


def measure_traps(saddles: list[Saddle], device: str, seed: int) -> xr.Dataset:
    """Measure from how far along the most unstable direction SAM returns, over ρ."""
    shares = np.array(TRAP_SHARES)
    lengths = np.array([line_minimum(saddle) for saddle in saddles])
    widths = np.array(
        [trap_widths(s, shares * length, device, seed) for s, length in zip(saddles, lengths, strict=True)]
    )
    dims = ("saddle", "share")
    return xr.Dataset(
        {
            "captured": (dims, widths[:, 0], {"long_name": "farthest start up to which all return, over ρ"}),
            "lost": (dims, widths[:, 1], {"long_name": "nearest start that does not, over ρ"}),
            "rho": (dims, np.outer(lengths, shares), {"units": "w"}),
            "minimum": ("saddle", lengths, {"units": "w", "long_name": "distance of the minimum along the line"}),
        },
        coords={"saddle": [s.name for s in saddles], "share": shares},
    )


def line_minimum(saddle: Saddle) -> float:
    """Return the distance along the eigenvector of λ_min at which the loss begins to rise."""
    x = np.linspace(0, 20, 2001)
    line = saddle.point.w[:, None] + saddle.point.eigenvectors[:, :1] * x
    values = saddle.network.value(torch.as_tensor(line)).numpy()
    return float(x[np.argmax(np.diff(values) > 0)])


def trap_widths(saddle: Saddle, rho: np.ndarray, device: str, seed: int) -> np.ndarray:
    """Return, over ρ, the farthest start up to which all return and the nearest that does not, ``(2, ρ)``.

    A start returns if its run ends within ρ/8. SAM's 2-cycle is smaller than that: ηρ|λ|/2 at most. All starts are a
    millionth of ρ off the line, since the line is invariant in symmetric landscapes.
    """
    center, v = torch.as_tensor(saddle.point.w), torch.as_tensor(saddle.point.eigenvectors[:, 0])
    off = torch.as_tensor(np.random.default_rng(seed).standard_normal(len(v)))
    low, high = np.full(len(rho), TRAP_LIMITS[0]), np.full(len(rho), TRAP_LIMITS[1])
    captured, lost = np.zeros(len(rho)), np.full(len(rho), np.inf)
    radii = torch.as_tensor(np.repeat(rho, TRAP_CUTS + 1))
    lr = TRAP_STEP / float(abs(saddle.point.eigenvalues).max())  # so that stiff directions do not bounce
    map_, steps = sd.Map(saddle.network, sd.SAM(radii), lr=lr), math.ceil(TRAP_TIME / saddle.lowest / lr)
    for _ in range(TRAP_ROUNDS):
        ratios = np.linspace(low, high, TRAP_CUTS + 1, axis=1)
        x = torch.as_tensor(ratios.ravel()) * radii
        begin = center + x[:, None] * v + 1e-6 * radii[:, None] * off
        ((_, w),) = train(map_, begin, steps, dtype=torch.float64, device=device)
        end = (v @ (w.cpu() - center[:, None])).numpy().reshape(ratios.shape)
        returned = abs(end) < rho[:, None] / 8
        for i, row in enumerate(returned):
            returning = len(row) if row.all() else int(row.argmin())
            captured[i] = ratios[i, returning - 1] if returning else captured[i]
            lost[i] = ratios[i, returning] if returning < len(row) else lost[i]
            if 0 < returning < len(row):
                low[i], high[i] = captured[i], lost[i]
    return np.array([captured, lost])


def measure_escapes(saddles: list[Saddle], runs: int, tolerance: float, device: str, seed: int) -> xr.Dataset:
    """Return the times at which runs from near a saddle have lost a fraction of its loss. The others are censored."""
    settings = [("GD", 0.0)] + [(name, ratio) for name, ratios in ESCAPE_RATIOS.items() for ratio in ratios]
    shape = (len(saddles), len(settings), runs)
    t, left = np.zeros(shape), np.zeros(shape, dtype=bool)
    medians = np.zeros((len(saddles), len(settings), 3))
    rho, linear, inside = np.zeros((3, *shape[:2]))
    for i, saddle in enumerate(saddles):
        begin = around(saddle, runs, seed)
        slope = saddle.network.grad(torch.as_tensor(begin.T)).norm(dim=0).numpy()
        negative = saddle.point.eigenvalues[: saddle.nearest + 1]
        for j, (name, ratio) in enumerate(settings):
            rho[i, j] = ratio * (ESCAPE_FROM if name == "SAM" else 1 / saddle.lowest)
            method: Method = sd.GD() if name == "GD" else sd.SAM(rho[i, j]) if name == "SAM" else sd.USAM(rho[i, j])
            t[i, j], left[i, j] = escape_times(saddle, method, begin, tolerance, device)
            medians[i, j] = Exits(t[i, j], left[i, j]).survival().median()
            fastest = float((-negative * (1 + rho[i, j] * negative)).max())
            linear[i, j] = np.nan if name == "SAM" else saddle.lowest / fastest if fastest > 0 else np.inf
            inside[i, j] = (slope < rho[i, j] * -negative[-1]).mean() if name == "SAM" else np.nan
    dims = ("saddle", "setting")
    return xr.Dataset(
        {
            "t": ((*dims, "run"), t, {"units": "1/|λ_min|"}),
            "left": ((*dims, "run"), left),
            **{name: (dims, medians[..., k]) for k, name in enumerate(("median", "low", "high"))},
            "rho": (dims, rho),
            "linear": (dims, linear, {"long_name": "time of the fastest direction over GD's, USAM"}),
            "inside": (dims, inside, {"long_name": "share of starts with ‖g‖ < ρ|λ*|, SAM"}),
        },
        coords={
            "saddle": [s.name for s in saddles],
            "method": ("setting", [name for name, _ in settings]),
            "ratio": ("setting", [ratio for _, ratio in settings]),
        },
    )


def around(saddle: Saddle, runs: int, seed: int) -> np.ndarray:
    """Return starts at one distance from a saddle, in random directions, ``(runs, d)``."""
    off = np.random.default_rng(seed).standard_normal((runs, len(saddle.point.w)))
    return saddle.point.w + ESCAPE_FROM * off / np.linalg.norm(off, axis=1, keepdims=True)


def escape_times(
    saddle: Saddle, method: Method, begin: np.ndarray, tolerance: float, device: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return when runs left, or were last seen, in units of 1/|λ_min|, and whether they did."""
    map_ = sd.Map(saddle.network, method, lr=ESCAPE_STEP / saddle.lowest)
    t, left = np.full(len(begin), float(ESCAPE_TIME)), np.zeros(len(begin), dtype=bool)
    steps = round(ESCAPE_TIME / ESCAPE_STEP)
    for step, w in train(map_, begin, steps, save_every=2, dtype=torch.float64, device=device):
        low = (saddle.network.value(w).cpu() < (1 - tolerance) * saddle.point.loss).numpy()
        t[low & ~left] = step * ESCAPE_STEP
        left |= low
        if left.all():
            break
    return t, left


Section = tuple[str, Table]  # a caption and its table


def print_section(console: Console, section: Section) -> None:
    """Print a table under its caption."""
    caption, table = section
    console.print(caption, markup=False)
    console.print(table)


def rate_table(saddles: list[Saddle], rates: xr.Dataset) -> Section:
    """Return the table of saddles, with the error of USAM's rates against log(1 − ηλ(1+ρλ))/η."""
    caption = (
        "USAM at exact saddles of d parameters: λ_min, the negative λ nearest 0 (λ*), λ_max; how many λ are negative "
        "and how many 0; ρ₀|λ|, at which the rate measured along the eigenvectors of λ_min and λ* changes sign; and "
        "the largest relative error of the rates."
    )
    table = cli.table(
        None, "saddle", "d", "‖g‖", "λ_min", "λ*", "λ_max", "< 0", "= 0", "ρ₀|λ_min|", "ρ₀|λ*|", "error", gap=1
    )
    for saddle in saddles:
        one = rates.sel(saddle=saddle.name)
        crossings = [sign_change(one.ratio.values, one.rate.values[j]) for j in range(2)]
        error = float(abs(one.rate / one.predicted - 1).max())
        values = saddle.point.eigenvalues
        zeros = int((abs(values) <= saddle.zero).sum())
        table.add_row(
            saddle.name, str(len(values)), f"{saddle.gradient:.0e}", f"{values[0]:.4f}",
            f"{values[saddle.nearest]:.4f}", f"{values[-1]:.4f}", str(saddle.nearest + 1), str(zeros),
            *(f"{crossing:.4f}" for crossing in crossings), f"{error:.0e}",
        )  # fmt: skip
    return caption, table


def trap_table(traps: xr.Dataset) -> Section:
    """Return the table of the widths of SAM's trap along the most unstable direction."""
    caption = (
        "\nThe half-width of SAM's trap along the eigenvector of λ_min over ρ, as [captured, lost]: the farthest start "
        "up to which all runs return, and the nearest start whose run does not. ρ is in units of x_m, the distance of "
        f"the minimum along that line. The search covers widths from {TRAP_LIMITS[0]:g} to {TRAP_LIMITS[1]:g} ρ."
    )
    table = cli.table(None, "ρ/x_m", *(f"{name}" for name in traps.saddle.values), gap=1)
    table.add_row("x_m", *(f"{float(x):.2f}" for x in traps.minimum))
    for share in traps.share.values:
        one = traps.sel(share=share)
        cells = [f"[{float(low):.3f}, {float(high):.3f}]" for low, high in zip(one.captured, one.lost, strict=True)]
        table.add_row(f"{share:g}", *cells)
    return caption, table


def escape_table(leaving: xr.Dataset) -> Section:
    """Return median escape times from random starts."""
    runs = leaving.sizes["run"]
    caption = (
        f"\nThe median time, in 1/|λ_min|, at which {runs} runs have lost --tolerance of their loss. They start "
        f"{ESCAPE_FROM:g} off the saddle; the interval is 95 % (Kaplan-Meier; runs that did not leave are censored). "
        "left: how many runs left. theory: GD's time × |λ_min|/max |λ|(1+ρλ); for SAM the share of starts with "
        f"‖g‖ < ρ|λ*|, which a quadratic saddle captures. ρ of USAM is in 1/|λ_min|, that of SAM in {ESCAPE_FROM:g}. "
        f"The left columns are of {leaving.saddle.values[0]}, the right ones of {leaving.saddle.values[1]}."
    )
    table = cli.table(None, "method", "ρ", *["median", "left", "theory"] * leaving.sizes["saddle"], gap=1)
    for number in range(leaving.sizes["setting"]):
        cells = []
        for saddle in leaving.saddle.values:
            one = leaving.sel(saddle=saddle).isel(setting=number)
            median = float(one["median"])
            shown = f"{median:.1f} [{float(one.low):.1f}, {float(one.high):.1f}]".replace("inf", "∞")
            gd = float(leaving.sel(saddle=saddle)["median"][0])
            predicted = (
                f"in {float(one.inside):.0%}" if str(one.method.values) == "SAM" else f"{float(one.linear) * gd:.1f}"
            )
            cells += [shown if math.isfinite(median) else f"> {ESCAPE_TIME}", str(int(one.left.sum())), predicted]
        table.add_row(str(one.method.values), f"{float(one.ratio):g}", *[cell.replace("inf", "∞") for cell in cells])
    return caption, table


def answer(rates: xr.Dataset, traps: xr.Dataset, leaving: xr.Dataset) -> str:
    """Return the agreement of rates, widths and times with the quadratic, in a sentence with numbers."""
    error = float(abs(rates.rate / rates.predicted - 1).max())
    small = traps.isel(share=0)
    narrowest, widest = float(small.captured.min()), float(small.lost.max())
    slower = []
    for saddle in leaving.saddle.values:
        one = leaving.sel(saddle=saddle)
        held = one.isel(setting=(one.method == "SAM").values & (one.left.sum("run") == 0).values)
        first = f"from ρ = {float(held.ratio.min()):g} of the start's distance" if held.sizes["setting"] else "at no ρ"
        slower.append(f"{first} at {saddle}")
    return (
        f"At {rates.sizes['saddle']} exact saddles USAM's rates are those predicted to {error:.0e}, and with "
        f"ρ = {float(small.share):g} x_m SAM's trap is {narrowest:.3f} to {widest:.3f} ρ wide. SAM holds all "
        f"{leaving.sizes['run']} runs {' and '.join(slower)}."
    )


def draw_saddles(rates: xr.Dataset, traps: xr.Dataset, leaving: xr.Dataset) -> Figure:
    """Draw USAM's rates, the widths of SAM's traps, and the escape times of either."""
    figure, axes = plt.subplots(2, 2, figsize=(10, 8))
    draw_rates(axes[0, 0], rates)
    draw_traps(axes[0, 1], traps)
    draw_escapes(axes[1, 0], leaving, "USAM")
    draw_escapes(axes[1, 1], leaving, "SAM")
    axes[1, 0].set_xlabel(r"$\rho|\lambda_{\min}|$")
    axes[1, 1].set_xlabel(r"$\rho$ / distance of the start from the saddle")
    return figure


def draw_rates(ax: Axes, rates: xr.Dataset) -> None:
    """Draw rates in units of |λ| against ρ|λ|."""
    x = np.linspace(0, max(RATE_RATIOS), 2)
    ax.plot(x, 1 - x, color="#666666", lw=1, label=r"$1-\rho|\lambda|$")
    ax.axhline(0, color="#666666", lw=0.6)
    for number, (name, style) in enumerate(zip(rates.saddle.values, STYLES, strict=True)):
        one = rates.sel(saddle=name, direction="lowest")
        looks = {"color": style["color"], "marker": style["marker"], "ms": 13 - 3 * number}
        ax.plot(one.ratio, one.rate / abs(one.lam), ls="none", mfc="none", label=name, **looks)
    ax.set(xlabel=r"$\rho|\lambda_{\min}|$", ylabel=r"growth rate$\,/\,|\lambda_{\min}|$")
    ax.set_title("USAM leaves an exact saddle along $\\lambda_{\\min}$\nat the rate of the quadratic approximation")
    ax.legend(fontsize="small")


def draw_traps(ax: Axes, traps: xr.Dataset) -> None:
    """Draw width/ρ against ρ, up to 2. Arrows mark widths beyond the figure or the search."""
    ax.axhline(1, color="#666666", lw=0.6)
    for name, style in zip(traps.saddle.values, STYLES, strict=True):
        one = traps.sel(saddle=name)
        width = ((one.captured + one.lost) / 2).where(one.captured > 0)
        ax.plot(one.share, width.where(width <= WIDEST), ms=6, label=name, **style)
        for share, wide, inside in zip(one.share.values, width.values, one.captured.values, strict=True):
            if not inside or wide > WIDEST:
                y, arrow = (WIDEST, r"$\uparrow$") if inside else (float(one.lost.min()), r"$\downarrow$")
                ax.plot(share, y, color=style["color"], marker=arrow, ms=9, ls="none", clip_on=False)
    ax.set(xscale="log", xlabel=r"$\rho$ / distance of the minimum along the line", ylabel=r"half-width$\,/\,\rho$")
    ax.set_ylim(0, WIDEST)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.set_title(
        "SAM's trap along $\\lambda_{\\min}$ is $\\rho$ wide while $\\rho$ is small\n(arrows: wider, or narrower)"
    )
    ax.legend(fontsize="small", loc="lower left")


def draw_escapes(ax: Axes, leaving: xr.Dataset, method: str) -> None:
    """Draw a method's median escape times over ρ, with arrows at the end of observation where most did not leave."""
    for saddle, looks in zip(leaving.saddle.values, (STYLES[0], STYLES[-1]), strict=True):
        one = leaving.sel(saddle=saddle)
        gd = float(one["median"][0])
        chosen = one.isel(setting=(one.method == method).values)
        median, low, high = (chosen[kind].values for kind in ("median", "low", "high"))
        seen = np.isfinite(median)
        bars = np.array([median[seen] - low[seen], np.minimum(high[seen], ESCAPE_TIME) - median[seen]]) / gd
        ax.errorbar(chosen.ratio[seen], median[seen] / gd, yerr=bars, capsize=2, label=saddle, **looks)
        end = np.full((~seen).sum(), ESCAPE_TIME / gd)
        ax.plot(chosen.ratio[~seen], end, color=looks["color"], marker=r"$\uparrow$", ms=9, ls="none")
    ax.axhline(1, color="#666666", lw=0.6)
    ax.set(xscale="log", yscale="log", ylabel="median escape time / GD's", ylim=(0.9, 12))
    ax.yaxis.set_major_locator(FixedLocator([1, 2, 5, 10]))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_title(
        f"{method}: escape slows down with $\\rho$, then stops\n(arrows: most runs had not left by the last step)"
    )
    ax.legend(fontsize="small", loc="upper left")


if __name__ == "__main__":
    matplotlib.use("Agg")
    torch.set_num_threads(1)  # threads slow down ensembles this small
    cli.run(main)

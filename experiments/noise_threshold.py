"""From which radius on does a saddle hold normalised SAM under mini-batch noise, and for how long?

Without noise a saddle holds normalised SAM at every radius, if a run comes within ρ. With noise there is a threshold
∝ 1/√B.
"""

import functools
import itertools
import math
from pathlib import Path
from typing import Annotated, Any

import matplotlib
import numpy as np
import torch
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.table import Table
from typer import Option

import samdyn as sd
from samdyn import analysis, checks, cli, plot, theory
from samdyn.analysis import CriticalPoint, Exits
from samdyn.output import OutputFolder
from samdyn.simulation.progress import tracked
from samdyn.simulation.starts import choose_device

GROWTH_RATIOS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5)  # ρ/ρ* at which rates are measured
EXIT_RATIOS = (0.8, 0.9, 1.0, 1.05, 1.1)  # ρ/ρ* at which exits are timed
OBSERVED = 50  # length of the simulations of exits, in units of 1/|λ|
UNEQUAL = 9.0  # variance along one direction over that across it, for anisotropic noise
FEW = 200  # fewest runs
STYLES: list[dict[str, Any]] = [
    {"color": "#000000", "marker": "o", "linestyle": "-"},
    {"color": "#D55E00", "marker": "^", "linestyle": "--"},
    {"color": "#56B4E9", "marker": "s", "linestyle": ":"},
    {"color": "#009E73", "marker": "D", "linestyle": "-."},
    {"color": "#CC79A7", "marker": "v", "linestyle": (0, (5, 1, 1, 1, 1, 1))},
]


def main(
    eigenvalue: Annotated[
        str, Option(help="Eigenvalues λ < 0 of the escape direction; the others are +1. Single tables use the first.")
    ] = "-1,-2,-0.5",
    noise: Annotated[float, Option(help="Standard deviation s of a sample's gradient, per coordinate.")] = 0.25,
    dims: Annotated[str, Option(help="Dimensions d.")] = "1,2,10",
    batch_sizes: Annotated[str, Option(help="Batch sizes B: the noise is s/√B.")] = "1,4,16,64",
    lr: Annotated[float, Option(help="Learning rate η.")] = 0.01,
    momenta: Annotated[str, Option(help="Momenta γ.")] = "0,0.5,0.9",
    runs: Annotated[int, Option(help="Number of pairs of runs for a rate, and of runs for exit times.")] = 1500,
    seed: Annotated[int, Option(help="Seed of the noise.")] = 0,
    device: Annotated[str, Option(help="auto (CUDA where there is one), cpu or cuda.")] = "auto",
    out: Annotated[
        Path, Option(help="Folder for figure and data; replaced only if it holds an earlier result.")
    ] = Path("results/noise_threshold"),
) -> None:
    """From which radius on does mini-batch noise let a saddle hold normalised SAM, and for how long?"""
    parameters = {key: str(value) if isinstance(value, Path) else value for key, value in locals().items()}
    lams = cli.numbers("--eigenvalue", eigenvalue)
    if not all(-math.inf < lam < 0 for lam in lams):
        checks.reject("--eigenvalue", eigenvalue, "must be finite numbers < 0", "Use e.g. --eigenvalue=-1,-2")
    spread = checks.positive("--noise", noise, "Use e.g. --noise 0.25")
    d_values, b_values = counts("--dims", dims), counts("--batch-sizes", batch_sizes)
    lr = checks.learning_rate(lr)
    gammas = cli.momenta("--momenta", cli.numbers("--momenta", momenta))
    if checks.count("--runs", runs, "Use e.g. --runs 1500") < FEW:
        checks.reject("--runs", runs, f"must be at least {FEW}, to distinguish rates from 0", "Use e.g. --runs 1500")
    checks.word("--seed", seed, "Use e.g. --seed 0")
    choose_device(device)
    options = {"runs": runs, "device": device}

    console = cli.console()
    with OutputFolder(out, "noise_threshold", parameters) as folder:
        console.print(f"noise s = {spread:g}/√B, η = {lr:g}, {runs} pairs of runs a radius; 95 % intervals")
        isotropic = measure_thresholds(lams, d_values, b_values, spread, lr, seed, options)
        console.print(threshold_table(isotropic))
        for d in d_values if len(b_values) > 1 else []:
            console.print("d = {}: ρ* ∝ B^({:.3f} ± {:.3f})".format(d, *slope(isotropic, lams[0], d)))
        unequal = measure_unequal(lams[0], spread, lr, seed, options)
        console.print(unequal_table(unequal))
        moving = measure_momenta(lams[0], d_values[0], gammas, spread, lr, seed, options)
        console.print(momentum_table(moving, lams[0], d_values[0]))
        growth = measure_growth(lams[0], d_values, gammas, spread, lr, seed, options)
        exits = measure_exits(lams[0], d_values[:2], spread, lr, seed, options)
        console.print(exit_table(exits))
        with plt.rc_context(plot.STYLE):
            folder.save_figure(draw(isotropic, growth, exits, lams[0]), "noise_threshold.png")
        names = ("thresholds", "unequal_noise", "momentum", "growth", "exits")
        for name, data in zip(names, (isotropic, unequal, moving, growth, exits), strict=True):
            folder.save_dataset(data, f"{name}.zarr")
    console.print(f"figure, data and provenance in {out}/")


def counts(option: str, text: str) -> list[int]:
    """Read a list of integers ≥ 1, without repetitions."""
    values = cli.numbers(option, text)
    if not all(value >= 1 and value.is_integer() for value in values):
        checks.reject(option, text, "must be integers >= 1", f"Use e.g. {option} 1,2")
    return sorted({int(value) for value in values})


@functools.cache
def saddle(lam: float, dim: int) -> tuple[sd.Landscape, CriticalPoint]:
    """Return the quadratic with one escaping direction, λ, the others of curvature 1, and its critical point."""
    scene = sd.landscapes.quadratic([lam, *[1.0] * (dim - 1)])
    return scene, analysis.critical_points(scene)[0]


def sam(lam: float, dim: int, covariance: Any, lr: float, momentum: float = 0.0, rho: float = 0.0) -> sd.Map:
    """Return normalised SAM there, with one batch for both gradients of a step."""
    return sd.Map(saddle(lam, dim)[0], sd.SAM(rho), lr=lr, momentum=momentum, noise=sd.noise.Gaussian(covariance))


def measure_thresholds(
    lams: list[float], dims: list[int], batches: list[int], spread: float, lr: float, seed: int, options: dict[str, Any]
) -> xr.Dataset:
    """Measure ρ* over d and B for the first λ, and over d for the others."""
    settings = [(lams[0], d, b) for d in dims for b in batches] + [
        (lam, d, batches[0]) for lam in lams[1:] for d in dims
    ]
    rows = []
    for number, (lam, d, b) in enumerate(tracked("thresholds", settings)):
        s = spread / math.sqrt(b)
        # Every B has its own noise. With the same noise, runs on a quadratic would differ in scale only.
        results = analysis.noise_threshold(
            sam(lam, d, s**2, lr), saddle(lam, d)[1], seed=(seed + number) % 2**32, **options
        )
        named: dict[str, Any] = {"lam": lam, "noise": s, "dim": d}
        closed, rival = theory.noise_threshold(**named), theory.about(theory.noise_threshold).rival(**named)
        rows.append({**named, "batch_size": b, **measured(results), "closed_form": closed, "rival": rival})
    return as_dataset(rows)


def measure_unequal(lam: float, spread: float, lr: float, seed: int, options: dict[str, Any]) -> xr.Dataset:
    """Measure ρ* in the plane with noise of unequal variances, of mean s²."""
    variances = spread**2 * np.array([UNEQUAL, 1.0]) * 2 / (1 + UNEQUAL)
    hessian = saddle(lam, 2)[0].hessian(np.zeros(2)).numpy()
    rows = []
    for degrees in tracked("unequal noise", (0, 45, 90)):
        c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        axes = np.array([[c, -s], [s, c]])
        covariance = (axes * variances) @ axes.T
        results = analysis.noise_threshold(sam(lam, 2, covariance, lr), saddle(lam, 2)[1], seed=seed, **options)
        named = {"hessian": hessian, "covariance": covariance}
        predicted, rival = (
            theory.gaussian_noise_threshold(**named),
            theory.about(theory.gaussian_noise_threshold).rival(**named),
        )
        rows.append({"angle": degrees, **measured(results), "closed_form": predicted, "rival": rival})
    return as_dataset(rows)


def measure_momenta(
    lam: float, dim: int, gammas: list[float], spread: float, lr: float, seed: int, options: dict[str, Any]
) -> xr.Dataset:
    """Measure ρ*, and the rate at ρ*/2, over γ: at equal η and at equal η/(1−γ), which is nowhere above ``lr``."""
    point = saddle(lam, dim)[1]
    rho = theory.noise_threshold(lam=lam, noise=spread, dim=dim) / 2
    rows = []
    for equal, gamma in tracked("momentum", [*itertools.product(("η", "η/(1−γ)"), gammas)]):
        rate = lr * (1 - (max(gammas) if equal == "η" else gamma))
        # The variance of a rate is ∝ η/(1−γ), so that fewer runs are enough where that is small.
        used = {**options, "runs": max(FEW, round(options["runs"] * rate / (1 - gamma) / lr))}
        map_ = sam(lam, dim, spread**2, rate, gamma, rho)
        results = analysis.noise_threshold(map_, point, seed=seed, **used)
        growth = analysis.noisy_growth(map_, point, seed=seed, first_run=2**31, **used)
        named = {"lam": lam, "rho": rho, "noise": spread, "dim": dim, "lr": rate, "momentum": gamma}
        predicted = {"predicted_rate": theory.noisy_escape_rate(**named), "closed_form": 2 * rho}
        rates = {"rate": growth.rate, "rate_error": growth.error}
        rows.append({"equal": equal, **named, **measured(results), **rates, **predicted})
    return as_dataset(rows)


def measure_growth(
    lam: float, dims: list[int], gammas: list[float], spread: float, lr: float, seed: int, options: dict[str, Any]
) -> xr.Dataset:
    """Measure growth rates over ρ/ρ*: for every d without momentum, and for every γ in the first."""
    rows = []
    settings = [(d, 0.0) for d in dims] + [(dims[0], gamma) for gamma in gammas if gamma]
    for d, gamma in tracked("growth rates", settings):
        threshold = theory.noise_threshold(lam=lam, noise=spread, dim=d)
        for number, ratio in enumerate(GROWTH_RATIOS):
            map_ = sam(lam, d, spread**2, lr * (1 - gamma), gamma, ratio * threshold)
            first = number * options["runs"]
            results = analysis.noisy_growth(map_, saddle(lam, d)[1], seed=seed, first_run=first, **options)
            named = {"dim": d, "momentum": gamma, "ratio": ratio}
            # In units of |λ|/(1−γ) all rates lie on one line.
            unit = abs(lam) / (1 - gamma)
            rows.append({**named, "rate": results.rate / unit, "error": results.error / unit})
    return as_dataset(rows)


def measure_exits(
    lam: float, dims: list[int], spread: float, lr: float, seed: int, options: dict[str, Any]
) -> xr.Dataset:
    """Return the times at which runs from the saddle first are 2ρ away along the escape direction."""
    runs, steps = options["runs"], math.ceil(OBSERVED / abs(lam) / lr)
    t, exited = np.zeros((2, len(dims), len(EXIT_RATIOS), runs))
    summary = np.full((4, len(dims), len(EXIT_RATIOS)), np.nan)
    for (i, d), (j, ratio) in tracked("exits", [*itertools.product(enumerate(dims), enumerate(EXIT_RATIOS))]):
        rho = ratio * theory.noise_threshold(lam=lam, noise=spread, dim=d)
        box = [(-2 * rho, 2 * rho), *[(-1e9, 1e9)] * (d - 1)]
        map_ = sam(lam, d, spread**2, lr, rho=rho)
        results = analysis.exit_times(
            map_, np.zeros((runs, d)), box, steps, seed=seed, first_run=j * runs, device=options["device"]
        )
        t[i, j], exited[i, j] = results.t, results.exited
        summary[:3, i, j] = results.mean()
        if d == 1:
            summary[3, i, j] = diffusion_time(lam, spread, rho, lr)
    dims_ = ("dim", "ratio")
    return xr.Dataset(
        {
            "t": ((*dims_, "run"), t),
            "exited": ((*dims_, "run"), exited.astype(bool)),
            **{
                name: (dims_, values)
                for name, values in zip(("mean", "low", "high", "diffusion"), summary, strict=True)
            },
        },
        coords={"dim": dims, "ratio": list(EXIT_RATIOS)},
    )


def diffusion_time(lam: float, spread: float, rho: float, lr: float) -> float:
    """Return the mean time at which dX = −E[F] dt + √(η Var F) dW, from 0, leaves (−2ρ, 2ρ)."""
    from scipy.interpolate import CubicSpline

    x = np.linspace(-2 * rho, 2 * rho, 1001)
    mean, variance = theory.mean_step(torch.as_tensor(x)[None], [[lam]], spread**2, rho)
    drift, diffusion = CubicSpline(x, -mean[0].numpy()), CubicSpline(x, lr * variance[0, 0].numpy())
    return analysis.first_passage_time(drift, diffusion, 0.0, -2 * rho, 2 * rho)


def measured(results: analysis.NoiseThreshold) -> dict[str, float]:
    """Return a threshold as named numbers."""
    return {"threshold": results.rho, "error": results.error, "low": results.interval[0], "high": results.interval[1]}


def as_dataset(rows: list[dict[str, Any]]) -> xr.Dataset:
    """Return measurements as a dataset: one variable per name, along the settings."""
    return xr.Dataset({name: ("setting", np.array([row[name] for row in rows])) for name in rows[0] if name not in ROW})


ROW = ("hessian", "covariance")


def slope(results: xr.Dataset, lam: float, dim: int) -> tuple[float, float]:
    """Return the slope of log ρ* over log B and its standard error."""
    chosen = results.isel(setting=((results.lam == lam) & (results.dim == dim)).values)
    relative = (chosen.error / chosen.threshold).values
    line, covariance = np.polyfit(
        np.log(chosen.batch_size.values), np.log(chosen.threshold.values), 1, w=1 / relative, cov="unscaled"
    )
    return float(line[0]), float(math.sqrt(covariance[0, 0]))


def compared(row: xr.Dataset) -> list[str]:
    """Write ρ* with its interval, beside the closed form and the difference."""
    values = {name: float(row[name]) for name in ("threshold", "low", "high", "closed_form")}
    difference = 100 * (values["threshold"] / values["closed_form"] - 1)
    interval = f"{values['threshold']:.4f} [{values['low']:.4f}, {values['high']:.4f}]"
    return [interval, f"{values['closed_form']:.4f}", f"{difference:+.1f} %"]


def settings(results: xr.Dataset) -> list[xr.Dataset]:
    """Return the settings one by one."""
    return [results.isel(setting=number) for number in range(results.sizes["setting"])]


def threshold_table(results: xr.Dataset) -> Table:
    """Return ρ* over λ, d and B."""
    columns = ("λ", "d", "B", "ρ* measured", "s/(c_d|λ|)", "difference", "E‖ξ‖/|λ|")
    table = cli.table(
        "\nthreshold ρ*, above which the saddle holds the runs; the last column is a rival formula",
        *columns,
        gap=1,
        keys=3,
    )
    for row in settings(results):
        named = [f"{row.lam:g}", str(int(row.dim)), str(int(row.batch_size))]
        table.add_row(*named, *compared(row), f"{float(row.rival):.4f}")
    return table


def unequal_table(results: xr.Dataset) -> Table:
    """Return the table of ρ* with anisotropic noise, beside the prediction for isotropic noise."""
    title = f"\nd = 2, noise with {UNEQUAL:g} times the variance along one direction, and the same mean variance"
    columns = ("angle to escape", "ρ* measured", "quadrature", "difference", "isotropic", "its error")
    table = cli.table(title, *columns, gap=1)
    for row in settings(results):
        off = 100 * (float(row.rival) / float(row.closed_form) - 1)
        table.add_row(f"{int(row.angle)}°", *compared(row), f"{float(row.rival):.4f}", f"{off:+.0f} %")
    return table


def momentum_table(results: xr.Dataset, lam: float, dim: int) -> Table:
    """Return ρ* and rates over γ."""
    title = f"\nmomentum, λ = {lam:g}, d = {dim}, B = 1; rates at ρ = {float(results.rho[0]):.4f} = ½s/(c_d|λ|), per t"
    columns = ("equal", "γ", "η", "ρ* measured", "s/(c_d|λ|)", "difference", "rate measured", "rate, theory")
    table = cli.table(title, *columns, gap=1, keys=3)
    for row in settings(results):
        rate = f"{float(row.rate):.3f} ± {1.96 * float(row.rate_error):.3f}"
        named = [str(row.equal.values), f"{row.momentum:g}", f"{row.lr:g}"]
        table.add_row(*named, *compared(row), rate, f"{float(row.predicted_rate):.3f}")
    return table


def exit_table(results: xr.Dataset) -> Table:
    """Return mean times of exit, with how many runs left, beside the diffusion's."""
    runs, last = results.sizes["run"], float(results.t.max())
    title = f"\nmean time until |w| = 2ρ along the escape direction (how many of {runs} runs left by t = {last:g})"
    table = cli.table(title, "ρ/ρ*", *(f"d = {d}" for d in results.dim.values), "diffusion, d = 1", gap=1)
    for ratio in results.ratio.values:
        cells, row = [], results.sel(ratio=ratio)
        for one in (row.sel(dim=d) for d in row.dim.values):
            mean, low, high = (float(one[name]) for name in ("mean", "low", "high"))
            cell = f"{mean:.3g} [{low:.3g}, {high:.3g}]" if math.isfinite(mean) else f"> {low:.3g}"
            cells.append(f"{cell} ({int(one.exited.sum())})")
        sde = row.diffusion.sel(dim=1) if 1 in row.dim else math.nan
        table.add_row(f"{ratio:g}", *cells, "" if math.isnan(sde) else f"{float(sde):.3g}")
    return table


def draw(isotropic: xr.Dataset, growth: xr.Dataset, exits: xr.Dataset, lam: float) -> Figure:
    """Draw thresholds over B, rates and mean exit times over ρ/ρ*, and survival."""
    figure, axes = plt.subplots(2, 2, figsize=(9.2, 7.4))
    draw_thresholds(axes[0, 0], isotropic, lam)
    draw_growth(axes[0, 1], growth)
    draw_exits(axes[1, 0], exits)
    draw_survival(axes[1, 1], exits)
    return figure


def draw_thresholds(ax: Axes, results: xr.Dataset, lam: float) -> None:
    """Draw ρ* against B."""
    for d, style in zip(np.unique(results.dim), itertools.cycle(STYLES)):
        chosen = results.isel(setting=((results.lam == lam) & (results.dim == d)).values)
        bars = [chosen.threshold - chosen.low, chosen.high - chosen.threshold]
        ax.plot(chosen.batch_size, chosen.closed_form, color=style["color"], ls=style["linestyle"])
        ax.errorbar(
            chosen.batch_size, chosen.threshold, yerr=bars, color=style["color"], marker=style["marker"], ls="none",
            ms=5, capsize=3, label=f"d = {d}",
        )  # fmt: skip
    ax.set(xscale="log", yscale="log", xlabel="batch size $B$", ylabel=r"threshold $\rho^*$")
    ax.set_title("Measured threshold of the trap\n" r"(lines: $s\,/\,(c_d\,|\lambda|)$, $s \propto 1/\sqrt{B}$)")
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter("")
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter("")
    ax.set_xticks(np.unique(results.batch_size))
    low, high = ax.get_ylim()
    ax.set_yticks([y for e in range(-6, 6) for y in (10.0**e, 2 * 10.0**e, 5 * 10.0**e) if low < y < high])
    ax.legend()


def draw_growth(ax: Axes, results: xr.Dataset) -> None:
    """Draw rates in units of |λ|/(1−γ) against ρ/ρ*."""
    ratios = np.linspace(0, max(GROWTH_RATIOS) + 0.1, 2)
    ax.plot(ratios, 1 - ratios, color="#666666", lw=1, label=r"$1-\rho/\rho^*$")
    ax.axhline(0, color="#666666", lw=0.6)
    kinds = sorted({(float(g), int(d)) for g, d in zip(results.momentum, results.dim, strict=True)})
    for number, ((gamma, d), style) in enumerate(zip(kinds, itertools.cycle(STYLES))):
        chosen = results.isel(setting=((results.momentum == gamma) & (results.dim == d)).values)
        # Markers have different sizes, since all lie on one line.
        size = 15 - 2.7 * (number % len(STYLES))
        ax.errorbar(
            chosen.ratio, chosen.rate, yerr=1.96 * chosen.error, color=style["color"], marker=style["marker"],
            ls="none", ms=size, mfc="none", capsize=2, label=rf"d = {d}, $\gamma$ = {gamma:g}",
        )  # fmt: skip
    ax.set(xlabel=r"$\rho/\rho^*$", ylabel=r"growth rate $\times\,(1-\gamma)/|\lambda|$")
    ax.set_title("Rates fall on one line\n" r"(at equal $\eta/(1-\gamma)$)")
    ax.legend(fontsize="small")


def draw_exits(ax: Axes, results: xr.Dataset) -> None:
    """Draw mean times of exit against ρ/ρ*, on a logarithmic axis; arrows where no run left."""
    for number, (d, style) in enumerate(zip(results.dim.values, itertools.cycle(STYLES))):
        one = results.sel(dim=d)
        looks: dict[str, Any] = {"color": style["color"], "marker": style["marker"], "ls": "none", "ms": 5}
        at = one.ratio + 0.004 * number  # the shift separates the markers
        some = np.isfinite(one["mean"].values) & np.isfinite(one.high.values)
        bars = [(one["mean"] - one.low)[some], (one.high - one["mean"])[some]]
        ax.errorbar(at[some], one["mean"][some], yerr=bars, capsize=3, label=f"d = {d}", **looks)
        # The length of the arrow has no meaning.
        ax.errorbar(at[~some], one.low[~some], yerr=one.low[~some], lolims=True, mfc="white", **looks)
        if np.isfinite(one.diffusion).any():
            ax.plot(one.ratio, one.diffusion, color=style["color"], lw=1, label=f"diffusion, d = {d}")
    ax.set(yscale="log", xlabel=r"$\rho/\rho^*$", ylabel=r"mean exit time $t = k\eta$")
    ax.axvline(1, color="#666666", lw=0.6)
    ax.set_title("Above the threshold, staying is metastable\n(arrows: no run left; 95 % lower bound)")
    ax.legend()


def draw_survival(ax: Axes, results: xr.Dataset) -> None:
    """Draw Kaplan–Meier curves in the first dimension; runs inside at the end are censored there."""
    d = int(results.dim[0])
    shades = plt.get_cmap("viridis")(np.linspace(0, 0.85, results.sizes["ratio"]))
    for ratio, shade, style in zip(results.ratio.values, shades, itertools.cycle(STYLES)):
        one = results.sel(dim=d, ratio=ratio)
        curve = Exits(one.t.values, one.exited.values).survival()
        plot.survival(curve, ax, color=shade, linestyle=style["linestyle"], label=f"{ratio:g}")
    ax.set_ylabel("share of runs that have not left")
    ax.set_title(
        f"Runs that stay within " r"$2\rho$" f" of the saddle, d = {d}\n(observed to the right edge; bands 95 %)"
    )
    ax.legend(title=r"$\rho/\rho^*$", fontsize="small", loc="lower left")


if __name__ == "__main__":
    matplotlib.use("Agg")
    torch.set_num_threads(1)  # threads slow down ensembles this small
    cli.run(main)

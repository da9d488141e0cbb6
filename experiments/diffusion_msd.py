"""How far does noise carry SGD and SAM from a saddle? The script compares iterates, diffusions and the theorem.

It computes mean squared displacements (MSD) along an eigenvector from rest at the critical point, with gradient noise
|H|/B: the exact and the simulated one of the iterates, the exact one of each diffusion, and that of Theorem 2 of [K23]
(Theorem 3 with momentum).
"""

import math
from pathlib import Path
from typing import Annotated, Any

import matplotlib
import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.table import Table
from typer import Option

import samdyn as sd
from samdyn import analysis, checks, cli, plot, theory
from samdyn.dynamics.models import MODELS
from samdyn.noise.model import COUPLINGS
from samdyn.output import OutputFolder
from samdyn.simulation.progress import progress_bar

PART = 50_000  # runs in one simulation
MOMENTS = 20  # count of times at which the script saves displacements
SGD, SAM = "SGD", "SAM"
LEGEND = """\
s.e.: simulated minus exact MSD, in standard errors. moments, taylor, fisher: exact MSD of this \
diffusion. η → 0: exact MSD of the iterates for small steps at equal t. {theorem}: its closed form, \
with drift λ(1+ρλ)² and noise |H|/B. –: there is no such diffusion, or no closed form.
"""
STYLES = {
    SGD: {"color": "#000000", "marker": "o", "linestyle": "-"},
    "shared": {"color": "#0072B2", "marker": "s", "linestyle": "-"},
    "independent": {"color": "#D55E00", "marker": "^", "linestyle": "--"},
    "clean": {"color": "#009E73", "marker": "D", "linestyle": "-."},
    SAM: {"color": "#CC79A7", "marker": "v", "linestyle": ":"},
}


def main(
    eigenvalue: Annotated[float, Option(help="Eigenvalue λ along the eigenvector; runs escape if λ < 0.")] = -1.0,
    rho: Annotated[float, Option(help="Radius ρ of USAM and SAM.")] = 0.5,
    lr: Annotated[float, Option(help="Learning rate η.")] = 0.01,
    batch_size: Annotated[int, Option(help="Batch size B.")] = 16,
    momentum: Annotated[float, Option(help="Momentum γ.")] = 0.0,
    time: Annotated[float, Option(help="Length of the simulation in t = kη.")] = 1.0,
    runs: Annotated[int, Option(help="Number of simulated runs of every method and coupling.")] = 1_000_000,
    seed: Annotated[int, Option(help="Seed of the noise.")] = 0,
    device: Annotated[str, Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    out: Annotated[
        Path, Option(help="Folder for figure and data; replaced only if it holds an earlier result.")
    ] = Path("results/diffusion_msd"),
) -> None:
    """How far does noise carry SGD and SAM from a saddle?"""
    parameters = {key: str(value) if isinstance(value, Path) else value for key, value in locals().items()}
    lam = checks.number("--eigenvalue", eigenvalue, "must be a finite number, not 0", "Use e.g. -1", lambda v: v != 0)
    checks.positive("--rho", rho, "Use e.g. --rho 0.5")
    cli.momenta("--momentum", [momentum])
    steps = round(checks.positive("--time", time, "Use e.g. --time 1") / checks.learning_rate(lr))
    if steps < MOMENTS:
        fix = f"Use at least --time {MOMENTS * lr:g}, or a smaller --lr"
        checks.reject("--time", time, f"is {steps} steps of η = {lr:g}", fix)
    if checks.count("--runs", runs, "Use e.g. --runs 1000000") < 2:
        checks.reject("--runs", runs, "a standard error needs two or more", "Use e.g. --runs 1000000")
    quadratic = sd.landscapes.quadratic([lam])

    def iterates(method: sd.Method, coupling: str = "shared") -> sd.Map:
        noise = sd.noise.Fisher((0.0,), batch_size, coupling=coupling)
        return sd.Map(quadratic, method, lr=lr, momentum=momentum, noise=noise)

    maps = {SGD: iterates(sd.GD()), **{c: iterates(sd.USAM(rho), c) for c in COUPLINGS}, SAM: iterates(sd.SAM(rho))}
    sd.simulate(
        maps[SGD], (0.0,), 1, seed=seed, first_run=runs, device=device, progress=False
    )  # it rejects wrong options before the work starts

    console = cli.console()
    with OutputFolder(out, "diffusion_msd", parameters) as folder:
        shown = f"λ = {lam:g}, ρ = {rho:g}, η = {lr:g}, γ = {momentum:g}, B = {batch_size}"
        console.print(f"{shown}: MSD after {steps} steps, t = {steps * lr:g}, {runs} runs")
        results = {name: displacements(map_, steps, runs, seed, device) for name, map_ in maps.items()}
        data = xr.concat(results.values(), "iterates").assign_coords(iterates=[*results]).assign_attrs(parameters)
        console.print(spread_table(data))
        console.print(LEGEND.format(theorem=theorem(data)))
        console.print(gap_table(data))
        folder.save_dataset(data, "displacements.zarr")
        with plt.rc_context(plot.STYLE):
            folder.save_figure(draw(data, shown), "diffusion_msd.png")
    console.print(f"figure, data and provenance in {out}/")


def displacements(map_: sd.Map, steps: int, runs: int, seed: int, device: str) -> xr.Dataset:
    """Return MSDs of a map's iterates and of their diffusions, or nan if there is no diffusion or no closed form."""
    saved = np.unique(np.linspace(steps / MOMENTS, steps, MOMENTS).round().astype(int))
    times = saved * map_.lr
    mean, error = simulated(map_, steps, saved, runs, seed, device)
    curves = {"simulated": mean, "error": error}
    linear = not isinstance(map_.method, sd.SAM)  # normalised SAM is not linear on a quadratic, nor are its diffusions
    curves["exact"] = analysis.linear_step(map_).moments((0.0,), steps)[1][saved, 0, 0] if linear else times * np.nan
    for model in MODELS:
        curves[model] = times * np.nan
        try:
            sde = sd.Diffusion(map_.landscape, map_.method, noise_of(map_), map_.lr, map_.momentum, model)
            if linear:
                curves[model] = analysis.linear_diffusion(sde).moments((0.0,), times)[1][:, 0, 0]
        except sd.InputError:
            pass  # there is no such diffusion for this method, coupling or radius
    curves["closed"], curves["theorem"] = closed_forms(map_, times)
    return xr.Dataset({name: ("time", value) for name, value in curves.items()}, coords={"time": times})


def noise_of(map_: sd.Map) -> sd.noise.Noise:
    """Return a map's noise."""
    assert map_.noise is not None
    return map_.noise


def simulated(
    map_: sd.Map, steps: int, saved: np.ndarray, runs: int, seed: int, device: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the simulated MSD at some steps, and its standard error, from runs in parts."""
    sums: np.ndarray = np.zeros((2, len(saved)))
    every = math.gcd(*map(int, saved))
    with progress_bar(f"{map_.method}", runs, True) as show:
        for first in range(0, runs, PART):
            start = np.zeros((min(PART, runs - first), 1))
            ran = sd.simulate(
                map_, start, steps, save_every=every, seed=seed, first_run=first, device=device, progress=False
            )
            w, diverged = ran.w, float(ran.end.where(ran.status == sd.Status.DIVERGED, np.inf).min())
            part = w.sel(step=saved).values[..., 0] ** 2
            part[:, saved >= diverged] = np.nan  # a run has diverged, so that there is no mean
            sums += part.sum(0), (part**2).sum(0)
            show(first + len(start))
    mean: np.ndarray = sums[0] / runs
    return mean, np.sqrt((sums[1] / runs - mean**2) / (runs - 1))


def closed_forms(map_: sd.Map, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the closed form for η → 0 and that of the theorem for a map, or nan if there is none."""
    lam, noise = float(map_.landscape.hessian((0.0,))[0, 0]), noise_of(map_)
    rho = map_.radius
    at = {"lam": lam, "lr": map_.lr, "batch_size": vars(noise)["batch_size"], "t": times}
    if isinstance(map_.method, sd.SAM):
        return times * np.nan, times * np.nan
    closed = theory.usam_msd(**at, rho=rho, coupling=noise.coupling, momentum=map_.momentum)
    if map_.momentum:
        return np.asarray(closed), np.asarray(theory.theorem_3_msd(**at, rho=rho, momentum=map_.momentum))
    return np.asarray(closed), np.asarray(theory.theorem_2_msd(**at, rho=rho))


def theorem(data: xr.Dataset) -> str:
    """Return the name of the theorem that applies."""
    return "Theorem 3" if data.attrs["momentum"] else "Theorem 2"


def called(name: str) -> str:
    """Return the label of a curve."""
    return f"USAM, {name}" if name in COUPLINGS else name


def number(value: float) -> str:
    """Write a number, or "–" if there is none."""
    return f"{value:.3g}" if np.isfinite(value) else "–"


def spread_table(data: xr.Dataset) -> Table:
    """Return the table of MSDs at the end."""
    table = cli.table(None, "", "exact", "simulated", "s.e.", *MODELS, "η → 0", theorem(data))
    for name in data.iterates.values:
        row = data.sel(iterates=name).isel(time=-1)
        off = float((row.simulated - row.exact) / row.error)
        values = [number(float(row[column])) for column in (*MODELS, "closed", "theorem")]
        simulated_ = f"{float(row.simulated):.4g} ± {float(row.error):.0e}"
        table.add_row(
            called(name), number(float(row.exact)), simulated_, f"{off:+.1f}" if np.isfinite(off) else "–", *values
        )
    return table


def gaps(data: xr.Dataset) -> dict[str, tuple[xr.DataArray, Any]]:
    """Return SGD's MSD minus the others', exactly, and to leading order in ρ and t."""
    at = {name: data.attrs[key] for name, key in (("lr", "lr"), ("batch_size", "batch_size"), ("rho", "rho"))}
    at |= {"lam": data.attrs["eigenvalue"], "t": data.time.values}
    sgd = data.exact.sel(iterates=SGD)
    curves = {c: (sgd - data.exact.sel(iterates=c), theory.usam_gap(**at, coupling=c)) for c in COUPLINGS}
    curves[f"{theorem(data)}, 2ηt²|λ|³ρ/B"] = (
        sgd - data.theorem.sel(iterates="shared"),
        theory.theorem_2_gap(**at),
    )
    return curves


def gap_table(data: xr.Dataset) -> Table:
    """Return the table of the MSD of SGD minus that of SAM, early and at the end."""
    early = int(np.argmin(abs(data.time.values - data.time.values[-1] / 10)))
    times = [float(data.time[i]) for i in (early, -1)]
    columns = [f"{what}, t = {t:.2g}" for t in times for what in ("gap", "leading order")]
    table = cli.table(None, "SGD's MSD minus that of", *columns)
    for name, (exact, leading) in gaps(data).items():
        cells = [number(float(v)) for i in (early, -1) for v in (exact[i], leading[i])]
        table.add_row(called(name), *cells)
    return table


def draw(data: xr.Dataset, shown: str) -> Figure:
    """Draw the MSDs and the gaps against t."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.6))
    draw_spread(left, data)
    draw_gaps(right, data)
    figure.suptitle(shown)
    return figure


def draw_spread(ax: Axes, data: xr.Dataset) -> None:
    """Draw simulated MSDs as points, exact ones as lines, the theorem and the first-order diffusion beside them."""
    for name, style in STYLES.items():
        one = data.sel(iterates=name)
        label = called(name)
        line = one.exact if np.isfinite(one.exact).any() else one.simulated
        ax.plot(one.time, line, color=style["color"], linestyle=style["linestyle"])
        ax.errorbar(
            one.time, one.simulated, yerr=1.96 * one.error, ls="none", ms=4, color=style["color"],
            marker=style["marker"], label=label,
        )  # fmt: skip
    shared = data.sel(iterates="shared")
    ax.plot(data.time, shared.theorem, color="#999999", lw=4, alpha=0.7, zorder=0, label=theorem(data))
    if np.isfinite(shared.taylor).all():
        ax.plot(data.time, shared.taylor, color="#56B4E9", lw=3, ls=(0, (1, 1)), zorder=0, label='SDE "taylor", shared')
    ax.set(xlabel=r"time $t = k\eta$", ylabel="mean squared displacement")
    ax.set_title("How far noise carries depends on where it enters\n(points: simulated, lines: exact)")
    ax.legend(fontsize="small")


def draw_gaps(ax: Axes, data: xr.Dataset) -> None:
    """Draw the MSD of SGD minus that of USAM, exact and to leading order. Markers are hollow where it is negative."""
    for name, (exact, leading) in gaps(data).items():
        style = STYLES.get(name, {"color": "#999999", "marker": "", "linestyle": "-"})
        label = called(name)
        ax.plot(data.time, abs(exact), color=style["color"], lw=0.8, alpha=0.4)
        for sign, filled in ((1, style["color"]), (-1, "white")):
            here = exact.where(sign * exact > 0)
            if here.notnull().any():
                name = label if sign > 0 else f"{label}: more than SGD"
                ax.plot(
                    data.time, abs(here), color=style["color"], marker=style["marker"], mfc=filled, ms=4, label=name
                )
        ax.plot(data.time, abs(leading), color=style["color"], lw=1, ls=":")
    ax.plot([], [], color="0.3", lw=1, ls=":", label=r"leading order in $\rho$ and $t$")
    ax.set(xscale="log", yscale="log", xlabel=r"time $t = k\eta$", ylabel="size of SGD's MSD minus USAM's")
    ax.set_title("SGD's MSD minus USAM's: of order $t$ with a\nshared batch, of order $t^2$ by the theorem")
    ax.legend(fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2)


if __name__ == "__main__":
    matplotlib.use("Agg")
    cli.run(main)

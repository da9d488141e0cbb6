"""What do momentum and the batch size do to how SGD and SAM leave a saddle, and how far is Theorem 3 of [K23] right?

Runs start at rest at a quadratic saddle with gradient noise |H|/B. The script measures mean squared displacements
(exact, simulated, and by the theorem), escape times, the settings in which the theorem holds, and the momentum that
compensates a radius. Momentum γ also multiplies the step by 1/(1−γ), so that every comparison is at equal η and at
equal η/(1−γ).
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import matplotlib
import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from rich.table import Table
from scipy.optimize import brentq
from typer import Option

import samdyn as sd
from samdyn import analysis, checks, cli, plot, theory
from samdyn.noise.model import COUPLINGS
from samdyn.output import OutputFolder
from samdyn.simulation.progress import progress_bar

# The comparisons: the learning rate and the number of steps with momentum, in units of those without it.
COMPARED: dict[str, Callable[[Any], tuple[Any, Any]]] = {
    "equal η": lambda gamma: (1.0, 1.0),
    "equal η/(1−γ), equal t": lambda gamma: (1 - gamma, 1 / (1 - gamma)),
    "equal η/(1−γ), equal k": lambda gamma: (1 - gamma, 1.0),
}
RATES = ["equal η", "equal η/(1−γ), equal k"]  # names of the two comparisons that differ in η
MOMENTS = 8  # count of times at which the script saves displacements
OBSERVED = 10  # length of the simulations of escapes, in units of --time
WIDE = 1e6  # distance of the box's walls in the stable direction, in half-widths
CELLS = 21  # values along each axis of the map of validity
LARGEST = 0.98  # largest γ
RADIUS = 2.0  # largest ρ, in units of 1/|λ|
EDGES = (1 / 2, 1 / 1.1, 1.1, 2)  # boundaries of the classes of the theorem's MSD over the exact one
SHADES = ("#F0E442", "#56B4E9", "#0072B2", "#56B4E9", "#F0E442")  # light, middle, dark: different in grey too
THEOREM = "Theorem 3"

LEGEND = """\
The MSD is along the escape direction, from the saddle, after k steps of size η; t = kη. simulated: MSD ± \
standard error. ratio: the MSD of Theorem 3 over the exact one. ×γ=0: exact MSD over that of the row \
with the same ρ and γ = 0. slope in B: slope of the simulated log MSD against log B (settings of one B \
share their noise); the exact slope is -1.
"""
LEFT = """\
Kaplan-Meier medians with 95 % intervals; t = kη. A percentage is the share of the runs that left within \
the {steps} steps that were observed; the other runs are censored. Without one, all runs left.
"""
NEEDED = """\
The smallest γ at which the exact MSD of USAM is that of SGD at γ = 0 and k = {steps}. In the rows of \
Theorem 3 both MSDs are the theorem's. > 0.98: up to γ = 0.98 USAM's MSD is smaller. < 0: at γ = 0 it \
is larger already. rises to ρ: up to this ρ the γ needed does not fall.
"""
VALID = "Shares in % of the settings γ in [0, 0.98] × ρ in [0, 2/|λ|]. Its model has drift λ(1+ρλ)² and SGD's noise."

Parameters = dict[str, list[Any]]


def main(
    eigenvalue: Annotated[
        float, Option(help="Eigenvalue λ < 0 of the escape direction; that of the other is −λ.")
    ] = -1.0,
    rho: Annotated[str, Option(help="Radii ρ > 0. SGD is always added.")] = "0.1,0.3",
    momentum: Annotated[str, Option(help="Momenta γ. 0 is always added.")] = "0.5,0.9",
    batch_sizes: Annotated[str, Option(help="Batch sizes B, two at least.")] = "4,16,64",
    lr: Annotated[float, Option(help="Learning rate η at γ = 0.")] = 0.01,
    time: Annotated[
        float | None, Option(help="Time t = kη at γ = 0 after which displacements are measured. Default: 1/|λ|.")
    ] = None,
    half_width: Annotated[float, Option(help="Distance along the escape direction at which a run has left.")] = 1.0,
    coupling: Annotated[str, Option(help="How a step's gradients share noise: shared, independent, clean.")] = "shared",
    runs: Annotated[int, Option(help="Number of simulated runs of every setting.")] = 1000,
    seed: Annotated[int, Option(help="Seed of the noise.")] = 0,
    device: Annotated[str, Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    out: Annotated[
        Path, Option(help="Folder for figures and data; replaced only if it holds an earlier result.")
    ] = Path("results/momentum_batch"),
) -> None:
    """What do momentum and the batch size do to how SGD and SAM leave a saddle?"""
    parameters = {key: str(value) if isinstance(value, Path) else value for key, value in locals().items()}
    rule = "must be a finite number < 0: along the others nothing escapes"
    lam = checks.number("--eigenvalue", eigenvalue, rule, "Use e.g. --eigenvalue=-1", lambda v: v < 0)
    radii = cli.listed("--rho", rho, lambda v: 0 < v < np.inf, "must be finite numbers > 0", "0.1,0.3")
    rule = f"must lie in [0, {LARGEST}]"
    momenta = cli.listed("--momentum", momentum, lambda v: 0 <= v <= LARGEST, rule, "0.5,0.9")
    cli.momenta("--momentum", momenta)
    fix = "Use e.g. --batch-sizes 4,16,64"
    rule = "must be integers >= 1"
    whole = cli.listed("--batch-sizes", batch_sizes, lambda v: v >= 1 and v % 1 == 0, rule, "4,16,64")
    sizes = [*map(int, whole)]
    if len(sizes) < 2:
        checks.reject("--batch-sizes", batch_sizes, "a slope needs two or more", fix)
    t = 1 / abs(lam) if time is None else checks.positive("--time", time, "Use e.g. --time 1")
    steps = round(t / checks.positive("--lr", lr, "Use e.g. --lr 0.01"))
    if steps < MOMENTS:
        checks.reject(
            "--time", t, f"is {steps} steps of η = {lr:g}", f"Use at least {MOMENTS * lr:g}, or a smaller --lr"
        )
    width = checks.positive("--half-width", half_width, "Use e.g. --half-width 1")
    if checks.count("--runs", runs, "Use e.g. --runs 1000") < 2:
        checks.reject("--runs", runs, "a standard error needs two or more", "Use e.g. --runs 1000")
    noise = sd.noise.Fisher((0.0, 0.0), sizes[0], coupling=coupling)
    sgd = sd.Map(sd.landscapes.quadratic((-lam, lam)), sd.USAM(0.0), lr=lr, noise=noise)  # and USAM, once it has a ρ
    # This rejects an unknown device before the work starts.
    sd.simulate(sgd, (0.0, 0.0), 1, seed=seed, first_run=len(sizes) * runs, device=device, progress=False)

    axes: Parameters = {"rho": [0.0, *radii], "momentum": sorted({0.0, *momenta}), "batch_size": sizes}
    console = cli.console()
    with OutputFolder(out, "momentum_batch", parameters) as folder:
        folder.about["resolved"] = {"time": t, "steps": steps, "steps observed for escapes": OBSERVED * steps}
        console.print(
            f"saddle with λ = {cli.shown(np.array([lam, -lam]))}, noise |H|/B {coupling}, {runs} runs a setting"
        )
        spread = displacements(sgd, axes, steps, runs, seed, device)
        console.print(spread_table(spread), LEGEND, sep="\n")
        folder.save_dataset(spread, "displacements.zarr")
        escapes = escape_times(sgd, axes, OBSERVED * steps, width, runs, seed, device)
        console.print(escape_table(escapes), LEFT.format(steps=OBSERVED * steps), sep="\n")
        folder.save_dataset(escapes, "escapes.zarr")
        needed = momentum_needed(sgd, radii, steps)
        console.print(needed_table(needed, radii), NEEDED.format(steps=steps), sep="\n")
        folder.save_dataset(needed, "momentum_needed.zarr")
        valid = validity(sgd, steps)
        console.print(validity_table(valid), VALID, sep="\n")
        folder.save_dataset(valid, "theorem_3.zarr")
        with plt.rc_context(plot.STYLE):
            folder.save_figure(draw_validity(valid), "theorem_3.png")
            folder.save_figure(draw_needed(needed), "momentum_needed.png")
            folder.save_figure(draw_escapes(escapes), "escape_times.png")
    console.print(f"figures, data and provenance in {out}/")


def at(map_: sd.Map, compared: str, steps: int) -> tuple[sd.Map, float]:
    """Return a map and how many steps it takes, unrounded, where it is compared with ``steps`` without momentum."""
    rate, longer = COMPARED[compared](map_.momentum)
    return replace(map_, lr=rate * map_.lr), longer * steps


def batch_size(map_: sd.Map) -> int:
    """Return B of a map's noise."""
    return int(vars(map_.noise)["batch_size"])


def eigenvalue_of(map_: sd.Map) -> float:
    """Return λ of the escaping direction, which is the last coordinate."""
    return float(map_.landscape.hessian([0.0] * map_.landscape.dim)[-1, -1])


def exact_msd(map_: sd.Map, steps: int) -> np.ndarray:
    """Return the exact MSD along the escaping direction after 0, 1, … steps: ``(steps + 1,)``."""
    return analysis.linear_step(map_).moments([0.0] * map_.landscape.dim, steps)[1][:, -1, -1]


def theorem_msd(map_: sd.Map, steps: Any, form: Callable[..., Any] = theory.theorem_3_msd) -> Any:
    """Return the MSD of Theorem 3, or of another form, for a map with a radius after some steps."""
    lam, rho, t = eigenvalue_of(map_), vars(map_.method)["rho"], steps * map_.lr
    return form(lam=lam, lr=map_.lr, batch_size=batch_size(map_), t=t, momentum=map_.momentum, rho=rho)


def over(
    map_: sd.Map,
    axes: Parameters,
    comparisons: Sequence[str],
    measure: Callable[[sd.Map, str], dict[str, Any]],
    what: str,
) -> xr.Dataset:
    """Measure numbers, or arrays along "moment", over a grid of parameters and, as its last axis, comparisons.

    Without momentum all comparisons are one, which is measured once.
    """
    results: list[dict[str, Any]] = []
    grid = list(itertools.product(*axes.values()))
    with progress_bar(what, len(grid) * len(comparisons)) as show:
        for values in grid:
            setting = analysis.with_parameters(map_, dict(zip(axes, values, strict=True)))
            for i, compared in enumerate(comparisons):
                results.append(measure(setting, compared) if setting.momentum or not i else results[-1])
                show(len(results))
    shape, data = [*map(len, axes.values()), len(comparisons)], {}
    for name, value in results[0].items():
        dims = [*axes, "compared", *(["moment"] if np.ndim(value) else [])]
        data[name] = (dims, np.reshape([f[name] for f in results], (*shape, *np.shape(value))))
    return xr.Dataset(data, coords={**axes, "compared": list(comparisons)})


def displacements(map_: sd.Map, axes: Parameters, steps: int, runs: int, seed: int, device: str) -> xr.Dataset:
    """Return the MSD of USAM: exact, simulated, and by Theorem 3."""

    def measure(setting: sd.Map, compared: str) -> dict[str, np.ndarray]:
        here, unrounded = at(setting, compared, steps)
        count = round(unrounded)
        w = sd.simulate(
            here,
            np.zeros((runs, 2)),
            count,
            save_every=count // MOMENTS,
            seed=seed,
            # Every batch size has its own noise. With the same noise, runs would be multiples of each other.
            first_run=runs * axes["batch_size"].index(batch_size(here)),
            device=device,
            progress=False,
        )
        results = analysis.msd(w, np.array([[0.0], [1.0]])).isel(direction=0, step=[*range(1, MOMENTS), -1])
        k = results.step.values
        measured = {"step": k, "time": k * here.lr, "simulated": results.msd.values, "error": results.error.values}
        return {**measured, "exact": exact_msd(here, count)[k], "theorem_3": theorem_msd(here, k)}

    return over(map_, axes, [*COMPARED], measure, "displacements")


def slope(batch_sizes: np.ndarray, msd: np.ndarray, error: np.ndarray) -> tuple[float, float]:
    """Return the slope of log MSD on log B, by weighted least squares, and its standard error."""
    weights = (msd / error) ** 2
    x = np.log(batch_sizes) - np.average(np.log(batch_sizes), weights=weights)
    return float((weights * x * np.log(msd)).sum() / (weights * x**2).sum()), float((weights * x**2).sum() ** -0.5)


def rows(data: xr.Dataset) -> list[tuple[float, float, xr.Dataset]]:
    """Return (ρ, γ, data) of every setting and comparison; without momentum all comparisons are one."""
    settings = itertools.product(data.rho.values, data.momentum.values, data.compared.values)
    return [
        (rho, gamma, data.sel(rho=rho, momentum=gamma, compared=compared))
        for rho, gamma, compared in settings
        if gamma or compared == data.compared.values[0]
    ]


def spread_table(spread: xr.Dataset) -> Table:
    """Return the table of displacements: the last moment, at the smallest batch size."""
    last = spread.isel(moment=-1)
    columns = ("", "ρ", "γ", "η", "k", "t", "exact", "simulated", THEOREM, "ratio", "×γ=0", "slope in B")
    table = cli.table(f"mean squared displacement (MSD), B = {int(spread.batch_size[0])}", *columns, keys=4)
    for rho, gamma, row in rows(last):
        fitted, error = slope(row.batch_size.values, row.simulated.values, row.error.values)
        one = {name: float(value[0]) for name, value in row.items()}
        table.add_row(
            *("USAM" if rho else "SGD", f"{rho:g}" if rho else "", f"{gamma:g}"),
            *(f"{one['time'] / one['step']:.3g}", f"{one['step']:.0f}", f"{one['time']:.3g}", f"{one['exact']:.3g}"),
            *(f"{one['simulated']:.3g} ± {one['error']:.1g}", f"{one['theorem_3']:.3g}"),
            f"{one['theorem_3'] / one['exact']:.3g}",
            f"{one['exact'] / float(last.exact.sel(rho=rho, momentum=0.0)[0, 0]):.3g}",
            f"{fitted:.2f} ± {error:.2f}",
        )
    return table


def escape_times(
    map_: sd.Map, axes: Parameters, steps: int, half_width: float, runs: int, seed: int, device: str
) -> xr.Dataset:
    """Measure when runs of USAM and SAM leave, in steps; SGD is USAM with ρ = 0, and SAM has none there."""
    box = ((-WIDE * half_width, WIDE * half_width), (-half_width, half_width))

    def measure(setting: sd.Map, compared: str) -> dict[str, float]:
        here, _ = at(setting, compared, steps)
        first = runs * axes["batch_size"].index(batch_size(here))
        start = np.zeros((runs, 2))
        exits = analysis.exit_times(here, start, box, steps, seed=seed, first_run=first, device=device)
        results = zip(("k", "k_low", "k_high"), exits.survival().median(), strict=True)
        return {"lr": float(here.lr), "left": float(exits.exited.mean()), **{name: v / here.lr for name, v in results}}

    perturbed = {**axes, "rho": axes["rho"][1:]}
    methods = {
        "USAM": over(map_, axes, RATES, measure, "escape times of SGD and USAM"),
        "SAM": over(replace(map_, method=sd.SAM(0.0)), perturbed, RATES, measure, "escape times of SAM"),
    }
    data = xr.concat(methods.values(), "algorithm", join="outer").assign_coords(algorithm=[*methods])
    return data.assign_attrs(observed=steps)


def escape_table(escapes: xr.Dataset) -> Table:
    """Return the table of escape times."""
    sizes = [f"B = {size}" for size in escapes.batch_size.values]
    table = cli.table("median number of steps k to leave", "", "ρ", "γ", "η", *sizes, keys=4)
    for method in escapes.algorithm.values:
        for rho, gamma, row in rows(escapes.sel(algorithm=method)):
            if rho or method == "USAM":
                cells = [escape_time(row.sel(batch_size=size), escapes.observed) for size in escapes.batch_size.values]
                name = method if rho else "SGD"
                table.add_row(name, f"{rho:g}" if rho else "", f"{gamma:g}", f"{float(row.lr[0]):.3g}", *cells)
    return table


def escape_time(one: xr.Dataset, observed: int) -> str:
    """Write a median with its interval, or the share of censored runs."""
    share = "" if float(one.left) == 1 else f", {100 * float(one.left):.3g} %"
    if np.isinf(one.k):
        return f"> {observed}{share}"
    return f"{float(one.k):.0f} [{float(one.k_low):.0f}, {float(one.k_high):.0f}]".replace("inf", "∞") + share


def momentum_needed(map_: sd.Map, radii: list[float], steps: int) -> xr.Dataset:
    """Solve for the momentum with which USAM's MSD is SGD's without: inf where none is enough, −inf if 0 is too much.

    The exact MSD under every coupling, and Theorem 3's, each against its own of SGD.
    """
    grid = np.linspace(0, RADIUS / abs(eigenvalue_of(map_)), CELLS)
    radius = np.array(sorted([*radii, *(r for r in grid[1:] if not np.isclose(r, radii).any())]))
    noise: Any = map_.noise

    def exact(here: sd.Map, k: float, coupling: str) -> float:
        results = exact_msd(replace(here, noise=replace(noise, coupling=coupling)), math.ceil(k))
        return float(np.interp(k, np.arange(len(results)), results))  # whole steps would make jumps, and roots at jumps

    forms: dict[str, Callable[[sd.Map, float], float]] = {c: partial(exact, coupling=c) for c in COUPLINGS}
    forms[THEOREM] = lambda here, k: float(theorem_msd(here, k))
    results = []
    with progress_bar("momentum needed", len(forms) * len(COMPARED) * len(radius)) as show:
        for (_, msd), compared, rho in itertools.product(forms.items(), COMPARED, radius):
            goal = msd(map_, steps)

            def excess(
                gamma: float, msd: Any = msd, compared: str = compared, rho: Any = rho, goal: Any = goal
            ) -> float:
                here = analysis.with_parameters(map_, {"rho": rho, "momentum": gamma})
                return msd(*at(here, compared, steps)) / goal - 1

            results.append(first_root(excess))
            show(len(results))
    shape = len(forms), len(COMPARED), len(radius)
    return xr.Dataset(
        {"momentum": (("form", "compared", "rho"), np.reshape(results, shape))},
        coords={"form": [*forms], "compared": [*COMPARED], "rho": radius},
    )


def first_root(excess: Callable[[float], float]) -> float:
    """Return the smallest γ at which an excess turns positive: −inf if it is so at 0, inf if nowhere up to LARGEST."""
    if excess(0.0) > 0:
        return -np.inf
    below = 0.0
    for gamma in 1 - np.geomspace(1, 1 - LARGEST, 12)[1:]:
        if excess(gamma) >= 0:
            return float(brentq(excess, below, gamma, xtol=1e-6))
        below = gamma
    return np.inf


def rises_up_to(rho: np.ndarray, needed: np.ndarray) -> float:
    """Return the largest ρ up to which the momentum needed, 0 at ρ = 0, does not fall."""
    before = np.concatenate([[0.0], needed[:-1]])
    falls = np.flatnonzero(needed < before)
    return float(np.append(0.0, rho)[falls[0] if falls.size else len(rho)])


def needed_table(needed: xr.Dataset, radii: list[float]) -> Table:
    """Return the table of the momenta that make up for a radius."""
    columns = ("", "compared at", *(f"ρ = {r:g}" for r in radii), "rises to ρ =")
    table = cli.table("momentum γ that USAM needs for the MSD of SGD", *columns, keys=2)
    for form, compared in itertools.product(needed.form.values, needed.compared.values):
        line = needed.momentum.sel(form=form, compared=compared)
        rises = f"{rises_up_to(line.rho.values, line.values):.3g}" if np.isfinite(line[0]) else ""
        cells = [f"{v:.3f}" if np.isfinite(v) else "> 0.98" if v > 0 else "< 0" for v in line.sel(rho=radii).values]
        name = form if compared == needed.compared.values[0] else ""
        if form in COUPLINGS and name:
            name = f"USAM, {form}"
        table.add_row(name, compared, *cells, rises)
    return table


def validity(map_: sd.Map, steps: int) -> xr.Dataset:
    """Compare Theorem 3 with exact MSDs over γ and ρ: those of its own model, and those of USAM."""
    lam, name = eigenvalue_of(map_), f"USAM, {vars(map_.noise)['coupling']}"
    axes: Parameters = {
        "momentum": [*np.linspace(0, LARGEST, CELLS)],
        "rho": [*np.linspace(0, RADIUS / abs(lam), CELLS)],
    }

    def measure(setting: sd.Map, compared: str) -> dict[str, float]:
        here, unrounded = at(setting, compared, steps)
        k = round(unrounded)
        # The theorem's model is SGD on another curvature with the same noise.
        drift = lam * (1 + vars(here.method)["rho"] * lam) ** 2
        noise = sd.noise.Gaussian(abs(lam) / batch_size(here))
        model = replace(here, landscape=sd.landscapes.quadratic([drift]), method=sd.GD(), noise=noise)
        valid, other = (theorem_msd(here, k, f) for f in (theory.theorem_3_msd, theory.theorem_3_other_reading))
        of_model, of_usam = (float(exact_msd(m, k)[-1]) for m in (model, here))
        with np.errstate(divide="ignore"):  # shared noise vanishes at ρ = 1/|λ|, and USAM with it
            return {"0": valid / of_model, "1": other / of_model, "2": np.divide(valid, of_usam)}

    data = over(map_, axes, [*COMPARED], measure, "Theorem 3")
    against = ["its model", "its model, C₂ = η/t", name]
    ratio = xr.concat([data[str(i)] for i in range(len(against))], "against").assign_coords(against=against)
    return xr.Dataset({"ratio": ratio}, attrs={"eigenvalue": lam, "lr": map_.lr, "steps": steps})


def validity_table(valid: xr.Dataset) -> Table:
    """Return the table of the shares of settings that Theorem 3 is right for."""
    columns = ("exact MSD of", "compared at", "within 10 %", "within a factor of 2", "too large", "too small")
    table = cli.table(f"{THEOREM} against the exact MSD", *columns, keys=2)
    for against, compared in itertools.product(valid.against.values, valid.compared.values):
        kind = np.digitize(valid.ratio.sel(against=against, compared=compared), EDGES)
        shares = (kind == 2, (kind > 0) & (kind < 4), kind == 4, kind == 0)
        first = compared == valid.compared.values[0]
        table.add_row(against if first else "", compared, *(f"{100 * share.mean():.1f}" for share in shares))
    return table


def draw_validity(valid: xr.Dataset) -> Figure:
    """Draw where Theorem 3 is close to the exact MSD, of the right size, and off."""
    against = [valid.against.values[0], valid.against.values[-1]]
    figure, axes = plt.subplots(len(against), len(COMPARED), figsize=(9.6, 6.4), sharex=True, sharey=True)
    colours = ListedColormap(SHADES)
    for (i, of), (j, compared) in itertools.product(enumerate(against), enumerate(valid.compared.values)):
        ax: Axes = axes[i, j]
        kind = np.digitize(valid.ratio.sel(against=of, compared=compared).transpose("rho", "momentum"), EDGES)
        rho = valid.rho.values * abs(valid.eigenvalue)
        ax.pcolormesh(valid.momentum, rho, kind, cmap=colours, vmin=-0.5, vmax=4.5, shading="nearest", rasterized=True)
        ax.contourf(valid.momentum, rho, kind == 0, levels=[0.5, 1.5], colors="none", hatches=["///"])
        if not i and j < 2:  # the estimate is for long times, |a|t ≫ 1−γ
            draw_estimate(valid, compared, ax)
        ax.set_title(f"exact MSD of {of}\n{compared}")
    for ax in axes[-1]:
        ax.set_xlabel(r"momentum $\gamma$")
    for ax in axes[:, 0]:
        ax.set_ylabel(r"radius $\rho\,|\lambda|$")
    kinds = [Patch(fc=SHADES[2], label="within 10 %"), Patch(fc=SHADES[1], label="within a factor of 2")]
    kinds += [
        Patch(fc=SHADES[0], label="too large by more"),
        Patch(fc=SHADES[0], hatch="///", label="too small by more"),
    ]
    kinds += [*axes[0, 0].get_legend_handles_labels()[0]]
    figure.suptitle("Where is Theorem 3 right about the mean squared displacement?")
    figure.legend(handles=kinds, loc="outside lower center", ncols=3)
    return figure


def draw_estimate(valid: xr.Dataset, compared: str, ax: Axes) -> None:
    """Draw where Theorem 3 is estimated to be 10 % and a factor of 2 too large."""
    gamma, rho = np.meshgrid(np.linspace(0, LARGEST, 200), np.linspace(0, valid.rho.values[-1], 200))
    rate, longer = COMPARED[compared](gamma)
    lr, t = rate * valid.lr, rate * longer * valid.lr * valid.steps
    excess = theory.theorem_3_excess(lam=valid.eigenvalue, lr=lr, t=t, momentum=gamma, rho=rho)
    levels = np.log(EDGES[2:])
    ax.contour(gamma, rho * abs(valid.eigenvalue), excess, levels=levels, colors="white", linewidths=3)
    ax.contour(
        gamma, rho * abs(valid.eigenvalue), excess, levels=levels, colors="black", linewidths=1.2, linestyles="--"
    )
    ax.plot([], [], color="black", ls="--", lw=1.2, label="estimate of where the ratio is 1.1 and 2")


FORMS: dict[str, dict[str, Any]] = {
    "shared": {"color": "#000000", "linestyle": "-", "marker": "o"},
    "independent": {"color": "#D55E00", "linestyle": "--", "marker": "s"},
    "clean": {"color": "#0072B2", "linestyle": "-.", "marker": "D"},
    THEOREM: {"color": "#999999", "linestyle": "-", "lw": 4, "zorder": 1},
}


OUTSIDE = (("^", 1.0, 1), ("v", 0.0, -1))  # marker, height and direction of a γ that is out of range


def draw_needed(needed: xr.Dataset) -> Figure:
    """Draw the momentum needed against ρ."""
    figure, axes = plt.subplots(1, len(COMPARED), figsize=(10.2, 4.2), sharey=True)
    for ax, compared in zip(axes, needed.compared.values, strict=True):
        for i, form in enumerate(needed.form.values):
            line = needed.momentum.sel(form=form, compared=compared)
            style = {"ms": 4, **FORMS[form]}
            name = form if form == THEOREM else f"USAM, {form}"
            ax.plot(line.rho, line.where(np.isfinite(line)), label=name, **style)
            for mark, edge, sign in OUTSIDE:
                outside = line.rho[line.values == sign * np.inf]
                height = edge + sign * (0.03 + 0.045 * i)  # forms side by side
                ax.plot(outside, np.full(len(outside), height), ls="none", marker=mark, ms=4, color=style["color"])
        ax.set(title=compared, xlabel=r"radius $\rho$", ylim=(-0.22, 1.22), yticks=np.linspace(0, 1, 6))
        for edge in (0.0, 1.0):
            ax.axhline(edge, color="0.7", lw=0.8, zorder=0)
    axes[0].set_ylabel(r"momentum $\gamma$ needed")
    figure.suptitle("The momentum with which USAM spreads as far as SGD does without momentum")
    handles = axes[0].get_legend_handles_labels()[0]
    for (mark, _, sign), label in zip(OUTSIDE, ("none is enough", "more than SGD's without any"), strict=True):
        if (needed.momentum == sign * np.inf).any():
            handles.append(Line2D([], [], ls="none", marker=mark, color="0.3", label=label))
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def draw_escapes(escapes: xr.Dataset) -> Figure:
    """Draw the median escape time against γ, a column per batch size, a row per comparison."""
    sizes = escapes.batch_size.values
    figure, axes = plt.subplots(
        len(RATES), len(sizes), figsize=(2.9 * len(sizes) + 0.8, 6.6), sharex=True, sharey=True, squeeze=False
    )
    paler = np.linspace(1, 0.6, escapes.sizes["rho"] - 1)
    for (i, compared), (j, size) in itertools.product(enumerate(RATES), enumerate(sizes)):
        ax = axes[i, j]
        # The script checks this first, since axes without an uncensored median have no range.
        ax.set(yscale="log", ylim=(0.7 * min(escapes.observed / 10, float(escapes.k.min())), 1.4 * escapes.observed))
        draw = [("GD", 0.0), *itertools.product(escapes.algorithm.values, escapes.rho.values[1:])]
        for n, (name, rho) in enumerate(draw):
            of = {"algorithm": name if rho else "USAM", "rho": rho, "compared": compared, "batch_size": size}
            style = {**plot.line(name), "label": f"{name}, ρ = {rho:g}" if rho else "SGD"}
            if rho:
                r = (n - 1) % len(paler)
                style |= {"alpha": paler[r], "markerfacecolor": "white" if r % 2 else style["color"]}
            draw_medians(escapes.sel(of), escapes.observed, ax, **style)
        ax.axhline(escapes.observed, color="0.7", lw=0.8, zorder=0)
        rate = r"equal $\eta$" if compared == RATES[0] else r"equal $\eta/(1-\gamma)$"
        ax.set_title(f"$B = {size}$, {rate}")
    for ax in axes[-1]:
        ax.set_xlabel(r"momentum $\gamma$")
    for ax in axes[:, 0]:
        ax.set_ylabel("median steps $k$ to leave")
    figure.suptitle("Steps to leave the saddle (▲ on the line: most runs had not left by the last step)")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def draw_medians(line: xr.Dataset, observed: int, ax: Axes, **style: Any) -> None:
    """Draw medians with their intervals; where most runs were censored, a triangle where observation ended."""
    median, low, high = (np.minimum(line[name].values, observed) for name in ("k", "k_low", "k_high"))
    ax.errorbar(line.momentum, median, yerr=[median - low, high - median], capsize=2, ms=5, **style)
    censored = line.momentum[np.isinf(line.k.values)]
    marks = {**style, "linestyle": "none", "marker": "^", "label": None}
    ax.plot(censored, np.full(len(censored), observed), ms=10, zorder=3, **marks)


if __name__ == "__main__":
    matplotlib.use("Agg")
    cli.run(main)

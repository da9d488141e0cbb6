"""Do the diffusions of the literature follow SAM's iterates as closely as their authors claim?

The script computes |E φ(wₖ) − E φ(X(kη))| for five functions φ without sampling error: over η with the radius ρ ∝ √η,
over η at one radius, and over ρ. It fits orders of weak convergence of the SDEs of [C23] ("taylor"), of that with the
moments of a step, and of SGD's.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Annotated

import matplotlib
import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from rich.table import Table
from typer import Option

import samdyn as sd
from samdyn import analysis, checks, cli, plot
from samdyn.output import OutputFolder
from samdyn.simulation.progress import progress_bar

# The gradient of no sample vanishes in the box, so that directions are smooth. Runs from START stay in the box.
LOSS = "p*a**2/2 + q*b**2/2 + r*a*b + a**3/12 - s*a + t*b"
DATA = {"p": [1, 2, 0.5], "q": [0.6, 1.5, 2], "r": [0.3, -0.4, 0.2], "s": [-1, -0.5, -1.5], "t": [1, 0.4, 1.2]}
BOX = ((-0.9, 1.6), (-1.0, 1.3))
START, TIME = (1.2, 0.9), 0.5
FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "a": lambda w: w[0],
    "b²": lambda w: w[1] ** 2,
    "ab": lambda w: w[0] * w[1],
    "exp(a/2)": lambda w: np.exp(w[0] / 2),
    "sin(b)": lambda w: np.sin(w[1]),
}
HALVINGS = 4  # count of times that η or ρ is halved
SMALL = 2.0**-3  # first radius of the fit of orders in ρ, in units of the largest
PLAIN = "SGD's"  # the diffusion without ρ
MODELS = {
    "taylor": {"color": "#0072B2", "marker": "s", "linestyle": "--"},
    "moments": {"color": "#000000", "marker": "o", "linestyle": "-"},
    PLAIN: {"color": "#D55E00", "marker": "^", "linestyle": ":"},
}
TITLES = {
    "together": r"$\rho \propto \sqrt{\eta}$",
    "lr": r"one $\rho$",
    "rho": r"one $\eta$, error against \"moments\"",
}


def main(
    methods: Annotated[str, Option(help="USAM, DNSAM, SAM or ASAM, separated by commas.")] = "USAM,DNSAM,SAM",
    lr: Annotated[float, Option(help="The largest learning rate η; it is halved four times.")] = 0.02,
    rho: Annotated[float, Option(help="The radius ρ at that learning rate.")] = 0.07,
    batch_size: Annotated[int, Option(help="Batch size B, drawn with replacement from three samples.")] = 1,
    out: Annotated[
        Path, Option(help="Folder for figure and data; replaced only if it holds an earlier result.")
    ] = Path("results/weak_order"),
) -> None:
    """Do the diffusions of the literature follow SAM's iterates as closely as is claimed?"""
    parameters = {key: str(value) if isinstance(value, Path) else value for key, value in locals().items()}
    checks.positive("--rho", rho, "Use e.g. --rho 0.07")
    steps = TIME / checks.learning_rate(lr)
    if steps < 1 or abs(steps - round(steps)) > 1e-9:
        checks.reject("--lr", lr, f"does not divide the time, {TIME:g}", "Use e.g. --lr 0.02")
    chosen = cli.with_radii(methods, [rho])
    landscape = sd.SampleLandscape(LOSS, "a b", DATA, box=BOX, name="curved")
    noise = sd.noise.FiniteSum(batch_size)
    for method in chosen:
        sd.Diffusion(landscape, method, noise, lr, model="taylor")  # this rejects wrong options before the work starts
        if not isinstance(method, sd.methods.Ascent):
            checks.reject("--methods", methods, "has no radius, and no diffusion but SGD's", "Use USAM, DNSAM or SAM")

    console = cli.console()
    with OutputFolder(out, "weak_order", parameters) as folder:
        with progress_bar("weak errors", 3 * len(chosen)) as show:
            results = {}
            for number, method in enumerate(chosen):
                results[type(method).__name__] = measure(landscape, type(method), noise, lr, rho)
                show(3 * number + 3)
        data = xr.concat(results.values(), "algorithm").assign_coords(algorithm=[*results])
        console.print(make_table(data, rho))
        folder.save_dataset(data, "errors.zarr")
        with plt.rc_context(plot.STYLE):
            folder.save_figure(draw(data), "weak_order.png")
    console.print(f"figure, data and provenance in {out}/")


def measure(
    landscape: sd.Landscape, method: type[sd.Method], noise: sd.noise.Noise, lr: float, rho: float
) -> xr.Dataset:
    """Return the errors of every function and model over η with ρ ∝ √η ("together"), over η ("lr"), and over ρ ("rho").

    Over ρ the function compares a model with the diffusion of the moments of a step, which has no error as η → 0.
    """
    halved = 2.0 ** -np.arange(HALVINGS + 1)
    grids = {
        "together": [(lr * h, rho * h**0.5) for h in halved],
        "lr": [(lr * h, rho) for h in halved],
        "rho": [(lr * halved[-1], rho * SMALL * h) for h in halved],
    }

    @cache  # grids share settings, and SGD's diffusion has no radius
    def along(model: str, rate: float, radius: float) -> np.ndarray:
        moved = method(radius) if radius else sd.GD()  # type: ignore[call-arg]
        return expected(sd.Diffusion(landscape, moved, noise, rate, model=model))

    @cache
    def iterates(rate: float, radius: float) -> np.ndarray:
        return expected(sd.Map(landscape, method(radius), rate, noise=noise))  # type: ignore[call-arg]

    errors = np.zeros((len(grids), len(MODELS), len(halved), len(FUNCTIONS)))
    for i, (name, grid) in enumerate(grids.items()):
        for k, (rate, radius) in enumerate(grid):
            slopes = {model: along(model, rate, radius) for model in ("taylor", "moments")}
            slopes[PLAIN] = along("moments", rate, 0.0)
            truth = slopes["moments"] if name == "rho" else iterates(rate, radius)
            errors[i, :, k] = [np.abs(slopes[model] - truth) for model in MODELS]
    coords = {"varied": [*grids], "model": [*MODELS], "halved": halved, "function": [*FUNCTIONS]}
    return xr.Dataset({"error": ([*coords], errors)}, coords=coords)


def expected(system: sd.Map | sd.Diffusion) -> np.ndarray:
    """Return E φ at the end for every function."""
    return analysis.expected(system, [*FUNCTIONS.values()], START, TIME, BOX).values


def orders(errors: xr.DataArray) -> np.ndarray:
    """Return the slope of log error against the log of the halved parameter for every function, over the last three."""
    last = errors.isel(halved=slice(-3, None)).transpose("halved", "function")
    return np.polyfit(np.log(last.halved), np.log(last.values), 1)[0]


def make_table(data: xr.Dataset, rho: float) -> Table:
    """Return the table of orders: the smallest and the largest over the functions."""
    columns = ("iterates of", "diffusion", "in η, ρ ∝ √η", f"in η, ρ = {rho:g}", "in ρ, η fixed")
    table = cli.table("Order of weak convergence: smallest and largest over five functions", *columns, gap=1, keys=2)
    table.columns[1].justify = "left"
    for method in data.algorithm.values:
        for model in MODELS:
            cells = []
            for varied in TITLES:
                errors = data.error.sel(algorithm=method, model=model, varied=varied)
                slopes = orders(errors) if float(errors.max()) else None
                cells.append("" if slopes is None else f"{slopes.min():.2f} to {slopes.max():.2f}")
            table.add_row(method if model == "taylor" else "", model, *cells)
    return table


def draw(data: xr.Dataset) -> Figure:
    """Draw the root mean square of the errors over the functions, a row for each thing varied, a column per method."""
    rows, columns = len(TITLES), data.sizes["algorithm"]
    figure, axes = plt.subplots(rows, columns, figsize=(3.1 * columns + 0.6, 8), sharey="row", squeeze=False)
    for i, varied in enumerate(TITLES):
        for j, method in enumerate(data.algorithm.values):
            ax = axes[i, j]
            for n, (model, style) in enumerate(MODELS.items()):
                errors = data.error.sel(algorithm=method, model=model, varied=varied)
                size = (errors**2).mean("function") ** 0.5
                if float(size.max()):
                    ax.plot(size.halved, size, ms=5, label=model, **style)
                    order = np.polyfit(np.log(size.halved[-3:]), np.log(size[-3:]), 1)[0]
                    ax.text(
                        0.97, 0.05 + 0.09 * n, f"order {order:.2f}", transform=ax.transAxes, ha="right", fontsize=8,
                        color=style["color"],
                    )  # fmt: skip
            ax.set(xscale="log", yscale="log", title=f"{method}, {TITLES[varied]}")
            largest = r"$\rho$" if varied == "rho" else r"$\eta$"
            ax.set_xlabel(f"{largest}, of its largest value")
            ax.xaxis.set_major_locator(matplotlib.ticker.FixedLocator(list(data.halved.values)))
            ax.xaxis.set_major_formatter(lambda v, _: f"1/{round(1 / v)}" if v < 1 else "1")
            ax.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
        axes[i, 0].set_ylabel(r"$|E\,\varphi(w_k) - E\,\varphi(X)|$, r.m.s.")
    figure.suptitle("Weak errors of diffusions, with fitted orders")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, title="diffusion")
    return figure


if __name__ == "__main__":
    matplotlib.use("Agg")
    cli.run(main)

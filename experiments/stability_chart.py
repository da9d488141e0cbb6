"""Over which learning rates, radii and momenta does a saddle hold the runs around it?

The script measures this on a grid of two parameters, draws the closed-form boundary over the colours, and counts the
settings where they differ.
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import matplotlib
import numpy as np
import torch
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from rich.table import Table
from typer import Option

import samdyn as sd
from samdyn import analysis, checks, cli, plot, symbolic
from samdyn.analysis import CriticalPoint, StabilityChart
from samdyn.methods import Ascent
from samdyn.output import OutputFolder
from samdyn.simulation.progress import tracked

FINE = 600  # values along each axis of the grid on which the closed form's line is drawn
SYMBOLS = {"rho": "ρ", "lr": "η", "momentum": "γ", "distance": "distance"}


def main(
    landscape: Annotated[str, Option(help="A name from the catalogue, or a formula like 'x**2 - y**2'.")] = "saddle",
    coordinates: Annotated[str, Option(help="The coordinates of a formula.")] = "x y",
    saddle: Annotated[str, Option(help="Which saddle: the one nearest to this point. Default: the lowest.")] = "",
    methods: Annotated[str, Option(help="Names, separated by commas.")] = "USAM,SAM",
    x: Annotated[str, Option(help="Parameter on the x-axis: rho, lr, momentum or distance (of the start).")] = "rho",
    y: Annotated[str, Option(help="Parameter on the y-axis. Default: lr, or distance if there is no Jacobian.")] = "",
    x_range: Annotated[str, Option(help="Lowest and highest x. Default: a range around the threshold.")] = "",
    y_range: Annotated[str, Option(help="Lowest and highest y.")] = "",
    rho: Annotated[float | None, Option(help="Radius ρ if it is on no axis. Default: 1.5/|λ|.")] = None,
    lr: Annotated[float | None, Option(help="Learning rate η if it is on no axis. Default: 0.02/max|λ|.")] = None,
    momentum: Annotated[str, Option(help="Momenta γ if it is on no axis: one chart for each.")] = "0,0.9",
    ascent_steps: Annotated[int, Option(help="Ascent steps n.")] = 1,
    resolution: Annotated[int, Option(help="Number of values along each axis.")] = 100,
    steps: Annotated[int, Option(help="Number of steps of every run.")] = 2000,
    out: Annotated[
        Path, Option(help="Folder for figures and data; replaced only if it holds an earlier result.")
    ] = Path("results/stability_chart"),
) -> None:
    """Over which learning rates, radii and momenta does a saddle hold the runs around it?"""
    parameters = {key: str(value) if isinstance(value, Path) else value for key, value in locals().items()}
    scene = cli.landscape(landscape, coordinates)
    point = cli.saddle(scene, analysis.critical_points(scene), saddle)
    if resolution < 2:
        checks.reject("--resolution", resolution, "must be an integer >= 2", "Use e.g. --resolution 100")
    steps = checks.count("--steps", steps, "Use e.g. --steps 2000")
    radius = 1.5 / abs(point.eigenvalues[0]) if rho is None else rho
    rate = 0.02 / abs(point.eigenvalues).max() if lr is None else lr
    settings = []
    for named in cli.with_radii(methods, [radius]):
        method = replace(named, ascent_steps=ascent_steps) if isinstance(named, sd.methods.Ascent) else named
        linear = analysis.is_linear(sd.Map(scene, method, lr=rate), point)
        up = y or ("lr" if linear else "distance")
        for gamma in (
            cli.momenta("--momentum", cli.numbers("--momentum", momentum)) if "momentum" not in (x, up) else [0.0]
        ):
            map_ = sd.Map(scene, method, lr=rate, momentum=gamma)
            if x == up:
                checks.reject("--y", up, "both axes are the same", "Choose two different parameters")
            names = [(x, "--x-range", x_range), (up, "--y-range", y_range)]
            axes = [(n, axis(n, option, text, point, map_, resolution)) for n, option, text in names]
            if not linear and "distance" not in (x, up):
                rule = f"near the saddle {type(method).__name__} has no Jacobian: it matters how far out a run starts"
                checks.reject("--y", up, rule, "Use --y distance")
            analysis.with_parameters(
                map_, {n: float(v[0]) for n, v in axes if n != "distance"}
            )  # this rejects wrong options before the work starts
            settings.append((map_, axes))

    console = cli.console()
    results = []
    with OutputFolder(out, "stability_chart", parameters) as folder:
        for map_, (along, up_) in tracked("charts", settings):
            chart = analysis.stability_chart(map_, point, along, up_, steps=steps)
            fine = [np.linspace(values[0], values[-1], FINE) for values in (chart.x, chart.y)]
            results.append(
                (map_, chart, predict(map_, point, chart, chart.x, chart.y), predict(map_, point, chart, *fine))
            )
        console.print(f"{scene.name}: saddle at {cli.shown(point.w)}, λ = {cli.shown(point.eigenvalues)}")
        console.print(make_table(results))
        console.print(
            "off the line: settings that disagree with theory, more than one grid cell from the closed-form boundary"
        )
        with plt.rc_context(plot.STYLE):
            folder.save_figure(draw(results), "stability_chart.png")
        for number, result in enumerate(results):
            folder.save_dataset(make_dataset(*result[:3]), f"chart_{number}.zarr")
    console.print(f"figure, data and provenance in {out}/")


# An entry has the map, the measured chart, and the closed form on the same grid and on a finer one.
Result = tuple[sd.Map, StabilityChart, StabilityChart | None, StabilityChart | None]


def axis(name: str, option: str, text: str, point: CriticalPoint, map_: sd.Map, resolution: int) -> np.ndarray:
    """Return the values along an axis: those of the option, or a default range that contains the threshold."""
    length, strongest = 1 / abs(point.eigenvalues[0]), abs(point.eigenvalues).max()
    usual = {
        "rho": (0.02 * length, 2 * getattr(map_.method, "ascent_steps", 1) * length),
        "lr": (0.01 / strongest, 3 * (1 + map_.momentum) / strongest),
        "momentum": (0.0, 0.98),
        "distance": (0.02 * length, 2 * length),
    }
    if name not in usual:
        checks.reject(
            option.removesuffix("-range"), name, "no chart is drawn over it", f"Use one of {', '.join(usual)}"
        )
    low, high = usual[name]
    if text:
        ends = cli.numbers(option, text)
        if len(ends) != 2 or not ends[0] < ends[1] or not np.isfinite(ends).all():
            checks.reject(option, text, "must be two finite numbers, the lower first", f"Use e.g. {option} 0.1,2")
        low, high = ends
    return np.linspace(low, high, resolution)


def predict(
    map_: sd.Map, point: CriticalPoint, chart: StabilityChart, x: np.ndarray, y: np.ndarray
) -> StabilityChart | None:
    """Return the closed form over a chart's parameters, negative where it says that runs return; None if none is known.

    If an axis is the distance from the saddle, the number is the distance from the edge of the trap, in the units of w.
    """
    grid = dict(zip((chart.x_name, chart.y_name), np.meshgrid(x, y), strict=True))
    distance = grid.pop("distance", None)
    values = {name: torch.as_tensor(v.ravel()) for name, v in grid.items()}
    if distance is None:
        rate = symbolic.predicted_growth(analysis.with_parameters(map_, values), torch.as_tensor(point.eigenvalues))
        return None if rate is None else replace(chart, x=x, y=y, rate=rate.reshape(len(y), len(x)).numpy())
    trap = symbolic.predicted_boundary(map_, point.eigenvalues)
    if trap is None or trap.quantity != "width":
        return None
    return replace(chart, x=x, y=y, rate=distance - np.asarray(grid.get("rho", trap.low)))


def off_the_line(measured: np.ndarray, predicted: np.ndarray) -> int:
    """Count the settings that disagree with the closed form though all their neighbours lie on the same side of it."""
    holds = np.pad(predicted, 1, mode="edge")
    neighbours = np.lib.stride_tricks.sliding_window_view(holds, (3, 3))
    clear = neighbours.all((2, 3)) | (~neighbours).all((2, 3))
    return int((clear & (measured != predicted)).sum())


def title(map_: sd.Map, chart: StabilityChart) -> str:
    """Return the title of a chart: the method, and the parameters that are not axes."""
    values = {"rho": map_.radius if isinstance(map_.method, Ascent) else None, "lr": map_.lr, "momentum": map_.momentum}
    fixed = [
        f"{SYMBOLS[n]} = {v:g}" for n, v in values.items() if v is not None and n not in (chart.x_name, chart.y_name)
    ]
    return ", ".join([type(map_.method).__name__, *fixed])


def make_table(results: list[Result]) -> Table:
    """Return the table the experiment prints."""
    columns = ("chart", "over", "settings", "hold,\nmeasured", "hold,\ntheory", "disagree", "off the\nline")
    table = cli.table(None, *columns, gap=1)
    for map_, chart, closed_form, _ in results:
        measured = chart.rate < 0
        compared = ["no formula", "", ""]
        if closed_form is not None:
            predicted = closed_form.rate < 0
            differ = int((measured != predicted).sum())
            compared = [f"{100 * predicted.mean():.1f} %", str(differ), str(off_the_line(measured, predicted))]
        over = f"{SYMBOLS[chart.x_name]} × {SYMBOLS[chart.y_name]}"
        table.add_row(title(map_, chart), over, str(measured.size), f"{100 * measured.mean():.1f} %", *compared)
    return table


def draw(results: list[Result]) -> Figure:
    """Draw the charts side by side."""
    figure, axes = plt.subplots(1, len(results), figsize=(max(4.4, 3.6 * len(results)), 3.9), squeeze=False)
    for ax, (map_, chart, _, fine) in zip(axes[0], results, strict=True):
        plot.stability_chart(chart, ax, predicted=fine)
        ax.set_title(title(map_, chart))
    figure.suptitle(results[0][0].landscape.name)
    return figure


def make_dataset(map_: sd.Map, chart: StabilityChart, predicted: StabilityChart | None) -> xr.Dataset:
    """Return the data of a chart."""
    axes = (chart.y_name, chart.x_name)
    rates = {"rate": (axes, chart.rate)}
    if predicted is not None:
        rates["predicted"] = (axes, predicted.rate)
    return xr.Dataset(rates, coords={chart.x_name: chart.x, chart.y_name: chart.y}, attrs={"map": title(map_, chart)})


if __name__ == "__main__":
    matplotlib.use("Agg")
    cli.run(main)

"""Over which learning rates, radii and momenta does a saddle hold the runs around it?

The script measures this on a grid of two parameters, draws the closed-form boundary over the colours, and counts the
settings where they differ.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import numpy as np
import torch
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import analysis, checks, lab, plot, symbolic
from samdyn.analysis import CriticalPoint, StabilityChart
from samdyn.methods import Ascent
from samdyn.simulation.progress import tracked

FINE = 600  # values along each axis of the grid on which the closed form's line is drawn
AXES = ("rho", "lr", "momentum", "distance")
OFF = "off the line: settings that disagree with theory, more than one grid cell from the closed-form boundary"


def main(
    landscape: lab.LandscapeText = "saddle",
    coordinates: lab.Coordinates = "x y",
    saddle: lab.SaddleText = "",
    methods: lab.Methods = (sd.USAM, sd.SAM),
    x: Annotated[
        str, "Parameter on the x-axis: rho, lr, momentum or distance (of the start).", lab.choice("axis", AXES)
    ] = "rho",
    y: Annotated[
        str | None,
        "Parameter on the y-axis. Default: lr, or distance if there is no Jacobian.",
        lab.choice("axis", AXES),
    ] = None,
    x_range: Annotated[lab.Limits | None, "Lowest and highest x. Default: a range around the threshold."] = None,
    y_range: Annotated[lab.Limits | None, "Lowest and highest y."] = None,
    rho: Annotated[lab.Radius | None, "Radius ρ if it is on no axis. Default: 1.5/|λ|."] = None,
    lr: Annotated[lab.LearningRate | None, "Learning rate η if it is on no axis. Default: 0.02/max|λ|."] = None,
    momentum: Annotated[lab.Momenta, "Momenta γ if it is on no axis: one chart for each."] = (0.0, 0.9),
    ascent_steps: lab.AscentSteps = 1,
    resolution: lab.Resolution = 100,
    steps: lab.Steps = 2000,
    *,
    report: lab.Report,
) -> None:
    """Over which learning rates, radii and momenta does a saddle hold the runs around it?"""
    scene = lab.landscape(landscape, coordinates)
    point = lab.saddle(scene, analysis.critical_points(scene), saddle)
    radius = 1.5 / abs(point.eigenvalues[0]) if rho is None else rho
    rate = 0.02 / abs(point.eigenvalues).max() if lr is None else lr
    charts = []
    for method in lab.with_radii(methods, [radius]):
        method = replace(method, ascent_steps=ascent_steps) if isinstance(method, Ascent) else method
        up = y or ("lr" if analysis.is_linear(sd.Map(scene, method, lr=rate), point) else "distance")
        for gamma in momentum if "momentum" not in (x, up) else [0.0]:
            map_ = sd.Map(scene, method, lr=rate, momentum=gamma)
            ends = {x: x_range or usual(x, map_, point), up: y_range or usual(up, map_, point)}
            check(map_, point, x, up, ends)
            charts.append((map_, [(name, np.linspace(*limits, resolution)) for name, limits in ends.items()]))

    results = [
        (map_, analysis.stability_chart(map_, point, *axes, steps=steps)) for map_, axes in tracked("charts", charts)
    ]
    closed_forms = [predict(map_, point, chart) for map_, chart in results]
    rows = [row(*result, closed_form) for result, closed_form in zip(results, closed_forms, strict=True)]
    columns = {"chart": "{chart}", "over": "{over}", "settings": "{settings}", "hold,\nmeasured": "{measured:.1f} %"}
    columns |= {"hold,\ntheory": "{theory}", "disagree": "{differ:.0f}", "off the\nline": "{off:.0f}"}
    report.print(f"{scene.name}: saddle at {lab.vector(point.w)}, λ = {lab.vector(point.eigenvalues)}")
    report.print(lab.table(rows, columns), OFF)
    for number, one in enumerate(rows):
        report.data(one, f"chart_{number}")
    report.figure(draw(results, point), "stability_chart")


def usual(name: str, map_: sd.Map, point: CriticalPoint) -> tuple[float, float]:
    """Return the default range of a parameter, in units of the Hessian's eigenvalues."""
    length, strongest = 1 / abs(point.eigenvalues[0]), abs(point.eigenvalues).max()
    return {
        "rho": (0.02 * length, 2 * getattr(map_.method, "ascent_steps", 1) * length),
        "lr": (0.01 / strongest, 3 * (1 + map_.momentum) / strongest),
        "momentum": (0.0, 0.98),
        "distance": (0.02 * length, 2 * length),
    }[name]


def check(map_: sd.Map, point: CriticalPoint, x: str, y: str, ends: dict[str, tuple[float, float]]) -> None:
    """Refuse axes over which no chart can be measured."""
    if x == y:
        checks.reject("--y", y, "both axes are the same", "Choose two different parameters")
    if not analysis.is_linear(map_, point) and "distance" not in (x, y):
        name = type(map_.method).__name__
        rule = f"near the saddle {name} has no Jacobian: it matters how far out a run starts"
        checks.reject("--y", y, rule, "Use --y distance")
    analysis.with_parameters(map_, {name: low for name, (low, _) in ends.items() if name != "distance"})


def predict(map_: sd.Map, point: CriticalPoint, chart: StabilityChart, fine: int = 0) -> StabilityChart | None:
    """Return the closed form over a chart's parameters, negative where it says that runs return; None if none is known.

    If an axis is the distance from the saddle, the number is the distance from the edge of the trap, in the units of w.
    The grid is that of the chart, or has ``fine`` values along each axis.
    """
    x, y = (np.linspace(axis[0], axis[-1], fine or len(axis)) for axis in (chart.x, chart.y))
    grid = dict(zip((chart.x_name, chart.y_name), np.meshgrid(x, y), strict=True))
    distance = grid.pop("distance", None)
    if distance is None:
        values = {name: torch.as_tensor(axis.ravel()) for name, axis in grid.items()}
        rate = symbolic.predicted_growth(analysis.with_parameters(map_, values), torch.as_tensor(point.eigenvalues))
        return None if rate is None else replace(chart, x=x, y=y, rate=rate.reshape(len(y), len(x)).numpy())
    trap = symbolic.predicted_boundary(map_, point.eigenvalues)
    if trap is None or trap.quantity != "width":
        return None
    return replace(chart, x=x, y=y, rate=distance - np.asarray(grid.get("rho", trap.low)))


def row(map_: sd.Map, chart: StabilityChart, closed_form: StabilityChart | None) -> xr.Dataset:
    """Return a chart and the closed form as data, with the numbers of the table."""
    axes, names = (chart.y_name, chart.x_name), (chart.x_name, chart.y_name)
    data = xr.Dataset({"rate": (axes, chart.rate)}, {chart.x_name: chart.x, chart.y_name: chart.y})
    data["chart"] = plot.label(map_, without=names)
    data["over"] = " × ".join(plot.SYMBOLS.get(name, name) for name in names)
    data["settings"], data["measured"] = chart.rate.size, 100 * chart.returns.mean()
    data["theory"], data["differ"], data["off"] = "no formula", np.nan, np.nan
    if closed_form is not None:
        data["predicted"] = (axes, closed_form.rate)
        data["theory"] = f"{100 * closed_form.returns.mean():.1f} %"
        data["differ"], data["off"] = chart.differences(closed_form)
    return data


def draw(results: Sequence[tuple[sd.Map, StabilityChart]], point: CriticalPoint) -> Figure:
    """Draw the charts side by side."""
    figure, axes = plt.subplots(1, len(results), figsize=(max(4.4, 3.6 * len(results)), 3.9), squeeze=False)
    for ax, (map_, chart) in zip(axes[0], results, strict=True):
        plot.stability_chart(chart, ax, predicted=predict(map_, point, chart, FINE))
        ax.set_title(plot.label(map_, without=(chart.x_name, chart.y_name)))
    figure.suptitle(results[0][0].landscape.name)
    return figure


if __name__ == "__main__":
    lab.run(main)

"""Over which learning rates, radii and momenta does a saddle hold the runs around it?

The script measures this on a grid of two parameters, draws the closed-form boundary over the colours, and counts the
settings where they differ.
"""

from dataclasses import replace
from typing import Annotated

import numpy as np
import xarray as xr

import samdyn as sd
from samdyn import analysis, checks, lab, plot, theory
from samdyn.methods import Ascent
from samdyn.simulation.progress import tracked

FINE = 600  # values along each axis of the grid on which the closed form's line is drawn
AXES = ("rho", "lr", "momentum", "distance")
OFF = "off the line: settings that disagree with theory, more than one grid cell from the closed-form boundary"
Axis = Annotated[
    str, "Parameter on the x-axis: rho, lr, momentum or distance (of the start).", lab.choice("axis", AXES)
]


def main(
    report: lab.Report,
    at: lab.AtSaddle = lab.AtSaddle(),
    methods: lab.Methods = (sd.USAM, sd.SAM),
    x: Axis = "rho",
    y: Annotated[Axis | None, "Parameter on the y-axis. Default: lr, or distance if there is no Jacobian."] = None,
    x_range: Annotated[lab.Limits | None, "Lowest and highest x. Default: a range around the threshold."] = None,
    y_range: Annotated[lab.Limits | None, "Lowest and highest y."] = None,
    rho: Annotated[lab.Radius | None, "Radius ρ if it is on no axis. Default: 1.5/|λ|."] = None,
    lr: Annotated[lab.LearningRate | None, "Learning rate η if it is on no axis. Default: 0.02/max|λ|."] = None,
    momentum: Annotated[lab.Momenta, "Momenta γ if it is on no axis: one chart for each."] = (0.0, 0.9),
    ascent_steps: lab.AscentSteps = 1,
    resolution: lab.Resolution = 100,
    steps: lab.Steps = 2000,
) -> None:
    scene, point = at.scene, at.point
    radius = 1.5 / abs(point.eigenvalues[0]) if rho is None else rho
    rate = 0.02 / abs(point.eigenvalues).max() if lr is None else lr
    planned = []
    for method in lab.with_radii(methods, [radius]):
        method = replace(method, ascent_steps=ascent_steps) if isinstance(method, Ascent) else method
        is_linear = analysis.is_linear(sd.Map(scene, method, lr=rate), point)
        up = y or ("lr" if is_linear else "distance")
        if x == up:
            checks.reject("--y", up, "both axes are the same", "Choose two different parameters")
        if not is_linear and "distance" not in (x, up):
            rule = f"near the saddle {type(method).__name__} has no Jacobian: it matters how far out a run starts"
            checks.reject("--y", up, rule, "Use --y distance")
        for gamma in momentum if "momentum" not in (x, up) else [0.0]:
            map_ = sd.Map(scene, method, lr=rate, momentum=gamma)
            ends = {x: x_range or usual(x, map_, point), up: y_range or usual(up, map_, point)}
            analysis.with_parameters(map_, {name: low for name, (low, _) in ends.items() if name != "distance"})
            planned.append((map_, [(name, np.linspace(*limits, resolution)) for name, limits in ends.items()]))

    maps = [map_ for map_, _ in planned]
    charts = [analysis.stability_chart(m, point, *axes, steps=steps) for m, axes in tracked("charts", planned)]
    rows = [row(map_, point, chart) for map_, chart in zip(maps, charts, strict=True)]
    columns = {"chart": "{chart}", "over": "{over}", "settings": "{settings}", "hold,\nmeasured": "{measured:.1f} %"}
    columns |= {"hold,\ntheory": "{theory}", "disagree": "{differ:.0f}", "off the\nline": "{off:.0f}"}
    report.print(f"{scene.name}: {at.text}", lab.table(rows, columns), OFF)
    for number, one in enumerate(rows):
        report.data(one, f"chart_{number}")
    lines = [theory.predicted_chart(m, point, chart, FINE) for m, chart in zip(maps, charts, strict=True)]
    figure = plot.stability_charts(maps, charts, predicted=lines)
    figure.suptitle(scene.name)
    report.figure(figure, "stability_chart")


def usual(name: str, map_: sd.Map, point: analysis.CriticalPoint) -> tuple[float, float]:
    """Return the default range of a parameter, in units of the Hessian's eigenvalues."""
    length, strongest = 1 / abs(point.eigenvalues[0]), abs(point.eigenvalues).max()
    return {
        "rho": (0.02 * length, 2 * getattr(map_.method, "ascent_steps", 1) * length),
        "lr": (0.01 / strongest, 3 * (1 + map_.momentum) / strongest),
        "momentum": (0.0, 0.98),
        "distance": (0.02 * length, 2 * length),
    }[name]


def row(map_: sd.Map, point: analysis.CriticalPoint, chart: analysis.StabilityChart) -> xr.Dataset:
    """Return a chart and the closed form as data, with the numbers of the table."""
    names = (chart.x_name, chart.y_name)
    data = chart.dataset.assign(chart=plot.label(map_, without=names), settings=chart.rate.size)
    data["over"] = " × ".join(plot.SYMBOLS.get(name, name) for name in names)
    data["measured"] = 100 * chart.returns.mean()
    closed_form = theory.predicted_chart(map_, point, chart)
    if closed_form is None:
        return data.assign(theory="no formula", differ=np.nan, off=np.nan)
    differ, off = chart.differences(closed_form)
    share = f"{100 * closed_form.returns.mean():.1f} %"
    return data.assign(predicted=closed_form.dataset.rate, theory=share, differ=differ, off=off)


if __name__ == "__main__":
    lab.run(main)

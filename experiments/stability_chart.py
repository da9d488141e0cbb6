"""Over which learning rates, radii and momenta does a saddle hold the runs around it?

The script measures this on a grid of two parameters, draws the closed-form boundary over the colours, and counts the
settings where they differ.
"""

from dataclasses import replace
from typing import Annotated

import numpy as np

import samdyn as sd
from samdyn import analysis, checks, lab, plot, theory
from samdyn.simulation.progress import tracked

FINE = 600  # values along each axis of the grid on which the closed form's line is drawn
AXES = ("rho", "lr", "momentum", "distance")
OFF = "off the line: settings that disagree with theory, more than one grid cell from its line. Empty: no formula"
Axis = Annotated[str, "On the x-axis: rho, lr, momentum or distance (of the start).", lab.choice("axis", AXES)]


def main(
    report: lab.Report,
    at: lab.AtSaddle = lab.AtSaddle(),
    methods: lab.Methods = (sd.USAM, sd.SAM),
    x: Axis = "rho",
    y: Annotated[Axis | None, "On the y-axis. Default: lr, or distance if there is no Jacobian."] = None,
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
        method = replace(method, ascent_steps=ascent_steps) if isinstance(method, sd.methods.Ascent) else method
        is_linear = analysis.is_linear(sd.Map(scene, method, lr=rate), point)
        up = y or ("lr" if is_linear else "distance")
        if x == up:
            checks.reject("--y", up, "both axes are the same", "Choose two different parameters")
        if not is_linear and "distance" not in (x, up):
            rule = f"near the saddle {type(method).__name__} has no Jacobian: it matters how far out a run starts"
            checks.reject("--y", up, rule, "Use --y distance")
        for gamma in momentum if "momentum" not in (x, up) else [0.0]:
            map_ = sd.Map(scene, method, lr=rate, momentum=gamma)
            ends = {x: x_range or lab.usual_range(x, map_, point), up: y_range or lab.usual_range(up, map_, point)}
            analysis.with_parameters(map_, {name: low for name, (low, _) in ends.items() if name != "distance"})
            planned.append((map_, [(name, np.linspace(*limits, resolution)) for name, limits in ends.items()]))

    maps = [map_ for map_, _ in planned]
    charts = [analysis.stability_chart(m, point, *axes, steps=steps) for m, axes in tracked("charts", planned)]
    rows = []
    for map_, chart in zip(maps, charts, strict=True):
        names = chart.x_name, chart.y_name
        over = " × ".join(plot.SYMBOLS.get(name, name) for name in names)
        compared = theory.compared_chart(map_, point, chart)
        rows.append(compared.assign(chart=plot.label(map_, without=names), over=over, settings=chart.rate.size))
    columns = {"chart": "{chart}", "over": "{over}", "settings": "{settings}", "hold,\nmeasured": "{measured:.1%}"}
    columns |= {"hold,\ntheory": "{theory:.1%}", "disagree": "{differ:.0f}", "off the\nline": "{off:.0f}"}
    report.print(f"{scene.name}: {at.text}", lab.table(rows, columns), OFF)
    for number, one in enumerate(rows):
        report.data(one, f"chart_{number}")
    lines = [theory.predicted_chart(m, point, chart, FINE) for m, chart in zip(maps, charts, strict=True)]
    figure = plot.stability_charts(maps, charts, predicted=lines)
    figure.suptitle(scene.name)
    report.figure(figure, "stability_chart")


if __name__ == "__main__":
    lab.run(main)

"""When, and why, does SAM stay at a saddle that gradient descent leaves?

The script starts many runs around a saddle, prints their outcomes, and compares the measurements with theory.
"""

from itertools import product
from typing import Annotated

import numpy as np
from matplotlib import pyplot as plt

import samdyn as sd
from samdyn import analysis, lab, plot, symbolic, theory
from samdyn.methods import Ascent

# Default ρ, in units of 1/|λ|, λ the escaping eigenvalue.
RADII = (0.1, 0.25, 0.5, 0.75, 0.9, 1.1, 1.25, 1.5, 1.75, 2.0)
SHOWN = 1.25  # ρ of the paths that are drawn, in the same units
LONGEST_PATH = 20_000  # largest count of steps of a path; a picture shows fewer
LEGEND = """\
trap, esc, div, und: trapped, escaped, diverged, undecided. Escape times are t = kη (Kaplan-Meier). ρ>0.5, w<0.05: see \
docs/glossary.md. The theory is for the quadratic approximation at the saddle, its widths for no momentum."""


def main(
    report: lab.Report,
    at: lab.AtSaddle = lab.AtSaddle(),
    methods: lab.Methods = (sd.GD, sd.USAM, sd.SAM),
    rho: Annotated[lab.Radii | None, "Radii ρ. Default: ten from 0.1/|λ| to 2/|λ|."] = None,
    lr: Annotated[lab.LearningRates | None, "Learning rates η. Default: 0.02/max|λ|."] = None,
    momentum: lab.Momenta = (0.0,),
    starts: lab.Starts = 1000,
    distribution: Annotated[str, "disc: a uniform ball; normal: Gaussian; line: along the escape direction."] = "disc",
    spread: Annotated[lab.Positive | None, "The ball's radius, or the Gaussian's σ. Default: 1/|λ| or less."] = None,
    steps: lab.Steps = 5000,
    seed: Annotated[lab.Seed, "Seed of the starts."] = 0,
    device: lab.Device = "auto",
    dtype: lab.Dtype = "float64",
) -> None:
    scene, point = at.scene, at.point
    length = 1 / float(abs(point.eigenvalues[0]))  # the radius from which USAM's perturbed point crosses the saddle
    radii = rho or [float(f"{r * length:.3g}") for r in RADII]
    rates = lr or [float(f"{0.02 / abs(point.eigenvalues).max():.3g}")]
    maps = [sd.Map(scene, m, lr=e, momentum=g) for e, g, m in product(rates, momentum, lab.with_radii(methods, radii))]
    near = lab.neighbourhood(point, at.points, starts, distribution, spread, seed)
    largest = min(4 * max(length, *radii), near.limit)  # up to which the edge of a trap is searched
    resolved = {"saddle": point.w.tolist(), "eigenvalues": point.eigenvalues.tolist(), "rho": radii, "lr": rates}
    resolved |= {"spread": near.spread, "half-width of the box to escape from": near.exit}
    report.about["resolved"] = {**resolved, "farthest start tried for a trap": largest}

    def measure(together: list[sd.Map]) -> list[tuple[analysis.Escape, analysis.Boundary]]:
        escapes = analysis.escapes(together, point, near.starts, near.exit, steps, dtype=dtype, device=device)
        return [*zip(escapes, analysis.capture_boundaries(together, point, largest, steps), strict=True)]

    finished = lab.in_ensembles(maps, measure, report, "saddle escape")
    maps = maps[: len(finished)]
    escapes, edges = map(list, zip(*finished, strict=True))
    closed_forms = [symbolic.predicted_boundary(map_, point.eigenvalues) for map_ in maps]
    data = analysis.escapes_dataset(maps, escapes, edges)
    data = data.assign(start=(("run", "coord"), near.starts), saddle=("coord", point.w))
    data["boundary_predicted"] = ("setting", [edge.low if edge else np.nan for edge in closed_forms])
    data["measured"] = ("setting", [str(edge) for edge in edges])
    data["theory"] = ("setting", [str(edge or "no formula") for edge in closed_forms])
    report.data(data, "runs")

    axes = {"lr": rates, "momentum": momentum}
    fixed = {name: f"{plot.SYMBOLS[name]} = {values[0]:g}" for name, values in axes.items() if len(values) == 1}
    columns: dict[str, lab.Column] = {"method": "{method}"}
    columns["ρ"] = lambda one: f"{one.rho:g}" if issubclass(sd.methods.named(one.method.item()), Ascent) else ""
    columns |= {plot.SYMBOLS[name]: f"{{{name}:g}}" for name in axes if name not in fixed}
    keys = len(columns)
    columns |= dict(zip(("trap", "esc", "div", "und"), map(lab.percent, analysis.OUTCOMES), strict=True))
    columns |= {"median escape\ntime [95 %]": lab.censored("median_time", ".3g")}
    columns |= {"capture\nmeasured": "{measured}", "capture\ntheory": "{theory}"}
    report.print(f"{scene.name}: L = {scene.expr}; {at.text}")
    title = ", ".join([f"{starts} runs a setting, shares in %", *fixed.values()])
    report.print(lab.table(data, columns, "setting", title=title, keys=keys), LEGEND)

    figure, ax = plt.subplots(figsize=(6.4, 4.0))
    predicted = theory.usam_threshold(eigenvalues=point.eigenvalues)
    plot.trapped_fractions(maps, escapes, edges, ax, without=[*fixed], predicted=predicted)
    ax.set_title(f"Which share of the runs does the saddle capture? {', '.join([scene.name, *fixed.values()])}")
    figure.legend(loc="outside lower center", ncols=2)
    report.figure(figure, "trapped_fraction")
    report.figure(plot.survivals(maps, escapes), "escape_times")

    # A run of one setting of every method past the saddle, and the cosines of its two gradients.
    chosen, paths, view = analysis.example_paths(maps, point, min(steps, LONGEST_PATH), rho=SHOWN * length)
    cosines = [analysis.cosine(*pair) for pair in zip(chosen, paths, strict=True)]
    traps = [symbolic.predicted_boundary(map_, point.eigenvalues) for map_ in chosen]
    report.figure(plot.cosines(chosen, cosines, paths, center=point.w, boundaries=traps), "cosine")
    if scene.dim == 2:
        figure = plot.paths(chosen, paths, box=view)
        figure.suptitle(f"{scene.name}: {paths[0].sizes['step'] - 1} steps from one start (ring) to the end (filled)")
        report.figure(figure, "trajectories")


if __name__ == "__main__":
    lab.run(main)

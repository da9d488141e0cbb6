"""When, and why, does SAM stay at a saddle that gradient descent leaves?

The script starts many runs around a saddle, prints their outcomes, and compares the measurements with theory.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby, product
from typing import Annotated

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from rich.table import Table

import samdyn as sd
from samdyn import analysis, checks, lab, plot, symbolic, theory
from samdyn.analysis import Boundary, CriticalPoint, Escape
from samdyn.methods import Ascent
from samdyn.simulation.progress import progress_bar

# Default ρ, in units of 1/|λ|, λ the escaping eigenvalue.
RADII = (0.1, 0.25, 0.5, 0.75, 0.9, 1.1, 1.25, 1.5, 1.75, 2.0)
TOGETHER = 10  # settings of one method in one ensemble; Ctrl-C saves the finished ensembles
LONGEST_PATH = 20_000  # largest count of steps of a path; a picture shows fewer
LEGEND = """\
trap, esc, div, und: trapped, escaped, diverged, undecided. Escape times are t = kη \
(Kaplan-Meier; runs that did not escape are censored). ρ>0.5: the saddle captures runs \
near it at radii above 0.5. w<0.05: it captures runs that start within 0.05 of it along \
the escape direction. The theory is for the quadratic approximation at the saddle, and \
its widths are those without momentum."""


def main(
    landscape: lab.LandscapeText = "saddle",
    coordinates: lab.Coordinates = "x y",
    saddle: lab.SaddleText = "",
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
    *,
    report: lab.Report,
) -> None:
    """When, and why, does SAM stay at a saddle that gradient descent leaves?"""
    scene = lab.landscape(landscape, coordinates)
    known = analysis.critical_points(scene)
    point = lab.saddle(scene, known, saddle)
    length = 1 / float(abs(point.eigenvalues[0]))  # the radius from which USAM's perturbed point crosses the saddle
    room = min((float(abs(p.w - point.w).max()) for p in known if p is not point), default=np.inf)
    radii = rho or [float(f"{r * length:.3g}") for r in RADII]
    rates = lr or [float(f"{0.02 / abs(point.eigenvalues).max():.3g}")]
    maps = [sd.Map(scene, m, lr=e, momentum=g) for e, g, m in product(rates, momentum, lab.with_radii(methods, radii))]
    # By default the starts fill a region of size 1/|λ|, or less if another critical point is near.
    default = min(length, room / 4) / (4 if distribution == "normal" else 1)
    points = analysis.starts_around(point, starts, distribution, spread or default, seed)
    reach = float(abs(points - point.w).max())
    if reach >= room / 2:
        rule = f"puts starts at {reach:.3g} from the saddle, and there is another critical point at {room:.3g}"
        checks.reject("--spread", spread or default, rule, f"Use a smaller one, e.g. --spread {default:.3g}")
    radius = min(2 * reach, 0.75 * room)  # half the width of the box to escape from
    largest = min(4 * max(length, *radii), 0.75 * room)  # distance up to which the edge of a trap is searched
    resolved = {"saddle": point.w.tolist(), "eigenvalues": point.eigenvalues.tolist(), "rho": radii, "lr": rates}
    resolved |= {"spread": spread or default, "half-width of the box to escape from": radius}
    report.about["resolved"] = {**resolved, "farthest start tried for a trap": largest}

    finished: list[tuple[Escape, Boundary]] = []
    with report.stoppable(finished, len(maps)), progress_bar("saddle escape", len(maps)) as show:
        for together in ensembles(maps):
            escapes = analysis.escapes(together, point, points, radius, steps, dtype=dtype, device=device)
            finished += zip(escapes, analysis.capture_boundaries(together, point, largest, steps), strict=True)
            show(len(finished))
    maps = maps[: len(finished)]
    escapes, edges = map(list, zip(*finished, strict=True))
    closed_forms = [symbolic.predicted_boundary(map_, point.eigenvalues) for map_ in maps]

    data = analysis.escapes_dataset(maps, escapes, edges)
    data = data.assign(start=(("run", "coord"), points), saddle=("coord", point.w))
    data["boundary_predicted"] = ("setting", [edge.low if edge else np.nan for edge in closed_forms])
    data["measured"] = ("setting", [str(edge) for edge in edges])
    data["theory"] = ("setting", [str(edge or "no formula") for edge in closed_forms])
    report.data(data, "runs")
    axes = {"lr": rates, "momentum": momentum}
    fixed = {name: f"{plot.SYMBOLS[name]} = {values[0]:g}" for name, values in axes.items() if len(values) == 1}
    where = f"saddle at {lab.vector(point.w)}, λ = {lab.vector(point.eigenvalues)}"
    report.print(f"{scene.name}: L = {scene.expr}; {where}")
    title = ", ".join([f"{starts} runs a setting, shares in %", *fixed.values()])
    report.print(make_table(data, title, [name for name in axes if name not in fixed]), LEGEND)

    figure, ax = plt.subplots(figsize=(6.4, 4.0))
    predicted = theory.usam_threshold(eigenvalues=point.eigenvalues)
    plot.trapped_fractions(maps, escapes, edges, ax, without=[*fixed], predicted=predicted)
    ax.set_title(f"Which share of the runs does the saddle capture? {', '.join([scene.name, *fixed.values()])}")
    figure.legend(loc="outside lower center", ncols=2)
    report.figure(figure, "trapped_fraction")
    report.figure(plot.survivals(maps, escapes), "escape_times")
    draw_paths(maps, point, min(steps, LONGEST_PATH), report)


def ensembles(maps: Sequence[sd.Map]) -> Iterator[list[sd.Map]]:
    """Yield small groups of maps of one method. An interruption loses one group."""
    for _, of_one in groupby(maps, key=lambda map_: type(map_.method)):
        listed = list(of_one)
        yield from (listed[i : i + TOGETHER] for i in range(0, len(listed), TOGETHER))


def make_table(data: xr.Dataset, title: str, varying: list[str]) -> Table:
    """Return the table, with a column for each parameter that has several values."""
    keys: dict[str, lab.Column] = {
        "method": "{method}",
        "ρ": lambda one: f"{one.rho:g}" if issubclass(sd.methods.named(one.method.item()), Ascent) else "",
        **{plot.SYMBOLS[name]: f"{{{name}:g}}" for name in varying},
    }
    columns = keys | dict(zip(("trap", "esc", "div", "und"), map(lab.percent, analysis.OUTCOMES), strict=True))
    columns |= {"median escape\ntime [95 %]": lab.censored("median_time", ".3g")}
    columns |= {"capture\nmeasured": "{measured}", "capture\ntheory": "{theory}"}
    return lab.table(data, columns, "setting", title=title, keys=len(keys))


def draw_paths(maps: list[sd.Map], point: CriticalPoint, most: int, report: lab.Report) -> None:
    """Draw a run of one setting of every method past the saddle, and the cosines of its two gradients."""
    scene, length = maps[0].landscape, 1 / abs(point.eigenvalues[0])
    wall = min(float(min(w - low, high - w)) for w, (low, high) in zip(point.w, scene.box, strict=True))
    half = min(7 * length, wall) if wall > length else 7 * length
    view = tuple((float(w) - half, float(w) + half) for w in point.w)
    of_first = [map_ for map_ in maps if (map_.lr, map_.momentum) == (maps[0].lr, maps[0].momentum)]
    of_methods = [list(members) for _, members in groupby(of_first, key=lambda map_: type(map_.method))]
    chosen = [min(members, key=lambda map_: abs(map_.radius - 1.25 * length)) for members in of_methods]
    paths = analysis.paths_past_saddle(chosen, point, view, most)
    pairs = [*zip(chosen, paths, strict=True)]
    pairs = [pair for pair in pairs if isinstance(pair[0].method, Ascent)] or pairs
    edges = [symbolic.predicted_boundary(map_, point.eigenvalues) for map_, _ in pairs]
    widths = [edge.low if edge and edge.quantity == "width" else 0.0 for edge in edges]
    perturbing, shown = map(list, zip(*pairs, strict=True))
    cosines = [analysis.cosine(*pair) for pair in pairs]
    report.figure(plot.cosines(perturbing, cosines, shown, center=point.w, widths=widths), "cosine")
    if scene.dim == 2:
        figure = plot.paths(chosen, paths, box=view)
        figure.suptitle(f"{scene.name}: {paths[0].sizes['step'] - 1} steps from one start (ring) to the end (filled)")
        report.figure(figure, "trajectories")


if __name__ == "__main__":
    lab.run(main)

"""What do the flows of GD, SAM and their relatives look like on a landscape, and which of its points attract?

The script draws their phase portraits side by side, with separatrices and equilibria by type. For every equilibrium it
prints its type, its rates, and the radii ρ at which it attracts. With options it measures basins and makes an animation
in ρ.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import matplotlib
import numpy as np
import sympy
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.table import Table
from typer import Option

import samdyn as sd
from samdyn import analysis, checks, cli, plot
from samdyn.analysis import Basins, CriticalPoint, Equilibrium, PhasePlane
from samdyn.landscapes import Box
from samdyn.methods import Ascent, Method
from samdyn.output import OutputFolder
from samdyn.simulation.progress import tracked
from samdyn.symbolic import radii_text

BELOW, ABOVE = 0.75, 1.5  # default ρ of methods with a threshold at 1/|λ|, in units of 1/|λ|
VISIBLE = 0.1  # default ρ of methods with a trap of size ρ, in units of the box
SAME = 1e-3  # distance, in units of the box, below which an attractor counts as an equilibrium
SAVED = 400  # count of times at which trajectories are saved
STEPS = 3000  # largest count of solver steps per trajectory; SAM's flow in a stiff valley needs very many

LEGEND = """\
rates: eigenvalues of the flow's Jacobian. attracts for: the radii at which a critical \
point of the loss attracts, derived from its Hessian. no Jacobian: the field of a \
normalised method jumps at the point. held: the field points inward all around the \
point. The last column then has the region of starts that a saddle holds, in the \
quadratic approximation."""


def main(
    landscape: Annotated[str, Option(help="A name from the catalogue, or a formula like 'x**2 - y**2'.")] = "beale",
    coordinates: Annotated[str, Option(help="The two coordinates of a formula.")] = "x y",
    methods: Annotated[str, Option(help="Names, separated by commas.")] = "GD,USAM,SAM",
    rho: Annotated[
        str,
        Option(help="Radii ρ. Default: below and above the saddle's threshold 1/|λ|; without one, a tenth of the box."),
    ] = "",
    box: Annotated[str, Option(help="Part of the plane to show: lowest and highest x, then y.")] = "",
    starts: Annotated[str, Option(help="Trajectories to draw, e.g. '1,2; 2,-0.5'.")] = "",
    time: Annotated[float | None, Option(help="Length of the trajectories in time t. Default: 20/max|λ|.")] = None,
    basins: Annotated[bool, Option("--basins", help="Measure the basins too, and draw them below.")] = False,
    resolution: Annotated[int, Option(help="Starts of the basin maps along each axis.")] = 50,
    animate: Annotated[
        bool, Option("--animate", help="Make a GIF over ρ of the first method that has a radius.")
    ] = False,
    frames: Annotated[int, Option(help="Number of frames of the GIF; the last has the largest radius.")] = 17,
    out: Annotated[
        Path, Option(help="Folder for figures and data; replaced only if it holds an earlier result.")
    ] = Path("results/phase_portraits"),
) -> None:
    """What do the flows of GD, SAM and their relatives look like, and which points attract?"""
    parameters = {key: str(value) if isinstance(value, Path) else value for key, value in locals().items()}
    scene = cli.landscape(landscape, coordinates)
    if scene.dim != 2:
        fix = "Give a formula of two: fix the others, as landscape.restrict({'z': 0.0}) does in Python"
        checks.reject("--landscape", scene.name, f"has {scene.dim} coordinates; a plane has two", fix)
    view = read_box(box) if box else scene.box
    points = read_starts(starts)
    if resolution < 2:
        checks.reject("--resolution", resolution, "must be an integer >= 2", "Use e.g. --resolution 50")
    frames = checks.count("--frames", frames, "Use e.g. --frames 17")
    known = list(analysis.critical_points(scene, view))
    flows = [sd.Flow(scene, method) for method in choose_methods(methods, rho, scene, known, view)]
    perturbing = [flow for flow in flows if isinstance(flow.method, Ascent)]
    if animate and not perturbing:
        checks.reject("--methods", methods, "none of them has a radius to animate", "Name one, e.g. --methods USAM")
    strongest = max((float(abs(p.eigenvalues).max()) for p in known), default=1.0)
    end = 20 / strongest if time is None else checks.positive("--time", time, "Use e.g. --time 1")

    console = cli.console()
    with OutputFolder(out, "phase_portraits", parameters) as folder:
        measured: list[Basins | None] = [None] * len(flows)
        for i, flow in enumerate(tracked("basins", flows if basins else [])):
            measured[i] = analysis.basins(flow, view, resolution=resolution)
        planes = [analysis.phase_plane(flow, view) for flow in tracked("equilibria and manifolds", flows)]
        folder.about["resolved"] = {"methods": [repr(flow.method) for flow in flows], "box": view, "time": end}
        console.print(f"{scene.name}: L = {scene.expr}")
        console.print(make_table(planes, measured))
        console.print(LEGEND)
        folder.save_dataset(make_dataset(planes, measured), "portraits.zarr")
        with plt.rc_context(plot.STYLE):
            folder.save_figure(draw(planes, measured, points, end), "phase_portraits.png")
            if animate:
                with folder.writing("rho.gif") as path:
                    about = json.dumps(folder.about, default=str)
                    radii = np.linspace(0, max(f.method.radius for f in perturbing), frames + 1)[1:]
                    plot.animate(moving(perturbing[0], view), radii, path, comment=about)
    console.print(f"figures, data and provenance in {out}/")


def read_box(text: str) -> Box:
    """Read --box: four numbers."""
    ends = cli.numbers("--box", text)
    if len(ends) != 4:
        checks.reject("--box", text, "must be four numbers: low, high, low, high", "Use e.g. --box -1,4,-1,2")
    return checks.box([ends[:2], ends[2:]], 2)


def read_starts(text: str) -> list[list[float]]:
    """Read --starts: points of two numbers each."""
    points = [cli.numbers("--starts", part) for part in text.split(";") if part.strip()]
    if not all(len(point) == 2 for point in points):
        checks.reject("--starts", text, "must be points of two coordinates", "Use e.g. --starts '1,2; 2,-0.5'")
    return points


def choose_methods(names: str, rho: str, scene: sd.Landscape, known: list[CriticalPoint], view: Box) -> list[Method]:
    """Return the methods to draw, each with every radius of --rho, or with default radii."""
    if rho:
        return cli.with_radii(names, cli.numbers("--rho", rho))
    width = float(f"{VISIBLE * min(high - low for low, high in view):.1g}")
    saddles = [p for p in known if p.kind == "saddle"]
    strongest = max((float(abs(p.eigenvalues).max()) for p in known), default=1 / width)
    results: list[Method] = []
    for method in cli.with_radii(names, [width]):
        if not isinstance(method, Ascent):
            results.append(method)
        elif not saddles:
            results.append(replace(method, rho=float(f"{min(width, BELOW / strongest):.2g}")))
        elif not sd.stability(sd.Flow(scene, method), saddles[0]).differentiable:
            results.append(method)
        else:
            length = 1 / abs(saddles[0].eigenvalues[0])
            results += [replace(method, rho=float(f"{part * length:.2g}")) for part in (BELOW, ABOVE)]
    return results


def label(method: Method) -> str:
    """Name a method and its radius."""
    name = type(method).__name__
    return f"{name}, ρ = {method.rho:g}" if isinstance(method, Ascent) else name


def of_loss(point: Equilibrium) -> str:
    """Return the kind of an equilibrium as a critical point of the loss, or nothing if it is not one."""
    return point.critical.kind if point.critical else ""


def share(point: Equilibrium, measured: Basins | None) -> float:
    """Return the share of the starts that ended at an equilibrium, NaN where no basins were measured."""
    if measured is None:
        return np.nan
    extent = np.array([np.ptp(measured.x), np.ptp(measured.y)])
    at = (i for i, a in enumerate(measured.attractors) if (abs(a.w.mean(0) - point.w) <= SAME * extent).all())
    return sum(measured.fraction(i) for i in at)


def condition(flow: sd.Flow, point: Equilibrium) -> str:
    """Return the radii, or the region, in which an equilibrium attracts. Only critical points of the loss have one."""
    if point.critical is None:
        return ""
    results = sd.stability(flow, point.critical)
    if results.condition is not None:
        return radii_text(results.condition)
    return "‖H(w−w*)‖ < ρ|λ*|" if results.trap is not None and point.attracts else ""


def make_table(planes: list[PhasePlane], measured: list[Basins | None]) -> Table:
    """Return the table of equilibria the experiment prints."""
    columns = ("flow", "equilibrium", "of L", "of the flow", "rates", "attracts for")
    table = cli.table(None, *columns, *(["share"] if any(measured) else []), gap=1, keys=2)
    for column in table.columns[: len(columns)]:
        column.justify = "left"
    for plane, basins in zip(planes, measured, strict=True):
        for i, p in enumerate(plane.equilibria):
            rates = "" if p.rates is None else ", ".join(f"{r:.4g}" for r in p.rates)
            share_of = share(p, basins)
            held = ", held" if p.kind == "no Jacobian" and p.attracts else ""
            cells = [cli.shown(np.round(p.w, 9)), of_loss(p), p.kind + held, rates]
            cells += [condition(plane.flow, p), *([f"{100 * share_of:.1f} %" if share_of else ""] if basins else [])]
            table.add_row("" if i else label(plane.flow.method), *cells)
    return table


def make_dataset(planes: list[PhasePlane], measured: list[Basins | None]) -> xr.Dataset:
    """Return the data of the table and the basin maps, with an entry per equilibrium."""
    rows = [(i, p) for i, plane in enumerate(planes) for p in plane.equilibria]
    rates = [np.full(2, np.nan) if p.rates is None else p.rates for _, p in rows]
    data = xr.Dataset(
        {
            "method": ("flow", [repr(plane.flow.method) for plane in planes]),
            "of": ("equilibrium", np.array([i for i, _ in rows], dtype=int)),
            "w": (("equilibrium", "coord"), np.array([p.w for _, p in rows]).reshape(-1, 2)),
            "kind": ("equilibrium", np.array([p.kind for _, p in rows], dtype="U14")),
            "critical": ("equilibrium", np.array([of_loss(p) for _, p in rows], dtype="U14")),
            "attracts": ("equilibrium", np.array([p.attracts for _, p in rows], dtype=bool)),
            "rate": (("equilibrium", "direction"), np.real(np.array(rates)).reshape(-1, 2)),
            "frequency": (("equilibrium", "direction"), np.imag(np.array(rates)).reshape(-1, 2)),
            "share": ("equilibrium", np.array([share(p, measured[i]) for i, p in rows])),
        },
        coords={"coord": [str(s) for s in planes[0].flow.landscape.symbols]},
    )
    known = [b for b in measured if b is not None]
    if known:
        data["label"] = (("flow", "y", "x"), np.stack([b.label for b in known]))
        data = data.assign_coords(x=known[0].x, y=known[0].y)
    return data


def draw(planes: list[PhasePlane], measured: list[Basins | None], starts: list[list[float]], end: float) -> Figure:
    """Draw the portraits side by side, the basins below them."""
    rows = 2 if any(measured) else 1
    size = (3.9 * len(planes) + 1.4, 4.4 * rows)
    figure, axes = plt.subplots(rows, len(planes), figsize=size, squeeze=False, sharey="row")
    for i, (plane, basins) in enumerate(zip(planes, measured, strict=True)):
        runs = None
        if starts:
            times = np.linspace(0, end, SAVED)
            runs = sd.integrate(plane.flow, starts, times, box=plane.box, max_steps=STEPS, progress=False)
        plot.phase_portrait(plane, axes[0, i], traps=traps(plane), runs=runs, bar=plane is planes[-1])
        axes[0, i].set_title(label(plane.flow.method))
        if basins is not None:
            plot.basins(basins, axes[1, i])
        for ax in axes[:, i] if i else []:
            ax.set_ylabel("")
    return figure


def traps(plane: PhasePlane) -> list[sympy.Basic | None]:
    """Return the closed form of the trap around every critical point at which the field has no Jacobian."""
    return [sd.stability(plane.flow, point).region for point in plane.held]


def moving(flow: sd.Flow, view: Box) -> Callable[[float, Axes], None]:
    """Return a function that draws the frame of a radius."""

    def frame(rho: float, ax: Axes) -> None:
        here = replace(flow, method=replace(flow.method, rho=rho))  # type: ignore[call-arg]
        plane = analysis.phase_plane(here, view)
        plot.phase_portrait(plane, ax, traps=traps(plane))
        ax.set_title(rf"{type(flow.method).__name__}, $\rho = {rho:.3g}$")

    return frame


if __name__ == "__main__":
    matplotlib.use("Agg")
    cli.run(main)

"""What do the flows of GD, SAM and their relatives look like on a landscape, and which of its points attract?

The script draws their phase portraits side by side, with separatrices and equilibria by type. For every equilibrium it
prints its type, its rates, and the radii ρ at which it attracts. With options it measures basins and makes an animation
in ρ.
"""

import json
from typing import Annotated, Any

import numpy as np
from matplotlib.axes import Axes

import samdyn as sd
from samdyn import analysis, checks, lab, plot
from samdyn.landscapes import Box
from samdyn.simulation.progress import tracked

SAVED = 400  # count of times at which trajectories are saved
STEPS = 3000  # largest count of solver steps per trajectory; SAM's flow in a stiff valley needs very many

LEGEND = """\
rates: eigenvalues of the flow's Jacobian. attracts for: the radii at which a critical point of the loss attracts, \
derived from its Hessian. no Jacobian: docs/glossary.md. held: the field points inward all around the point; the last \
column then has the region of starts that a saddle holds, in the quadratic approximation."""
RHO = "Radii ρ. Default: below and above the saddle's threshold 1/|λ|; without one, a tenth of the box."


def main(
    report: lab.Report,
    landscape: lab.LandscapeText = "beale",
    coordinates: Annotated[lab.Coordinates, "The two coordinates of a formula."] = "x y",
    methods: lab.Methods = (sd.GD, sd.USAM, sd.SAM),
    rho: Annotated[lab.Radii | None, RHO] = None,
    box: Annotated[Box | None, "Part of the plane to show: lowest and highest x, then y.", lab.box(2)] = None,
    starts: Annotated[Any, "Trajectories to draw, e.g. '1,2; 2,-0.5'.", lab.points(2)] = (),
    time: Annotated[lab.Time | None, "Length of the trajectories in time t. Default: 20/max|λ|."] = None,
    basins: Annotated[bool, "Measure the basins too, and draw them below."] = False,
    resolution: Annotated[lab.Resolution, "Starts of the basin maps along each axis."] = 50,
    animate: Annotated[bool, "Make a GIF over ρ of the first method that has a radius."] = False,
    frames: Annotated[lab.Count, "Number of frames of the GIF; the last has the largest radius."] = 17,
) -> None:
    scene = lab.landscape(landscape, coordinates)
    if scene.dim != 2:
        fix = "Give a formula of two: fix the others, as landscape.restrict({'z': 0.0}) does in Python"
        checks.reject("--landscape", scene.name, f"has {scene.dim} coordinates; a plane has two", fix)
    view = box or scene.box
    known = analysis.critical_points(scene, view)
    radii = {cls: rho or lab.usual_radii(cls, scene, known, view) for cls in methods}
    flows = [sd.Flow(scene, method) for cls in methods for method in lab.with_radii([cls], radii[cls])]
    moving = [flow for flow in flows if isinstance(flow.method, sd.methods.Ascent)]
    if animate and not moving:
        checks.reject("--animate", True, "none of the methods has a radius", "Name one, e.g. --methods USAM")
    end = time or 20 / max((float(abs(p.eigenvalues).max()) for p in known), default=1.0)
    report.about["resolved"] = {"methods": [repr(flow.method) for flow in flows], "box": view, "time": end}

    maps = [analysis.basins(flow, view, resolution=resolution) for flow in tracked("basins", flows if basins else [])]
    planes = [analysis.phase_plane(flow, view) for flow in tracked("equilibria and manifolds", flows)]
    how: Any = {"times": np.linspace(0, end, SAVED), "box": view, "max_steps": STEPS, "progress": False}
    runs = [sd.integrate(flow, starts, **how) for flow in flows] if starts else []
    report.print(f"{scene.name}: L = {scene.expr}", lab.equilibria(planes, maps), LEGEND)
    report.data(analysis.equilibria_dataset(planes, maps), "portraits")
    traps = [[sd.stability(plane.flow, point).region for point in plane.held] for plane in planes]
    report.figure(plot.phase_portraits(planes, traps=traps, runs=runs, basins=maps), "phase_portraits")
    if animate:
        cls = type(moving[0].method)

        def draw_frame(radius: float, ax: Axes) -> None:
            (method,) = lab.with_radii([cls], [radius])
            plane = analysis.phase_plane(sd.Flow(scene, method), view)
            plot.phase_portrait(plane, ax, traps=[sd.stability(plane.flow, point).region for point in plane.held])
            ax.set_title(rf"{cls.__name__}, $\rho = {radius:.3g}$")

        shown = np.linspace(0, max(flow.method.radius for flow in moving), frames + 1)[1:]
        with report.file("rho.gif") as path:
            plot.animate(draw_frame, shown, path, comment=json.dumps(report.about, default=str))


if __name__ == "__main__":
    lab.run(main)

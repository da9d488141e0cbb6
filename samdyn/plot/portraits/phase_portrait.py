"""Phase portraits of planar flows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
import torch

from ... import checks
from ...analysis import Cycle, Equilibrium, Manifolds, PhasePlane
from ...arguments import checked
from ...dynamics import Flow
from ...landscapes import Box
from ...simulation import Status
from ..styles.legends import equal_units, legend_below_figure, make_room_for_legends
from ..styles.names import latex
from .fate import DIVERGED, alive, check_run
from .landscape import RESOLUTION, check_plane, contours

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

# The marker of each type of equilibrium. Types differ by shape and filling, not by colour.
MARKERS: dict[str, dict[str, Any]] = {
    "attractor": {"marker": "o", "mfc": "black"},
    "attractor, no minimum": {"marker": "D", "mfc": "black"},
    "saddle": {"marker": "o", "mfc": "black", "fillstyle": "left", "markerfacecoloralt": "white"},
    "repeller": {"marker": "o", "mfc": "white"},
    "no Jacobian, held": {"marker": "s", "mfc": "black"},
    "no Jacobian": {"marker": "s", "mfc": "white"},
    "not hyperbolic": {"marker": "X", "mfc": "black"},
}
STABLE, UNSTABLE, TRAP = "#D55E00", "#0072B2", "#56B4E9"  # colours of the two manifolds and of a trap
CYCLE = "#009E73"  # colour of a limit cycle
ARROW_STEP = 5  # streamlines use every fifth point of the grid in each direction


@checked
def phase_portrait(
    plane: PhasePlane,
    ax: "Axes",
    *,
    traps: Sequence[sympy.Basic | None] = (),
    cycles: Sequence[Cycle] = (),
    runs: "xarray.Dataset | None" = None,
    bar: bool = True,
) -> "Axes":
    """Draw the phase portrait of a planar flow. All portraits of a figure share one legend below it.

    Over contours of the loss it draws the streamlines of the field, its nullclines, the stable and unstable manifolds
    of its saddles, and its equilibria by type. Equilibria of the flow need not be critical points of the loss: the
    edges of SAM's trap are not.

    Args:
        plane: the result of ``analysis.phase_plane``.
        ax: the Axes to draw on.
        traps: regions to shade in which normalised SAM stays, as inequalities in the coordinates. They come from the
            closed form ‖H(w − w*)‖ < ρ|λ*|: ``[stability(plane.flow, p).region for p in plane.held]``. None is skipped.
        cycles: limit cycles to draw, as ``analysis.cycle`` finds them, and ``attractors`` as the attribute ``cycle``
            of its results: stable ones as solid lines, others dashed.
        runs: trajectories to draw over the portrait: the result of ``integrate`` or ``simulate`` with more than one
            saved state.
        bar: whether to draw the colour bar of the loss.

    Raises:
        InputError: runs without states, or that are not of the plane; or a cycle that is not of the plane.

    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> plane = sd.analysis.phase_plane(sd.Flow(sd.landscapes.saddle(), sd.GD()))
    >>> figure, ax = plt.subplots()
    >>> ax = sd.plot.phase_portrait(plane, ax)
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['$\\\\dot{x} = 0$', '$\\\\dot{y} = 0$', 'unstable manifold', 'stable manifold', 'saddle']
    """
    if runs is not None:
        check_run(runs, 0, "w", "status", "end")
        check_plane(runs)
    for curve in cycles:
        if curve.w.shape[1] != 2:
            rule = f"has {curve.w.shape[1]} coordinates, and a plane has two"
            checks.reject("cycles", str(curve), rule, "Give cycles of the plane's flow")
    make_room_for_legends(ax)
    contours(plane.flow.landscape, ax, box=plane.box, bar=bar)
    _draw_field(plane.flow, plane.box, ax)
    for trap in traps:
        if trap is not None:
            _shade(trap, plane, ax)
    for curves in plane.manifolds:
        manifolds(curves, ax)
    for curve in cycles:
        _draw_cycle(curve, ax)
    if runs is not None:
        for run in range(runs.sizes["run"]):
            w = runs.w.values[run][alive(runs, run)]
            ax.plot(*w.T, color="black", lw=1.2, label="run, from +" if run == 0 else None, zorder=3)
            ax.plot(*w[0], "k+", ms=8, mew=1.4, zorder=4)
            if runs.status.values[run] == Status.DIVERGED:
                ax.plot(*w[-1], **DIVERGED, label="diverged")
            else:
                ax.plot(*w[-1], "k.", zorder=4)
    mark(plane.equilibria, ax)
    ax.set(xlim=plane.box[0], ylim=plane.box[1])
    equal_units(ax)
    legend_below_figure(ax)
    return ax


@checked
def manifolds(curves: Manifolds, ax: "Axes") -> "Axes":
    """Draw the stable manifold of a saddle as a solid line and its unstable manifold as a dashed line.

    Args:
        curves: the result of ``analysis.manifolds``.
        ax: the Axes to draw on.

    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> curves = sd.analysis.manifolds(sd.Flow(sd.landscapes.saddle(), sd.GD()), (0, 0))
    >>> figure, ax = plt.subplots()
    >>> len(sd.plot.manifolds(curves, ax).lines)  # two branches each
    4
    """
    from matplotlib.patheffects import Normal, Stroke

    for branches, style in (
        (curves.unstable, {"color": UNSTABLE, "ls": (0, (4, 1.5)), "lw": 1.8, "label": "unstable manifold"}),
        (curves.stable, {"color": STABLE, "ls": "-", "lw": 2.2, "label": "stable manifold"}),
    ):
        for branch in branches:
            (drawn,) = ax.plot(*branch.T, **style, zorder=2.5)  # type: ignore[arg-type]
            # A white rim sets them off from the other lines, in grey print too.
            drawn.set_path_effects([Stroke(linewidth=drawn.get_linewidth() + 2, foreground="white"), Normal()])
    return ax


@checked
def mark(points: Sequence[Equilibrium], ax: "Axes") -> "Axes":
    """Mark equilibria by their type. A completely black marker attracts, unless it is a cross.

    Args:
        points: the result of ``analysis.equilibria``.
        ax: the Axes to draw on.

    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> points = sd.analysis.equilibria(sd.Flow(sd.landscapes.double_well(), sd.GD()))
    >>> figure, ax = plt.subplots()
    >>> [line.get_label() for line in sd.plot.mark(points, ax).lines]
    ['attractor', 'saddle']
    """
    for kind, style in MARKERS.items():
        here = np.array([p.w for p in points if _type(p) == kind])
        if len(here):
            ax.plot(*here.T, ls="none", ms=7.5, mec="black", mew=1.2, **style, label=kind, zorder=6, clip_on=False)
    return ax


def _draw_cycle(curve: Cycle, ax: "Axes") -> None:
    """Draw a limit cycle, with an arrowhead in the direction of time."""
    from matplotlib.patheffects import Normal, Stroke

    w = np.vstack([curve.w, curve.w[:1]])
    label = curve.kind.replace("cycle", "limit cycle")
    style: dict[str, Any] = {"lw": 2.4, "ls": "-" if curve.stable else (0, (1, 1)), "color": CYCLE, "zorder": 2.8}
    (drawn,) = ax.plot(*w.T, **style, label=label)
    drawn.set_path_effects([Stroke(linewidth=drawn.get_linewidth() + 2, foreground="white"), Normal()])
    # The arrowhead is at the fastest point, where its direction is sure.
    speed = np.linalg.norm(np.diff(w, axis=0), axis=1) / np.diff(np.append(curve.time, curve.period))
    at = int(speed.argmax())
    arrow = {"arrowstyle": "-|>", "color": CYCLE, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 18}
    head = w[at] + (w[at + 1] - w[at]) / np.linalg.norm(w[at + 1] - w[at]) * 1e-2 * curve.extent
    ax.annotate("", head, w[at], arrowprops=arrow, zorder=2.9)


def _type(point: Equilibrium) -> str:
    minimum = point.critical is not None and point.critical.kind == "minimum"
    if point.held:
        return "no Jacobian, held"
    return f"{point.kind}, no minimum" if point.attracts and not minimum else point.kind


def _draw_field(flow: Flow, box: Box, ax: "Axes") -> None:
    """Draw the streamlines and nullclines of the field."""
    x, y = (np.linspace(low, high, RESOLUTION) for low, high in box)
    with torch.no_grad():
        velocity = flow(torch.as_tensor(np.stack(np.meshgrid(x, y)))).numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        direction = velocity / np.hypot(*velocity)  # speeds of very different size would spoil lines and zeros
    if not np.isfinite(direction).any():  # the field is 0 all over the box
        return
    every = slice(None, None, ARROW_STEP)
    u, v = direction[:, every, every]
    thin: dict[str, Any] = {"density": 0.9, "linewidth": 0.5, "arrowsize": 0.6, "color": "0.4", "zorder": 1.5}
    ax.streamplot(x[every], y[every], u, v, **thin)
    for component, symbol, style in zip(direction, flow.landscape.symbols, ("dotted", "dashdot"), strict=True):
        if (component < 0).any() and (component > 0).any():
            ax.contour(x, y, component, levels=[0.0], colors="black", linestyles=style, linewidths=1.1, zorder=2)
            ax.plot([], [], color="black", ls=style, lw=1.1, label=rf"$\dot{{{latex(str(symbol))}}} = 0$")


def _shade(trap: sympy.Basic, plane: PhasePlane, ax: "Axes") -> None:
    """Shade the region of an inequality and label it with the closed form of SAM's trap."""
    x, y = np.meshgrid(*(np.linspace(low, high, RESOLUTION) for low, high in plane.box))
    margin = sympy.lambdify(plane.flow.landscape.symbols, trap.lts - trap.gts, "numpy")(x, y)
    ax.contourf(x, y, margin, levels=[-np.inf, 0.0], colors=[TRAP], alpha=0.45, zorder=1.2)
    ax.contour(x, y, margin, levels=[0.0], colors="black", linewidths=0.8, zorder=1.3)
    ax.fill([], [], fc=TRAP, ec="black", lw=0.8, alpha=0.6, label=r"$\|H(w-w^*)\| < \rho\,|\lambda^*|$, local")

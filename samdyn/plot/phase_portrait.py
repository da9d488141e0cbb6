"""Phase portraits of planar flows: where everything goes, and what decides it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..analysis import Equilibrium, Manifolds, equilibria
from ..analysis import manifolds as manifolds_of
from ..analysis.equilibria import plane_box
from ..arguments import checked
from ..dynamics import Flow
from ..landscapes import Box
from ..symbolic import stability
from .fate import DIVERGED, alive, check_run
from .landscape import RESOLUTION, check_plane, contours
from .legends import equal_units, legend_below_figure, make_room_for_legends

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

# Told apart by their shape and filling, not by colour.
MARKERS: dict[str, dict[str, Any]] = {
    "attractor": {"marker": "o", "mfc": "black"},
    "attractor, no minimum": {"marker": "D", "mfc": "black"},
    "saddle": {"marker": "o", "mfc": "black", "fillstyle": "left", "markerfacecoloralt": "white"},
    "repeller": {"marker": "o", "mfc": "white"},
    "no Jacobian, held": {"marker": "s", "mfc": "black"},
    "no Jacobian": {"marker": "s", "mfc": "white"},
    "not hyperbolic": {"marker": "X", "mfc": "black"},
}
STABLE, UNSTABLE, TRAP = "#D55E00", "#0072B2", "#56B4E9"
FINE = 1e-3  # of the box: the tolerance of a drawn curve


@checked
def phase_portrait(
    flow: Flow,
    box: Box | None = None,
    *,
    ax: "Axes",
    points: Sequence[Equilibrium] | None = None,
    runs: "xarray.Dataset | None" = None,
    bar: bool = True,
) -> "Axes":
    """Draw the phase portrait of a planar flow, with a legend below the figure that all its portraits share.

    Over contours of the loss: streamlines of the field, its nullclines, the stable and unstable manifolds of its
    saddles, and its equilibria by type. Where normalised SAM has no Jacobian but is held, the region
    ‖H(w − w*)‖ < ρ|λ*| is shaded, which the closed form for the quadratic there says is held. Equilibria that are not
    critical points of the loss are drawn too: the edges of SAM's trap are such.

    Args:
        flow: of two coordinates.
        box: what to show; the landscape's own where not given.
        ax: where to draw.
        points: the equilibria in the box, if they are known already.
        runs: trajectories to draw over it, from ``integrate`` or ``simulate``, saved more than once.
        bar: whether to draw the colour bar of the loss.

    Raises:
        InputError: a flow or runs that are not of the plane, or a bad box.
    """
    limits = plane_box(flow, box)
    if runs is not None:
        check_run(runs, 0, "w", "status", "end")
        check_plane(runs)
    make_room_for_legends(ax)
    contours(flow.landscape, ax, box=limits, bar=bar)
    _field(flow, limits, ax)
    points = equilibria(flow, limits) if points is None else points
    for point in points:
        if point.kind == "no Jacobian" and point.attracts and point.critical is not None:
            _trap(flow, point, limits, ax)
    tolerance = FINE * max(high - low for low, high in limits)
    for point in points:
        if point.kind == "saddle":
            manifolds(manifolds_of(flow, point, limits, tol=tolerance), ax)
    if runs is not None:
        for run in range(runs.sizes["run"]):
            w = runs.w.values[run][alive(runs, run)]
            ax.plot(*w.T, color="black", lw=1.2, label="run, from +" if run == 0 else None, zorder=3)
            ax.plot(*w[0], "k+", ms=8, mew=1.4, zorder=4)
            if str(runs.status.values[run]) == "diverged":
                ax.plot(*w[-1], **DIVERGED, label="diverged")
            else:
                ax.plot(*w[-1], "k.", zorder=4)
    mark(points, ax)
    ax.set(xlim=limits[0], ylim=limits[1])
    equal_units(ax)
    legend_below_figure(ax)
    return ax


@checked
def manifolds(curves: Manifolds, ax: "Axes") -> "Axes":
    """Draw the stable manifold of a saddle, solid, and its unstable manifold, dashed."""
    from matplotlib.patheffects import Normal, Stroke

    for branches, style in (
        (curves.unstable, {"color": UNSTABLE, "ls": (0, (4, 1.5)), "lw": 1.8, "label": "unstable manifold"}),
        (curves.stable, {"color": STABLE, "ls": "-", "lw": 2.2, "label": "stable manifold"}),
    ):
        for branch in branches:
            (drawn,) = ax.plot(*branch.T, **style, zorder=2.5)  # type: ignore[arg-type]
            # In grey they stand out by a white rim.
            drawn.set_path_effects([Stroke(linewidth=drawn.get_linewidth() + 2, foreground="white"), Normal()])
    return ax


@checked
def mark(points: Sequence[Equilibrium], ax: "Axes") -> "Axes":
    """Mark equilibria by their type: the black ones attract."""
    for kind, style in MARKERS.items():
        here = np.array([p.w for p in points if _type(p) == kind])
        if len(here):
            ax.plot(*here.T, ls="none", ms=7.5, mec="black", mew=1.2, **style, label=kind, zorder=6, clip_on=False)
    return ax


def _type(point: Equilibrium) -> str:
    minimum = point.critical is not None and point.critical.kind == "minimum"
    if point.kind == "no Jacobian" and point.attracts:
        return "no Jacobian, held"
    return f"{point.kind}, no minimum" if point.attracts and not minimum else point.kind


def _field(flow: Flow, box: Box, ax: "Axes") -> None:
    """Draw streamlines and nullclines."""
    import sympy

    x, y = (np.linspace(low, high, RESOLUTION) for low, high in box)
    with torch.no_grad():
        velocity = flow(torch.as_tensor(np.stack(np.meshgrid(x, y)))).numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        direction = velocity / np.hypot(*velocity)  # speeds of very different size make neither lines nor zeros worse
    if not np.isfinite(direction).any():  # the field is 0 all over the box
        return
    every = slice(None, None, 5)
    u, v = direction[:, every, every]
    thin: dict[str, Any] = {"density": 0.9, "linewidth": 0.5, "arrowsize": 0.6, "color": "0.4", "zorder": 1.5}
    ax.streamplot(x[every], y[every], u, v, **thin)
    for component, symbol, style in zip(direction, flow.landscape.symbols, ("dotted", "dashdot"), strict=True):
        if (component < 0).any() and (component > 0).any():
            ax.contour(x, y, component, levels=[0.0], colors="black", linestyles=style, linewidths=1.1, zorder=2)
            ax.plot([], [], color="black", ls=style, lw=1.1, label=rf"$\dot{{{sympy.latex(symbol)}}} = 0$")


def _trap(flow: Flow, point: Equilibrium, box: Box, ax: "Axes") -> None:
    """Shade the region that the closed form says is held, where there is one."""
    import sympy

    region = stability(flow, point.critical).region
    if region is None:
        return
    x, y = np.meshgrid(*(np.linspace(low, high, RESOLUTION) for low, high in box))
    margin = sympy.lambdify(flow.landscape.symbols, region.lts - region.gts, "numpy")(x, y)
    ax.contourf(x, y, margin, levels=[-np.inf, 0.0], colors=[TRAP], alpha=0.45, zorder=1.2)
    ax.contour(x, y, margin, levels=[0.0], colors="black", linewidths=0.8, zorder=1.3)
    ax.fill([], [], fc=TRAP, ec="black", lw=0.8, alpha=0.6, label=r"$\|H(w-w^*)\| < \rho\,|\lambda^*|$, local")

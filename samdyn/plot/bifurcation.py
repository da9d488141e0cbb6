"""Bifurcation diagrams: branches as lines, runs as dots under them."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..analysis import BifurcationDiagram, OrbitDiagram
from ..arguments import checked
from .fate import check_index

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABELS = {
    "rho": r"radius $\rho$",
    "lr": r"learning rate $\eta$",
    "momentum": r"momentum $\gamma$",
    "ascent_steps": "ascent steps $n$",
}
MARKERS: dict[str, dict[str, Any]] = {  # by kind of bifurcation: shapes that are told apart without colour
    "branch point": {"marker": "P", "color": "#D55E00"},
    "fold": {"marker": "<", "color": "#009E73"},
    "flip": {"marker": "D", "color": "#CC79A7"},
    "Neimark–Sacker": {"marker": "s", "color": "#56B4E9"},
    "Hopf": {"marker": "s", "color": "#56B4E9"},
}


@checked
def bifurcation(diagram: BifurcationDiagram, ax: "Axes", *, coordinate: int = 0, name: str = "w") -> "Axes":
    """Draw the branches, solid where they attract and dashed where not, and mark the bifurcations.

    Args:
        diagram: from ``analysis.bifurcation_diagram``.
        ax: where to draw.
        coordinate: which coordinate of w goes up; all points of a cycle are drawn.
        name: its name, for the label.
    """
    for branch in diagram.branches[:1]:
        check_index("coordinate", coordinate, branch.w.shape[-1])
    discrete = diagram.name == "ascent_steps"
    for branch in diagram.branches:
        for values in branch.w[:, :, coordinate].T:
            for stable, style in ((True, {"lw": 2.0, "ls": "-"}), (False, {"lw": 1.1, "ls": (0, (4, 2))})):
                part = branch.stable == stable
                # Each line goes on to the next point, so that pieces of one branch meet.
                shown = part if discrete else part | np.append(part[1:], False) & stable
                line = np.where(shown, values, np.nan)
                dots = {"marker": "o", "ls": "", "mfc": "black" if stable else "white"} if discrete else style
                ax.plot(branch.parameter, line, color="black", zorder=3, **dots)
    seen = set()
    for b in diagram.bifurcations:
        heights = b.w[:, coordinate]
        label = b.kind if b.kind not in seen else None
        seen.add(b.kind)
        ax.plot(
            np.full(len(heights), b.parameter), heights, ls="", ms=8.5, mec="white", mew=0.7, label=label, zorder=4,
            **MARKERS[b.kind],
        )  # fmt: skip
    ax.plot([], [], color="black", lw=2.0, label="attracts")
    ax.plot([], [], color="black", lw=1.1, ls=(0, (4, 2)), label="does not")
    ax.set(xlabel=LABELS[diagram.name], ylabel=f"${name}$", xlim=diagram.limits)
    return ax


@checked
def orbits(diagram: OrbitDiagram, ax: "Axes", *, coordinate: int = 0, name: str = "w") -> "Axes":
    """Draw where runs are in the end, as dots; arguments as in ``bifurcation``."""
    check_index("coordinate", coordinate, diagram.w.shape[-1])
    w = diagram.w[:, :, coordinate]
    x = np.repeat(diagram.parameter, w.shape[1])
    style: dict[str, Any] = {"ls": "", "marker": ".", "ms": 2.5, "mew": 0, "color": "#0072B2", "alpha": 0.35}
    ax.plot(x, w.ravel(), zorder=1, rasterized=True, **style)
    ax.plot([], [], **{**style, "ms": 7, "alpha": 1.0}, label="runs, after the transient")
    ax.set(xlabel=LABELS[diagram.name], ylabel=f"${name}$")
    return ax

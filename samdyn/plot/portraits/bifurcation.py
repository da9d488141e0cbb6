"""Bifurcation diagrams: branches of equilibria and cycles as lines, late states of runs as dots."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ...analysis import BifurcationDiagram, OrbitDiagram
from ...arguments import checked
from ..styles.names import latex
from .fate import check_index

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABELS = {
    "rho": r"radius $\rho$",
    "lr": r"learning rate $\eta$",
    "momentum": r"momentum $\gamma$",
    "ascent_steps": "ascent steps $n$",
}
MARKERS: dict[
    str, dict[str, Any]
] = {  # the marker of each kind of bifurcation; the shapes differ, not only the colours
    "branch point": {"marker": "P", "color": "#D55E00"},
    "fold": {"marker": "<", "color": "#009E73"},
    "flip": {"marker": "D", "color": "#CC79A7"},
    "Neimark–Sacker": {"marker": "s", "color": "#56B4E9"},
    "Hopf": {"marker": "s", "color": "#56B4E9"},
}


@checked
def bifurcation(diagram: BifurcationDiagram, ax: "Axes", *, coordinate: int = 0, name: str = "w") -> "Axes":
    """Draw every branch, solid where it attracts and dashed where it does not, and mark the bifurcations.

    Args:
        diagram: the result of ``analysis.bifurcation_diagram``.
        ax: the Axes to draw on.
        coordinate: the index of the coordinate of w on the vertical axis. Every point of a cycle is drawn.
        name: the name of that coordinate, for the label.

    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> map_ = sd.Map(sd.Landscape("x**2", "x"), sd.GD(), lr=0.5)
    >>> figure, ax = plt.subplots()
    >>> ax = sd.plot.bifurcation(sd.analysis.bifurcation_diagram(map_, "lr", (0.8, 1.2), period=1), ax)
    >>> ax.get_legend_handles_labels()[1]
    ['flip', 'attracts', 'does not']
    """
    for branch in diagram.branches[:1]:
        check_index("coordinate", coordinate, branch.w.shape[-1])
    discrete = diagram.name == "ascent_steps"
    for branch in diagram.branches:
        for values in branch.w[:, :, coordinate].T:
            for stable, style in ((True, {"lw": 2.0, "ls": "-"}), (False, {"lw": 1.1, "ls": (0, (4, 2))})):
                part = branch.stable == stable
                # The solid line goes on to the first unstable point, so that it meets the dashed one.
                mask = part if discrete else part | np.append(part[1:], False) & stable
                line = np.where(mask, values, np.nan)
                dots = {"marker": "o", "ls": "", "mfc": "black" if stable else "white"} if discrete else style
                ax.plot(branch.parameter, line, color="black", zorder=3, **dots)
    labels = set()
    for b in diagram.bifurcations:
        heights = b.w[:, coordinate]
        label = b.kind if b.kind not in labels else None
        labels.add(b.kind)
        ax.plot(
            np.full(len(heights), b.parameter), heights, ls="", ms=8.5, mec="white", mew=0.7, label=label, zorder=4,
            **MARKERS[b.kind],
        )  # fmt: skip
    ax.plot([], [], color="black", lw=2.0, label="attracts")
    ax.plot([], [], color="black", lw=1.1, ls=(0, (4, 2)), label="does not")
    ax.set(xlabel=axis_label(diagram.name), ylabel=f"${name}$", xlim=diagram.limits)
    return ax


@checked
def orbits(diagram: OrbitDiagram, ax: "Axes", *, coordinate: int = 0, name: str = "w") -> "Axes":
    """Draw the late states of runs as dots.

    Args:
        diagram: the result of ``analysis.orbit_diagram``.
        ax: the Axes to draw on.
        coordinate: the index of the coordinate of w on the vertical axis.
        name: the name of that coordinate, for the label.

    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> map_ = sd.Map(sd.landscapes.double_well(), sd.GD(), lr=0.1)
    >>> diagram = sd.analysis.orbit_diagram(map_, "lr", [0.1, 0.9], [(0.5, 0.1)], transient=100, keep=4)
    >>> figure, ax = plt.subplots()
    >>> ax = sd.plot.orbits(diagram, ax, name="x")
    >>> ax.get_xlabel()
    'learning rate $\\\\eta$'
    """
    check_index("coordinate", coordinate, diagram.w.shape[-1])
    w = diagram.w[:, :, coordinate]
    x = np.repeat(diagram.parameter, w.shape[1])
    style: dict[str, Any] = {"ls": "", "marker": ".", "ms": 2.5, "mew": 0, "color": "#0072B2", "alpha": 0.35}
    ax.plot(x, w.ravel(), zorder=1, rasterized=True, **style)
    ax.plot([], [], **{**style, "ms": 7, "alpha": 1.0}, label="runs, after the transient")
    ax.set(xlabel=axis_label(diagram.name), ylabel=f"${name}$")
    return ax


def axis_label(parameter: str) -> str:
    """Return the label of the axis of a parameter."""
    return LABELS.get(parameter, f"${latex(parameter)}$")

"""Curves of bifurcations in the plane of two parameters."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ... import checks
from ...analysis import BifurcationCurve
from ...arguments import checked
from ..styles.names import latex
from .bifurcation import LABELS, MARKERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLES: dict[str, Any] = {  # the dashes of each kind of bifurcation, so that not only the colours differ
    "fold": "-",
    "pitchfork": (0, (6, 2)),
    "transcritical": (0, (6, 2, 1, 2)),
    "branch point": (0, (1, 1.2)),
    "flip": (0, (3, 1.5)),
    "Hopf": (0, (8, 1.5, 1, 1.5, 1, 1.5)),
    "Neimark–Sacker": (0, (8, 1.5, 1, 1.5, 1, 1.5)),
}
POINTS = "oD^sv*Pp<>hX8dH"  # markers of the kinds of points of codimension two, in the order in which they appear


@checked
def bifurcation_curves(curves: Sequence[BifurcationCurve], ax: "Axes") -> "Axes":
    """Draw curves of bifurcations by kind in the plane of their parameters, and mark the points of codimension two.

    Args:
        curves: results of ``analysis.bifurcation_curve``, all over the same two parameters.
        ax: the Axes to draw on. Its legend names the curves and the points.

    Raises:
        InputError: there are no curves, or their parameters differ.

    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> map_ = sd.Map(sd.Landscape("c*x**2/2", "x", parameters={"c": 2}), sd.GD(), lr=0.1, momentum=0.5)
    >>> (flip,) = sd.analysis.branch(map_, [0.0], "lr", (0.1, 3.0)).bifurcations
    >>> curve = sd.analysis.bifurcation_curve(map_, flip, ("lr", "momentum"), ((0.1, 3.0), (0.1, 0.9)))
    >>> figure, ax = plt.subplots()
    >>> ax = sd.plot.bifurcation_curves([curve], ax)
    >>> ax.get_legend_handles_labels()[1], ax.get_ylabel()
    (['flip'], 'momentum $\\\\gamma$')
    """
    if not curves:
        checks.reject("curves", list(curves), "at least one curve is needed", "Give results of bifurcation_curve")
    names = curves[0].names
    for curve in curves:
        if curve.names != names:
            checks.reject("curves", curve.names, f"the first curve is over {names}", "Draw curves over one plane")
    labels: set[str] = set()
    for curve in curves:
        color = MARKERS.get(curve.kind, MARKERS["branch point"])["color"]
        label = None if curve.kind in labels else curve.kind
        labels.add(curve.kind)
        ax.plot(*curve.parameters.T, color=color, ls=STYLES[curve.kind], lw=2.0, label=label, zorder=3)
    points = [point for curve in curves for point in curve.points]
    for marker, kind in zip(POINTS, dict.fromkeys(point.kind for point in points), strict=False):
        x, y = zip(*(point.parameters for point in points if point.kind == kind), strict=True)
        ax.plot(x, y, ls="", marker=marker, ms=8, color="black", mec="white", mew=0.8, label=kind, zorder=4)
    x_name, y_name = (LABELS.get(name, f"${latex(name)}$") for name in names)
    ax.set(xlabel=x_name, ylabel=y_name)
    return ax

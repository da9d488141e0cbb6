"""Basin maps: which start ends where."""

from typing import TYPE_CHECKING

import numpy as np

from ...analysis import DIVERGED, UNBOUNDED, UNDECIDED, Attractor, Basins
from ...analysis.limit_sets.search import NAMES
from ...arguments import checked
from ..styles.legends import equal_units, legend_below_axes
from ..styles.names import latex

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The colour and the hatch of each basin, in Okabe and Ito's colours. The first three colours differ in lightness, and
# so in grey print; the others have a hatch too.
PATTERNS = [
    ("#0072B2", ""),
    ("#F0E442", ""),
    ("#56B4E9", ""),
    ("#D55E00", "//"),
    ("#009E73", ".."),
    ("#CC79A7", "\\\\"),
    ("#E69F00", "xx"),
    ("#999999", "++"),
]
# The same for starts that reach no attractor.
OTHERS = {DIVERGED: ("white", "..."), UNBOUNDED: ("white", "//"), UNDECIDED: ("#222222", "")}


@checked
def basins(basins: Basins, ax: "Axes") -> "Axes":
    """Draw the basin of every attractor, and the number of the attractor where it lies in the plane.

    A legend below the axes gives the share of the starts that reach each attractor, with its 95 % interval. The ninth
    attractor has the pattern of the first, and so on; the numbers distinguish them.

    Args:
        basins: the result of ``analysis.basins``.
        ax: the Axes to draw on.

    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> map_ = sd.Map(sd.landscapes.double_well(), sd.GD(), lr=0.1)
    >>> figure, ax = plt.subplots()
    >>> ax = sd.plot.basins(sd.basins(map_, resolution=4), ax)
    >>> [text.get_text() for text in ax.get_legend().get_texts()][0]
    '1: (−1, 0), 50.0 % [28.0, 72.0]'
    """
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    labels = np.unique(basins.label)
    present = [int(i) for i in (*labels[labels >= 0], *(i for i in OTHERS if i in labels))]
    patterns = {i: OTHERS[i] if i < 0 else PATTERNS[i % len(PATTERNS)] for i in present}
    number = np.searchsorted(sorted(present), basins.label)
    colors = ListedColormap([patterns[i][0] for i in sorted(present)])
    ax.pcolormesh(
        basins.x, basins.y, number, cmap=colors, vmin=-0.5, vmax=len(present) - 0.5, shading="nearest", rasterized=True
    )
    handles = []
    for i in present:
        color, hatch = patterns[i]
        if hatch:
            here = (basins.label == i).astype(float)
            hatched = ax.contourf(basins.x, basins.y, here, levels=[0.5, 1.5], colors="none", hatches=[hatch])
            hatched.set(edgecolor=_hatch_color(i), linewidth=0)
        low, high = (100 * edge for edge in basins.interval(i))
        name = NAMES[i] if i < 0 else f"{i + 1}: {_name(basins.attractors[i])}"
        share = f"{100 * basins.fraction(i):.1f} % [{low:.1f}, {high:.1f}]"
        handles.append(Patch(fc=color, ec=_hatch_color(i), hatch=hatch, label=f"{name}, {share}"))
    _number_attractors(basins, ax)
    ax.set(xlabel=f"${latex(basins.coordinates[0])}$", ylabel=f"${latex(basins.coordinates[1])}$")
    equal_units(ax)
    legend_below_axes(ax, handles)
    return ax


def _hatch_color(label: int) -> str:
    return "white" if label >= 0 else "0.45"


def _number_attractors(basins: Basins, ax: "Axes") -> None:
    """Write the number of each attractor where it lies. An attractor of more than two coordinates gets none."""
    x, y = (values[[0, -1]] + np.diff(values[:2]) * [-0.5, 0.5] for values in (basins.x, basins.y))
    ax.set(xlim=x, ylim=y)
    for i, attractor in enumerate(basins.attractors):
        w = attractor.w
        if w.shape[1] != 2:
            continue
        inside = ((w >= [x[0], y[0]]) & (w <= [x[1], y[1]])).all(1)
        if not inside.any():
            continue
        if len(w) > 1:
            ax.plot(*w.T, "k.", ms=3)
        # A wide cycle gets a number at every point, every other attractor gets one number.
        wide = (
            attractor.kind == "cycle" and attractor.cycle is None and attractor.extent > 0.2 * min(np.ptp(x), np.ptp(y))
        )
        for point in w[inside] if wide else w[inside][[inside.sum() // 2]]:
            box = {"boxstyle": "circle,pad=0.15", "fc": "white", "ec": "black", "lw": 0.8}
            ax.text(point[0], point[1], f"{i + 1}", ha="center", va="center", fontsize=7.5, bbox=box, clip_on=True)


def _name(attractor: Attractor) -> str:
    middle = attractor.w.mean(0) if attractor.cycle is None else attractor.cycle.centre
    where = "(" + ", ".join(f"{c:.3g}" for c in np.round(middle, 6) + 0.0) + ")"
    where = where.replace("-", "\N{MINUS SIGN}")
    match attractor.kind:
        case "fixed point":
            return where
        case "cycle" if attractor.cycle is not None:
            return f"cycle of period {attractor.period:.3g} about {where}"
        case "cycle":
            return f"{attractor.period}-cycle about {where}"
        case "sliding" if len(attractor.w) == 1:
            return f"{where}, at a jump"
        case kind:
            return f"{kind} about {where}"

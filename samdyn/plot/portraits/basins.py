"""Basin maps: which start ends where."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...analysis import DIVERGED, UNBOUNDED, UNDECIDED, Attractor, Basins
from ...analysis.limit_sets.search.labels import NAMES
from ...arguments import checked
from ..styles.legends import equal_units, legend_below_axes
from ..styles.names import latex

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Patch

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
    draw_labels(ax, basins.coordinates, basins.x, basins.y, basins.label)
    number_attractors(ax, dict(enumerate(basins.attractors)))
    handles = []
    for i in [label for label in (*range(len(basins.attractors)), *OTHERS) if label in basins.label]:
        low, high = (100 * edge for edge in basins.interval(i))
        name = NAMES[i] if i < 0 else f"{i + 1}: {name_of(basins.attractors[i])}"
        handles.append(patch(i, f"{name}, {100 * basins.fraction(i):.1f} % [{low:.1f}, {high:.1f}]"))
    legend_below_axes(ax, handles)
    return ax


def pattern(label: int) -> tuple[str, str]:
    """Return the colour and the hatch of a label."""
    return OTHERS[label] if label < 0 else PATTERNS[label % len(PATTERNS)]


def patch(label: int, text: str) -> "Patch":
    """Return the entry of a legend for a label."""
    from matplotlib.patches import Patch

    color, hatch = pattern(label)
    return Patch(fc=color, ec=hatch_color(label), hatch=hatch, label=text)


def draw_labels(ax: "Axes", coordinates: tuple[str, str], x: np.ndarray, y: np.ndarray, label: np.ndarray) -> None:
    """Fill the cells about starts at x ``(nx,)`` and y ``(ny,)`` with the pattern of their label ``(ny, nx)``."""
    from matplotlib.colors import ListedColormap

    present, number = np.unique(label, return_inverse=True)
    colors = ListedColormap([pattern(int(i))[0] for i in present])
    cells = number.reshape(label.shape)
    ax.pcolormesh(x, y, cells, cmap=colors, vmin=-0.5, vmax=len(present) - 0.5, shading="nearest", rasterized=True)
    for i in present:
        hatch = pattern(int(i))[1]
        if hatch:
            hatched = ax.contourf(x, y, (label == i).astype(float), levels=[0.5, 1.5], colors="none", hatches=[hatch])
            hatched.set(edgecolor=hatch_color(int(i)), linewidth=0)
    (left, right), (low, high) = (v[[0, -1]] + np.diff(v[:2]) * [-0.5, 0.5] for v in (x, y))
    ax.set(xlim=(left, right), ylim=(low, high))
    ax.set(xlabel=f"${latex(coordinates[0])}$", ylabel=f"${latex(coordinates[1])}$")
    equal_units(ax)


def hatch_color(label: int) -> str:
    """Return the colour of the hatch of a label."""
    return "white" if label >= 0 else "0.45"


def write_number(ax: "Axes", x: float, y: float, label: int) -> None:
    """Write the number of an attractor, the index plus 1, in a circle."""
    from matplotlib import pyplot as plt

    size = 0.75 * plt.rcParams["font.size"]
    box = {"boxstyle": "circle,pad=0.15", "fc": "white", "ec": "black", "lw": 0.8}
    ax.text(x, y, f"{label + 1}", ha="center", va="center", fontsize=size, bbox=box, clip_on=True)


def number_attractors(ax: "Axes", attractors: Mapping[int, Attractor]) -> None:
    """Write the number of each attractor where it lies. An attractor of more than two coordinates gets none."""
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    for i, attractor in attractors.items():
        w = attractor.w
        if w.shape[1] != 2:
            continue
        inside = ((w >= [left, low]) & (w <= [right, high])).all(1)
        if not inside.any():
            continue
        if len(w) > 1:
            ax.plot(*w.T, "k.", ms=3)
        # A wide cycle gets a number at every point, every other attractor gets one number.
        wide = (
            attractor.kind == "cycle"
            and attractor.cycle is None
            and attractor.extent > 0.2 * min(right - left, high - low)
        )
        for point in w[inside] if wide else w[inside][[inside.sum() // 2]]:
            write_number(ax, point[0], point[1], i)


def name_of(attractor: Attractor) -> str:
    """Return what a legend calls an attractor."""
    where = "(" + ", ".join(f"{c:.3g}" for c in np.round(attractor.centre, 6) + 0.0) + ")"
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

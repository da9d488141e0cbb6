"""Basins along a parameter: how large each is, and an animation of the plane."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import checks
from ...analysis import BasinsAlong, ContinuedAttractor
from ...analysis.limit_sets.search.labels import NAMES
from ...arguments import checked
from ..styles.legends import legend_below_axes
from ..styles.names import SYMBOLS
from ..styles.style import STYLE
from .animation import animate
from .basins import OTHERS, draw_labels, hatch_color, name_of, number_attractors, patch, pattern, write_number
from .bifurcation import axis_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SMALLEST_NUMBERED = 0.05  # least share of an attractor whose area has room for its number
SLIDE_FONT: Any = {"font.size": 16, "axes.titlesize": 20}  # points, in frames of 8 × 6.5 inches
SLIDE_DPI = 120  # resolution of a frame, pixels per inch
LEGEND_COLUMNS = 3  # number of shares in a row below a frame


@checked
def basins_along(along: BasinsAlong, ax: "Axes") -> "Axes":
    """Draw the shares of all basins over the parameter as stacked areas, with the number of each attractor.

    Colours, hatches and numbers are those of ``animate_basins``: an attractor keeps them along the parameter. The ninth
    attractor has the pattern of the first, and so on; the numbers distinguish them. The areas are interpolated between
    the values. A legend below the axes says where each attractor is first and last, and over
    which values it was found.

    Args:
        along: the result of ``analysis.basins_along``.
        ax: the Axes to draw on.

    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> saddle = sd.Landscape("x**2 - y**2 + y**4", "x y", box=[(-1, 1), (-1, 1)])
    >>> along = sd.analysis.basins_along(sd.Flow(saddle, sd.USAM(0.1)), "rho", [0.4, 0.6, 0.8], resolution=10)
    >>> figure, ax = plt.subplots()
    >>> ax = sd.plot.basins_along(along, ax)
    >>> ax.get_legend().get_texts()[2].get_text()
    '3: (0, 0), from ρ = 0.6'
    """
    values, bottom, handles = along.parameter, np.zeros(len(along.parameter)), []
    for label in [*range(len(along.attractors)), *OTHERS]:
        share = along.share(label)
        if not share.any():
            continue
        color, hatch = pattern(label)
        ax.fill_between(
            values, bottom, bottom + share, facecolor=color, hatch=hatch, edgecolor=hatch_color(label), linewidth=0
        )
        ax.plot(values, bottom + share, color="black", lw=0.7)
        widest = int(np.argmax(share[1:-1])) + 1 if len(values) > 2 else 0  # a number at an end would be cut off
        if label >= 0 and len(values) > 2 and share[widest] >= SMALLEST_NUMBERED:
            write_number(ax, values[widest], bottom[widest] + share[widest] / 2, label)
        text = NAMES[label] if label < 0 else f"{label + 1}: {_course(along.attractors[label], along.name)}"
        handles.append(patch(label, text))
        bottom = bottom + share
    ax.set(xlabel=axis_label(along.name), ylabel="share of the starts", xlim=values[[0, -1]], ylim=(0, 1))
    legend_below_axes(ax, handles)
    return ax


@checked
def animate_basins(
    along: BasinsAlong, path: str | Path, *, fps: float = 5, size: tuple[float, float] = (8.0, 6.5), comment: str = ""
) -> Path:
    """Write an animation of the basins in the plane, with one frame per value of the parameter.

    An attractor keeps its colour, hatch and number in all frames. The text is large enough for a slide. The title tells
    the value, and the legend the share of every attractor that any start reaches.

    Args:
        along: the result of ``analysis.basins_along`` for starts on a plane.
        path, fps, size, comment: as in ``animate``; the file is a GIF or an MP4.

    Returns:
        The path.

    Raises:
        InputError: the starts are random; or as ``animate``.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.double_well(), sd.GD(), lr=0.1)
    >>> along = sd.analysis.basins_along(map_, "lr", [0.1, 0.2], resolution=4)
    >>> sd.plot.animate_basins(along, "basins.gif", size=(4, 4)).name
    'basins.gif'
    """
    from matplotlib import pyplot as plt

    if along.plane is None or along.x is None or along.y is None:
        rule = "has random starts, which fill no plane"
        checks.reject("along", along.name, rule, "Call analysis.basins_along without starts")
    plane, x, y = along.plane, along.x, along.y
    labels = [label for label in (*range(len(along.attractors)), *OTHERS) if along.share(label).any()]
    shares = {label: along.share(label) for label in labels}
    symbol = SYMBOLS.get(along.name, along.name)

    def frame(value: float, ax: "Axes") -> None:
        k = int(np.searchsorted(along.parameter, value))
        draw_labels(ax, plane, x, y, along.label[k])
        here = {number: one.sets[k] for number, one in enumerate(along.attractors)}
        number_attractors(ax, {number: one for number, one in here.items() if one is not None})
        names = [NAMES[label] if label < 0 else f"{label + 1}" for label in labels]
        texts = [f"{name}: {100 * shares[label][k]:.1f} %" for name, label in zip(names, labels, strict=True)]
        patches = [patch(label, text) for label, text in zip(labels, texts, strict=True)]
        legend_below_axes(ax, patches, columns=LEGEND_COLUMNS)
        ax.set_title(f"{symbol} = {value:.4g}".replace("-", "\N{MINUS SIGN}"))

    with plt.rc_context({**STYLE, **SLIDE_FONT}):
        return animate(frame, along.parameter.tolist(), path, fps=fps, size=size, dpi=SLIDE_DPI, comment=comment)


def _course(attractor: ContinuedAttractor, name: str) -> str:
    """Return where an attractor is first and last, and over which values of the parameter."""
    first, last = (name_of(one) for one in attractor.ends)
    place = first if first == last else f"{first} → {last}"
    symbol, (low, high) = SYMBOLS.get(name, name), attractor.parameter[[0, -1]]
    since = f", from {symbol} = {attractor.birth:.3g}" if attractor.birth > low else ""
    until = f", to {symbol} = {attractor.end:.3g}" if attractor.end < high else ""
    return (place + since + until).replace("-", "\N{MINUS SIGN}")

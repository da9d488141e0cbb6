"""One style for every figure. Its lines differ in grey print and for colour-blind readers too."""

from typing import TYPE_CHECKING, Any

from ... import checks
from ...arguments import checked
from ...methods import Method

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The style of each method: one of Okabe and Ito's colours, a dash and a marker, all different.
LINES: dict[str, dict[str, Any]] = {
    "GD": {"color": "#000000", "linestyle": "-", "marker": "o"},
    "USAM": {"color": "#0072B2", "linestyle": "--", "marker": "s"},
    "SAM": {"color": "#D55E00", "linestyle": "-", "marker": "^"},
    "DNSAM": {"color": "#009E73", "linestyle": "-.", "marker": "D"},
    "ASAM": {"color": "#CC79A7", "linestyle": (0, (5, 1, 1, 1, 1, 1)), "marker": "v"},
    "UASAM": {"color": "#E69F00", "linestyle": (0, (8, 2)), "marker": "<"},
    "ExactSAM": {"color": "#56B4E9", "linestyle": ":", "marker": "P"},
}
# The style of every other method.
OTHER: dict[str, Any] = {"color": "#666666", "linestyle": (0, (1, 1)), "marker": "X"}

# The styles of lines that are not of methods, in turn: the same colours, dashes and markers.
CYCLE: tuple[dict[str, Any], ...] = tuple(LINES.values())

# Settings of matplotlib, for ``with matplotlib.pyplot.rc_context(STYLE)``.
STYLE: Any = {
    "figure.dpi": 110,
    "savefig.dpi": 150,
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "mathtext.fontset": "cm",
}


@checked
def line(method: Method | str) -> dict[str, Any]:
    """Return the colour, line style and marker of a method.

    Args:
        method: the method or the name of its class.

    >>> import samdyn as sd
    >>> sd.plot.line(sd.USAM(rho=0.1))
    {'color': '#0072B2', 'linestyle': '--', 'marker': 's'}
    """
    return dict(LINES.get(method if isinstance(method, str) else type(method).__name__, OTHER))


@checked
def log_axis(ax: "Axes", which: str) -> None:
    """Make an axis of few decades logarithmic, or both, with 1, 2 and 5 in each written as plain numbers.

    Args:
        ax: the Axes.
        which: "x" or "y", or "xy" for both.

    Raises:
        InputError: another axis.

    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> figure, ax = plt.subplots()
    >>> _ = ax.set_xlim(0.1, 1)
    >>> sd.plot.log_axis(ax, "x")
    >>> [text.get_text() for text in ax.get_xticklabels()][3:6]
    ['0.1', '0.2', '0.5']
    """
    from matplotlib.ticker import LogLocator, NullFormatter

    for name in checks.known("axis", which, ("x", "y", "xy")):
        ax.set(**{f"{name}scale": "log"})
        axis = ax.xaxis if name == "x" else ax.yaxis
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())

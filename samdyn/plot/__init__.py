"""Pictures. Every function draws on an Axes it is given and returns it; matplotlib is imported by whoever makes one."""

from .chart import stability_chart
from .escape import cosine, survival, trapped_fraction
from .landscape import contours, path, surface, surface_path
from .style import LINES, STYLE, line

__all__ = [
    "LINES",
    "STYLE",
    "contours",
    "cosine",
    "line",
    "path",
    "stability_chart",
    "surface",
    "surface_path",
    "survival",
    "trapped_fraction",
]

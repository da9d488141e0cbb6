"""Pictures of results.

Every function draws on the Axes that it is given and returns that Axes. It computes nothing but the values of a
landscape or a field on the grid that it draws. Importing this package does not import matplotlib.
"""

from .animation import animate
from .basins import basins
from .bifurcation import bifurcation, orbits
from .chart import stability_chart
from .clipped import clipped
from .escape import cosine, survival, trapped_fraction
from .fate import fate
from .intervals import intervals
from .landscape import contours, path, surface, surface_path
from .majority import majority
from .many_runs import band, runs
from .perturbation import perturbed
from .phase_portrait import MARKERS, manifolds, mark, phase_portrait
from .style import CYCLE, LINES, STYLE, line, log_axis

__all__ = [
    "CYCLE",
    "LINES",
    "MARKERS",
    "STYLE",
    "animate",
    "band",
    "basins",
    "bifurcation",
    "clipped",
    "contours",
    "cosine",
    "fate",
    "intervals",
    "line",
    "log_axis",
    "majority",
    "manifolds",
    "mark",
    "orbits",
    "path",
    "perturbed",
    "phase_portrait",
    "runs",
    "stability_chart",
    "surface",
    "surface_path",
    "survival",
    "trapped_fraction",
]

"""Pictures of results.

A function draws on the Axes that it is given and returns that Axes; those that fill several panels, such as ``paths``,
return a new figure. They compute nothing but the values of a landscape or a field on the grid that they draw. Importing
this package does not import matplotlib.
"""

from .animation import animate
from .basins import basins
from .bifurcation import bifurcation, orbits
from .bounds import lower_bounds
from .chart import stability_chart
from .clipped import clipped
from .escape import cosine, cosines, survival, survivals, trapped_fraction, trapped_fractions
from .facets import facets
from .fate import fate
from .intervals import intervals
from .landscape import contours, path, paths, surface, surface_path
from .magnitude import magnitude
from .majority import majority
from .many_runs import band, runs
from .names import SYMBOLS, label
from .networks.ascent_planes import ascent_planes
from .outside import with_outside
from .perturbation import perturbed
from .phase_portrait import MARKERS, manifolds, mark, phase_portrait
from .ratio import ratio_map
from .scatter import scatter
from .style import CYCLE, LINES, STYLE, line, log_axis

__all__ = [
    "CYCLE",
    "LINES",
    "MARKERS",
    "STYLE",
    "SYMBOLS",
    "animate",
    "ascent_planes",
    "band",
    "basins",
    "bifurcation",
    "clipped",
    "contours",
    "cosine",
    "cosines",
    "facets",
    "fate",
    "intervals",
    "label",
    "line",
    "log_axis",
    "lower_bounds",
    "magnitude",
    "majority",
    "manifolds",
    "mark",
    "orbits",
    "path",
    "paths",
    "perturbed",
    "phase_portrait",
    "ratio_map",
    "runs",
    "scatter",
    "stability_chart",
    "surface",
    "surface_path",
    "survival",
    "survivals",
    "trapped_fraction",
    "trapped_fractions",
    "with_outside",
]

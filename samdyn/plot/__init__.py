"""Pictures of results.

A function draws on the Axes that it is given and returns that Axes; those that fill several panels, such as ``paths``,
return a new figure. They compute nothing but the values of a landscape or a field on the grid that they draw. Importing
this package does not import matplotlib.
"""

from .grids.chart import stability_chart
from .grids.charts import stability_charts
from .grids.curvature import curvature
from .grids.heat_map import heat_map
from .grids.majority import majority
from .grids.ratio import ratio_map
from .portraits.animation import animate
from .portraits.basins import basins
from .portraits.basins_along import animate_basins, basins_along
from .portraits.bifurcation import bifurcation, orbits
from .portraits.bifurcation_curves import bifurcation_curves
from .portraits.fate import fate
from .portraits.landscape import contours, path, paths, surface, surface_path
from .portraits.perturbation import perturbed
from .portraits.phase_portrait import MARKERS, manifolds, mark, phase_portrait
from .portraits.side_by_side import phase_portraits
from .saddles.ascent_planes import ascent_planes
from .saddles.escape import cosine, cosines, survival, survivals, trapped_fraction, trapped_fractions
from .saddles.planes import planes
from .series.bounds import lower_bounds
from .series.clipped import clipped
from .series.facets import facets
from .series.intervals import intervals
from .series.magnitude import magnitude
from .series.many_runs import band, horizon, predictability, runs, sampled
from .series.orders import orders
from .series.outside import with_outside
from .series.scatter import scatter
from .styles.names import SYMBOLS, label
from .styles.panels import frame, panels
from .styles.style import CYCLE, LINES, STYLE, line, log_axis

__all__ = [
    "CYCLE",
    "LINES",
    "MARKERS",
    "STYLE",
    "SYMBOLS",
    "animate",
    "animate_basins",
    "ascent_planes",
    "band",
    "basins",
    "basins_along",
    "bifurcation",
    "bifurcation_curves",
    "clipped",
    "contours",
    "cosine",
    "cosines",
    "curvature",
    "facets",
    "fate",
    "frame",
    "heat_map",
    "horizon",
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
    "orders",
    "panels",
    "path",
    "paths",
    "perturbed",
    "phase_portrait",
    "phase_portraits",
    "planes",
    "predictability",
    "ratio_map",
    "runs",
    "sampled",
    "scatter",
    "stability_chart",
    "stability_charts",
    "surface",
    "surface_path",
    "survival",
    "survivals",
    "trapped_fraction",
    "trapped_fractions",
    "with_outside",
]

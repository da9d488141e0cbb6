"""The points a sharpness-aware method looks at."""

from typing import TYPE_CHECKING, Any

import torch

from .. import checks
from ..arguments import checked
from ..dynamics import Map
from .fate import check_run
from .landscape import check_plane

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes


@checked
def perturbed(map_: Map, runs: "xarray.Dataset", ax: "Axes", *, run: int = 0, every: int = 1, **style: Any) -> "Axes":
    """Draw the iterates of one run, w, with an arrow from each to its perturbed point wᵖ, as in [K23]'s figures.

    Args:
        map_: what made the run.
        runs: from ``simulate`` with more than one saved state, in the plane; a part of them to look closely:
            ``runs.isel(step=slice(5000, 5041))``.
        ax: where to draw.
        run: which of them.
        every: draw one saved state of so many.
        style: of the perturbed points, as in ``ax.plot``.

    Raises:
        InputError: a landscape or runs that are not of the plane, results without states, no such run, every < 1.
    """
    import sympy

    landscape = map_.landscape
    if landscape.dim != 2:
        fix = "Draw runs of a slice, e.g. of landscape.restrict({'z': 0.0})"
        checks.reject("landscape", landscape, f"has {landscape.dim} coordinates; a plane has two", fix)
    every = checks.count("every", every, "Use e.g. every=10")
    check_run(runs, run, "w")
    check_plane(runs)
    w = runs.w.values[run, ::every].T
    there = map_.method.perturbed(torch.as_tensor(w), landscape.grad).numpy()
    ax.quiver(*w, *(there - w), angles="xy", scale_units="xy", scale=1, width=0.004, color="0.7")
    ax.plot(*there, **{"ls": "none", "marker": ".", "color": "#D55E00", "label": r"$w_k^p$, perturbed", **style})
    ax.plot(*w, "k+", label="$w_k$")
    x, y = (f"${sympy.latex(symbol)}$" for symbol in landscape.symbols)
    ax.set(xlabel=x, ylabel=y)
    return ax

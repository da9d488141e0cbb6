"""The perturbed points of a sharpness-aware method."""

from typing import TYPE_CHECKING, Any

from ... import checks
from ...arguments import checked
from ..styles.names import latex
from .fate import check_run
from .landscape import check_plane

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes


@checked
def perturbed(
    runs: "xarray.Dataset", points: "xarray.DataArray", ax: "Axes", *, run: int = 0, every: int = 1, **style: Any
) -> "Axes":
    """Draw the iterates w of one run, with an arrow from each to its perturbed point wᵖ, as in [K23]'s figures.

    Args:
        runs: the result of ``simulate`` with more than one saved state, in the plane. To look closely, give a part of
            it, as ``runs.isel(step=slice(5000, 5041))``.
        points: the result of ``analysis.perturbed`` for the same ``runs``.
        ax: the Axes to draw on.
        run: the index of the run.
        every: draw every state (1), every second one (2), and so on.
        style: keywords of ``ax.plot`` for the perturbed points.

    Raises:
        InputError: runs that are not of the plane, results without states, points of other runs, no run of this index,
            or every < 1.

    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.SAM(rho=0.5), lr=0.1)
    >>> runs = sd.simulate(map_, (1, 0.3), steps=20, save_every=1)
    >>> figure, ax = plt.subplots()
    >>> ax = sd.plot.perturbed(runs, sd.analysis.perturbed(map_, runs), ax, every=2)
    """
    every = checks.count("every", every, "Use e.g. every=10")
    check_run(runs, run, "w")
    check_plane(runs)
    if points.shape != runs.w.shape:
        rule = f"has the shape {points.shape}, the states of the runs {runs.w.shape}"
        checks.reject("points", points.name, rule, "Use samdyn.analysis.perturbed(map_, runs)")
    w, there = runs.w.values[run, ::every].T, points.values[run, ::every].T
    ax.quiver(*w, *(there - w), angles="xy", scale_units="xy", scale=1, width=0.004, color="0.7")
    ax.plot(*there, **{"ls": "none", "marker": ".", "color": "#D55E00", "label": r"$w_k^p$, perturbed", **style})
    ax.plot(*w, "k+", label="$w_k$")
    x, y = (f"${latex(str(name))}$" for name in runs.coord.values)
    ax.set(xlabel=x, ylabel=y)
    return ax

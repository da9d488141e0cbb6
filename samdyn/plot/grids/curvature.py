"""The largest eigenvalue of the Hessian in training, against the edge of stability."""

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

from ... import checks
from ...arguments import checked
from ..series.many_runs import runs as draw_runs
from ..styles.panels import frame
from ..styles.style import CYCLE

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

ROOM = 1.35  # top of the axis of curvatures, over GD's edge; those of the first steps would squeeze the rest


@checked
def curvature(
    runs: "xarray.Dataset", *, column: str, over: str, colors: Sequence[str] | None = None, title: str = ""
) -> "Figure":
    """Draw λ_max with its edge along training, and the loss below: the first network in front, the others pale.

    Args:
        runs: a sweep of ``networks.track_curvature`` over ``column`` and ``over``. It has the variable "edge" too, the
            curvature above which steps grow, and may have "gd_edge", that of GD, one number.
        column: the dimension whose values have a column each.
        over: the dimension of networks. The edge is that of the first one.
        colors: a colour for each column. Default: those of ``CYCLE``.
        title: the title of the figure.

    Returns:
        A new figure.

    Raises:
        InputError: the data lack a variable or a dimension.

    >>> import xarray as xr
    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.quadratic([3.0, 1.0]), sd.GD(), lr=0.1)
    >>> data = sd.networks.track_curvature(map_, [(0.5, 1.0), (1.0, 1.0)], steps=20, every=5, top=1)
    >>> data["edge"] = xr.full_like(data.loss, sd.symbolic.edge_of_stability(map_))
    >>> figure = sd.plot.curvature(data.expand_dims(method=["GD"]), column="method", over="run")
    >>> [ax.get_title() for ax in figure.axes], figure.axes[1].get_ylabel()
    (['GD', ''], 'training loss')
    """
    from matplotlib import pyplot as plt

    checks.holds(runs, "edge", "eigenvalue", "loss", "step")
    for dim in (column, over):
        checks.present("dimension", dim, map(str, runs.sizes))
    count = runs.sizes[column]
    layout: dict[str, Any] = {"sharex": True, "sharey": "row", "squeeze": False, "height_ratios": (3, 2)}
    figure, axes = plt.subplots(2, count, figsize=(2.4 * count, 5.2), **layout)
    looks = cycle(colors or [style["color"] for style in CYCLE])
    for i, (name, (top, bottom), color) in enumerate(zip(runs[column].values, axes.T, looks, strict=False)):
        one = runs.isel({column: i})
        lam = one.eigenvalue.sel(order=1)
        draw_runs(lam, top, x="step", over=over, color=color, label=r"$\lambda_{\max}$, pale: other weights")
        draw_runs(one.loss, bottom, x="step", over=over, color=color)
        top.plot(one.step, one.edge.isel({over: 0}), color="0.45", lw=1.2, ls=(0, (3, 1)), label="its edge at the time")
        if "gd_edge" in runs:
            label = r"GD's edge, $2(1+\gamma)/\eta$"
            top.axhline(float(runs.gd_edge), color="0.8", lw=0.8, zorder=0, label=label)
            top.set_ylim(0, ROOM * float(runs.gd_edge))
        top.set_title(str(name))
    axes[0, 0].set(ylabel=r"curvature $\lambda$")
    axes[1, 0].set(ylabel="training loss", yscale="log")
    return frame(figure, title, xlabel="step $k$")

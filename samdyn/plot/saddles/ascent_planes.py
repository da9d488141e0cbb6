"""The loss along planes of ascents."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ... import checks
from ...arguments import checked

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

LEVELS = 16  # contours of the loss, equally far apart in its logarithm
SMALLEST = 1e-12  # loss below which all is one colour
MIN_RANGE = 1e-2  # least range of the colours, relative to the lowest loss


@checked
def ascent_planes(planes: "xarray.Dataset", axes: Any, *, color: str = "#D55E00") -> Any:
    """Draw contours of the loss along planes, in the same colours, with the ascent in each.

    A star is w, and a dotted circle has the radius ρ.

    Args:
        planes: results of ``networks.ascent_plane``, one or several along a dimension whose labels are the titles.
        axes: the Axes, ``(n,)``, one for each plane.
        color: the colour of the ascents.

    Returns:
        The Axes. ``axes[0].collections[0]`` has the colours of all, for a colour bar.

    Raises:
        InputError: the data lack a variable of a plane, or have another number of planes than of Axes.

    >>> import torch, samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> w = torch.tensor([1.0, 0.5], dtype=torch.float64)
    >>> plane = sd.networks.ascent_plane(sd.landscapes.quadratic([1.0, 4.0]), w, sd.SAM(0.2, ascent_steps=2))
    >>> figure, axes = plt.subplots(1, 1, squeeze=False)
    >>> sd.plot.ascent_planes(plane.expand_dims(form=["two steps"]), axes[0])[0].get_title()
    'two steps\\nL(w) = 1, L(wᵖ) = 1.5'
    """
    for name in ("loss", "ascent", "start_loss", "end_loss"):
        checks.present("variable", name, map(str, planes.data_vars))
    (dim,) = planes.start_loss.dims or ("",)
    if np.shape(axes) != (planes.start_loss.size,):
        rule = f"there are {planes.start_loss.size} plane(s)"
        checks.reject("axes", np.shape(axes), rule, "Give an array of as many Axes")
    low = max(float(planes.loss.min()), SMALLEST)
    limits = low, max(float(planes.loss.max()), (1 + MIN_RANGE) * low)
    for i, ax in enumerate(axes):
        plane = planes.isel({dim: i}) if dim else planes
        _draw(plane, ax, limits, color)
        losses = f"L(w) = {float(plane.start_loss):.2g}, L(wᵖ) = {float(plane.end_loss):.2g}"
        ax.set_title(f"{plane[dim].item()}\n{losses}" if dim else losses)
    axes[0].set_ylabel(r"along $\nabla L(w^p)$ across it, in units of $\rho$")
    return axes


def _draw(plane: "xarray.Dataset", ax: "Axes", limits: tuple[float, float], color: str) -> None:
    from matplotlib.colors import LogNorm
    from matplotlib.patches import Circle

    levels = np.geomspace(*limits, LEVELS)
    surface = plane.u, plane.v, plane.loss.clip(limits[0])
    ax.contourf(*surface, levels=levels, norm=LogNorm(*limits), cmap="viridis", extend="min")
    ax.contour(*surface, levels=levels, colors="white", linewidths=0.4)
    ax.add_patch(Circle((0, 0), 1, fill=False, ec="white", ls=":"))
    x, y = plane.ascent.values.T
    ax.plot(x, y, color=color, marker="o", ms=4, mec="white", mew=0.5)
    ax.plot(0, 0, color="black", marker="*", ms=11, mec="white", ls="none")
    ax.set(aspect="equal", xlabel=r"along $\nabla L(w)$, in units of $\rho$")

"""The loss along the plane of an ascent."""

from typing import TYPE_CHECKING

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
def ascent_plane(
    plane: "xarray.Dataset", ax: "Axes", *, limits: tuple[float, float] | None = None, color: str = "#D55E00"
) -> "Axes":
    """Draw contours of the loss along a plane, the ascent in it, w as a star, and the radius ρ as a dotted circle.

    Args:
        plane: the result of ``networks.ascent_plane``.
        ax: the Axes to draw on.
        limits: the losses at the ends of the colours, so that several planes have the same. Default: the plane's own.
        color: the colour of the ascent.

    Returns:
        The Axes. The last of its images, ``ax.collections[0]``, has the colours, for a colour bar.

    Raises:
        InputError: the data lack a variable of a plane.

    >>> import torch, samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> w = torch.tensor([1.0, 0.5], dtype=torch.float64)
    >>> plane = sd.networks.ascent_plane(sd.landscapes.quadratic([1.0, 4.0]), w, sd.SAM(0.2, ascent_steps=2))
    >>> figure, ax = plt.subplots()
    >>> sd.plot.ascent_plane(plane, ax).get_xlabel()
    'along $\\\\nabla L(w)$, in units of $\\\\rho$'
    """
    from matplotlib.colors import LogNorm
    from matplotlib.patches import Circle

    for name in ("loss", "ascent", "start_loss", "end_loss"):
        checks.known("variable", name, map(str, plane.data_vars))
    low, high = limits or (float(plane.loss.min()), float(plane.loss.max()))
    low = max(low, SMALLEST)
    high = max(high, (1 + MIN_RANGE) * low)
    levels = np.geomspace(low, high, LEVELS)
    axes = plane.u, plane.v, plane.loss
    ax.contourf(*axes, levels=levels, norm=LogNorm(low, high), cmap="viridis", extend="min")
    ax.contour(*axes, levels=levels, colors="white", linewidths=0.4)
    ax.add_patch(Circle((0, 0), 1, fill=False, ec="white", ls=":"))
    x, y = plane.ascent.values.T
    ax.plot(x, y, color=color, marker="o", ms=4, mec="white", mew=0.5)
    ax.plot(0, 0, color="black", marker="*", ms=11, mec="white", ls="none")
    ax.set_title(f"L(w) = {float(plane.start_loss):.2g}, L(wᵖ) = {float(plane.end_loss):.2g}")
    ax.set(
        aspect="equal",
        xlabel=r"along $\nabla L(w)$, in units of $\rho$",
        ylabel=r"along $\nabla L(w^p)$ across it, in units of $\rho$",
    )
    return ax

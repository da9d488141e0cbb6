"""The loss along the plane of an ascent."""

from typing import TYPE_CHECKING

import numpy as np
import torch

from ... import checks
from ...arguments import checked
from ...landscapes import Landscape
from ...methods.method import Ascent
from ...ops import unit

if TYPE_CHECKING:
    import xarray


@checked
def ascent_plane(
    landscape: Landscape, w: torch.Tensor, method: Ascent, *, extent: float = 1.5, points: int = 41
) -> "xarray.Dataset":
    """Return the loss along the plane through w of ∇L(w) and the gradient at the last point of a method's ascent.

    The plane has the orthonormal axes u, along ∇L(w), and v, along the part of the other gradient across u. All
    coordinates are in units of the radius ρ.

    Args:
        landscape: a network or any other landscape.
        w: the point, ``(d,)``.
        method: a method with an ascent, as SAM with several steps, and with one radius > 0.
        extent: the half-width of the plane, in units of ρ.
        points: the number of points along each axis.

    Returns:
        "loss" along v and u; "ascent", where the points of the ascent are in the plane, ("point", "along"), w first;
        "start_loss" and "end_loss", the loss at w and at the last point; "off", the largest distance of a point of the
        ascent from the plane. ρ is the attribute "rho".

    Raises:
        InputError: a radius, an extent or a number of points out of its range.

    >>> import samdyn as sd
    >>> w = torch.tensor([1.0, 0.5], dtype=torch.float64)
    >>> plane = sd.networks.ascent_plane(sd.landscapes.quadratic([1.0, 4.0]), w, sd.SAM(0.2, ascent_steps=2), points=3)
    >>> plane.loss.sizes["u"], plane.ascent.values.round(2).tolist()
    (3, [[0.0, 0.0], [0.5, 0.0], [1.0, 0.02]])
    """
    import xarray as xr

    rho = checks.positive("rho", method.rho, "Use a method with one radius > 0, e.g. SAM(0.2)")
    extent = checks.positive("extent", extent, "Use e.g. extent=1.5")
    axis = torch.linspace(-extent, extent, checks.count("points", points, "Use e.g. points=41"), dtype=torch.float64)
    path = [*method.ascend(w, landscape.grad)]
    u = unit(landscape.grad(w))
    v = unit(path[-1][1] - (path[-1][1] @ u) * u)
    side = rho * axis.to(w)
    plane = w[:, None, None] + u[:, None, None] * side + v[:, None, None] * side[:, None]
    displacements = torch.stack([w, *(p for p, _ in path)]) - w
    inside = torch.stack([displacements @ u, displacements @ v], 1)
    off = (displacements - inside @ torch.stack([u, v])).norm(dim=1).max()
    return xr.Dataset(
        {
            "loss": (("v", "u"), landscape.value(plane).cpu().numpy()),
            "ascent": (("point", "along"), inside.cpu().numpy() / rho),
            "start_loss": float(landscape.value(w)),
            "end_loss": float(landscape.value(path[-1][0])),
            "off": float(off) / rho,
        },
        coords={"u": axis.numpy(), "v": axis.numpy(), "along": ["u", "v"], "point": np.arange(len(inside))},
        attrs={"rho": rho},
    )

"""Quadrature: means over standard normal numbers as weighted sums over nodes."""

import math

import numpy as np
import torch

from .. import checks
from ..ops import unit

MOST = 20_000  # largest count of nodes, or of outcomes of a finite sum, in one mean
FEWEST, MOST_EACH = 5, 12  # counts of Gauss–Hermite nodes per dimension; n are exact for polynomials of degree 2n − 1
RADIUS = 6.5  # in standard deviations; 1e-9 of the plane's normal distribution lies beyond
FAR = 1e6  # largest distance of a center from the origin, in standard deviations
RAYS, ALONG = 48, 32  # counts of rays in a plane and of nodes along each, in polar quadrature


def hermite(dims: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return K nodes ``(dims, K)`` and weights ``(K,)`` for smooth functions of ``dims`` standard normal numbers.

    Raises:
        InputError: there are so many dimensions that each would have fewer than 5 nodes.
    """
    each = min(MOST_EACH, int(MOST ** (1 / max(dims, 1)) + 1e-9))
    if each < FEWEST:
        most = int(math.log(MOST) / math.log(FEWEST))
        rule = f"Gaussian quadrature in {dims} dimensions needs more than {FEWEST}**{dims} nodes; the most is {MOST}"
        fix = f"Use noise of rank × draws × micro-batches at most {most}; exact moments on quadratics: linear_step"
        checks.reject("noise", dims, rule, fix)
    x, p = np.polynomial.hermite_e.hermegauss(each)
    indices = np.indices([each] * dims).reshape(dims, each**dims)
    return torch.tensor(x[indices]), torch.tensor((p / p.sum())[indices].prod(0))


def axes(dims: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return nodes ±√dims along every axis, ``(dims, K)``, and weights ``(K,)``. They are exact for degree 3."""
    if not dims:
        return hermite(0)
    eye = math.sqrt(dims) * torch.eye(dims, dtype=torch.float64)
    return torch.cat([eye, -eye], 1), torch.full((2 * dims,), 1 / (2 * dims), dtype=torch.float64)


def polar(center: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return nodes for functions of standard normal numbers that are smooth only along the rays from a center.

    The rays have equal angles, and each has Gauss–Legendre nodes. Angles and lengths cover the disc of radius 6.5 about
    the origin and no more, so that a far center costs no accuracy.

    Args:
        center: ``(d, N)``, d = 1 or 2.

    Returns:
        Nodes ``(d, N, K)`` and weights ``(N, K)``.
    """
    # Beyond FAR, directions change by less than 1e-6 within the noise, and rounding of r² would hide that.
    away = (center * center).sum(0).sqrt()
    center = center * (FAR / away.clamp(min=FAR))
    away = away.clamp(max=FAR)[:, None, None]
    x, p = (torch.tensor(a).to(center) for a in np.polynomial.legendre.leggauss(ALONG))
    near, far = (away - RADIUS).clamp(min=0), away + RADIUS
    r = (near + far) / 2 + (far - near) / 2 * x  # (N, 1, along)
    weights = (far - near) / 2 * p
    if len(center) == 1:
        rays = torch.tensor([-1.0, 1.0]).to(center)[None, None, :, None]  # (1, 1, rays, 1)
    else:
        inside = away < RADIUS
        half = torch.where(inside, math.pi, (RADIUS / torch.where(inside, RADIUS, away)).asin())
        turns = (
            half * ((torch.arange(RAYS).to(center) + 0.5) / RAYS * 2 - 1)[:, None]
        )  # angles from the direction of the origin
        along, across = turns.cos(), turns.sin()  # (N, rays, 1)
        x_way, y_way = (part[:, None, None] for part in -unit(center))
        at_origin = (x_way == 0) & (y_way == 0)
        x_way = torch.where(at_origin, 1, x_way)
        rays = torch.stack([along * x_way - across * y_way, along * y_way + across * x_way])
        weights = weights * r * half * 2 / RAYS
    z = center[..., None, None] + r * rays
    weights = weights * (-(z * z).sum(0) / 2).exp() * (2 * math.pi) ** (-len(center) / 2)
    weights = weights.flatten(1)
    return z.flatten(2), weights / weights.sum(1, keepdim=True)

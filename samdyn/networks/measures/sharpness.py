"""Sharpness: how much the loss rises near a point, by one ascent, by a longer one in a ball, and by its curvature."""

import numpy as np
import torch

from ... import checks
from ...arguments import checked
from ...landscapes import Landscape
from ...methods import ASAM, SAM, Method
from ...ops import unit
from ..curvature import extreme_eigenpairs


@checked
def rise(landscape: Landscape, w: torch.Tensor, method: Method) -> torch.Tensor:
    """Return L(wᵖ) − L(w), with wᵖ the point whose gradient a method follows.

    With SAM it is the sharpness that SAM's authors report, with ASAM the adaptive one. [F20; A21]

    Args:
        landscape: a network or any other landscape.
        w: the points, ``(d, n)``.
        method: a method with an ascent. Its radius may be a tensor ``(n,)``.

    Returns:
        The rise, ``(n,)``, in the units of the loss. It is nan for networks that diverged.

    >>> import samdyn as sd
    >>> w = torch.tensor([[0.6], [0.8]], dtype=torch.float64)  # one ascent step leads straight away from 0
    >>> sd.networks.rise(sd.landscapes.quadratic([1.0, 1.0]), w, sd.SAM(0.5))
    tensor([0.6250], dtype=torch.float64)
    """
    return landscape.value(method.perturbed(w, landscape.grad)) - landscape.value(w)


@checked
def max_rise(
    landscape: Landscape, w: torch.Tensor, radius: float, *, adaptive: bool = False, ascent_steps: int = 20
) -> torch.Tensor:
    """Return max L(w + Tu) − L(w) over ‖u‖ ≤ radius, as a projected ascent in u finds it.

    T is 1, or diag|w| for adaptive sharpness, which does not change when the layers of a ReLU network are rescaled. The
    n steps have the length 2·radius/n. The ascent projects every point on the ball, and the highest loss counts.

    Args:
        landscape: a network or any other landscape.
        w: the points, ``(d, n)``.
        radius: the radius of the ball: in the units of w, or without a unit if adaptive.
        adaptive: whether T is diag|w|.
        ascent_steps: the number of steps, at least 2. ``rise`` has the sharpness by one step, which ends on the ball.

    Returns:
        The rise, ``(n,)``, in the units of the loss. It is nan for networks that diverged.

    Raises:
        InputError: a radius that is not finite and > 0, or fewer than 2 steps.

    Source: [A21, eqs. 4 and 8].

    >>> import samdyn as sd
    >>> w = torch.tensor([[0.6], [0.8]], dtype=torch.float64)
    >>> sd.networks.max_rise(sd.landscapes.quadratic([1.0, 1.0]), w, 0.5)
    tensor([0.6250], dtype=torch.float64)
    """
    radius = checks.positive("radius", radius, "Use e.g. radius=0.05")
    if checks.count("ascent_steps", ascent_steps, "Use e.g. ascent_steps=20") < 2:
        checks.reject("ascent_steps", ascent_steps, "must be at least 2", "Use rise(landscape, w, SAM(radius)) for one")
    t = w.abs() if adaptive else torch.ones_like(w)
    u, highest = torch.zeros_like(w), torch.full_like(w[0], -torch.inf)
    for _ in range(ascent_steps):
        u = u + 2 * radius / ascent_steps * unit(t * landscape.grad(w + t * u))
        u = u * (radius / u.norm(dim=0)).clamp(max=1)
        highest = torch.maximum(highest, landscape.value(w + t * u))
    return highest - landscape.value(w)


@checked
def sharpnesses(
    landscape: Landscape, w: torch.Tensor, radius: float, adaptive_radius: float, *, ascent_steps: int = 20
) -> dict[str, torch.Tensor]:
    """Return sharpness and adaptive sharpness, each by one ascent step (``rise``) and by several (``max_rise``).

    Args:
        landscape: a network or any other landscape.
        w: the points, ``(d, n)``.
        radius: the radius of sharpness, in the units of w.
        adaptive_radius: that of adaptive sharpness, which has no unit.
        ascent_steps: the number of steps of the longer ascent, at least 2.

    Returns:
        "plain, 1 step", "adaptive, 1 step", "plain, n steps" and "adaptive, n steps", ``(n,)`` each.

    Raises:
        InputError: as for ``max_rise``.

    >>> import samdyn as sd
    >>> w = torch.tensor([[0.6], [0.8]], dtype=torch.float64)
    >>> rises = sd.networks.sharpnesses(sd.landscapes.quadratic([1.0, 1.0]), w, 0.5, 0.5)
    >>> [round(float(value), 4) for value in rises.values()]
    [0.625, 0.4387, 0.625, 0.4398]
    """
    return {
        "plain, 1 step": rise(landscape, w, SAM(radius)),
        "adaptive, 1 step": rise(landscape, w, ASAM(adaptive_radius)),
        "plain, n steps": max_rise(landscape, w, radius, ascent_steps=ascent_steps),
        "adaptive, n steps": max_rise(landscape, w, adaptive_radius, adaptive=True, ascent_steps=ascent_steps),
    }


@checked
def largest_eigenvalue(landscape: Landscape, w: torch.Tensor, *, tolerance: float = 1e-3) -> np.ndarray:
    """Return λ_max, the largest eigenvalue of the Hessian, at every point.

    Args:
        landscape: a network or any other landscape.
        w: the points, ``(d, n)``. Their dtype is that of the computation.
        tolerance: the error relative to the largest |λ|, as for ``extreme_eigenpairs``.

    Returns:
        λ_max, ``(n,)``, in the units of the loss per w². It is nan for networks that diverged.

    Raises:
        InputError: as for ``extreme_eigenpairs``.

    >>> import samdyn as sd
    >>> w = torch.tensor([[0.4, torch.nan], [0.0, torch.nan]], dtype=torch.float64)
    >>> sd.networks.largest_eigenvalue(sd.landscapes.quadratic([3.0, -1.0]), w).tolist()
    [3.0, nan]
    """
    return np.array(
        [
            extreme_eigenpairs(landscape, one, lowest=0, tolerance=tolerance)[0][-1] if one.isfinite().all() else np.nan
            for one in w.T
        ]
    )

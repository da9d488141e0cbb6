"""How fast runs leave a critical point, in closed form, for whole grids of settings."""

from typing import Any

import torch

from ..dynamics import Map
from ..methods import GD, USAM, ExactSAM


def effective_curvatures(map_: Map, eigenvalues: torch.Tensor) -> torch.Tensor | None:
    """Return λₑ for every eigenvalue λ of the Hessian: what the method makes of it; None without a closed form.

    GD λ; USAM λ(1+ρλ/n)ⁿ, averaged (1/n)Σₖλ(1+ρλ/n)ᵏ; exact SAM λ(1+ρλ/n)²ⁿ.  [theory.md 2.1, 2.4, 13]
    Shapes: ``(d, 1)`` and a radius ``(n,)`` or a number give ``(d, n)`` or ``(d, 1)``.
    """
    method = map_.method
    if type(method) is GD:
        return eigenvalues
    if not isinstance(method, USAM) or type(method) not in (USAM, ExactSAM):  # a user's subclass is another method
        return None
    if type(method) is ExactSAM and method.average:
        return None
    n = method.ascent_steps
    factor = 1 + method.rho / n * eigenvalues
    if type(method) is ExactSAM:
        return eigenvalues * factor ** (2 * n)
    powers = [factor**k for k in range(1, n + 1)]
    return eigenvalues * (sum(powers[1:], powers[0]) / n if method.average else powers[-1])


def predicted_growth(map_: Map, eigenvalues: torch.Tensor) -> torch.Tensor | None:
    """Return the rate, in 1/t, at which distances from a critical point grow; negative where it attracts.

    The largest root of z² − (1+γ−ηλₑ)z + γ = 0 over all eigenvalues, or of Nesterov's z² − (1+γ)(1−ηλₑ)z + γ(1−ηλₑ).

    Args:
        map_: lr, momentum and radius numbers or tensors ``(n,)``.
        eigenvalues: of the Hessian, ``(d,)``.

    Returns:
        ``(n,)`` (or ``(1,)``); None for methods without a closed form, or without a Jacobian there.
    """
    curvatures = effective_curvatures(map_, eigenvalues[:, None])
    if curvatures is None:
        return None
    return largest_multiplier(curvatures, map_.lr, map_.momentum, map_.nesterov).amax(0).log() / map_.lr


def largest_multiplier(curvature: torch.Tensor, lr: Any, momentum: Any, nesterov: bool = False) -> torch.Tensor:
    """Return the largest |z| of one step along a direction of effective curvature λₑ; arguments broadcast."""
    shrink = 1 - lr * curvature
    b, c = ((1 + momentum) * shrink, momentum * shrink) if nesterov else (shrink + momentum, momentum + 0 * shrink)
    root = torch.complex(b * b - 4 * c, 0 * b).sqrt()
    return torch.maximum((b + root).abs(), (b - root).abs()) / 2

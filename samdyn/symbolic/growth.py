"""The rate at which runs leave a critical point, derived from the effective Hessian, for grids of settings."""

from typing import Any

import numpy as np
import sympy
import torch

from ..arguments import checked
from ..dynamics import Map
from ..methods import Method
from .fields.effective import effective_curvature
from .notation import LAMBDA, RHO

# torch functions by which formulas of λₑ are evaluated, by SymPy's names
TORCH = {"Abs": torch.abs, "sign": torch.sign, "sqrt": torch.sqrt, "exp": torch.exp, "log": torch.log}


@checked
def predicted_growth(map_: Map, eigenvalues: torch.Tensor) -> torch.Tensor | None:
    """Return the rate, in 1/t, at which distances from a critical point grow. It is negative where the point attracts.

    It is log |z|/η, where z is the largest root, over all eigenvalues, of z² − (1+γ−ηλₑ)z + γ = 0. For Nesterov's
    momentum the equation is z² − (1+γ)(1−ηλₑ)z + γ(1−ηλₑ) = 0.

    >>> import samdyn as sd, torch
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.USAM(rho=0.25), lr=0.01, momentum=0.5)
    >>> sd.symbolic.predicted_growth(map_, torch.tensor([-2.0, 2.0], dtype=torch.float64)).round(decimals=3)
    tensor([1.9430], dtype=torch.float64)

    Args:
        map_: lr, momentum and radius are numbers or tensors ``(n,)``.
        eigenvalues: those of the Hessian, ``(d,)``, in the units of the loss per w².

    Returns:
        ``(n,)`` (or ``(1,)``). None if the method has no Jacobian at critical points, or one that depends on the place.

    Source: [K23, Theorem 1] with heavy ball; derived.
    """
    curvatures = effective_curvatures(map_.method, eigenvalues[:, None])
    if curvatures is None:
        return None
    return log_multiplier(curvatures, map_.lr, map_.momentum, map_.nesterov).amax(0) / map_.lr


def effective_curvatures(method: Method, eigenvalues: torch.Tensor) -> torch.Tensor | None:
    """Return λₑ for eigenvalues λ of the Hessian at the method's own radius, or None if there is no formula.

    Shapes broadcast: ``(d, 1)`` and a radius ``(n,)`` or a number give ``(d, n)`` or ``(d, 1)``.
    """
    formula = effective_curvature(method)
    if formula is None:
        return None
    values = sympy.lambdify((LAMBDA, RHO), formula, modules=[TORCH, "math"])(eigenvalues, method.radius)
    return values + 0 * eigenvalues


def rate_along(curvature: Any, lr: Any, momentum: Any = 0.0) -> Any:
    """Return the rate, in 1/t, at which distances along directions of effective curvature λₑ grow.

    Arguments broadcast. The result is an array or a NumPy number.
    """
    curvature, lr, momentum = (torch.as_tensor(np.asarray(v, dtype=float)) for v in (curvature, lr, momentum))
    return (log_multiplier(curvature, lr, momentum) / lr).numpy()[()]


def log_multiplier(curvature: torch.Tensor, lr: Any, momentum: Any, nesterov: bool = False) -> torch.Tensor:
    """Return log |z| of the largest multiplier z of one step along a direction of curvature λₑ. Arguments broadcast.

    With z = 1 + s the equation is s² + bs + ηλₑ = 0, whose roots keep their digits if steps are small. Here
    b = 1 − γ + ηλₑ, and with Nesterov's momentum 1 − γ + (1 + γ)ηλₑ. Complex roots have |z|² = the constant term in z.
    """
    pull, gamma = lr * curvature, torch.as_tensor(momentum, dtype=curvature.dtype)
    if nesterov:
        b, constant = 1 - gamma + (1 + gamma) * pull, gamma * (1 - pull)
        square = (1 - pull) * ((1 - gamma) ** 2 - (1 + gamma) ** 2 * pull)  # the discriminant
    else:
        b, constant = 1 - gamma + pull, gamma + 0 * pull
        square = ((1 - gamma.sqrt()) ** 2 - pull) * ((1 + gamma.sqrt()) ** 2 - pull)
    root = square.clamp(min=0).sqrt()
    far = -torch.where(b < 0, b - root, b + root) / 2
    near = torch.where(far == 0, 0, pull / torch.where(far == 0, 1, far))
    # If a step is so large that squares overflow, only the far root counts.
    near = torch.where(torch.isfinite(near), near, 0)
    real = torch.stack([torch.where(s < -1, -2 - s, s).clamp(min=-1).log1p() for s in (far, near)]).amax(0)
    return torch.where(square < 0, constant.log() / 2, real)

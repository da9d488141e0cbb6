"""F of a method on a landscape, and products with its derivative."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from ...landscapes import Landscape
from ...methods import Method
from ...ops import directional_derivative
from ...oracle import Oracle

SHIFT = 2e-4  # distance of central differences, relative to ‖w‖
NEAR, NEARER = 1e-4, 1e-7  # distances from a minimum, relative to its distance from 0, at which F is compared
MAX_RATIO = 10.0  # ratio of F/distance at them above which F jumps at the minimum; 1 where F is differentiable


@dataclass(frozen=True)
class Field:
    """F of a method, at points in columns ``(d, n)``, and products with DF.

    Attributes:
        landscape: the loss L.
        method: the method F.
    """

    landscape: Landscape
    method: Method

    def __call__(self, w: torch.Tensor) -> torch.Tensor:
        """Return F at points: ``(d, …) -> (d, …)``."""
        return self.method(w, self.landscape.grad)

    def halves(self, w: torch.Tensor, d: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return A = ½(F(w + d) + F(w − d)) and B = ½(F(w + d) − F(w − d)), for w ``(d,)`` and d in columns."""
        there, back = self(torch.cat([w[:, None] + d, w[:, None] - d], 1)).chunk(2, 1)
        return (there + back) / 2, (there - back) / 2

    def times(self, w: torch.Tensor, v: torch.Tensor, shift: float = SHIFT) -> torch.Tensor:
        """Return DF(w)v for w ``(d,)`` and unit vectors v in columns ``(d, n)``, by central differences.

        Their error is near 1e-8, and they cost two values of F each, a fraction of an exact product.
        """
        size = shift * length(w)
        return self.halves(w, size * v)[1] / size

    def bend(self, w: torch.Tensor, u: torch.Tensor, shift: float = SHIFT) -> torch.Tensor:
        """Return D²F(w)[uᵢ, uⱼ] for w ``(d,)`` and orthonormal u ``(d, k)``, by central differences: ``(d, k, k)``."""
        size, k = shift * length(w), u.shape[1]
        i, j = np.triu_indices(k, 1)
        own = 2 * (self.halves(w, size * u)[0] - self(w)[:, None]) / size**2
        whole = torch.diag_embed(own)
        if k > 1:
            plus, minus = self.halves(w, size * torch.cat([u[:, i] + u[:, j], u[:, i] - u[:, j]], 1))[0].chunk(2, 1)
            whole[:, i, j] = whole[:, j, i] = (plus - minus) / (2 * size**2)
        return whole

    def transposed(self, w: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """Return DF(w)ᵀv for one w ``(d,)``, or one for each of v ``(d, n)``: ``(d, n)``."""
        point = w.detach().clone().requires_grad_()
        with torch.enable_grad():
            value = self(point)
        if w.ndim > 1:
            return torch.autograd.grad(value, point, v, materialize_grads=True)[0]
        rows = torch.autograd.grad(value, point, v.T.contiguous(), is_grads_batched=True, materialize_grads=True)
        return rows[0].T

    def turn(self, w: torch.Tensor, u: torch.Tensor, left: torch.Tensor) -> torch.Tensor:
        """Return the gradients at w ``(d,)`` of lᵢᵀDF(w)uⱼ, by central differences of products: ``(d, k, k)``."""
        k, size = u.shape[1], SHIFT * length(w)
        i, j = np.indices((k, k)).reshape(2, -1)
        points = torch.cat([w[:, None] + size * u[:, j], w[:, None] - size * u[:, j]], 1)
        there, back = self.transposed(points, left[:, [*i, *i]]).chunk(2, 1)
        return ((there - back) / (2 * size)).reshape(len(w), k, k)

    def is_gradient(self, w: torch.Tensor) -> bool:
        """Return whether DF(w) is symmetric, as GD's and exact SAM's are, by one product with it and its transpose."""
        v = torch.randn(len(w), 1, dtype=w.dtype, generator=torch.Generator().manual_seed(0)).to(w.device)
        forward, backward = directional_derivative(self, w[:, None], v), self.transposed(w, v)
        return bool((forward - backward).norm() <= 1e-9 * forward.norm())

    @cached_property
    def jumps(self) -> bool:
        """Whether F jumps where the gradient vanishes, as SAM's does: tested beside the minimum of a quadratic."""
        generator = torch.Generator().manual_seed(0)
        minimum, offset = torch.randn(2, self.landscape.dim, 1, dtype=torch.float64, generator=generator)
        oracle = Oracle(lambda w: w - minimum, lambda _, v: v, value=lambda w: ((w - minimum) ** 2).sum(0) / 2)
        far, near = (
            float(self.method(minimum + distance * offset, oracle).norm() / distance) for distance in (NEAR, NEARER)
        )
        return near > MAX_RATIO * far


def length(w: torch.Tensor) -> float:
    """Return ‖w‖, or 1 at w = 0: the length that distances are relative to."""
    return float(w.norm()) or 1.0

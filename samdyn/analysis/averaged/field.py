"""F of a method on a landscape, and products with its derivative."""

from dataclasses import dataclass
from functools import cached_property

import torch

from ...landscapes import Landscape
from ...methods import Method
from ...ops import directional_derivative
from ...oracle import Oracle

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
        """Return A = ½(F(w + d) + F(w − d)) and B = ½(F(w + d) − F(w − d)): ``(d,)`` each."""
        there, back = self(torch.stack([w + d, w - d], 1)).unbind(1)
        return (there + back) / 2, (there - back) / 2

    def times(self, w: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """Return DF(w)v in columns: ``(d, n), (d, n) -> (d, n)``."""
        return directional_derivative(self, w.contiguous(), v.contiguous())

    def transposed(self, w: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """Return DF(w)ᵀv in columns: ``(d, n), (d, n) -> (d, n)``."""
        point = w.detach().clone().requires_grad_()
        with torch.enable_grad():
            value = self(point)
        return torch.autograd.grad(value, point, v.contiguous(), materialize_grads=True)[0]

    def is_gradient(self, w: torch.Tensor) -> bool:
        """Return whether DF(w) is symmetric, as GD's and exact SAM's are, by one product with it and its transpose."""
        v = torch.randn(len(w), 1, dtype=w.dtype, generator=torch.Generator().manual_seed(0)).to(w.device)
        forward, backward = self.times(w[:, None], v), self.transposed(w[:, None], v)
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

"""The unit of length of tolerances, so that a landscape in µm behaves like one in m."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..dynamics import Flow
from ..landscapes import Box

STANDARD = 6.0  # width of the default box of a landscape, whose unit is 1
BASE = 8.0  # units are powers of this, since multiplication by a power of two is exact


def unit_of(box: Box) -> float:
    """Return the unit of length of a landscape with this box: the power of 8 nearest to a sixth of its widest side."""
    widest = max(high / STANDARD - low / STANDARD for low, high in box)
    return BASE ** round(math.log(widest, BASE))


def in_unit(function: Callable[[torch.Tensor], torch.Tensor], unit: float) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return a field, a gradient or an increment in the unit: u ↦ function(unit·u)/unit, with the same shapes."""
    return function if unit == 1 else lambda u: function(unit * u) / unit


@dataclass(frozen=True)
class ScaledFlow:
    """A flow in a unit of length: u̇ = F(unit·u)/unit, with the loss L(unit·u)/unit².

    Attributes:
        flow: the flow, in the units of w.
        unit: length of the unit, in the units of w.
    """

    flow: Flow
    unit: float

    def __call__(self, u: torch.Tensor) -> torch.Tensor:
        """Return the velocity: ``(d, …) -> (d, …)``."""
        return in_unit(self.flow, self.unit)(u)

    def grad(self, u: torch.Tensor) -> torch.Tensor:
        """Return the gradient of the loss: ``(d, …) -> (d, …)``."""
        return in_unit(self.flow.landscape.grad, self.unit)(u)

    def jacobian_at(self, u: torch.Tensor) -> torch.Tensor:
        """Return the velocity's Jacobian: ``(d, …) -> (d, d, …)``."""
        return self.flow.jacobian_at(self.unit * u)

    def hessian(self, u: torch.Tensor) -> torch.Tensor:
        """Return the Hessian of the loss: ``(d, …) -> (d, d, …)``."""
        return self.flow.landscape.hessian(self.unit * u)

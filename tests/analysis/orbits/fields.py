"""Methods whose flows have known cycles."""

from dataclasses import dataclass
from typing import Any

import torch

import samdyn as sd

FLAT = sd.Landscape("0*x + 0*y", "x y", box=[(-2, 2)] * 2)
HUMP = "x**4/4 - x**3 + x**2*y - x**2/2 + y**4/4 + y**3 - 3*y**2/2"


@dataclass(frozen=True)
class Hopf(sd.Method):
    """The normal form r′ = r(μ − r²), θ′ = 1, as a method that ignores the loss."""

    mu: float

    def __call__(self, w: Any, grad: Any) -> Any:
        x, y = w
        growth = self.mu - x * x - y * y
        return torch.stack([y - x * growth, -x - y * growth])


@dataclass(frozen=True)
class Bautin(sd.Method):
    """r′ = r(μ + r² − r⁴), θ′ = 1: cycles at r² = ½ ± √(¼ + μ), with a fold at μ = −¼."""

    mu: float

    def __call__(self, w: Any, grad: Any) -> Any:
        x, y = w
        r2 = x * x + y * y
        growth = self.mu + r2 - r2 * r2
        return torch.stack([y - x * growth, -x - y * growth])


@dataclass(frozen=True)
class VanDerPol(sd.Method):
    """x″ = μ(1 − x²)x′ − x, as a method that ignores the loss."""

    mu: float

    def __call__(self, w: Any, grad: Any) -> Any:
        x, y = w
        return torch.stack([-y, x - self.mu * (1 - x * x) * y])


@dataclass(frozen=True)
class Rotation(sd.Method):
    """F = grad + ω·(y, −x)."""

    omega: float

    def __call__(self, w: Any, grad: Any) -> Any:
        return grad(w) + self.omega * torch.stack([w[1], -w[0]])

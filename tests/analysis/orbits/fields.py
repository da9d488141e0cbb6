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


SPACE = sd.Landscape("0*x + 0*y + 0*z", "x y z", box=[(-2, 2)] * 3)


@dataclass(frozen=True)
class Lorenz(sd.Method):
    """Lorenz (1963) with σ = 10, b = 8/3, as a method that ignores the loss."""

    r: float = 28.0

    def __call__(self, w: Any, grad: Any) -> Any:
        x, y, z = w
        return torch.stack([10 * (x - y), y - x * (self.r - z), 8 / 3 * z - x * y])


@dataclass(frozen=True)
class Rossler(sd.Method):
    """Rössler (1976) with a = b = 0.2, c = 5.7."""

    def __call__(self, w: Any, grad: Any) -> Any:
        x, y, z = w
        return torch.stack([y + z, -x - 0.2 * y, -0.2 - z * (x - 5.7)])


@dataclass(frozen=True)
class TwoHopf(sd.Method):
    """Normal forms r′ = 3r(1 − r²), θ′ = 1 and r′ = r(1 − r²), θ′ = √2: a torus of exponents 0, 0, −2, −6."""

    def __call__(self, w: Any, grad: Any) -> Any:
        x, y, u, v = w
        a, b, turn = 3 - 3 * x * x - 3 * y * y, 1 - u * u - v * v, 2**0.5
        return torch.stack([y - a * x, -x - a * y, turn * v - b * u, -turn * u - b * v])


@dataclass(frozen=True)
class Focus(sd.Method):
    """A spiral of frequency 1 into the origin at a rate, on ellipses, and z′ = −z."""

    rate: float

    def __call__(self, w: Any, grad: Any) -> Any:
        x, y, z = w
        return torch.stack([self.rate * x + 2 * y, self.rate * y - x / 2, z])

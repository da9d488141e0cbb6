"""Sharpness-aware minimisation, as everybody runs it and as the theorems have it."""

from dataclasses import dataclass

from ..ops import Point, unit
from ..oracle import Oracle
from .method import Ascent


@dataclass(frozen=True)
class SAM(Ascent):
    """Sharpness-aware minimisation: F(w) = ∇L(w + ρ g/‖g‖), g = ∇L(w).  [Foret et al. 2021, eq. 2]

    At a critical point the perturbation is 0 by convention; the field jumps there and has no Jacobian.
    """

    def direction(self, w: Point, g: Point, grad: Oracle) -> Point:
        """Return g/‖g‖."""
        return unit(g)


@dataclass(frozen=True)
class USAM(Ascent):
    """Unnormalised SAM: F(w) = ∇L(w + ρ g), g = ∇L(w): what the theorems of [K23] are about."""

    def direction(self, w: Point, g: Point, grad: Oracle) -> Point:
        """Return g."""
        return g


@dataclass(frozen=True)
class DNSAM(Ascent):
    """SAM with a deterministic norm: F(w) = ∇L(w + ρ g/‖∇L(w)‖), g the batch's gradient, the norm the full batch's.

    [C23]. Without noise it is SAM.
    """

    def direction(self, w: Point, g: Point, grad: Oracle) -> Point:
        """Return g/‖∇L(w)‖."""
        return unit(g, of=grad.full(w))

"""Surrogate gap minimisation."""

from dataclasses import dataclass, field
from typing import Any

from ... import checks
from ...ops import Point, dot, unit
from ...oracle import Oracle
from ..method import Ascent


@dataclass(frozen=True)
class GSAM(Ascent):
    """Surrogate gap guided SAM: F(w) = gₚ − α g⊥, with gₚ = ∇L(w + ρ g/‖g‖) and g = ∇L(w).

    g⊥ is the part of g at right angles to gₚ. To step against it narrows the gap between the losses at both points, and
    leaves the perturbed loss as it is to first order.

    [ZG22, algorithm 1]

    >>> import samdyn as sd, torch
    >>> loss, w = sd.Landscape("x**2 - y**2", "x y"), torch.tensor([0.75, 1.0], dtype=torch.float64)
    >>> sd.methods.GSAM(rho=0.5, alpha=0.5)(w, loss.grad).round(decimals=4).tolist()
    [2.3462, -0.7692]

    Attributes:
        rho, ascent_steps, average: as of SAM.
        alpha: α ≥ 0, or one per run. With 0 the method is SAM.

    Raises:
        InputError: as Ascent; α is negative or not finite.
    """

    alpha: Any = field(default=0.4, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "alpha", checks.size("alpha", self.alpha, "Use e.g. alpha=0.4, or 0 for SAM"))

    def direction(self, w: Point, g: Point, grad: Oracle) -> Point:
        """Return g/‖g‖."""
        return unit(g)

    def __call__(self, w: Point, grad: Oracle) -> Point:
        g = grad(w)
        climbed = self.climb(w, grad, g)
        along = unit(climbed)
        return climbed - self.alpha * (g - dot(g, along) * along)

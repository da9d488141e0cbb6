"""SAM with a step by Polyak's rule."""

from dataclasses import dataclass, field
from typing import Any

from ... import checks
from ...ops import Point, dot, unit
from ...oracle import Oracle
from ..method import Method


@dataclass(frozen=True)
class PolyakSAM(Method):
    """SAM with Polyak's step: F(w) = s gₚ, with s = (L(wᵖ) − L* − gₚ·(wᵖ − w))/‖gₚ‖², wᵖ = w + ρ g/‖g‖, gₚ = ∇L(wᵖ).

    s is the learning rate. A map with lr = 1 takes Polyak's step, and one with another lr that part of it. The
    numerator is the linear model of the loss at w, drawn at wᵖ, over its least value L*. Where it is negative, the step
    goes uphill. F needs the loss, so the method runs without noise. F is 0 where gₚ is, and jumps there.

    [OL26] for losses of one batch; the form for L* ≠ 0 is our reading.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.quadratic([2.0]), sd.methods.PolyakSAM(rho=0.1), lr=1)
    >>> sd.simulate(map_, (0.9,), 3, save_every=1).w.values.ravel().round(6).tolist()  # ρ + (0.9 − ρ)/2ᵏ
    [0.9, 0.5, 0.3, 0.2]

    Attributes:
        rho: ρ ≥ 0, in the units of w, or one per run.
        least: L*, the least value of the loss, in its units, or one per run.

    Raises:
        InputError: a number is not finite, or ρ < 0. A call raises it where only gradients are known, as with noise.
    """

    rho: Any = 0.05
    least: Any = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rho", checks.radius(self.rho))
        rule, fix = "must be a finite number", "Use the least value of the loss, e.g. least=0.0"
        object.__setattr__(
            self, "least", checks.parameter("least", self.least, rule, fix, lambda least: least == least)
        )

    def perturbed(self, w: Point, grad: Oracle) -> Point:
        """Return w + ρ g/‖g‖."""
        return w + self.rho * unit(grad.up(w))

    def __call__(self, w: Point, grad: Oracle) -> Point:
        point = self.perturbed(w, grad)
        climbed = grad(point)
        over = grad.loss(point) - self.least - dot(climbed, point - w)
        return over * unit(unit(climbed), of=climbed)

"""SAM that perturbs along the velocity and takes one gradient a step."""

from dataclasses import dataclass, field
from typing import Any

from ... import checks
from ...ops import Point, unit
from ...oracle import Oracle
from ..method import Remembering


@dataclass(frozen=True)
class MomentumSAM(Remembering):
    """Momentum-SAM: F(w) = ∇L(w − ρ v/‖v‖), with the velocity v ← γv + F from v = 0.

    The point lies where heavy ball, which moves by −ηv, goes to. In the published optimizer v is also the velocity of
    the steps: that is ``Map(…, MomentumSAM(rho, gamma=0.9), momentum=0.9)``. Without momentum the map moves by −ηF.

    [BA24, algorithm 1]

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.methods.MomentumSAM(rho=0.1, gamma=0.9), lr=0.01, momentum=0.9)
    >>> map_.memory
    ('v', 'velocity')

    Attributes:
        rho: ρ ≥ 0, in the units of w, or one per run.
        gamma: γ in [0, 1), or one per run.

    Raises:
        InputError: a number out of its range.
    """

    rho: Any = 0.05
    gamma: Any = field(default=0.9, kw_only=True)

    memory = ("velocity",)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rho", checks.radius(self.rho))
        object.__setattr__(self, "gamma", checks.fraction("gamma", self.gamma, "Use e.g. gamma=0.9"))

    def advance(
        self, w: Point, memory: tuple[Point, ...], grad: Oracle, number: Any
    ) -> tuple[Point, tuple[Point, ...]]:
        """Return the gradient at the perturbed point, and the velocity."""
        (velocity,) = memory
        f = grad(w - self.rho * unit(velocity))
        return f, (self.gamma * velocity + f,)

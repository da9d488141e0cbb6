"""SAM in the ball of the maximum norm."""

from dataclasses import dataclass

from ...ops import Point, sign
from ...oracle import Oracle
from ..method import Ascent


@dataclass(frozen=True)
class LinfSAM(Ascent):
    """ℓ∞-SAM: F(w) = ∇L(w + ρ sign(g)), g = ∇L(w).

    ρ sign(g) maximises the linear model of the loss where no coordinate moves by more than ρ. The sign of 0 is 0.

    [F20, equation 2 for p = ∞]

    >>> import samdyn as sd, torch
    >>> loss, w = sd.Landscape("x**2 - y**2", "x y"), torch.tensor([0.75, 1.0], dtype=torch.float64)
    >>> sd.methods.LinfSAM(rho=0.5).perturbed(w, loss.grad).tolist()
    [1.25, 0.5]

    Attributes:
        rho: ρ ≥ 0, in the units of each coordinate, or one per run.

    Raises:
        InputError: as Ascent.
    """

    def direction(self, w: Point, g: Point, grad: Oracle) -> Point:
        """Return sign(g)."""
        return sign(g)

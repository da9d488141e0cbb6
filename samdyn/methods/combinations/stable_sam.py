"""SAM whose step is as long as that of gradient descent."""

from dataclasses import dataclass

from ...ops import Point, norm, unit
from ...oracle import Oracle
from ..method import Ascent


@dataclass(frozen=True)
class StableSAM(Ascent):
    """SAM whose gradient has the length of the plain one: F(w) = ‖g‖ gₚ/‖gₚ‖, gₚ = ∇L(w + ρ g/‖g‖), g = ∇L(w).

    [TZ24]. Where gₚ vanishes, F is 0 by convention, and it jumps there.

    >>> import samdyn as sd, torch
    >>> loss, w = sd.Landscape("x**2 - y**2", "x y"), torch.tensor([0.75, 1.0], dtype=torch.float64)
    >>> f = sd.methods.StableSAM(rho=0.5)(w, loss.grad)
    >>> f.norm() / loss.grad(w).norm(), f[1] / f[0]  # the length of (1.5, −2) and the direction of (2.1, −1.2)
    (tensor(1., dtype=torch.float64), tensor(-0.5714, dtype=torch.float64))

    Attributes:
        rho, ascent_steps, average: as of SAM.

    Raises:
        InputError: as Ascent.
    """

    def direction(self, w: Point, g: Point, grad: Oracle) -> Point:
        """Return g/‖g‖."""
        return unit(g)

    def __call__(self, w: Point, grad: Oracle) -> Point:
        g = grad(w)
        return norm(g) * unit(self.climb(w, grad, g))

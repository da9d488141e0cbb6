"""Gradient descent on the perturbed loss itself."""

from dataclasses import dataclass

from ..ops import Point
from ..oracle import Oracle
from .sam import USAM


@dataclass(frozen=True)
class ExactSAM(USAM):
    """The exact gradient of w ↦ L(w + ρ∇L(w)): F(w) = (I + ρH(w)) ∇L(w + ρ∇L(w)).

    USAM drops the factor I + ρH. The drift of Theorem 2 of [K23] is that of this method, not that of USAM [theory 13].
    With n ascent steps, F is the gradient of the loss at the last point of the ascent. With ``average``, F is the
    gradient of the mean loss over the points of the ascent.

    >>> import samdyn as sd, torch
    >>> loss, w = sd.Landscape("x**2 - y**2", "x y"), torch.tensor([1.0, 1.0], dtype=torch.float64)
    >>> sd.ExactSAM(rho=0.25)(w, loss.grad).tolist()  # λ(1 + ρλ)² w
    [4.5, -0.5]

    Attributes:
        rho: ρ ≥ 0, in the units of w per gradient, or one per run.

    Raises:
        InputError: as Ascent.
    """

    def __call__(self, w: Point, grad: Oracle) -> Point:
        points, gradients = zip(*self.ascend(w, grad), strict=True)
        step = self.rho / self.ascent_steps
        # The loop differentiates in reverse mode through the ascent, from its last point back to w.
        pullback = gradients[-1]
        for point, gradient in zip(points[-2::-1], gradients[-2::-1], strict=True):
            pullback = pullback + step * grad.hvp(point, pullback)
            if self.average:
                pullback = pullback + gradient
        pullback = pullback + step * grad.hvp(w, pullback)
        return pullback / self.ascent_steps if self.average else pullback

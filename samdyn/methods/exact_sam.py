"""Gradient descent on the perturbed loss itself."""

from dataclasses import dataclass

from ..ops import Point
from ..oracle import Oracle
from .sam import USAM


@dataclass(frozen=True)
class ExactSAM(USAM):
    """The exact gradient of w ↦ L(w + ρ∇L(w)): F(w) = (I + ρH(w)) ∇L(w + ρ∇L(w)).

    USAM drops the factor I + ρH. It is this method, and not USAM, whose diffusion is Theorem 2 of [K23]. With n ascent
    steps it is the gradient of the loss at the ascent's last point, averaged that of the mean loss over its points.
    """

    def __call__(self, w: Point, grad: Oracle) -> Point:
        points, gradients = zip(*self.ascend(w, grad), strict=True)
        step = self.rho / self.ascent_steps
        # Reverse-mode differentiation through the ascent, from its last point down to w.
        pulled = gradients[-1]
        for point, gradient in zip(points[-2::-1], gradients[-2::-1], strict=True):
            pulled = pulled + step * grad.hvp(point, pulled)
            if self.average:
                pulled = pulled + gradient
        pulled = pulled + step * grad.hvp(w, pulled)
        return pulled / self.ascent_steps if self.average else pulled

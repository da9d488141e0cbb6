"""What a method may ask of a loss."""

from collections.abc import Callable
from dataclasses import dataclass

from .ops import Point


@dataclass(frozen=True)
class Oracle:
    """The gradient of a loss, and what a few methods need beside it.

    Calling it gives the gradient, ``(d, …) -> (d, …)``. ``hvp(w, v)`` is the Hessian-vector product H(w)v; ``full(w)``
    the full-batch gradient, which is the gradient itself where nothing is random.
    """

    gradient: Callable[[Point], Point]
    hvp: Callable[[Point, Point], Point]

    def __call__(self, w: Point) -> Point:
        return self.gradient(w)

    def up(self, w: Point, known: Point | None = None) -> Point:
        """Return the gradient to climb along at w: the gradient, ``known`` if it was taken already."""
        return self(w) if known is None else known

    def full(self, w: Point) -> Point:
        """Return the full-batch gradient ∇L(w): ``(d, …) -> (d, …)``."""
        return self.gradient(w)

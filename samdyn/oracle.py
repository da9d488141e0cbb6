"""The gradient oracle: the interface through which a method sees a loss."""

from collections.abc import Callable
from dataclasses import dataclass

from .ops import Point


@dataclass(frozen=True)
class Oracle:
    """The gradient of a loss, and two further functions that few methods need.

    Attributes:
        gradient: ∇L, ``(d, …) -> (d, …)``. A call of the oracle returns it too.
        hvp: the Hessian-vector product (w, v) ↦ H(w)v, ``(d, …), (d, …) -> (d, …)``.

    >>> oracle = Oracle(lambda w: 2 * w, lambda w, v: 2 * v)
    >>> oracle(3.0), oracle.hvp(3.0, 1.0)
    (6.0, 2.0)
    """

    gradient: Callable[[Point], Point]
    hvp: Callable[[Point, Point], Point]

    def __call__(self, w: Point) -> Point:
        return self.gradient(w)

    def up(self, w: Point, gradient: Point | None = None) -> Point:
        """Return the gradient along which a method ascends at w: ``gradient`` if the caller computed it before."""
        return self(w) if gradient is None else gradient

    def full(self, w: Point) -> Point:
        """Return the full-batch gradient ∇L(w): ``(d, …) -> (d, …)``. Without noise it is the gradient itself."""
        return self.gradient(w)

"""Gradient descent."""

from dataclasses import dataclass

from ..ops import Point
from ..oracle import Oracle
from .method import Method


@dataclass(frozen=True)
class GD(Method):
    """Gradient descent: F(w) = ∇L(w)."""

    def __call__(self, w: Point, grad: Oracle) -> Point:
        return grad(w)

"""Gradient descent."""

from dataclasses import dataclass

from ..ops import Point
from ..oracle import Oracle
from .method import Method


@dataclass(frozen=True)
class GD(Method):
    """Gradient descent: F(w) = ∇L(w).

    >>> import samdyn as sd, torch
    >>> sd.GD()(torch.tensor([1.0, 1.0], dtype=torch.float64), sd.Landscape("x**2 - y**2", "x y").grad).tolist()
    [2.0, -2.0]
    """

    def __call__(self, w: Point, grad: Oracle) -> Point:
        return grad(w)

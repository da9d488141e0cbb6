"""Weight decay: a pull δw toward 0 that is part of the gradient, or of the step alone."""

from typing import Any, Protocol

from ..ops import Point


class Decaying(Protocol):
    """A base with weight decay δ, which is ``decoupled`` if it acts on the step alone."""

    @property
    def weight_decay(self) -> Any: ...
    @property
    def decoupled(self) -> bool: ...


def coupled(base: Decaying, w: Point, f: Point) -> Point:
    """Return the gradient that the base sees: F + δw, or F if the decay is decoupled."""
    return f if base.decoupled else f + base.weight_decay * w


def decoupled(base: Decaying, w: Point, direction: Point) -> Point:
    """Return the direction of the step with the decoupled decay: direction + δw, or the direction if it is coupled."""
    return direction + base.weight_decay * w if base.decoupled else direction

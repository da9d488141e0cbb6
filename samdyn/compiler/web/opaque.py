"""A landscape of the plane that is not chosen yet: its gradient and its Hessian are calls.

Traced over it, a method becomes a program that runs on any landscape.
"""

from typing import Any, NoReturn

import numpy as np
import torch

from ...landscapes import Landscape
from ...ops import Point
from ..tracing.expression import NotCompilable
from ..tracing.operations import each
from ..tracing.trace import Traced


class OpaqueLandscape(Landscape):
    """A landscape of two coordinates whose derivatives at traced points are nodes "gradient" and "hessian".

    The value of a node is its component: the number of derivatives along y, so that the Hessian's are xx, xy and yy.

    >>> OpaqueLandscape().dim
    2
    """

    def __init__(self) -> None:
        """Name the coordinates x and y."""
        self._set_coordinates("x y", None)
        self.name = "any landscape"

    def value(self, w: Any) -> NoReturn:
        """Refuse: methods see gradients only.

        Raises:
            NotCompilable: always.
        """
        raise NotCompilable("a method of the page sees gradients and Hessians of the loss, not its value")

    def hessian(self, w: Any) -> torch.Tensor:
        """Return the calls of the Hessian at traced points: ``(2, …) -> (2, 2, …)``."""
        xx, xy, yy = _call("hessian", 3, self._point(w)).unbind()
        return torch.stack([xx, xy, xy, yy]).unflatten(0, (2, 2))

    def _grad(self, w: Any) -> Point:
        return _call("gradient", 2, self._point(w))


def _call(name: str, components: int, w: Point) -> torch.Tensor:
    if not isinstance(w, Traced):
        raise NotCompilable("it takes a derivative of the loss at a point that does not depend on w")
    graph = w.graph
    x, y = w.nodes
    nodes = [each(graph, lambda *at, k=k: graph.node(name, at, w.dtype, k), x, y) for k in range(components)]
    return Traced(w.example[:1].expand(components, *w.shape[1:]).clone(), np.stack(nodes), graph)

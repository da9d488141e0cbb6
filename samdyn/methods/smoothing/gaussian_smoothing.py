"""The gradient of the mean loss over normal perturbations."""

from dataclasses import dataclass, field
from typing import Any

from ... import checks
from ...ops import Point
from ...oracle import Oracle
from ..method import Method
from .nodes import check_nodes, perturbations


@dataclass(frozen=True)
class GaussianSmoothing(Method):
    """Descent on the smoothed loss: F(w) = E∇L(w + ρξ), where ξ has independent standard normal components.

    F is the mean over the perturbations of ``StochasticSAM``. Gauss–Hermite quadrature computes it, exactly if the loss
    is a polynomial of degree ≤ 2·nodes in each coordinate. It takes nodesᵈ gradients, so d is small. F does not vanish
    at critical points of the loss, unless the loss is quadratic. On quadratics the method is GD.

    [CL25] for the diagonal network, [BW22] for the smoothed loss.

    >>> import samdyn as sd, torch
    >>> loss, w = sd.Landscape("x**4/4", "x"), torch.tensor([2.0], dtype=torch.float64)
    >>> sd.methods.GaussianSmoothing(rho=0.5)(w, loss.grad)  # w³ + 3ρ²w
    tensor([9.5000], dtype=torch.float64)

    Attributes:
        rho: the deviation ρ ≥ 0 of every coordinate, in the units of w, or one per run.
        nodes: how many nodes each coordinate has, from 2 to 5.

    Raises:
        InputError: a number out of its range. A call raises it if there are more than 243 nodes in all.
    """

    rho: Any = 0.05
    nodes: int = field(default=3, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rho", checks.radius(self.rho))
        object.__setattr__(self, "nodes", check_nodes(self.nodes))

    def __call__(self, w: Point, grad: Oracle) -> Point:
        terms = [weight * grad(w + self.rho * x) for x, weight in perturbations(w, self.nodes)]
        return sum(terms[1:], terms[0])

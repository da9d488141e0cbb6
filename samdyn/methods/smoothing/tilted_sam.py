"""SAM that weighs random perturbations by the loss."""

import math
from dataclasses import dataclass, field
from typing import Any

import sympy

from ... import checks
from ...ops import Point, softmax
from ...oracle import Oracle
from ..method import Method
from .nodes import check_nodes, perturbations


@dataclass(frozen=True)
class TiltedSAM(Method):
    """Tilted SAM: F(w) = E[e^{tL(w+ρξ)} ∇L(w+ρξ)]/E[e^{tL(w+ρξ)}], where ξ has independent standard normal components.

    F is the gradient of log(E e^{tL(w+ρξ)})/t. For t → 0 the method is ``GaussianSmoothing``. Gauss–Hermite quadrature
    computes the means with nodesᵈ gradients, so d is small. It is accurate for small t: on ½λw², where the mean exists
    for tρ²λ < 1 alone, F = λw/(1 − tρ²λ), and near w = 0 n nodes are exact to the order n − 1 in tρ²λ. F needs the
    loss, so the method runs without noise. F does not vanish at critical points of the loss, unless it is quadratic.

    [TS24, equation 2], with a normal distribution of the perturbations.

    >>> import samdyn as sd, torch
    >>> loss, w = sd.Landscape("x**2/2", "x"), torch.tensor([0.01], dtype=torch.float64)
    >>> sd.methods.TiltedSAM(rho=0.5, tilt=0.4)(w, loss.grad).round(decimals=6)  # 0.01/(1 − 0.1) = 0.0111…
    tensor([0.0110], dtype=torch.float64)

    Attributes:
        rho: the deviation ρ ≥ 0 of every coordinate, in the units of w, or one per run.
        tilt: t ≥ 0, in units of 1/L, or one per run.
        nodes: how many nodes each coordinate has, from 2 to 5.

    Raises:
        InputError: a number out of its range. A call raises it if there are more than 243 nodes in all, or where only
            gradients are known, as with noise.
    """

    rho: Any = 0.05
    tilt: Any = field(default=1.0, kw_only=True)
    nodes: int = field(default=2, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rho", checks.radius(self.rho))
        object.__setattr__(self, "tilt", checks.size("tilt", self.tilt, "Use e.g. tilt=1.0"))
        object.__setattr__(self, "nodes", check_nodes(self.nodes))

    def __call__(self, w: Point, grad: Oracle) -> Point:
        points = [(w + self.rho * x, weight) for x, weight in perturbations(w, self.nodes)]
        weights = softmax([self.tilt * grad.loss(point) + _log(weight) for point, weight in points])
        terms = [weight * grad(point) for weight, (point, _) in zip(weights, points, strict=True)]
        return sum(terms[1:], terms[0])


def _log(weight: Any) -> Any:
    return sympy.log(weight) if isinstance(weight, sympy.Expr) else math.log(weight)

"""SAM with a random perturbation in place of the ascent."""

from dataclasses import dataclass
from typing import Any

from ... import checks
from ...ops import Point
from ...oracle import Oracle
from ..method import Method


@dataclass(frozen=True)
class StochasticSAM(Method):
    """S-SAM: F(w) = ∇L(w + ρξ), where every step draws ξ with independent standard normal components.

    [CL25]. ``GaussianSmoothing`` is the mean of F over ξ.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.methods.StochasticSAM(rho=0.1), lr=0.01)
    >>> len(set(sd.simulate(map_, [(1, 1)] * 20, 1).w.values[:, -1, 0].tolist()))  # each run draws its own
    20

    Attributes:
        rho: the deviation ρ ≥ 0 of every coordinate, in the units of w, or one per run.

    Raises:
        InputError: ρ is negative or not finite; a call without random numbers, as of a flow.
    """

    rho: Any = 0.05

    is_random = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "rho", checks.radius(self.rho))

    def perturbed(self, w: Point, grad: Oracle) -> Point:
        """Return w + ρξ."""
        return w + self.rho * grad.normals(w)

    def __call__(self, w: Point, grad: Oracle) -> Point:
        return grad(self.perturbed(w, grad))

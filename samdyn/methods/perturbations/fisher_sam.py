"""SAM in the metric of the Fisher information."""

from dataclasses import dataclass, field
from typing import Any

from ... import checks
from ...ops import Point, sqrt, unit
from ...oracle import Oracle
from ..method import Ascent


@dataclass(frozen=True)
class FisherSAM(Ascent):
    """Fisher SAM: F(w) = ∇L(w + ρ F⁻¹g/√(gᵀF⁻¹g)), with the metric F = 1 + weight·diag(g²) and g = ∇L(w).

    [KL22]. The metric is the diagonal of the empirical Fisher information of the batch, added to the identity. The
    square of the batch's mean gradient stands for the mean of the samples' squares (our reading).

    >>> import samdyn as sd, torch
    >>> loss, w = sd.Landscape("x**2 - y**2", "x y"), torch.tensor([0.75, 1.0], dtype=torch.float64)
    >>> (sd.methods.FisherSAM(rho=0.5).perturbed(w, loss.grad) - w).round(decimals=4).tolist()
    [0.1889, -0.1637]

    Attributes:
        rho: ρ ≥ 0, the length of the perturbation in the metric, in the units of w, or one per run.
        weight: the weight ≥ 0 of the Fisher information, in units of 1/g², or one per run. With 0 the method is SAM.

    Raises:
        InputError: as Ascent; the weight is negative or not finite.
    """

    weight: Any = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "weight", checks.size("weight", self.weight, "Use e.g. weight=1.0, or 0 for SAM"))

    def direction(self, w: Point, g: Point, grad: Oracle) -> Point:
        """Return F⁻¹g/√(gᵀF⁻¹g)."""
        root = 1 / sqrt(1 + self.weight * g**2)  # F^(−1/2)
        return root * unit(root * g)

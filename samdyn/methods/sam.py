"""Sharpness-aware minimisation: the normalised form in use, and the unnormalised form of the theorems."""

from dataclasses import dataclass

from ..ops import Point, unit
from ..oracle import Oracle
from .method import Ascent


@dataclass(frozen=True)
class SAM(Ascent):
    """Sharpness-aware minimisation: F(w) = ∇L(w + ρ g/‖g‖), g = ∇L(w).

    [F20]. At a critical point the perturbation is 0 by convention. The field jumps there and has no Jacobian.

    >>> import samdyn as sd, torch
    >>> loss, w = sd.Landscape("x**2 - y**2", "x y"), torch.tensor([0.75, 1.0], dtype=torch.float64)
    >>> sd.SAM(rho=0.5).perturbed(w, loss.grad).round(decimals=6).tolist()
    [1.05, 0.6]

    Attributes:
        rho: ρ ≥ 0, in the units of w, or one per run.

    Raises:
        InputError: as Ascent.
    """

    def direction(self, w: Point, g: Point, grad: Oracle) -> Point:
        """Return g/‖g‖."""
        return unit(g)


@dataclass(frozen=True)
class USAM(Ascent):
    """Unnormalised SAM: F(w) = ∇L(w + ρ g), g = ∇L(w). The theorems of [K23] are about this method.

    >>> import samdyn as sd, torch
    >>> loss, w = sd.Landscape("x**2 - y**2", "x y"), torch.tensor([1.0, 1.0], dtype=torch.float64)
    >>> sd.USAM(rho=0.25)(w, loss.grad).tolist()  # λ(1 + ρλ) w
    [3.0, -1.0]

    Attributes:
        rho: ρ ≥ 0, in the units of w per gradient, or one per run.

    Raises:
        InputError: as Ascent.
    """

    def direction(self, w: Point, g: Point, grad: Oracle) -> Point:
        """Return g."""
        return g


@dataclass(frozen=True)
class DNSAM(Ascent):
    """SAM with a deterministic norm: F(w) = ∇L(w + ρ g/‖∇L(w)‖).  [C23]

    g is the gradient of the batch, ∇L that of the full batch. Without noise the method is SAM.

    >>> import samdyn as sd, torch
    >>> loss, w = sd.Landscape("x**2 - y**2", "x y"), torch.tensor([0.75, 1.0], dtype=torch.float64)
    >>> sd.DNSAM(rho=0.5).perturbed(w, loss.grad).round(decimals=6).tolist()
    [1.05, 0.6]

    Attributes:
        rho: ρ ≥ 0, in the units of w, or one per run.

    Raises:
        InputError: as Ascent.
    """

    def direction(self, w: Point, g: Point, grad: Oracle) -> Point:
        """Return g/‖∇L(w)‖."""
        return unit(g, of=grad.full(w))

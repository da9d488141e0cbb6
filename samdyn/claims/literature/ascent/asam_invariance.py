"""What ASAM's perturbation does if the weights of two layers are rescaled."""

import math

import torch

import samdyn as sd
from samdyn.claims import Claim, grid

LANDSCAPE = sd.Landscape("(x*y - 1)**2/2", "x y")


def perturbed_product(method: sd.Method, x: float, y: float) -> float:
    """Return the product of the coordinates of the perturbed point."""
    point = method.perturbed(torch.tensor([[x], [y]], dtype=torch.float64), LANDSCAPE.grad)
    return float(point.prod())


def of_sam(product: float, scale: float, rho: float) -> float:
    """Return the product at SAM's perturbed point, from (√p a, √p/a)."""
    square = product * (scale**2 + scale**-2)
    sign = math.copysign(1.0, product - 1)
    return product + rho * sign * math.sqrt(square) + rho**2 * product / square


asam_invariance = Claim(
    id="asam-invariance",
    statement="If x grows a-fold and y shrinks a-fold, the loss of the network xy at ASAM's perturbed point "
    "stays the same: ASAM multiplies each weight by 1 ± ρ/√2.",
    formula=r"x^p y^p = xy\,(1 \pm \rho/\sqrt{2})^2",
    source="[A21], the invariance; the value is derived",
    process="perturbation of ASAM",
    cases=grid(product=(2.0, 0.5), scale=(1.5, 4.0), rho=(0.1, 0.3)),
    predict=lambda product, rho: product * (1 + math.copysign(rho / math.sqrt(2), product - 1)) ** 2,
    rival=of_sam,
    mistake="SAM's perturbation, which is not invariant",
    measure=lambda product, scale, rho: perturbed_product(
        sd.ASAM(rho), math.sqrt(product) * scale, math.sqrt(product) / scale
    ),
    tolerance=1e-12,
    reason="rounding",
)

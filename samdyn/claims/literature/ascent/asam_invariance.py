"""What ASAM's perturbation does if the weights of two layers are rescaled, without and with a shift."""

import math

import torch

import samdyn as sd
from samdyn.claims import Claim, grid, leading_order

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


def signed_share(x: float, y: float, rho: float) -> float:
    """Return the relative change ±ρ/√2 of each weight."""
    return math.copysign(rho / math.sqrt(2), x * y - 1)


asam_invariance = Claim(
    id="asam-invariance",
    statement="If x grows a-fold and y shrinks a-fold, the loss of the network xy at ASAM's perturbed point "
    "stays the same: ASAM multiplies each weight by 1 ± ρ/√2.",
    formula=r"x^p y^p = xy\,(1 \pm \rho/\sqrt{2})^2",
    source="[A21]; value derived",
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

asam_shift = Claim(
    id="asam-shift",
    statement="A shift s of ASAM's scale, T = |w| + s, breaks the invariance: it moves the product of the "
    "perturbed weights by s·xy·r(1 + r)(1/x + 1/y), r = ±ρ/√2, which depends on how the product is split.",
    formula=r"\frac{\partial (x^p y^p)}{\partial s} = xy\, r(1 + r)\,(1/x + 1/y)",
    source="derived; the shift is that of the code of [A21]",
    process="perturbation of ASAM with a shift",
    cases=[
        {"x": x, "y": y, "rho": 0.3, "shift": shift}
        for x, y in ((1.0, 2.0), (4.0, 0.5), (0.5, 0.8))
        for shift in (0.001, 0.002, 0.004)
    ],
    predict=lambda x, y, rho: x * y * signed_share(x, y, rho) * (1 + signed_share(x, y, rho)) * (1 / x + 1 / y),
    rival=lambda: 0.0,
    mistake="invariance, as without a shift",
    measure=lambda x, y, rho, shift: (
        (perturbed_product(sd.ASAM(rho, shift=shift), x, y) - perturbed_product(sd.ASAM(rho), x, y)) / shift
    ),
    tolerance=4e-3,
    reason="the relative error is of order s over the smaller weight",
    small="shift",
    record=leading_order(1),
)

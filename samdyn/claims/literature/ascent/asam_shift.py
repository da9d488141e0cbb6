"""What a shift of ASAM's scale does to its invariance."""

import math

import samdyn as sd
from samdyn.claims import Claim, leading_order

from .asam_invariance import perturbed_product


def signed_share(x: float, y: float, rho: float) -> float:
    """Return the relative change ±ρ/√2 of each weight."""
    return math.copysign(rho / math.sqrt(2), x * y - 1)


asam_shift = Claim(
    id="asam-shift",
    statement="A shift s of ASAM's scale, T = |w| + s, breaks the invariance: it moves the product of the "
    "perturbed weights by s·xy·r(1 + r)(1/x + 1/y), r = ±ρ/√2, which depends on how the product is split.",
    formula=r"\frac{\partial (x^p y^p)}{\partial s} = xy\, r(1 + r)\,(1/x + 1/y)",
    source="derived; the shift is that of the code of [A21]",
    process="perturbation of ASAM with a shift",
    cases=[
        {"x": x, "y": y, "rho": rho, "shift": shift}
        for x, y, rho in ((1.0, 2.0, 0.3), (4.0, 0.5, 0.1), (0.5, 0.8, 0.3))
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

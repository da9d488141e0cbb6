"""A Gaussian perturbation in place of the ascent shrinks a product of weights."""

import samdyn as sd
from samdyn.claims import Claim, grid


def measure(sigma: float) -> float:
    """Return the product xy at which descent along the mean gradient over the perturbations ends."""
    method = sd.methods.GaussianSmoothing(sigma, nodes=2)  # exact for gradients of degree 3
    map_ = sd.Map(sd.Landscape("(x*y - 1)**2/2", "x y"), method, lr=0.1)
    end = sd.simulate(map_, (1.5, 0.4), 1500, progress=False).w.values[0, -1]
    return float(end.prod())


gaussian_perturbation = Claim(
    id="gaussian-perturbation-shrinks",
    statement="Descent on the mean of ½(xy−1)² over Gaussian perturbations of x and y of deviation σ ends at "
    "xy = max(0, 1−σ²), not at a minimum, where xy = 1.",
    formula=r"xy = \max(0, 1 - \sigma^2)",
    source="[CL25]; the limit derived",
    process="descent on the mean gradient over Gaussian perturbations",
    cases=grid(sigma=(0.3, 0.6, 0.9, 1.2)),
    predict=lambda sigma: max(0.0, 1 - sigma**2),
    rival=lambda: 1.0,
    mistake="an end at one of the minima, as of gradient descent",
    measure=measure,
    tolerance=1e-6,
    absolute=1e-9,
    reason="1500 steps converge to rounding",
)

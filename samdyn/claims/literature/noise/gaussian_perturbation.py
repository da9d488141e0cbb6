"""A Gaussian perturbation in place of the ascent shrinks a product of weights."""

import numpy as np
import torch

import samdyn as sd
from samdyn.claims import Claim, grid

NODES, WEIGHTS = (-(3**0.5), 0.0, 3**0.5), (1 / 6, 2 / 3, 1 / 6)  # of a standard normal, exact to degree 5


def measure(sigma: float) -> float:
    """Return the product xy at which descent along the mean gradient over the perturbations ends."""
    grad = sd.Landscape("(x*y - 1)**2/2", "x y").grad
    nodes = torch.tensor([[i, j] for i in NODES for j in NODES], dtype=torch.float64).T
    weights = torch.tensor(np.outer(WEIGHTS, WEIGHTS).ravel())
    w = torch.tensor([[1.5], [0.4]], dtype=torch.float64)
    for _ in range(1500):
        w = w - 0.1 * (grad(w + sigma * nodes) * weights).sum(1, keepdim=True)
    return float(w[0] * w[1])


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

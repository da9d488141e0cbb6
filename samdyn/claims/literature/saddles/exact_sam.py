"""Exact SAM, the gradient of the perturbed loss, never makes an attractor of a saddle."""

import torch

import samdyn as sd
from samdyn.claims import Claim, grid


def effective(lam: float, rho: float) -> float:
    """Return the field of exact SAM on ½λw² at w = 1."""
    flow = sd.Flow(sd.landscapes.quadratic([lam]), sd.ExactSAM(rho))
    return -float(flow(torch.ones(1, 1, dtype=torch.float64)))


exact_sam = Claim(
    id="exact-sam-never-attracts",
    statement="Near a critical point exact SAM acts as gradient descent with λ(1 + ρλ)² for λ, which is never of the "
    "other sign: no saddle becomes an attractor at any ρ.",
    formula=r"\lambda_e = \lambda(1 + \rho\lambda)^2",
    source="derived; the drift is that of [K23, Theorem 2]",
    process="flow of exact SAM, unnormalised",
    cases=grid(lam=(-1.0, -3.0, 2.0), rho=(0.2, 0.6)),
    predict=lambda lam, rho: lam * (1 + rho * lam) ** 2,
    rival=lambda lam, rho: lam * (1 + 2 * rho * lam),
    mistake="its first order in ρ, which attracts from ρ = 1/(2|λ|) on",
    measure=effective,
    tolerance=1e-12,
    reason="rounding",
)

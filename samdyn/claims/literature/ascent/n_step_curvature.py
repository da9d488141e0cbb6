"""The effective curvature of USAM with n ascent steps."""

import torch

import samdyn as sd
from samdyn.claims import Claim, grid


def curvature(lam: float, rho: float, steps: int) -> float:
    """Return (w₀ − w₁)/(ηw₀) of a step on ½λw²."""
    method = sd.USAM(rho, ascent_steps=steps)
    (end,) = sd.Map(sd.landscapes.quadratic([lam]), method, 0.1).step((torch.ones(1, 1, dtype=torch.float64),))
    return (1 - float(end)) / 0.1


n_step_curvature = Claim(
    id="n-step-curvature",
    statement="With n ascent steps USAM acts near a critical point as gradient descent with λ(1 + ρλ/n)ⁿ for λ.",
    formula=r"\lambda_e = \lambda\,(1 + \rho\lambda/n)^n",
    source="derived; n = 1 is [K23, Theorem 1]",
    process="map of USAM with n ascent steps",
    cases=grid(lam=(-1.0, 2.0), rho=(0.3, 0.6), steps=(2, 3, 8)),
    predict=lambda lam, rho, steps: sd.theory.effective_curvature(lam=lam, rho=rho, ascent_steps=steps),
    rival=sd.theory.effective_curvature,
    mistake="the curvature with one ascent step of the whole radius",
    measure=curvature,
    tolerance=1e-12,
    reason="rounding",
)

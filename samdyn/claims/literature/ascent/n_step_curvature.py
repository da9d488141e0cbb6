"""The effective curvature of USAM with n ascent steps, and its limit."""

import math

import torch

import samdyn as sd
from samdyn.claims import Claim, grid, leading_order


def curvature(method: sd.Method, lam: float) -> float:
    """Return (w₀ − w₁)/(ηw₀) of a step on ½λw²."""
    (end,) = sd.Map(sd.landscapes.quadratic([lam]), method, 0.1).step((torch.ones(1, 1, dtype=torch.float64),))
    return (1 - float(end)) / 0.1


n_step_curvature = Claim(
    id="n-step-curvature",
    statement="With n ascent steps USAM acts near a critical point as gradient descent with λ(1 + ρλ/n)ⁿ for λ.",
    formula=r"\lambda_e = \lambda\,(1 + \rho\lambda/n)^n",
    source="derived, theory 4; n = 1 is [K23, Theorem 1]",
    process="map of USAM with n ascent steps",
    cases=grid(lam=(-1.0, 2.0), rho=0.6, steps=(2, 3, 8)),
    predict=lambda lam, rho, steps: sd.theory.effective_curvature(lam=lam, rho=rho, ascent_steps=steps),
    rival=lambda lam, rho: sd.theory.effective_curvature(lam=lam, rho=rho),
    mistake="the curvature with one ascent step of the whole radius",
    measure=lambda lam, rho, steps: curvature(sd.USAM(rho, ascent_steps=steps), lam),
    tolerance=1e-12,
    reason="rounding",
)

n_step_limit = Claim(
    id="n-step-limit",
    statement="With more and more ascent steps the effective curvature of USAM tends to λ exp(ρλ). It has the "
    "sign of λ, so that no radius makes a saddle attract.",
    formula=r"\lambda_e \rightarrow \lambda\, e^{\rho\lambda}",
    source="derived, theory 4",
    process="map of USAM with n ascent steps",
    cases=grid(lam=(-1.0, 2.0), rho=0.6, share=(1 / 256, 1 / 128, 1 / 64)),
    predict=lambda lam, rho: lam * math.exp(rho * lam),
    rival=lambda lam, rho: lam * (1 + rho * lam),
    mistake="the curvature with one ascent step",
    measure=lambda lam, rho, share: curvature(sd.USAM(rho, ascent_steps=round(1 / share)), lam),
    tolerance=4e-3,
    reason="the relative error is (ρλ)²/2n",
    small="share",
    record=leading_order(1),
)

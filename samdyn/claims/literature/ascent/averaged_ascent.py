"""The effective curvature of USAM with the mean of the gradients at its ascent points."""

import torch

import samdyn as sd
from samdyn.claims import Claim, grid


def curvature(lam: float, rho: float, steps: int) -> float:
    """Return (w₀ − w₁)/(ηw₀) of a step on ½λw²."""
    method = sd.USAM(rho, ascent_steps=steps, average=True)
    (end,) = sd.Map(sd.landscapes.quadratic([lam]), method, 0.1).step((torch.ones(1, 1, dtype=torch.float64),))
    return (1 - float(end)) / 0.1


averaged_ascent = Claim(
    id="averaged-ascent-curvature",
    statement="USAM with the mean of the gradients at its n ascent points has the effective curvature "
    "(λ/n) Σₖ (1 + ρλ/n)ᵏ, k = 1 … n.",
    formula=r"\lambda_e = \frac{\lambda}{n} \sum_{k=1}^n (1 + \rho\lambda/n)^k",
    source="derived; the average is our reading of [M23]",
    process="map of USAM with n averaged ascent steps",
    cases=grid(lam=(-1.0, 2.0), rho=(0.3, 0.6), steps=(2, 5)),
    predict=lambda lam, rho, steps: lam / steps * sum((1 + rho * lam / steps) ** k for k in range(1, steps + 1)),
    rival=lambda lam, rho, steps: sd.theory.effective_curvature(lam=lam, rho=rho, ascent_steps=steps),
    mistake="the curvature without the average",
    measure=curvature,
    tolerance=1e-12,
    reason="rounding",
)

"""A radius that decays does not free SAM from a saddle."""

import torch

import samdyn as sd
from samdyn.claims import Claim, fails, grid


def multiplier(top: float, lam: float, lr: float, power: float, age: int) -> float:
    """Return the factor by which a step multiplies a small distance along λ after many steps with ρ_k = ½ (k+1)^−p."""
    landscape = sd.landscapes.quadratic([top, lam])
    w = torch.tensor([[0.3], [0.0]], dtype=torch.float64)
    for k in range(age):
        rho = 0.5 / (k + 1) ** power
        (w,) = sd.Map(landscape, sd.SAM(rho), lr=lr).step((w,))
    w[1] = 1e-9 * w[0]
    (end,) = sd.Map(landscape, sd.SAM(0.5 / (age + 1) ** power), lr=lr).step((w,))
    return float(end[1] / w[1])


CASES = grid(top=3.0, lam=-2.0, lr=0.1, power=(0.5, 1.0), age=1000)

decaying_radius = Claim(
    id="decaying-radius-captures",
    statement="A saddle that holds SAM holds it also if ρ_k decays to 0 by a power of k: the bounce decays as fast, "
    "and a step multiplies the distance along λ₋ by the same factor as at a constant ρ. So ∇L → 0 at the saddle.",
    formula=r"m = 1 - \eta\lambda - (\lambda/\lambda_1)^2\,(2 - \eta\lambda_1)",
    source="derived; the convergence is that of [KT24] and [AF22]",
    process="map of SAM on a quadratic with ρ_k ∝ k^−p",
    cases=CASES,
    predict=lambda top, lam, lr: 1 - lr * lam - (lam / top) ** 2 * (2 - lr * top),
    rival=lambda lam, lr: 1 - lr * lam,
    mistake="as ρ_k → 0, SAM becomes gradient descent and leaves",
    measure=multiplier,
    tolerance=3e-3,
    reason="the bounce lags behind ρ_k by a share of order 1/k",
)

decaying_radius_frees = Claim(
    id="decaying-radius-frees",
    statement="As ρ_k decays, SAM becomes gradient descent, so that it leaves a saddle as gradient descent does.",
    formula=r"m \to 1 - \eta\lambda",
    source="a reading of [KT24] and [AF22]",
    process="map of SAM on a quadratic with ρ_k ∝ k^−p",
    cases=CASES,
    predict=lambda lam, lr: 1 - lr * lam,
    rival=lambda lam, lr: 1 + lr * lam,
    mistake="the perturbed point mirrors the iterate, so that the step reverses",
    measure=multiplier,
    tolerance=3e-3,
    reason="the bounce lags behind ρ_k by a share of order 1/k",
    record=fails(0.3706),
    instead="decaying-radius-captures",
)

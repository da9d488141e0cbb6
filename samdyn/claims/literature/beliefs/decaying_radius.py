"""A radius that decays does not free SAM from a saddle."""

import torch

import samdyn as sd
from samdyn.claims import Claim, fails

STEPS = 700


def multiplier(top: float, lam: float, lr: float, power: float) -> float:
    """Return the factor by which the last step of a run with ρ_k = ½ (k+1)^−p multiplies the distance along λ."""
    landscape = sd.landscapes.quadratic([top, lam])
    w = before = torch.tensor([[0.3], [0.05]], dtype=torch.float64)
    for k in range(STEPS):
        before = w
        (w,) = sd.Map(landscape, sd.SAM(0.5 / (k + 1) ** power), lr=lr).step((w,))
    return float(w[1] / before[1])


CASES = [
    {"top": top, "lam": lam, "lr": lr, "power": power}
    for top, lam, lr in ((3.0, -2.0, 0.1), (2.0, -1.5, 0.3))
    for power in (0.5, 1.0)
]

decaying_radius = Claim(
    id="decaying-radius-captures",
    statement="A saddle may hold SAM also if ρ_k decays to 0 as a power of k: the bounce decays as fast as ρ_k, and a "
    "step multiplies a small distance along λ₋ by the same factor as at a constant ρ. So ∇L → 0, but at the saddle.",
    formula=r"m = 1 - \eta\lambda - (\lambda/\lambda_1)^2\,(2 - \eta\lambda_1)",
    source="derived; [KT24] has theorems on the convergence of the gradient",
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
    source="a belief to which the convergence in [KT24] may lead",
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

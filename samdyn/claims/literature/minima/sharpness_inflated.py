"""The sharpness that SAM itself measures at the end of a run."""

import torch

import samdyn as sd
from samdyn.claims import Claim


def measure(lam: float, rho: float, lr: float, momentum: float) -> float:
    """Return L(wᵖ) − L(w) at the end of a run, over ½λρ²."""
    landscape, method = sd.landscapes.quadratic([lam]), sd.SAM(rho)
    runs = sd.simulate(sd.Map(landscape, method, lr, momentum), [[0.7 * rho]], steps=120)
    w = torch.as_tensor(runs.w[:, -1].values.T)
    rise = landscape.value(method.perturbed(w, landscape.grad)) - landscape.value(w)
    return float(rise) / (lam * rho**2 / 2)


sharpness_inflated = Claim(
    id="sam-sharpness-inflated",
    statement="On its 2-cycle at a quadratic minimum SAM measures a sharpness L(wᵖ) − L(w) that is larger than ½λρ², "
    "by the factor (2(1+γ) + ηλ)/(2(1+γ) − ηλ).",
    formula=r"\frac{L(w^p) - L(w)}{\lambda\rho^2/2} = \frac{2(1+\gamma) + \eta\lambda}{2(1+\gamma) - \eta\lambda}",
    source="derived; corrects the use of [F20]",
    process="map of SAM with heavy ball",
    cases=[
        {"lam": 2.0, "rho": 0.1, "lr": 0.25, "momentum": 0.0},
        {"lam": 3.0, "rho": 0.2, "lr": 0.5, "momentum": 0.0},
        {"lam": 3.0, "rho": 0.2, "lr": 0.5, "momentum": 0.5},
    ],
    predict=lambda lam, lr, momentum: (2 * (1 + momentum) + lr * lam) / (2 * (1 + momentum) - lr * lam),
    rival=lambda: 1.0,
    mistake="the sharpness at the minimum itself, ½λρ²",
    measure=measure,
    tolerance=1e-8,
    reason="deviations from the 2-cycle shrink by 0.71 a step or faster, for 120 steps",
)

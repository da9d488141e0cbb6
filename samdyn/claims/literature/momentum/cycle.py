"""The 2-cycle of SAM with momentum, and the sharpness that SAM sees on it."""

import torch

import samdyn as sd
from samdyn.claims import Claim

STEPS = 600


def cycle(lam: float, rho: float, lr: float, momentum: float) -> tuple[sd.Map, torch.Tensor]:
    """Return the map and a point ``(1, 1)`` of the orbit on which a run from rest ends."""
    map_ = sd.Map(sd.landscapes.quadratic([lam]), sd.SAM(rho), lr=lr, momentum=momentum)
    state = map_.start(torch.full((1, 1), 0.3, dtype=torch.float64))
    for _ in range(STEPS):
        state = map_.step(state)
    return map_, state[0]


def amplitude(lam: float, rho: float, lr: float, momentum: float) -> float:
    """Return |w| on the orbit."""
    return float(cycle(lam, rho, lr, momentum)[1].abs())


def sharpness(lam: float, rho: float, lr: float, momentum: float) -> float:
    """Return L(wᵖ) − L(w) on the orbit."""
    map_, w = cycle(lam, rho, lr, momentum)
    perturbed = map_.method.perturbed(w, map_.landscape.grad)
    return float(map_.landscape.value(perturbed) - map_.landscape.value(w))


CASES = [
    {"lam": 1.9, "rho": 0.1, "lr": 0.4, "momentum": 0.0},
    {"lam": 0.7, "rho": 0.2, "lr": 2.5, "momentum": 0.4},
    {"lam": 1.9, "rho": 0.1, "lr": 1.8, "momentum": 0.9},
]

heavy_ball_cycle = Claim(
    id="heavy-ball-two-cycle",
    statement="For ηλ near its limit 2(1+γ) SAM with momentum γ ends on the 2-cycle w ↔ −w, |w| = ηρλ/(2(1+γ) − ηλ). "
    "(For smaller ηλ, at γ = 0.9 still at ηλ = 3, longer cycles coexist with it and hold part of the starts.)",
    formula=r"|w| = \frac{\eta\rho\lambda}{2(1+\gamma) - \eta\lambda}",
    source="derived; [B22] without momentum",
    process="map of SAM with heavy ball",
    cases=CASES,
    predict=lambda lam, rho, lr, momentum: lr * rho * lam / (2 * (1 + momentum) - lr * lam),
    rival=sd.theory.two_cycle_amplitude,
    mistake="the 2-cycle without momentum, which would not exist for ηλ ≥ 2",
    measure=amplitude,
    tolerance=1e-6,
    reason="rounding, and 600 steps of convergence",
)

inflated_sharpness = Claim(
    id="inflated-sharpness",
    statement="After convergence to its 2-cycle the sharpness L(wᵖ) − L(w) that SAM itself reports is ½λρ² times "
    "(2(1+γ)+ηλ)/(2(1+γ)−ηλ): at the same curvature it grows without bound as η nears the edge of stability.",
    formula=r"L(w^p) - L(w) = \frac{1}{2} \lambda\rho^2 \, \frac{2(1+\gamma) + \eta\lambda}{2(1+\gamma) - \eta\lambda}",
    source="derived; on [F20] and [ZG22]",
    process="map of SAM with heavy ball",
    cases=CASES,
    predict=lambda lam, rho, lr, momentum: (
        lam * rho**2 / 2 * (2 * (1 + momentum) + lr * lam) / (2 * (1 + momentum) - lr * lam)
    ),
    rival=lambda lam, rho: lam * rho**2 / 2,
    mistake="the sharpness of the minimum",
    measure=sharpness,
    tolerance=1e-6,
    reason="rounding, and 600 steps of convergence",
)

"""The learning rates and radii at which steps with momentum change their stability."""

import torch
from scipy.optimize import brentq

import samdyn as sd
from samdyn.claims import Claim

STEPS = 100  # γ to the power of 100 is below 1e-4 at γ = 0.9: the slower mode alone is left


def growth(lam: float, rho: float, lr: float, momentum: float, nesterov: bool) -> float:
    """Return the logarithmic growth of a run's distance over the second half of its steps."""
    map_ = sd.Map(sd.landscapes.quadratic([lam]), sd.USAM(rho), lr=lr, momentum=momentum, nesterov=nesterov)
    state, distances = map_.start(torch.ones(1, 1, dtype=torch.float64)), []
    for _ in range(2):
        for _ in range(STEPS):
            state = map_.step(state)
        distances.append(float(torch.cat(state).norm().log()))
    return distances[1] - distances[0]


def largest_lr(lam: float, rho: float, momentum: float) -> float:
    """Return the learning rate at which the distance stops shrinking with Nesterov's momentum."""
    return float(brentq(lambda lr: growth(lam, rho, lr, momentum, nesterov=True), 0.1, 1.8, rtol=1e-6))


nesterov_limit = Claim(
    id="nesterov-limit",
    statement="In a minimum USAM with Nesterov's momentum, as torch has it, is stable up to ηλ(1+ρλ) = "
    "2(1+γ)/(1+2γ) only: below the limit without momentum, which heavy ball raises.",
    formula=r"\eta^* = \frac{2(1+\gamma)}{(1+2\gamma)\, \lambda(1+\rho\lambda)}",
    source="derived",
    process="map of USAM with Nesterov's momentum",
    cases=[{"lam": 1.5, "rho": 0.4, "momentum": 0.5}, {"lam": 0.8, "rho": 0.1, "momentum": 0.9}],
    predict=lambda lam, rho, momentum: 2 * (1 + momentum) / ((1 + 2 * momentum) * lam * (1 + rho * lam)),
    rival=lambda lam, rho, momentum: 2 * (1 + momentum) / (lam * (1 + rho * lam)),
    mistake="the limit of heavy ball",
    measure=largest_lr,
    tolerance=1e-5,
    reason="the bisection ends at a relative 1e-6",
)

momentum_threshold = Claim(
    id="momentum-keeps-the-threshold",
    statement="Momentum does not move the radius ρ = 1/|λ| above which a saddle captures USAM.",
    formula=r"\rho^* = 1/|\lambda|",
    source="derived [theory 1]; on [K23, Theorem 1], which has no momentum",
    process="map of USAM with heavy ball or Nesterov's momentum",
    cases=[
        {"lam": -1.6, "momentum": 0.5, "nesterov": False},
        {"lam": -2.3, "momentum": 0.9, "nesterov": False},
        {"lam": -1.6, "momentum": 0.9, "nesterov": True},
        {"lam": -2.3, "momentum": 0.5, "nesterov": True},
    ],
    predict=lambda lam: 1 / abs(lam),
    rival=lambda lam, momentum: (1 - momentum) / abs(lam),
    mistake="the radius in units of the effective step η/(1−γ)",
    measure=lambda lam, momentum, nesterov: float(
        brentq(lambda rho: growth(lam, rho, 0.1, momentum, nesterov), 0.02, 1.2, rtol=1e-8)
    ),
    tolerance=1e-5,
    reason="near the threshold the growth of 100 steps is resolved to rounding",
)

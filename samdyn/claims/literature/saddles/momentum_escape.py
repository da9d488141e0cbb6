"""The rate at which heavy ball leaves a saddle."""

import numpy as np
import torch

import samdyn as sd
from samdyn.claims import Claim, grid, leading_order


def rate(lam: float, rho: float, lr: float, momentum: float) -> float:
    """Return the growth of log|w| per unit of time along the escape, once the other root is forgotten."""
    map_ = sd.Map(sd.landscapes.quadratic([lam]), sd.USAM(rho), lr=lr, momentum=momentum)
    state, steps = map_.start(torch.tensor([[1e-9]], dtype=torch.float64)), round(25 / (1 - momentum))
    sizes = []
    for _ in range(2):
        for _ in range(steps):
            state = map_.step(state)
        sizes.append(float(state[0].abs()))
    return float(np.log(sizes[1] / sizes[0]) / (steps * lr))


momentum_escape_small_steps = Claim(
    id="momentum-escape-small-steps",
    statement="For small steps heavy ball multiplies the rate |λ(1 + ρλ)| at which USAM leaves a saddle by 1/(1 − γ).",
    formula=r"|\lambda(1+\rho\lambda)|\,/\,(1-\gamma)",
    source="derived; without momentum [K23, Theorem 1]",
    process="map of USAM with heavy ball",
    cases=grid(lam=(-2.0, -1.0), rho=(0.1, 0.3), lr=(1e-4, 2e-4, 4e-4), momentum=(0.5, 0.8)),
    predict=lambda lam, rho, momentum: -lam * (1 + rho * lam) / (1 - momentum),
    rival=lambda lam, rho: -lam * (1 + rho * lam),
    mistake="no effect of momentum",
    measure=rate,
    tolerance=5e-3,
    reason="the error at the smallest η is of order ηλₑ/(1 − γ)²",
    small="lr",
    record=leading_order(1),
)

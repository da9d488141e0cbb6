"""The stability of SAM's 2-cycle along one eigenvector against motion along another."""

import torch

import samdyn as sd
from samdyn.claims import Claim

SHIFT = 1e-9  # along the other eigenvector, in the units of w


def measure(along: float, other: float, rho: float, lr: float) -> float:
    """Return the factor of one step on a small shift off the 2-cycle that SAM reaches along the first axis."""
    map_ = sd.Map(sd.landscapes.quadratic([along, other]), sd.SAM(rho), lr)
    state = map_.start(torch.tensor([[1.0], [0.0]], dtype=torch.float64))
    for _ in range(80):
        state = map_.step(state)
    (moved,) = map_.step((state[0] + torch.tensor([[0.0], [SHIFT]], dtype=torch.float64),))
    return float(moved[1]) / SHIFT


cycle_multiplier = Claim(
    id="sam-cycle-multiplier",
    statement="A step multiplies a small deviation along λⱼ from the 2-cycle along λᵢ by 1 − ηλⱼ − (λⱼ/λᵢ)²(2 − "
    "ηλᵢ), at every ρ. So the 2-cycle along the largest of positive eigenvalues attracts, and every other one repels.",
    formula=r"m_j = 1 - \eta\lambda_j - (\lambda_j/\lambda_i)^2 (2 - \eta\lambda_i)",
    source="derived; explains [B22, Theorem 1]",
    process="map of SAM",
    cases=[
        {"along": 2.0, "other": 1.2, "rho": 0.1, "lr": 0.3},
        {"along": 2.0, "other": 2.6, "rho": 0.1, "lr": 0.3},
        {"along": 2.0, "other": 1.2, "rho": 0.4, "lr": 0.7},
    ],
    predict=lambda along, other, lr: 1 - lr * other - (other / along) ** 2 * (2 - lr * along),
    rival=lambda other, lr: 1 - lr * other,
    mistake="gradient descent's factor, as if the perturbation acted along the cycle only",
    measure=measure,
    tolerance=1e-5,
    reason="the shift is 1e-9, rounding 1e-17, and the 2-cycle is reached to 1e-12",
)

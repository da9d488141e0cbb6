"""SAM's edge of stability equals the sharpness on any quadratic, where nothing can regulate the sharpness."""

import torch

import samdyn as sd
from samdyn.claims import Claim

SETTLING = 400  # steps; the bounce forgets its start by |1 − ηλ₁| a step, or by √γ


def edge(eigenvalues: tuple[float, ...], lr: float, rho: float, momentum: float) -> float:
    """Return SAM's edge, λ + ρλ²/‖g‖ = 2(1+γ)/η, at the gradient norm with which a run bounces."""
    map_ = sd.Map(sd.landscapes.quadratic(eigenvalues), sd.SAM(rho), lr=lr, momentum=momentum)
    state = map_.start(torch.full((len(eigenvalues), 1), 0.1 * rho, dtype=torch.float64))
    for _ in range(SETTLING):
        state = map_.step(state)
    norm = float(map_.landscape.grad(state[0]).norm())
    return norm / (2 * rho) * ((1 + 8 * (1 + momentum) * rho / (lr * norm)) ** 0.5 - 1)


CASES = [
    {"eigenvalues": (5.0, 1.0, 0.3), "lr": 0.1, "rho": 0.05, "momentum": 0.0},
    {"eigenvalues": (15.0, 3.0, 1.0), "lr": 0.1, "rho": 0.2, "momentum": 0.0},
    {"eigenvalues": (18.0, 2.0), "lr": 0.1, "rho": 0.2, "momentum": 0.5},
]

sam_edge_identity = Claim(
    id="sam-edge-identity",
    statement="On any quadratic SAM's edge of stability, at the gradient norm of its 2-cycle, equals the largest "
    "eigenvalue, which cannot move. So a network at its edge need not have regulated its sharpness.",
    formula=r"(\|g\|/2\rho)\,(\sqrt{1 + 8(1+\gamma)\rho/(\eta\|g\|)} - 1) = \lambda_1",
    source="derived; the edge is that of [L23], here also with momentum",
    process="map of SAM on a quadratic, on its 2-cycle, also with heavy ball",
    cases=CASES,
    predict=lambda eigenvalues: max(eigenvalues),
    rival=lambda lr, momentum: 2 * (1 + momentum) / lr,
    mistake="the edge of gradient descent",
    measure=edge,
    tolerance=1e-9,
    reason="rounding",
)

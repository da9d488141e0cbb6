"""The 2-cycle on which SAM ends at a quadratic minimum."""

import numpy as np

import samdyn as sd
from samdyn.claims import Claim

BASIS = np.eye(3) - 2 / 3  # a reflection, so that no eigenvector lies along an axis


def measure(eigenvalues: tuple[float, ...], rho: float, lr: float) -> np.ndarray:
    """Return |w| along each eigenvector after 250 steps from two starts."""
    map_ = sd.Map(sd.landscapes.quadratic(eigenvalues, BASIS), sd.SAM(rho), lr)
    starts = np.random.default_rng(0).uniform(-1, 1, (2, 3))
    ends: np.ndarray = abs(sd.simulate(map_, starts, steps=250).w[:, -1].values @ BASIS)
    return ends


sam_two_cycle = Claim(
    id="sam-two-cycle",
    statement="At a quadratic minimum SAM ends on a 2-cycle along the eigenvector of the largest eigenvalue λ₁, "
    "at the distance ηρλ₁/(2 − ηλ₁) from the minimum. The theorems need ηλ₁ < ½ [B22] or "
    "ηλ₁ < 1 [W22]; it holds up to 2.",
    formula=r"w \leftrightarrow -w, \quad w = \frac{\eta\rho\lambda_1}{2 - \eta\lambda_1}\, v_1",
    source="[B22, Theorem 1]; [W22, Theorem 4.8]; beyond ηλ₁ = 1 derived",
    process="map of SAM",
    cases=[
        {"eigenvalues": (4.0, 2.0, 0.8), "rho": 0.1, "lr": 0.1},
        {"eigenvalues": (4.0, 2.0, 0.8), "rho": 0.1, "lr": 0.47},
        {"eigenvalues": (3.0, 1.0, 0.5), "rho": 0.4, "lr": 0.3},
    ],
    predict=lambda eigenvalues, rho, lr: [sd.theory.two_cycle_amplitude(lam=eigenvalues[0], rho=rho, lr=lr), 0.0, 0.0],
    rival=lambda eigenvalues, rho, lr: [0.0, 0.0, sd.theory.two_cycle_amplitude(lam=eigenvalues[-1], rho=rho, lr=lr)],
    mistake="the eigenvector of the smallest eigenvalue, along which the loss at the perturbed point is smallest",
    measure=measure,
    tolerance=1e-6,
    reason="the slowest deviation shrinks by |1 − ηλ₁| = 0.88 a step, for 250 steps",
    absolute=1e-9,
)

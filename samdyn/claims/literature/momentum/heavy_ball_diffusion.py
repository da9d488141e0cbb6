"""The spread of heavy-ball USAM from a critical point, exactly."""

import numpy as np

import samdyn as sd
from samdyn.claims import Claim, Estimate


def measure(
    lam: float, rho: float, batch_size: int, lr: float, steps: int, momentum: float, budget: float, seed: int
) -> Estimate:
    """Return the variance of runs that start at rest at the critical point."""
    runs = int(budget * 1_200_000)
    noise = sd.noise.Fisher([0], batch_size=batch_size)
    map_ = sd.Map(sd.landscapes.quadratic([lam]), sd.USAM(rho), lr=lr, momentum=momentum, noise=noise)
    spread = sd.simulate(map_, np.zeros((runs, 1)), steps, statistics="msd", seed=seed, progress=False).msd.item()
    return Estimate(spread, standard_error=spread * np.sqrt(2 / runs))


def predict(lam: float, rho: float, batch_size: int, lr: float, steps: int, momentum: float) -> float:
    """Return η²C Σ hₘ², hₘ the displacement m steps after a unit of noise in the velocity."""
    z1, z2 = np.roots([1, lr * lam * (1 + rho * lam) - 1 - momentum, momentum]).astype(complex)
    m = np.arange(1, steps + 1)
    responses = np.real((z1**m - z2**m) / (z1 - z2))
    return float(lr**2 * (1 + rho * lam) ** 2 * abs(lam) / batch_size * np.sum(responses**2))


heavy_ball_diffusion = Claim(
    id="heavy-ball-diffusion",
    statement="From rest at a critical point, USAM with momentum γ and a shared batch has after k steps the variance "
    "of the 2×2 recursion in w and v, with the drift a = λ(1+ρλ) and the noise C = (1+ρλ)²|λ|/B.",
    formula=r"\sigma_k^2 = \eta^2 C \sum_{m=1}^{k} \left(\frac{z_1^m - z_2^m}{z_1 - z_2}\right)^2, \quad "
    r"z_i^2 - (1 + \gamma - \eta a) z_i + \gamma = 0",
    source="derived; corrects [K23, Theorem 3]",
    process="map of USAM with heavy ball, shared batch",
    cases=[
        {"lam": -1.2, "rho": 0.3, "batch_size": 6, "lr": 0.01, "steps": 60, "momentum": 0.9},
        {"lam": 0.7, "rho": 0.3, "batch_size": 6, "lr": 0.3, "steps": 30, "momentum": 0.6},
    ],
    predict=predict,
    rival=lambda lam, rho, batch_size, lr, steps, momentum: sd.theory.usam_msd(
        lam=lam, rho=rho, batch_size=batch_size, lr=lr, t=lr * steps, momentum=momentum
    ),
    mistake="the limit of small η, in which the velocity follows the gradient at once",
    measure=measure,
    tolerance=1e-6,
    reason="the formula is exact",
)

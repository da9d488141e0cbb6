"""The spread of USAM's iterates in a minimum."""

import numpy as np

import samdyn as sd
from samdyn.claims import Claim, Estimate

STEPS = 60  # 1 − ηλ(1+ρλ) to the power of 2 · 60 is below 1e-5


def measure(lam: float, rho: float, variance: float, lr: float, budget: float, seed: int) -> Estimate:
    """Return the variance of runs that started at the minimum."""
    runs = int(budget * 1_200_000)
    map_ = sd.Map(sd.landscapes.quadratic([lam]), sd.USAM(rho), lr=lr, noise=sd.noise.Gaussian(variance))
    spread = sd.simulate(map_, np.zeros((runs, 1)), STEPS, statistics="msd", seed=seed, progress=False).msd.item()
    return Estimate(spread, standard_error=spread * np.sqrt(2 / runs))


usam_stationary = Claim(
    id="usam-stationary-variance",
    statement="In a minimum with gradient noise of variance C, USAM's iterates have the variance "
    "ηC(1+ρλ)/(λ(2 − ηλ(1+ρλ))) at every learning rate.",
    formula=r"\sigma^2 = \frac{\eta C (1+\rho\lambda)}{\lambda (2 - \eta\lambda(1+\rho\lambda))}",
    source="derived; beyond the first order in ρ and η of [C23]",
    process="map of USAM, shared batch",
    cases=[
        {"lam": 1.5, "rho": 0.4, "variance": 0.3, "lr": 0.3},
        {"lam": 0.4, "rho": 2.0, "variance": 0.3, "lr": 0.2},
    ],
    predict=lambda lam, rho, variance, lr: lr * variance * (1 + rho * lam) / (lam * (2 - lr * lam * (1 + rho * lam))),
    rival=lambda lam, rho, variance, lr: lr * variance * (1 + 2 * rho * lam) / (2 * lam * (1 + rho * lam)),
    mistake="the stationary variance of the diffusion of [C23], to first order in ρ and η",
    measure=measure,
    tolerance=1e-4,
    reason="the formula is exact; what is left of the start is below 1e-5",
)

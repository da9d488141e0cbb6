"""The spread of normalised SAM's iterates in a minimum, where the noise turns the perturbation over."""

import math

import numpy as np

import samdyn as sd
from samdyn.claims import Claim, Estimate

DECAY, STEPS, EVERY = 200, 2200, 20  # steps until the start is forgotten to 0.1 %, in all, and between saves
MEAN_SIGN = math.sqrt(2 / math.pi)  # E|ξ|/s, and the slope of E[sgn(g + ξ)] at g = 0, times s


def measure(lam: float, rho: float, noise: float, lr: float, coupling: str, budget: float, seed: int) -> Estimate:
    """Return the mean of w² over runs and steps."""
    gaussian = sd.noise.Gaussian(noise**2, coupling=coupling)
    map_ = sd.Map(sd.landscapes.quadratic([lam]), sd.SAM(rho), lr=lr, noise=gaussian)
    starts = np.zeros((int(budget * 36_000), 1))
    runs = sd.simulate(map_, starts, STEPS, save_every=EVERY, seed=seed, progress=False)
    return Estimate.mean((runs.w.sel(step=slice(DECAY, None)) ** 2).mean(["step", "coord"]))


def predict(lam: float, rho: float, noise: float, lr: float, coupling: str) -> float:
    """Return the variance at the critical point's own noise and mean step."""
    effective = lam * (1 + rho * lam * MEAN_SIGN / noise)
    shared = 2 * rho * lam * noise * MEAN_SIGN if coupling == "shared" else 0.0
    return lr * (noise**2 + shared + rho**2 * lam**2) / (effective * (2 - lr * effective))


normalised_stationary = Claim(
    id="sam-stationary-variance",
    statement="In a minimum on a line with gradient noise of deviation s, normalised SAM's iterates have the variance "
    "ηC/(λₑ(2 − ηλₑ)) for small ηλ, where λₑ = λ(1+ρλc/s), c² = 2/π. A shared batch has C = s² + 2cλρs + λ²ρ²; "
    "independent ones lack the middle term.",
    formula=r"\sigma^2 = \frac{\eta (s^2 + 2 c \lambda\rho s + \lambda^2\rho^2)}{\lambda_e (2 - \eta\lambda_e)}, \quad "
    r"\lambda_e = \lambda (1 + \rho\lambda c/s), \quad c = \sqrt{2/\pi}",
    source="derived",
    process="map of SAM, shared or independent batches",
    cases=[
        {"lam": 1.5, "rho": 0.8, "noise": 0.9, "lr": 0.01, "coupling": "shared"},
        {"lam": 0.8, "rho": 0.6, "noise": 0.5, "lr": 0.015, "coupling": "independent"},
    ],
    predict=predict,
    rival=lambda lam, rho, noise, lr: (
        lr * (noise**2 + 2 * rho * lam * noise * MEAN_SIGN) / (2 * lam * (1 + rho * lam * MEAN_SIGN / noise))
    ),
    mistake="the noise of the diffusion of [C23], without λ²ρ²",
    measure=measure,
    tolerance=0.004,
    reason="the mean step is linear only where λ|w| ≪ s, which costs a relative 0.2 ηλ = 0.3 %",
)

"""The noise of a step of DNSAM."""

import numpy as np

import samdyn as sd
from samdyn.claims import Claim, Estimate

EIGENVALUES, START, LR = np.array([-1.0, 2.0]), np.array([0.3, 0.2]), 0.1


def measure(rho: float, variance: float, budget: float, seed: int) -> Estimate:
    """Return the variance of a step over η², along each eigenvector."""
    noise = sd.noise.Gaussian(variance, coupling="shared")
    map_ = sd.Map(sd.landscapes.quadratic(EIGENVALUES), sd.DNSAM(rho), LR, noise=noise)
    runs = sd.simulate(map_, np.tile(START, (int(budget * 1_000_000), 1)), steps=1, seed=seed)
    ends = runs.w[:, -1].values
    return Estimate.mean_square((ends - ends.mean(axis=0)) / LR)


def radius(rho: float) -> float:
    """Return ρ/‖∇L‖ at the start."""
    return rho / float(np.linalg.norm(EIGENVALUES * START))


dnsam_noise = Claim(
    id="dnsam-noise",
    statement="DNSAM amplifies the noise of a batch as USAM with the radius ρ/‖∇L‖ does: along λ the variance of "
    "a step is (1 + ρλ/‖∇L‖)² times that of SGD.",
    formula=r"\mathrm{Var}(w_{k+1})\,/\,\eta^2 = s^2 (1 + \rho\lambda/\|\nabla L\|)^2",
    source="derived; method of [C23]",
    process="map of DNSAM, shared batch",
    cases=[{"rho": 0.1, "variance": 0.25}, {"rho": 0.3, "variance": 0.04}],
    predict=lambda rho, variance: variance * (1 + radius(rho) * EIGENVALUES) ** 2,
    rival=lambda variance: variance * np.ones(2),
    mistake="the noise of SGD, as if the perturbation shifted the mean only",
    measure=measure,
    tolerance=1e-3,
    reason="the only error is that of 10⁶ runs",
)

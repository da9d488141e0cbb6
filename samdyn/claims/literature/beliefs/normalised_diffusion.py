"""How far noise carries normalised SAM, the method people run, from a critical point."""

from typing import Any

import numpy as np

import samdyn as sd
from samdyn.claims import Claim, Estimate, fails


def spread(
    lam: float, dim: int, rho: float, noise: float, coupling: str, t: float, lr: float, budget: float, seed: int
) -> Estimate:
    """Return the mean square of a coordinate at t. All eigenvalues are λ, so that every coordinate is a sample."""
    xi = sd.noise.Gaussian(noise**2, coupling=coupling)
    map_ = sd.Map(sd.landscapes.quadratic([lam] * dim), sd.SAM(rho), lr=lr, noise=xi)
    starts = np.zeros((int(budget * 1_000_000) // dim, dim))
    runs = sd.simulate(map_, starts, round(t / lr), seed=seed, progress=False)
    return Estimate.mean((runs.w[:, -1].values ** 2).mean(1))


def displacement(lam: float, dim: int, rho: float, noise: float, t: float, lr: float, added: float) -> float:
    """Return OU(λ(1 + ρₑλ), η(s² + added), t), where the perturbation adds to the noise."""
    return float(sd.theory.ou(lam * (1 + sd.theory.noisy_radius(rho, noise, dim) * lam), lr * (noise**2 + added), t))


def shared(lam: float, dim: int, rho: float, noise: float, t: float, lr: float) -> float:
    """Return the displacement with one batch for both gradients."""
    added = 2 * lam * sd.theory.noisy_radius(rho, noise, dim) * noise**2 + (lam * rho) ** 2 / dim
    return displacement(lam, dim, rho, noise, t, lr, added)


def theorem_2(lam: float, rho: float, noise: float, t: float, lr: float) -> float:
    """Return OU(λ(1 + ρλ)², ηs², t)."""
    return float(sd.theory.ou(lam * (1 + rho * lam) ** 2, lr * noise**2, t))


def cases(coupling: str, *settings: tuple[float, int, float, float, float]) -> list[dict[str, Any]]:
    """Return cases of λ, d, ρ, s and t."""
    names = ("lam", "dim", "rho", "noise", "t")
    return [{**dict(zip(names, setting, strict=True)), "coupling": coupling, "lr": 0.0025} for setting in settings]


SHARED = cases("shared", (-1.0, 1, 0.3, 0.25, 0.3), (-1.5, 3, 0.1, 0.2, 0.2))

normalised_diffusion_shared = Claim(
    id="normalised-sam-diffusion",
    statement="Near a critical point, where ‖Hw‖ ≪ s, normalised SAM with gradient noise s²I is an Ornstein–Uhlenbeck "
    "process of drift λ(1 + ρₑλ), ρₑ = ρ c_d/s. Along λ < 0 its noise falls with ρ at first, and then grows.",
    formula=r"OU(\lambda(1+\rho_e\lambda),\ \eta(s^2 + 2\lambda\rho s c_d + \lambda^2\rho^2/d),\ t),\quad "
    r"c_d = \frac{\Gamma((d+1)/2)}{\sqrt{2}\, \Gamma(d/2+1)}",
    source="derived",
    process="map of SAM, noise of covariance s²I, shared batch",
    cases=SHARED,
    predict=shared,
    rival=theorem_2,
    mistake="Theorem 2 of [K23], which is for the unnormalised method",
    measure=spread,
    tolerance=2e-3,
    reason="the process is the limit η → 0, and its drift that of ‖Hw‖ ≪ s",
)

theorem_2_normalised = Claim(
    id="theorem-2-for-normalised-sam",
    statement="The mean square displacement of normalised SAM, the method that people run, is that of Theorem 2.",
    formula=r"OU(\lambda(1+\rho\lambda)^2,\ \eta s^2,\ t)",
    source="[K23, Theorem 2], which is on USAM and noise |H|/B, read for normalised SAM and noise s²I",
    process="map of SAM, noise of covariance s²I, shared batch",
    cases=SHARED,
    predict=theorem_2,
    rival=lambda lam, noise, t, lr: float(sd.theory.ou(lam, lr * noise**2, t)),
    mistake="the displacement of SGD",
    measure=spread,
    tolerance=2e-3,
    reason="the process is the limit η → 0, and its drift that of ‖Hw‖ ≪ s",
    record=fails(0.375),
    instead="normalised-sam-diffusion",
)

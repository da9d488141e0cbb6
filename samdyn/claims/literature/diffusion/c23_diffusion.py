"""The diffusion of [C23] for USAM: which order it has in η, and where its covariance is no covariance."""

import math

from scipy.optimize import brentq

import samdyn as sd
from samdyn.claims import Claim, fails, grid, leading_order


def measured(lam: float, variance: float, lr: float, t: float, rho: float) -> float:
    """Return the exact variance of USAM's iterates, from the critical point."""
    map_ = sd.Map(sd.landscapes.quadratic([lam]), sd.USAM(rho), lr=lr, noise=sd.noise.Gaussian(variance))
    return float(sd.analysis.linear_step(map_).moments([0.0], round(t / lr))[1][-1, 0, 0])


def c23(lam: float, variance: float, lr: float, t: float, rho: float) -> float:
    """Return the variance of the diffusion of [C23]."""
    drift = lam * (1 + rho * lam)
    return lr * variance * (1 + 2 * rho * lam) / (2 * drift) * (1 - math.exp(-2 * drift * t))


def zero_of_covariance(lam: float) -> float:
    """Return the radius at which the covariance of the diffusion of [C23] changes its sign."""
    landscape, noise = sd.landscapes.quadratic([lam]), sd.noise.Gaussian(0.25)

    def covariance(rho: float) -> float:
        sde = sd.Diffusion(landscape, sd.USAM(rho), noise, lr=0.01, model="taylor")
        return float(sde.law(landscape.grad([0.0])[:, None])[1])

    return float(brentq(covariance, 1e-3, 10.0, xtol=1e-12))


c23_order = Claim(
    id="c23-weak-order",
    statement="With radii of order √η the diffusion of [C23] follows USAM's iterates with an error of order η: at a "
    "critical point it has the drift λ(1+ρλ) and the noise ηs²(1+2ρλ).",
    formula=r"\sigma^2(t) = \frac{\eta s^2 (1+2\rho\lambda)}{2a} (1 - e^{-2at}), \quad a = \lambda(1+\rho\lambda), "
    r"\quad \rho = O(\sqrt{\eta})",
    source="[C23]",
    process="map of USAM, shared batch, ρ ∝ √η",
    cases=grid(lam=(-1.2, 0.7), variance=0.3, lr=(0.05, 0.01, 0.002), t=0.6, ratio=0.5),
    predict=lambda lam, variance, lr, t, ratio: c23(lam, variance, lr, t, ratio * math.sqrt(lr)),
    rival=lambda lam, variance, lr, t, ratio: sd.theory.ou(lam * (1 + ratio * math.sqrt(lr) * lam), lr * variance, t),
    mistake="the noise of SGD",
    measure=lambda lam, variance, lr, t, ratio: measured(lam, variance, lr, t, ratio * math.sqrt(lr)),
    tolerance=0.004,
    reason="the error is of order η, 0.3 % at the smallest η",
    small="lr",
    record=leading_order(0.89),
)

c23_fixed = Claim(
    id="c23-fixed-radius",
    statement="At a radius that does not shrink with η the diffusion of [C23] gives the variance of USAM's iterates.",
    formula=r"\sigma^2(t) = \frac{\eta s^2 (1+2\rho\lambda)}{2a} (1 - e^{-2at}), \quad a = \lambda(1+\rho\lambda)",
    source="derived; on [C23], which assumes ρ = O(√η)",
    process="map of USAM, shared batch",
    cases=grid(lam=-1.2, variance=0.3, lr=0.002, t=0.6, rho=(0.01, 0.2, 0.5)),
    predict=c23,
    rival=lambda lam, variance, lr, t, rho: sd.theory.ou(lam * (1 + rho * lam), lr * variance, t),
    mistake="the noise of SGD",
    measure=measured,
    tolerance=0.004,
    reason="the error of a step of η is 0.3 %",
    record=fails(-0.8),
    instead="usam-diffusion",
)

c23_covariance = Claim(
    id="c23-indefinite-covariance",
    statement="At a saddle the covariance of the diffusion of [C23] for USAM is negative along λ above ρ = 1/(2|λ|): "
    "beyond this radius, half of that at which the saddle captures, there is no such diffusion.",
    formula=r"\rho = 1/(2|\lambda|)",
    source="derived; on [C23]",
    process="diffusion of USAM to first order in ρ",
    cases=grid(lam=(-0.4, -3.0)),
    predict=lambda lam: 1 / (2 * abs(lam)),
    rival=lambda lam: 1 / abs(lam),
    mistake="the radius at which the saddle captures, where the noise (1+ρλ)² of the iterates vanishes",
    measure=zero_of_covariance,
    tolerance=1e-6,
    reason="rounding",
)

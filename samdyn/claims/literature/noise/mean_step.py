"""The mean step of normalised SAM under noise, at any distance from a critical point."""

import math

import numpy as np
from scipy.special import ive

import samdyn as sd
from samdyn.claims import Claim, Estimate, grid


def measure(dim: int, lam: float, rho: float, noise: float, distance: float, budget: float, seed: int) -> Estimate:
    """Return the mean of a component of F(w) over draws, w on its axis. Pairs of runs have opposite starts."""
    runs = int(budget * 600_000)
    start = np.zeros(dim)
    start[0] = distance * noise / abs(lam)
    map_ = sd.Map(sd.landscapes.quadratic([lam] * dim), sd.SAM(rho), lr=1.0, noise=sd.noise.Gaussian(noise**2))
    starts, pairs = np.tile(start, (runs, 1)), np.tile(np.arange(runs), 2)
    ends = sd.simulate(map_, np.concatenate([starts, -starts]), 1, seed=seed, runs=pairs, progress=False).w
    steps = start[0] - ends.values[:runs, -1, 0], start[0] + ends.values[runs:, -1, 0]
    return Estimate.mean((steps[0] + steps[1]) / 2)


def predict(dim: int, lam: float, rho: float, noise: float, distance: float) -> float:
    """Return λ(w + ρE[u]), u the direction of λw + ξ."""
    z = distance**2 / 4
    slope = math.sqrt(math.pi / 8) * (ive(0, z) + ive(1, z))
    direction = math.erf(distance / math.sqrt(2)) if dim == 1 else distance * slope
    return lam * (distance * noise / abs(lam)) + math.copysign(1.0, lam) * lam * rho * direction


mean_step = Claim(
    id="sam-mean-step",
    statement="At the distance |w| = xs/|λ| from a critical point, gradient noise N(0, s²I) turns SAM's unit vector "
    "into erf(x/√2) on average on a line, in the plane into √(π/8) x e^{−x²/4}(I₀ + I₁)(x²/4): USAM's linear "
    "perturbation near the point, SAM's full one far from it.",
    formula=r"E[F] = \lambda (w + \rho\, \mathrm{erf}(\lambda w / (s\sqrt{2})))",
    source="derived [theory 20]",
    process="one step of SAM on a line and in the plane, shared batch",
    cases=grid(dim=(1, 2), lam=-1.7, rho=0.9, noise=0.4, distance=(0.7, 2.0)),
    predict=predict,
    rival=lambda dim, lam, rho, noise, distance: (
        lam * (1 + sd.theory.noisy_radius(rho, noise, dim) * lam) * distance * noise / abs(lam)
    ),
    mistake="the linear mean step, which holds for x ≪ 1",
    measure=measure,
    tolerance=1e-4,
    reason="the formula is exact",
)

"""The motion of SAM along a direction of negative curvature alone."""

import math

import numpy as np

import samdyn as sd
from samdyn.claims import Claim, Estimate

SEPARATION = 1e-12  # of two neighbours, relative to ρ


def concave_map(lam: float, rho: float, lr: float) -> sd.Map:
    """Return the map of SAM on ½λx²."""
    return sd.Map(sd.landscapes.quadratic([lam]), sd.SAM(rho), lr)


def spread(lam: float, rho: float, lr: float) -> Estimate:
    """Return the mean exponent of the separation of neighbours over 40 steps."""
    starts = np.random.default_rng(0).uniform(-0.5, 0.5, (300, 1)) * rho
    pairs = np.concatenate([starts, starts + SEPARATION * rho])
    ends = sd.simulate(concave_map(lam, rho, lr), pairs, steps=40).w[:, -1, 0].values
    return Estimate.mean(np.log(abs(ends[300:] - ends[:300]) / (SEPARATION * rho)) / 40)


def extent(lam: float, rho: float, lr: float) -> float:
    """Return the largest |w| from step 150 to step 300, over 300 starts inside the trap."""
    starts = np.random.default_rng(0).uniform(-0.9, 0.9, (300, 1)) * rho
    runs = sd.simulate(concave_map(lam, rho, lr), starts, steps=300, save_every=1)
    return float(abs(runs.w[:, 150:]).max())


CASES = [{"lam": -1.0, "rho": 0.2, "lr": 0.05}, {"lam": -3.0, "rho": 0.3, "lr": 0.1}]

concave_exponent = Claim(
    id="sam-concave-chaos",
    statement="Within ρ of a critical point, and along a direction of curvature λ < 0 only, SAM moves chaotically: "
    "neighbours separate with the Lyapunov exponent ln(1 + η|λ|) a step.",
    formula=r"\ln(1 + \eta|\lambda|)",
    source="derived",
    process="map of SAM",
    cases=CASES,
    predict=lambda lam, lr: math.log(1 + lr * abs(lam)),
    rival=lambda lam, lr: math.log(1 - lr * abs(lam)),
    mistake="a 2-cycle that attracts, as along λ > 0",
    measure=spread,
    tolerance=1e-3,
    reason="rounding, 1e-16 beside a separation of 1e-12, is the only error while no pair lies on both sides of 0",
)

concave_extent = Claim(
    id="sam-concave-extent",
    statement="Where SAM moves along a direction of curvature λ < 0 only, trapped runs come as far as ηρ|λ| from the "
    "critical point, and no farther.",
    formula=r"\max|w| = \eta\rho|\lambda|",
    source="derived",
    process="map of SAM",
    cases=CASES,
    predict=lambda lam, rho, lr: lr * rho * abs(lam),
    rival=sd.theory.two_cycle_amplitude,
    mistake="the 2-cycle ηρ|λ|/(2 + η|λ|), which exists but repels",
    measure=extent,
    tolerance=2e-3,
    reason="300 runs of 150 steps come as near to the largest distance as their nearest approach to 0",
)

"""The mean time in which USAM's iterates leave an interval about a critical point."""

import numpy as np
import sympy

import samdyn as sd
from samdyn.claims import Claim, Estimate

MAX_STEPS = 3000
# −ζ(½)/√(2π): the mean distance by which the last step passes the end, in deviations of a step
SHIFT = 0.5825971579390106


def measure(lam: float, rho: float, noise: float, lr: float, width: float, budget: float, seed: int) -> Estimate:
    """Return the mean exit time of runs that start at the critical point, in units of t = kη."""
    map_ = sd.Map(sd.landscapes.quadratic([lam]), sd.USAM(rho), lr=lr, noise=sd.noise.Gaussian(noise**2))
    starts = np.zeros((int(budget * 220_000), 1))
    runs = sd.simulate(map_, starts, MAX_STEPS, box=[(-width, width)], seed=seed, progress=False)
    return Estimate.mean(runs.end.values * lr)


def predict(lam: float, rho: float, noise: float, lr: float, width: float, shift: float = SHIFT) -> float:
    """Return the mean exit time of dX = −aX dt + √D dW from (−δ, δ), X(0) = 0."""
    drift, deviation = lam * (1 + rho * lam), noise * (1 + rho * lam)
    diffusion, end = lr * deviation**2, width + shift * lr * deviation
    return end**2 / diffusion * float(sympy.hyper((1, 1), (1.5, 2), drift * end**2 / diffusion))


first_passage = Claim(
    id="usam-exit-time",
    statement="USAM's iterates leave |w| < δ when the diffusion with the drift a = λ(1+ρλ) and the noise "
    "D = ηs²(1+ρλ)² leaves |w| < b, b = δ + 0.583 ηs(1+ρλ): the mean time T solves ½DT″ − awT′ = −1, T(±b) = 0.",
    formula=r"T = \frac{b^2}{D}\; {}_2F_2(1, 1; \frac{3}{2}, 2; \frac{a b^2}{D}), \quad "
    r"b = \delta + 0.583\, \eta s (1 + \rho\lambda)",
    source="derived [theory 18]",
    process="map of USAM, shared batch",
    cases=[
        {"lam": -1.2, "rho": 0.3, "noise": 0.5, "lr": 0.004, "width": 0.0154},
        {"lam": 0.7, "rho": 0.3, "noise": 0.5, "lr": 0.004, "width": 0.027},
    ],
    predict=predict,
    rival=lambda lam, rho, noise, lr, width: predict(lam, rho, noise, lr, width, shift=0.0),
    mistake="ends at δ, as if the iterates could leave between steps",
    measure=measure,
    tolerance=0.003,
    reason="beyond the shift of the ends the error is of order η|λ|",
)

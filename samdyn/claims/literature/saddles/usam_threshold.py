"""The radius above which a saddle attracts the flow of USAM."""

import numpy as np
from scipy.optimize import brentq

import samdyn as sd
from samdyn.claims import Claim, grid


def measure(eigenvalues: tuple[float, ...]) -> float:
    """Return the radius at which the longest of the runs that start along the axes keeps its length."""
    landscape, starts = sd.landscapes.quadratic(eigenvalues), np.eye(len(eigenvalues))

    def growth(rho: float) -> float:
        end = sd.integrate(sd.Flow(landscape, sd.USAM(rho)), starts, times=[0, 0.01]).w[:, -1].values
        return float(np.log(np.linalg.norm(end, axis=1)).max())

    return float(brentq(growth, 0.1, 10.0, rtol=1e-6))


usam_threshold = Claim(
    id="usam-threshold",
    statement="Above ρ = 1/|λ|, λ the negative eigenvalue nearest 0, a saddle attracts the flow of USAM.",
    formula=r"\rho^* = 1/|\lambda_-|",
    source="[K23, Theorem 1]",
    process="flow of USAM",
    cases=grid(eigenvalues=((-2.0, 2.0), (-0.5, -3.0, 1.0))),
    predict=sd.theory.usam_threshold,
    rival=lambda eigenvalues: sd.theory.usam_threshold(eigenvalues=eigenvalues) / 2,
    mistake="differentiating L + ρ‖∇L‖², which gives λ(1 + 2ρλ)",
    measure=measure,
    tolerance=1e-3,
    reason="the flow is integrated to a relative error of about 1e-6 in w, and over a short time",
)

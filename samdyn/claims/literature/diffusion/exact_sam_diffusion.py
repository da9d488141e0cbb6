"""The spread of exact SAM, the method whose drift Theorem 2 of [K23] has."""

import samdyn as sd
from samdyn.claims import Claim, leading_order

from .usam_diffusion import CASES, variance

exact_sam_diffusion = Claim(
    id="exact-sam-diffusion",
    statement="Exact SAM has the drift λ(1+ρλ)² of K23's Theorem 2, but the factor 1+ρλ acts on its noise too: SGD's "
    "noise times (1+ρλ)⁴ with a shared batch, (1+ρλ)²(1+ρ²λ²) with independent ones, (1+ρλ)² after a clean ascent.",
    formula=r"\sigma^2(t) = \frac{\eta C}{2 a} (1 - e^{-2 a t}), \quad a = \lambda(1+\rho\lambda)^2, \quad "
    r"C = (1+\rho\lambda)^4 |\lambda|/B",
    source="derived; corrects [K23, Theorem 2]",
    process="map of exact SAM, by coupling",
    cases=CASES,
    predict=sd.theory.exact_sam_msd,
    rival=sd.theory.theorem_2_msd,
    mistake="Theorem 2 of [K23]: the factor 1+ρλ acts on the drift alone",
    measure=lambda lam, rho, batch_size, lr, t, coupling: variance(sd.ExactSAM(rho), lam, batch_size, lr, t, coupling),
    tolerance=0.004,
    reason="the formula is a limit: at η = 0.002 it errs by up to 0.3 %",
    small="lr",
    record=leading_order(1),
)

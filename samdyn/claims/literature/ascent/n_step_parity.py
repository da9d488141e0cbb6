"""The radius above which a saddle attracts USAM with n ascent steps."""

import itertools
import math

import torch
from scipy.optimize import brentq

import samdyn as sd
from samdyn.claims import Claim, grid


def threshold(lam: float, steps: int) -> float:
    """Return the smallest radius, up to 20, from which the field points back to the saddle."""

    landscape, w = sd.landscapes.quadratic([lam]), torch.ones(1, 1, dtype=torch.float64)

    def field(rho: float) -> float:
        return float(sd.USAM(rho, ascent_steps=steps)(w, landscape.grad))

    for low, high in itertools.pairwise(0.1 * 1.07**k for k in range(80)):
        if field(low) < 0 < field(high):
            return float(brentq(field, low, high, rtol=1e-9))
    return math.inf


n_step_parity = Claim(
    id="n-step-parity",
    statement="With n ascent steps a saddle attracts USAM above ρ = n/|λ| if n is odd, and never if n is even.",
    formula=r"\rho^* = n/|\lambda_-|",
    source="derived, theory 4; n = 1 is [K23, Theorem 1]",
    process="flow of USAM with n ascent steps",
    cases=grid(lam=(-0.5, -2.0), steps=(1, 2, 3, 4)),
    predict=lambda lam, steps: sd.theory.usam_threshold(eigenvalues=[lam], ascent_steps=steps),
    rival=lambda lam: sd.theory.usam_threshold(eigenvalues=[lam]),
    mistake="the threshold of one ascent step",
    measure=threshold,
    tolerance=1e-4,
    reason="the field vanishes as (1 − ρ|λ|/n)ⁿ, whose root is found to the cube root of rounding",
)

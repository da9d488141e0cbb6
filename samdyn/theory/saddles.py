"""Saddles, without noise: thresholds, escape rates, traps and 2-cycles."""

import cmath
import math
from collections.abc import Iterable

from ..analysis import Boundary
from ..methods import DNSAM, GD, SAM, USAM, ExactSAM, Method
from .claim import Claim


def effective_curvature(lam: float, rho: float, ascent_steps: int = 1) -> float:
    """λₑ = λ(1 + ρλ/n)ⁿ: what USAM with n ascent steps makes of a Hessian eigenvalue λ.  [K23; n > 1 derived]"""
    return lam * (1 + rho * lam / ascent_steps) ** ascent_steps


def _threshold(eigenvalues: Iterable[float], ascent_steps: int = 1) -> float:
    negative = [-lam for lam in eigenvalues if lam < 0]
    if not negative or ascent_steps % 2 == 0:
        return math.inf if negative else 0.0
    return ascent_steps / min(negative)


def _growth(curvature: float, lr: float, momentum: float = 0.0) -> float:
    b = 1 + momentum - lr * curvature
    root = cmath.sqrt(b * b - 4 * momentum)
    return math.log(max(abs(b + root), abs(b - root)) / 2) / lr


usam_threshold = Claim(
    statement="USAM, n-step: a saddle attracts iff ρ > n/|λ| for every negative eigenvalue, n odd; never for even n",
    source="[K23, Theorem 1]; n > 1 derived, confirmed",
    formula=_threshold,
    rival=lambda eigenvalues, ascent_steps=1: _threshold(eigenvalues, ascent_steps) / 2,
    rival_reason="differentiating L + ρ‖∇L‖², as exact SAM would to first order: λ(1 + 2ρλ)",
)

escape_rate = Claim(
    statement="near a critical point distances grow as exp(rate · t): the largest root of z² − (1+γ−ηλₑ)z + γ = 0",
    source="[K23, Theorem 1] with heavy ball; confirmed",
    formula=lambda lam, lr, momentum=0.0, rho=0.0: _growth(effective_curvature(lam, rho), lr, momentum),
    rival=lambda lam, lr, momentum=0.0, rho=0.0: _growth(effective_curvature(lam, rho), lr) if momentum else -lam,
    rival_reason="no effect of momentum; or, without momentum, no effect of the perturbation",
)

trap_half_width = Claim(
    statement="SAM on a quadratic with one unstable direction is held within ρ of the saddle along it, at every ρ",
    source="derived; [C23]; confirmed",
    formula=lambda rho: rho,
    rival=lambda rho: rho / 2,
    rival_reason="asking the perturbed point to mirror the iterate rather than only to cross the saddle",
)

two_cycle_amplitude = Claim(
    statement="SAM ends on w ↔ −w along an eigenvector, |w| = ηρ|λ|/(2 − ηλ)",
    source="[B22]; confirmed",
    formula=lambda lam, rho, lr: lr * rho * abs(lam) / (2 - lr * lam),
    rival=lambda lam, rho, lr: lr * rho * abs(lam) / 2,
    rival_reason="the limit of small steps",
)


def boundary(method: Method, eigenvalues: Iterable[float]) -> Boundary | None:
    """Say where capture by a saddle with these Hessian eigenvalues begins; None where there is no closed form."""
    match method:
        case GD() | ExactSAM():  # exact SAM: J = −H(I + ρH/n)²ⁿ, averaged or not: the sign of λ stays
            return Boundary("rho", math.inf, math.inf)
        case USAM(ascent_steps=n, average=False):
            threshold = usam_threshold(eigenvalues=eigenvalues, ascent_steps=n)
            return Boundary("rho", threshold, threshold)
        case SAM() | DNSAM() if method.ascent_steps == 1 and sum(bool(lam < 0) for lam in eigenvalues) == 1:
            width = trap_half_width(rho=method.rho)
            return Boundary("width", width, width)
    return None

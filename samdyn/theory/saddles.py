"""Saddles, without noise: thresholds, escape rates, traps and 2-cycles."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from .. import checks
from ..arguments import checked
from ..symbolic.growth import rate_along
from .claim import Claim, valued


@checked
def effective_curvature(lam: float | np.ndarray, rho: float | np.ndarray, ascent_steps: int = 1) -> Any:
    """λₑ = λ(1 + ρλ/n)ⁿ: what USAM with n ascent steps makes of a Hessian eigenvalue λ.  [K23; n > 1 derived]

    A float for numbers, an array for arrays, which broadcast. ±inf where it leaves the floating-point range.
    """
    checks.broadcast({"lam": lam, "rho": rho})
    ascent_steps = checks.count("ascent_steps", ascent_steps, "Use ascent_steps=1 for the published method")
    lam = np.asarray(lam, dtype=float)
    with np.errstate(over="ignore", invalid="ignore"):
        found = np.where(lam == 0, 0.0, lam * (1 + rho * lam / ascent_steps) ** ascent_steps)
    return valued(found if found.ndim else float(found), {"lam": lam, "rho": rho})


def _threshold(
    eigenvalues: Iterable[float], ascent_steps: int = 1, lr: float = 0.0, momentum: float = 0.0, scale: float = 1.0
) -> float:
    spectrum = [float(lam) for lam in eigenvalues]
    negative = [-lam for lam in spectrum if lam < 0]
    if not negative:
        return 0.0
    rho = scale * ascent_steps / min(negative)
    # For odd n λₑ grows with ρ: a step unstable at the threshold is unstable above it too.
    stable = not lr or all(effective_curvature(lam, rho, ascent_steps) < 2 * (1 + momentum) / lr for lam in spectrum)
    return rho if ascent_steps % 2 and stable else math.inf


def _amplitude(lam: float, rho: float, lr: float) -> float:
    if rho == 0 or lam == 0:
        return 0.0
    return lr * rho * abs(lam) / (2 - lr * lam) if lr * lam < 2 else math.inf


def _flip(curvature: float, momentum: float = 0.0) -> float:
    return 2 * (1 + momentum) / curvature if curvature > 0 else math.inf


usam_threshold = Claim(
    statement="USAM, n-step: a saddle attracts above ρ = n/|λ|, λ the negative eigenvalue nearest 0, for odd n and as "
    "long as ηλₑ < 2(1+γ) for every λ; for even n it never does. Without lr: the flow's threshold",
    source="[K23, Theorem 1]; n > 1 derived, confirmed",
    formula=_threshold,
    rival=lambda **parameters: _threshold(**parameters, scale=0.5),
    rival_reason="differentiating L + ρ‖∇L‖², as exact SAM would to first order: λ(1 + 2ρλ)",
)

escape_rate = Claim(
    statement="near a critical point distances grow as exp(rate · t): the largest root of z² − (1+γ−ηλₑ)z + γ = 0",
    source="[K23, Theorem 1] with heavy ball; confirmed",
    formula=lambda lam, lr, momentum=0.0, rho=0.0: rate_along(effective_curvature(lam, rho), lr, momentum),
    rival=lambda lam, lr, momentum=0.0, rho=0.0: rate_along(effective_curvature(lam, rho), lr) if momentum else -lam,
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
    statement="SAM ends on w ↔ −w along an eigenvector, |w| = ηρ|λ|/(2 − ηλ); inf for ηλ ≥ 2, where runs leave",
    source="[B22]; confirmed",
    formula=_amplitude,
    rival=lambda lam, rho, lr: lr * rho * abs(lam) / 2,
    rival_reason="the limit of small steps",
)

largest_lr = Claim(
    statement="USAM, n-step: a direction of curvature λ flips, its multiplier passing −1, at ηλₑ = 2(1+γ): never (inf) "
    "where λₑ ≤ 0",
    source="[K23, Theorem 1] with heavy ball; confirmed",
    formula=lambda lam, rho=0.0, momentum=0.0, ascent_steps=1: _flip(
        effective_curvature(lam, rho, ascent_steps), momentum
    ),
    rival=lambda lam, rho=0.0, momentum=0.0, ascent_steps=1: _flip(
        effective_curvature(lam, rho, ascent_steps) if momentum else lam
    ),
    rival_reason="no effect of momentum; or, without momentum, no effect of the perturbation",
)

edge_of_stability = Claim(
    statement="the largest curvature at which USAM's steps are stable: λ + ρλ² = 2/η",
    source="[L23]; confirmed",
    formula=lambda lr, rho: 4 / (lr + math.hypot(lr, math.sqrt(8) * math.sqrt(rho) * math.sqrt(lr))),
    rival=lambda lr, rho: 2 / lr,
    rival_reason="gradient descent's edge",
)

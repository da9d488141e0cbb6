"""Variants of SAM at saddles and minima: drift along a valley, Fisher SAM's distances, LookSAM's trap.

λ is an eigenvalue of the Hessian, in the units of the loss per w². ρ is a radius, in the units of w, and η a learning
rate, in the units of 1/λ.
"""

from typing import Any

import numpy as np

from .. import checks
from ..arguments import Quantity, checked
from .closed_form import closed_form
from .saddles import two_cycle_amplitude


@checked
def _small_step_drift(lr: Quantity, rho: Quantity, slope: Quantity) -> Any:
    return -lr * rho**2 * slope / 2


@closed_form(source="[B22]; α > 0 derived; confirmed", rival=_small_step_drift, rival_reason="the limit of small steps")
def valley_drift(*, lam: Quantity, slope: Quantity, rho: Quantity, lr: Quantity, alpha: Quantity = 0.0) -> Any:
    """SAM that bounces across the line of minima of ½λ(z)y² drifts along it by −2ηρ²λ′/(2 − ηλ)² in a step, and GSAM by
    −½ηαρAλ′ more, A = ηρλ/(2 − ηλ) the bounce: to leading order in ρ and λ′.

    >>> import samdyn as sd
    >>> round(sd.theory.valley_drift(lam=2.0, slope=0.5, rho=0.1, lr=0.5), 9)
    -0.005

    Args:
        lam: λ > 0, ``(…)``, with ηλ < 2.
        slope: λ′, ``(…)``, in the units of λ per w.
        rho: ρ, ``(…)``.
        lr: η, ``(…)``.
        alpha: α of GSAM, ``(…)``; 0 for SAM.

    Returns:
        The change of z in a step, ``(…)``, in the units of w.
    """
    amplitude = two_cycle_amplitude(lam=lam, rho=rho, lr=lr)
    return -lr * slope / 2 * ((amplitude + rho) ** 2 + alpha * amplitude * rho)


@checked
def _same_distance(distance: Quantity) -> Any:
    return distance


@closed_form(
    source="derived; confirmed", rival=_same_distance, rival_reason="the distance of SAM, whose metric is flat"
)
def fisher_distance(*, lam: Quantity, distance: Quantity, weight: Quantity) -> Any:
    """Where SAM has the distance D from a critical point, Fisher SAM with the weight c has x, x√(1 + cλ²x²) = D: D = ρ
    is the half-width of its trap at a saddle, D = ηρλ/(2 − ηλ) its bounce at a minimum.

    >>> import samdyn as sd
    >>> round(sd.theory.fisher_distance(lam=-2.0, distance=0.1, weight=1.0), 5)
    0.09813

    Args:
        lam: λ, ``(…)``.
        distance: D ≥ 0, ``(…)``, in the units of w.
        weight: c ≥ 0, ``(…)``, in the units of 1/g².

    Returns:
        x, ``(…)``, in the units of w.
    """
    # x² = (−1 + √(1 + 4q))/(2cλ²) with q = cλ²D², in a form that keeps its digits for small q.
    q = weight * np.asarray(lam, dtype=float) ** 2 * np.asarray(distance, dtype=float) ** 2
    return (distance * np.sqrt(2 / (1 + np.sqrt(1 + 4 * q))))[()]


@checked
def _share_of_steps(rho: Quantity, every: int) -> Any:
    return rho / every


@closed_form(source="derived; confirmed", rival=_share_of_steps, rival_reason="the limit of small steps")
def look_sam_half_width(*, lam: Quantity, rho: Quantity, lr: Quantity, every: int) -> Any:
    """A saddle holds SAM at every k-th step and GD in between, which is LookSAM with α = 0, within
    η|λ|qᵏ⁻¹ρ/(qᵏ − 1), q = 1 + η|λ|, along its escape direction: ρ/k for small steps.

    The distance is that before a step of SAM. k − 1 steps of GD multiply it by q each, and what SAM gained is lost.

    >>> import samdyn as sd
    >>> round(sd.theory.look_sam_half_width(lam=-2.0, rho=0.1, lr=0.05, every=5), 5)
    0.02398

    Args:
        lam: λ < 0, ``(…)``.
        rho: ρ, ``(…)``.
        lr: η, ``(…)``.
        every: k.

    Returns:
        The half-width, ``(…)``, in the units of w.
    """
    every = checks.count("every", every, "Use e.g. every=5")
    if np.any(np.asarray(lam) >= 0):
        checks.reject("lam", lam, "must be < 0, the eigenvalue of the direction that leads away", "Use e.g. lam=-1.0")
    pull = lr * np.abs(np.asarray(lam, dtype=float))
    return (pull * (1 + pull) ** (every - 1) * rho / np.expm1(every * np.log1p(pull)))[()]

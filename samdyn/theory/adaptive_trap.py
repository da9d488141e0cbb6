"""Saddles with a base optimizer whose steps have a length of their own: the sign of SAM's gradient, and Adam.

λ < 0 is the eigenvalue of the direction that leads away, λ₊ > 0 that of the other one; both lie along the axes. Near
the saddle SAM's gradient leads inward where √(λ₊²x² + λ²y²) < ρ|λ|. Its size does not matter to such an optimizer, so
that radii compare with the length η of a step.
"""

import math
from typing import Any

import numpy as np

from .. import checks
from ..arguments import Quantity, checked
from .closed_form import closed_form

NODES = 4000  # of the mean over the place of the bounce along x; the share is exact to about 1e-4


@checked
def _any_radius(lam: Quantity, rho: Quantity, lr: Quantity) -> Any:
    return np.where(np.asarray(rho) > 0, 1.0, 0.0)[()] + 0 * np.asarray(lr) * np.asarray(lam)


@closed_form(
    source="derived; confirmed",
    rival=_any_radius,
    rival_reason="the trap of SAM without a base, which holds runs near the saddle at every radius",
)
def sign_sam_held_share(*, lam: Quantity, across: Quantity, rho: Quantity, lr: Quantity) -> Any:
    """A saddle along the axes holds w ← w − η sign(F), F the gradient of SAM, for a share of the starts near it that is
    0 for ρ ≤ η min(½√(1+κ²), 1), κ = λ₊/|λ|, and 1 from ``sign_sam_threshold`` on.

    Each step moves every coordinate by η. Along x runs bounce between aη and (a−1)η. Along y a run moves inward where
    κ²x² + y² < ρ², outward elsewhere. It is held if it bounces across y = 0, inward at both ends, or beside it, outward
    where |x| is the larger one and inward where it is the smaller one. Starts are uniform in |x|, |y| < η. Adam with
    β₁ = β₂ = ε = 0 is this optimizer, and Lion with β₁ = 0.

    >>> import samdyn as sd
    >>> round(sd.theory.sign_sam_held_share(lam=-2.0, across=2.0, rho=0.01, lr=0.01), 2)
    0.57

    Args:
        lam: λ < 0, ``(…)``, in the units of the loss per w².
        across: λ₊ ≥ 0, ``(…)``, in the same units.
        rho: ρ, ``(…)``, in the units of w.
        lr: η, ``(…)``, in the units of w.

    Returns:
        The share, ``(…)``.
    """
    _check(lam, across, lr)
    kappa, ratio = (np.asarray(v, dtype=float)[..., None] for v in (across / abs(lam), rho / lr))
    larger = np.linspace(0.5, 1.0, NODES)  # the larger |x| of a bounce, in units of η
    # The largest |y|, in units of η, from which a step leads inward at either end of the bounce along x.
    at_larger, at_smaller = (np.sqrt(np.maximum(ratio**2 - (kappa * x) ** 2, 0)) for x in (larger, 1 - larger))
    through = np.minimum(at_larger, 1) - np.maximum(1 - at_smaller, 0)  # starts that bounce across y = 0
    beside = np.minimum(at_smaller - 1, 1) - at_larger
    return (np.maximum(through, 0) + np.maximum(beside, 0)).mean(-1)[()]


@checked
def _inverse_curvature(lam: Quantity, lr: Quantity) -> Any:
    return -1 / np.asarray(lam, dtype=float) + 0 * np.asarray(lr)


@closed_form(source="derived; confirmed", rival=_inverse_curvature, rival_reason="the threshold 1/|λ| of USAM")
def sign_sam_threshold(*, lam: Quantity, lr: Quantity, across: Quantity = 0.0) -> Any:
    """A saddle along the axes holds every start near it of w ← w − η sign(F), F the gradient of SAM, from ρ = η√(1+κ²)
    on, κ = λ₊/|λ|, or for κ² > 3 from ρ = η√(1+¼(κ+3/κ)²) on.

    >>> import samdyn as sd
    >>> round(sd.theory.sign_sam_threshold(lam=-2.0, across=2.0, lr=0.01), 5)
    0.01414

    Args:
        lam: λ < 0, ``(…)``, in the units of the loss per w².
        lr: η, ``(…)``, in the units of w.
        across: λ₊ ≥ 0, ``(…)``, in the units of λ.

    Returns:
        The threshold in ρ, ``(…)``, in the units of w.
    """
    _check(lam, across, lr)
    kappa = np.asarray(across / abs(lam), dtype=float)
    steep = 1 + (kappa + 3 / np.maximum(kappa, 1)) ** 2 / 4
    return (lr * np.sqrt(np.where(kappa**2 > 3, steep, 1 + kappa**2)))[()]


@checked
def _sign_threshold(lam: Quantity, lr: Quantity, eps: Quantity = 0.0) -> Any:
    return lr + 0 * np.asarray(lam) + 0 * np.asarray(eps)


@closed_form(
    source="derived; confirmed", rival=_sign_threshold, rival_reason="every step of the length η, as of the sign"
)
def adam_sam_threshold(*, lam: Quantity, lr: Quantity, eps: Quantity = 0.0) -> Any:
    """For λ₊ ≪ |λ| a saddle along the axes holds SAM with Adam, β₁ = 0 and β₂ → 1, from ρ = √3(η − ε/|λ|) on: no run
    below, all above.

    Adam divides by s = √v + ε. At fixed v a run along y follows y ← (1+h)y − hρ sign y with h = η|λ|/s, which stays
    within hρ and leaves the trap |y| < ρ if h > 1. At h = 1 it is the doubling map, whose points are uniform in |y| <
    ρ, so that v, the mean of F² = λ²(ρ−|y|)², is λ²ρ²/3. Just below h = 1 the points are not uniform, which lowers the
    threshold by 0.8 % (seen by iterating the map), and finite runs are held longer than that. With ε ≥ η|λ| the
    threshold is 0, as without a base.

    >>> import samdyn as sd
    >>> round(sd.theory.adam_sam_threshold(lam=-2.0, lr=0.01), 5)
    0.01732

    Args:
        lam: λ < 0, ``(…)``, in the units of the loss per w².
        lr: η, ``(…)``, in the units of w.
        eps: ε ≥ 0 of Adam, ``(…)``, in the units of F.

    Returns:
        The threshold in ρ, ``(…)``, in the units of w.
    """
    _check(lam, 0.0, lr)
    return (math.sqrt(3) * np.maximum(lr - eps / abs(lam), 0))[()]


def _check(lam: Any, across: Any, lr: Any) -> None:
    """Check the eigenvalues of a saddle and a learning rate.

    Raises:
        InputError: λ is not negative, λ₊ is, or η is not positive.
    """
    for name, value, wrong, rule, fix in (
        ("lam", lam, np.asarray(lam) >= 0, "must be < 0, the eigenvalue of the direction that leads away", "lam=-1.0"),
        ("across", across, np.asarray(across) < 0, "must be >= 0", "across=1.0"),
        ("lr", lr, np.asarray(lr) <= 0, "must be > 0", "lr=0.01"),
    ):
        if np.any(wrong):
            checks.reject(name, value, rule, f"Use e.g. {fix}")

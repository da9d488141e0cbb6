"""Saddles without noise: thresholds, escape rates, traps and 2-cycles.

λ is an eigenvalue of the Hessian, in the units of the loss per w². ρ is a radius, in the units of w, or for USAM in
those of 1/λ. η is a learning rate, in the units of 1/λ, and γ a momentum. Times are t = kη. The forms return a float
for numbers and an array for arrays, which broadcast.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import checks
from ..arguments import Quantity, checked
from ..symbolic.growth import rate_along
from .closed_form import closed_form, valued


@checked
def effective_curvature(lam: float | np.ndarray, rho: float | np.ndarray, ascent_steps: int = 1) -> Any:
    """Return λₑ = λ(1 + ρλ/n)ⁿ, the eigenvalue of USAM's effective Hessian with n ascent steps.  [K23; n > 1 derived]

    It is ±inf beyond the floating-point range.

    >>> import samdyn as sd
    >>> sd.theory.effective_curvature(-2.0, 0.25)
    -1.0

    Args:
        lam: λ, ``(…)``, in the units of the loss per w².
        rho: ρ, ``(…)``, in the units of 1/λ.
        ascent_steps: n.

    Returns:
        λₑ, ``(…)``, in the units of the loss per w²: a float for numbers, an array for arrays.

    Raises:
        InputError: arrays do not broadcast, ascent_steps < 1, or the form has no value, as for λ = inf and ρ = 0.
    """
    checks.broadcast({"lam": lam, "rho": rho})
    ascent_steps = checks.count("ascent_steps", ascent_steps, "Use ascent_steps=1 for the published method")
    lam = np.asarray(lam, dtype=float)
    with np.errstate(over="ignore", invalid="ignore"):
        effective = np.where(lam == 0, 0.0, lam * (1 + rho * lam / ascent_steps) ** ascent_steps)
    return valued(effective, {"lam": lam, "rho": rho})


def _threshold(eigenvalues: Any, ascent_steps: int, lr: float, momentum: float, scale: float = 1.0) -> float:
    spectrum = [float(lam) for lam in eigenvalues]
    negative = [-lam for lam in spectrum if lam < 0]
    if not negative:
        return 0.0
    rho = scale * ascent_steps / min(negative)
    # For odd n, λₑ grows with ρ, so that a step that is unstable at the threshold is unstable above it too.
    stable = not lr or all(effective_curvature(lam, rho, ascent_steps) < 2 * (1 + momentum) / lr for lam in spectrum)
    return rho if ascent_steps % 2 and stable else math.inf


@checked
def _half_threshold(
    eigenvalues: Sequence[float] | np.ndarray, ascent_steps: int = 1, lr: float = 0.0, momentum: float = 0.0
) -> float:
    return _threshold(eigenvalues, ascent_steps, lr, momentum, scale=0.5)


@closed_form(
    source="[K23, Theorem 1]; n > 1 derived, confirmed",
    rival=_half_threshold,
    rival_reason="differentiating L + ρ‖∇L‖², as exact SAM would to first order: λ(1 + 2ρλ)",
)
def usam_threshold(
    *, eigenvalues: Sequence[float] | np.ndarray, ascent_steps: int = 1, lr: float = 0.0, momentum: float = 0.0
) -> float:
    """With n-step USAM a saddle attracts above ρ = n/|λ|, λ the negative eigenvalue nearest 0, for odd n and as long as
    ηλₑ < 2(1+γ) for every λ. For even n it never attracts. With lr = 0 this is the threshold of the flow.

    >>> import samdyn as sd
    >>> sd.theory.usam_threshold(eigenvalues=[-2.0, 1.0])
    0.5

    Args:
        eigenvalues: those of the Hessian at the saddle, ``(d,)``, in the units of the loss per w².
        ascent_steps: n.
        lr: η, in the units of 1/λ; 0 for the flow.
        momentum: γ of heavy ball.

    Returns:
        The threshold in ρ, in the units of 1/λ. It is inf if no radius captures, 0 if no eigenvalue is negative.
    """
    return _threshold(eigenvalues, ascent_steps, lr, momentum)


@checked
def _plain_rate(lam: Quantity, lr: Quantity, momentum: Quantity = 0.0, rho: Quantity = 0.0) -> Any:
    with_momentum = np.asarray(momentum, dtype=float) != 0
    plain = rate_along(effective_curvature(lam, rho), lr)
    return np.where(with_momentum, plain, -np.asarray(lam, dtype=float))[()]


@closed_form(
    source="[K23, Theorem 1] with heavy ball; confirmed",
    rival=_plain_rate,
    rival_reason="no effect of momentum; or, without momentum, no effect of the perturbation",
)
def escape_rate(*, lam: Quantity, lr: Quantity, momentum: Quantity = 0.0, rho: Quantity = 0.0) -> Any:
    """Near a critical point distances of USAM's runs grow as exp(rate · t), rate = log |z|/η, where z is the largest
    root of z² − (1+γ−ηλₑ)z + γ = 0.

    >>> import samdyn as sd
    >>> round(sd.theory.escape_rate(lam=-2.0, lr=0.01, rho=0.25), 3)
    0.995

    Args:
        lam: λ, ``(…)``, in the units of the loss per w².
        lr: η, ``(…)``, in the units of 1/λ.
        momentum: γ of heavy ball, ``(…)``.
        rho: ρ, ``(…)``, in the units of 1/λ; 0 for gradient descent.

    Returns:
        The rate in 1/t, ``(…)``. It is negative where distances shrink.
    """
    return rate_along(effective_curvature(lam, rho), lr, momentum)


@checked
def _half_width(rho: Quantity) -> Any:
    return rho / 2


@closed_form(
    source="derived; n = 1 [C23]; confirmed",
    rival=_half_width,
    rival_reason="asking the perturbed point to mirror the iterate rather than only to cross the saddle",
)
def trap_half_width(*, rho: Quantity, ascent_steps: int = 1, average: bool = False) -> Any:
    """On a quadratic with one escape direction, a saddle holds runs of SAM with n ascent steps within ρ along it, at
    every ρ and n. If SAM follows the mean gradient of the n points, it holds them within
    (ρ/n)(j + ((j+1)(2−j)/2 + ⌊(n−1−j)/2⌋)/n), for the largest j < n at which the bracket is positive.

    Runs rest at the saddle or beside it, at ``rest_distances``. The width needs that the bounce along the largest
    curvature returns, which ``symbolic.predicted_boundary`` tests.

    >>> import samdyn as sd
    >>> sd.theory.trap_half_width(rho=0.1)
    0.1
    >>> round(sd.theory.trap_half_width(rho=0.1, ascent_steps=2, average=True), 6)
    0.075

    Args:
        rho: ρ, ``(…)``, in the units of w.
        ascent_steps: n.
        average: whether SAM follows the mean of the gradients at the n ascent points.

    Returns:
        The half-width, ``(…)``, in the units of w.
    """
    n = checks.count("ascent_steps", ascent_steps, "Use e.g. ascent_steps=2")
    if not average:
        return rho
    # At jρ/n < w < (j+1)ρ/n the mean of the n points is w − jρ/n − (ρ/n)·pull/n, and its sign is that of the field.
    j = np.arange(n)
    pull = (j + 1) * (2 - j) / 2 + (n - 1 - j) // 2
    last = np.flatnonzero(pull > 0)[-1]
    return rho * (float(j[last]) + float(pull[last]) / n) / n


@checked
def _small_step_amplitude(lam: Quantity, rho: Quantity, lr: Quantity) -> Any:
    return lr * rho * abs(lam) / 2


@closed_form(source="[B22]; confirmed", rival=_small_step_amplitude, rival_reason="the limit of small steps")
def two_cycle_amplitude(*, lam: Quantity, rho: Quantity, lr: Quantity) -> Any:
    """SAM ends on the 2-cycle w ↔ −w along an eigenvector, |w| = ηρ|λ|/(2 − ηλ). It is inf if ηλ ≥ 2, where runs leave.

    >>> import samdyn as sd
    >>> sd.theory.two_cycle_amplitude(lam=2.0, rho=0.5, lr=0.5)
    0.5

    Args:
        lam: λ, ``(…)``, in the units of the loss per w². If λ < 0 the cycle repels.
        rho: ρ, ``(…)``, in the units of w.
        lr: η, ``(…)``, in the units of 1/λ.

    Returns:
        |w|, ``(…)``, in the units of w.
    """
    lam, rho, lr = (np.asarray(value, dtype=float) for value in (lam, rho, lr))
    amplitude = np.where(lr * lam < 2, lr * rho * abs(lam) / (2 - lr * lam), math.inf)
    return np.where((rho == 0) | (lam == 0), 0.0, amplitude)[()]


def _flip(curvature: Any, momentum: Any = 0.0) -> Any:
    return np.where(curvature > 0, 2 * (1 + np.asarray(momentum, dtype=float)) / curvature, math.inf)[()]


@checked
def _plain_flip(lam: Quantity, rho: Quantity = 0.0, momentum: Quantity = 0.0, ascent_steps: int = 1) -> Any:
    with np.errstate(divide="ignore"):
        plain = _flip(np.asarray(lam, dtype=float))
        return np.where(
            np.asarray(momentum) != 0, _flip(np.asarray(effective_curvature(lam, rho, ascent_steps))), plain
        )[()]


@closed_form(
    source="[K23, Theorem 1] with heavy ball; confirmed",
    rival=_plain_flip,
    rival_reason="no effect of momentum; or, without momentum, no effect of the perturbation",
)
def largest_lr(*, lam: Quantity, rho: Quantity = 0.0, momentum: Quantity = 0.0, ascent_steps: int = 1) -> Any:
    """With n-step USAM the multiplier of a direction of curvature λ passes −1 at ηλₑ = 2(1+γ), and never (η = inf) if
    λₑ ≤ 0.

    >>> import samdyn as sd
    >>> sd.theory.largest_lr(lam=2.0, rho=0.5)
    0.5

    Args:
        lam: λ, ``(…)``, in the units of the loss per w².
        rho: ρ, ``(…)``, in the units of 1/λ.
        momentum: γ of heavy ball, ``(…)``.
        ascent_steps: n.

    Returns:
        η, ``(…)``, in the units of 1/λ.
    """
    return _flip(np.asarray(effective_curvature(lam, rho, ascent_steps)), momentum)


@checked
def _edge_of_gradient_descent(lr: Quantity, rho: Quantity) -> Any:
    return 2 / lr


@closed_form(source="[L23]; confirmed", rival=_edge_of_gradient_descent, rival_reason="gradient descent's edge")
def edge_of_stability(*, lr: Quantity, rho: Quantity) -> Any:
    """The largest curvature at which USAM's steps are stable satisfies λ + ρλ² = 2/η.

    >>> import samdyn as sd
    >>> sd.theory.edge_of_stability(lr=0.5, rho=0.5)
    2.0

    Args:
        lr: η, ``(…)``, in the units of 1/λ.
        rho: ρ, ``(…)``, in the units of 1/λ. For SAM it is ρ/‖∇L‖.

    Returns:
        λ, ``(…)``, in the units of the loss per w².
    """
    lr, rho = (np.asarray(value, dtype=float) for value in (lr, rho))
    return 4 / (lr + np.hypot(lr, math.sqrt(8) * np.sqrt(rho) * np.sqrt(lr)))

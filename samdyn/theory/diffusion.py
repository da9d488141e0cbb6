"""Mean squared displacements (MSD) of SGD, SAM and heavy ball from a critical point under noise of covariance |H|/B.

A run starts at rest at the critical point and moves for the time t = kη along an eigenvector of the Hessian with
eigenvalue λ. Displacements are in the units of w, squared. Every form accepts arrays, which broadcast. The source is
section 4 of docs/theory.md.
"""

from typing import Any

import numpy as np

from .. import checks
from ..arguments import Quantity, checked
from ..noise.model import COUPLINGS
from .closed_form import closed_form, valued


@checked
def ou(a: Quantity, d: Quantity, t: Quantity) -> Any:
    """Return the variance at t of dX = −aX dt + √D dW, X(0) = 0: D/(2a)·(1 − e^{−2at}), and Dt where a = 0.

    It is inf beyond the floating-point range.  [X22; theory 12]

    >>> import samdyn as sd
    >>> sd.theory.ou(0.0, 2.0, 3.0)
    6.0

    Args:
        a: drift coefficient, ``(…)``, in 1/t.
        d: D, ``(…)``, in the units of w² per t.
        t: time, ``(…)``.

    Returns:
        The variance, ``(…)``, in the units of w².

    Raises:
        InputError: arrays do not broadcast, an argument is a symbol, or the form has no value, as for two infinite
            arguments.
    """
    a, d, t = numbers(a=a, d=d, t=t)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        x = 2.0 * a * t
        early = d * t * np.where(x == 0, 1.0, -np.expm1(-x) / x)
        late = d / (2 * a) * -np.expm1(-x)  # t may be infinite
        variance = np.where(a == 0, d * t, np.where(np.abs(x) < 1, early, late))
        return valued(np.where((d == 0) | (t == 0), 0.0, variance)[()], {"a": a, "d": d, "t": t})


def numbers(**quantities: Quantity) -> list[np.ndarray]:
    """Return quantities as arrays of numbers that broadcast.

    Raises:
        InputError: a quantity holds symbols, or the arrays do not broadcast.
    """
    for name, value in quantities.items():
        if checks.is_formula(value):
            checks.reject(name, value, "must be a number", "Give values for its symbols")
    checks.broadcast(quantities)
    return [np.asarray(value, dtype=float) for value in quantities.values()]


def _limit(drift: Any, noise: Any, lr: Any, t: Any, momentum: Any) -> Any:
    """Return the limit η → 0 at fixed γ of the variance of the iterates, for a field aw and noise of variance C."""
    return ou(drift / (1 - momentum), lr * noise / (1 - momentum) ** 2, t)


def _usam(
    lam: Any, lr: Any, batch_size: Any, t: Any, rho: Any = 0.0, coupling: str = "shared", momentum: Any = 0.0
) -> Any:
    factor = {"shared": (1 + rho * lam) ** 2, "independent": 1 + (rho * lam) ** 2, "clean": 1.0}
    coupling = checks.known("coupling", coupling, COUPLINGS)
    return _limit(lam * (1 + rho * lam), factor[coupling] * abs(lam) / batch_size, lr, t, momentum)


def _theorem_2(lam: Any, lr: Any, batch_size: Any, t: Any, rho: Any = 0.0, momentum: Any = 0.0) -> Any:
    return _limit(lam * (1 + rho * lam) ** 2, abs(lam) / batch_size, lr, t, momentum)


def _theorem_3(lam: Any, lr: Any, batch_size: Any, t: Any, momentum: Any, rho: Any = 0.0, c2: Any | None = None) -> Any:
    first = lr**2 * abs(lam) / 2 * np.expm1(-(t / lr if c2 is None else c2) * (1 - momentum)) ** 2
    return first / ((1 - momentum) ** 3 * batch_size) + _theorem_2(lam, lr, batch_size, t, rho, momentum)


@checked
def theorem_3_other_reading(
    lam: Quantity,
    lr: Quantity,
    batch_size: Quantity,
    t: Quantity,
    momentum: Quantity,
    rho: Quantity = 0.0,
) -> Any:
    """Return the MSD of Theorem 3 of [K23] with C₂ = η/t, as one summary prints it: unconfirmed [theory 14].

    For η ≪ t the first term vanishes, and the form is nearer to iterates from rest than Theorem 3 with C₂ = t/η. That
    term is the spread of velocities that are stationary at the start. From rest the true correction is negative.

    >>> import samdyn as sd
    >>> round(sd.theory.theorem_3_other_reading(lam=-1.0, lr=0.1, batch_size=1, t=1.0, momentum=0.5), 3)
    5.36

    Args:
        lam, lr, batch_size, t, momentum, rho: the parameters of ``theorem_3_msd``.

    Returns:
        The MSD, ``(…)``, in the units of w².
    """
    lam, lr, batch_size, t, momentum, rho = numbers(
        lam=lam, lr=lr, batch_size=batch_size, t=t, momentum=momentum, rho=rho
    )
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        msd = _theorem_3(lam, lr, batch_size, t, momentum, rho, c2=np.divide(lr, t))
    return valued(msd, {"lam": lam, "lr": lr, "batch_size": batch_size, "t": t, "momentum": momentum, "rho": rho})


@checked
def _theorem_2_of_iterates(
    lam: Quantity, lr: Quantity, batch_size: Quantity, t: Quantity, rho: Quantity = 0.0, momentum: Quantity = 0.0
) -> Any:
    return _theorem_2(lam, lr, batch_size, t, rho, momentum)


@checked
def _sgd_without_drift(lam: Quantity, lr: Quantity, batch_size: Quantity, t: Quantity, momentum: Quantity = 0.0) -> Any:
    return lr * abs(lam) * t / (batch_size * (1 - momentum) ** 2)


@closed_form(source="[X22]; confirmed to O(η)", rival=_sgd_without_drift, rival_reason="diffusion without drift")
def sgd_msd(*, lam: Quantity, lr: Quantity, batch_size: Quantity, t: Quantity, momentum: Quantity = 0.0) -> Any:
    """The MSD of SGD as η → 0 is OU(λ, η|λ|/B, t), and with momentum OU(λ/(1−γ), η|λ|/(B(1−γ)²), t).

    >>> import samdyn as sd
    >>> round(sd.theory.sgd_msd(lam=-1.0, lr=0.01, batch_size=16, t=1.0), 6)
    0.001997

    Args:
        lam: λ, ``(…)``, in the units of the loss per w².
        lr: η, ``(…)``, in the units of 1/λ.
        batch_size: B, ``(…)``.
        t: time t = kη, ``(…)``.
        momentum: γ of heavy ball, ``(…)``.

    Returns:
        The MSD, ``(…)``, in the units of w².
    """
    return _usam(lam, lr, batch_size, t, momentum=momentum)


@closed_form(
    source="derived; confirmed to O(η)",
    rival=_theorem_2_of_iterates,
    rival_reason="taking Theorem 2 of [K23] to be about the iterates",
)
def usam_msd(
    *,
    lam: Quantity,
    lr: Quantity,
    batch_size: Quantity,
    t: Quantity,
    rho: Quantity = 0.0,
    coupling: str = "shared",
    momentum: Quantity = 0.0,
) -> Any:
    """The MSD of USAM as η → 0 is OU(a/(1−γ), ηC/(1−γ)², t), a = λ(1+ρλ), C = |λ|/B times (1+ρλ)² if both gradients
    share a batch, 1 + ρ²λ² with independent batches, 1 after a clean ascent. With ρ = 0 it is that of SGD [X22].

    >>> import samdyn as sd
    >>> round(sd.theory.usam_msd(lam=-1.0, lr=0.01, batch_size=16, t=1.0, rho=0.5), 6)
    0.000268

    Args:
        lam: λ, ``(…)``, in the units of the loss per w².
        lr: η, ``(…)``, in the units of 1/λ.
        batch_size: B, ``(…)``.
        t: time t = kη, ``(…)``.
        rho: ρ, ``(…)``, in the units of 1/λ.
        coupling: that of the two gradients of a step: "shared", "independent" or "clean".
        momentum: γ of heavy ball, ``(…)``.

    Returns:
        The MSD, ``(…)``, in the units of w².
    """
    return _usam(lam, lr, batch_size, t, rho, coupling, momentum)


@closed_form(
    source="derived; confirmed to O(η)",
    rival=_theorem_2_of_iterates,
    rival_reason="Theorem 2 of [K23]: exact SAM's drift with SGD's noise",
)
def exact_sam_msd(
    *,
    lam: Quantity,
    lr: Quantity,
    batch_size: Quantity,
    t: Quantity,
    rho: Quantity = 0.0,
    coupling: str = "shared",
    momentum: Quantity = 0.0,
) -> Any:
    """The MSD of exact SAM as η → 0 is OU(a/(1−γ), ηC/(1−γ)², t), a = λ(1+ρλ)². The factor I + ρH acts on noise too:
    C = |λ|/B times (1+ρλ)⁴ (shared), (1+ρλ)²(1+ρ²λ²) (independent), (1+ρλ)² (clean).

    >>> import samdyn as sd
    >>> round(sd.theory.exact_sam_msd(lam=-1.0, lr=0.01, batch_size=16, t=1.0, rho=0.5, coupling="clean"), 6)
    0.000203

    Args:
        lam: λ, ``(…)``, in the units of the loss per w².
        lr: η, ``(…)``, in the units of 1/λ.
        batch_size: B, ``(…)``.
        t: time t = kη, ``(…)``.
        rho: ρ, ``(…)``, in the units of 1/λ.
        coupling: that of the two gradients of a step: "shared", "independent" or "clean".
        momentum: γ of heavy ball, ``(…)``.

    Returns:
        The MSD, ``(…)``, in the units of w².
    """
    pull = 1 + rho * lam
    factor = {"shared": pull**4, "independent": pull**2 * (1 + (rho * lam) ** 2), "clean": pull**2}
    coupling = checks.known("coupling", coupling, COUPLINGS)
    return _limit(lam * pull**2, factor[coupling] * abs(lam) / batch_size, lr, t, momentum)


@checked
def _clean_usam(lam: Quantity, lr: Quantity, batch_size: Quantity, t: Quantity, rho: Quantity = 0.0) -> Any:
    return _usam(lam, lr, batch_size, t, rho, "clean")


@closed_form(
    source="[K23, Theorem 2]; of its model confirmed to O(η)",
    rival=_clean_usam,
    rival_reason="the drift of Theorem 1, λ(1+ρλ)",
)
def theorem_2_msd(*, lam: Quantity, lr: Quantity, batch_size: Quantity, t: Quantity, rho: Quantity = 0.0) -> Any:
    """The MSD of Theorem 2 is OU(λ(1+ρλ)², η|λ|/B, t). Its model has the drift λ(1+ρλ)² and the noise |λ|/B, which no
    method has under any coupling: see usam_msd and exact_sam_msd.

    >>> import samdyn as sd
    >>> round(sd.theory.theorem_2_msd(lam=-1.0, lr=0.01, batch_size=16, t=1.0, rho=0.5), 6)
    0.000811

    Args:
        lam: λ, ``(…)``, in the units of the loss per w².
        lr: η, ``(…)``, in the units of 1/λ.
        batch_size: B, ``(…)``.
        t: time t = kη, ``(…)``.
        rho: ρ, ``(…)``, in the units of 1/λ.

    Returns:
        The MSD, ``(…)``, in the units of w².
    """
    return _theorem_2(lam, lr, batch_size, t, rho)


@checked
def _half_gap(lam: Quantity, lr: Quantity, batch_size: Quantity, t: Quantity, rho: Quantity) -> Any:
    return lr * rho * abs(lam) ** 3 * t**2 / batch_size


@closed_form(
    source="[K23, Theorem 2]; of its model confirmed",
    rival=_half_gap,
    rival_reason="the drift of Theorem 1, λ(1+ρλ)",
)
def theorem_2_gap(*, lam: Quantity, lr: Quantity, batch_size: Quantity, t: Quantity, rho: Quantity) -> Any:
    """The MSD of SGD minus that of Theorem 2 is 2ηρ|λ|³t²/B to leading order in ρ and t.

    >>> import samdyn as sd
    >>> sd.theory.theorem_2_gap(lam=-1.0, lr=0.5, batch_size=2, t=1.0, rho=0.5)
    0.25

    Args:
        lam: λ, ``(…)``, in the units of the loss per w².
        lr: η, ``(…)``, in the units of 1/λ.
        batch_size: B, ``(…)``.
        t: time t = kη, ``(…)``.
        rho: ρ, ``(…)``, in the units of 1/λ.

    Returns:
        The difference, ``(…)``, in the units of w².
    """
    return 2 * lr * rho * abs(lam) ** 3 * t**2 / batch_size


@checked
def _theorem_2_gap(lam: Quantity, lr: Quantity, batch_size: Quantity, t: Quantity, rho: Quantity) -> Any:
    return theorem_2_gap(lam=lam, lr=lr, batch_size=batch_size, t=t, rho=rho)


@closed_form(source="derived; confirmed", rival=_theorem_2_gap, rival_reason="Theorem 2 of [K23]")
def usam_gap(
    *, lam: Quantity, lr: Quantity, batch_size: Quantity, t: Quantity, rho: Quantity, coupling: str = "shared"
) -> Any:
    """The MSD of SGD minus that of USAM to leading order in ρ and t is −2ηρλ|λ|t/B with shared batches (so positive if
    λ < 0), ηρ|λ|³t²/B after a clean ascent, and ηρ|λ|³t(t − ρ)/B with independent batches.

    >>> import samdyn as sd
    >>> sd.theory.usam_gap(lam=-1.0, lr=0.5, batch_size=2, t=1.0, rho=0.5)
    0.25

    Args:
        lam: λ, ``(…)``, in the units of the loss per w².
        lr: η, ``(…)``, in the units of 1/λ.
        batch_size: B, ``(…)``.
        t: time t = kη, ``(…)``.
        rho: ρ, ``(…)``, in the units of 1/λ.
        coupling: that of the two gradients of a step: "shared", "independent" or "clean".

    Returns:
        The difference, ``(…)``, in the units of w².
    """
    coupling = checks.known("coupling", coupling, COUPLINGS)
    of_noise = {"shared": -2 * rho * lam * abs(lam) * t, "independent": -(rho**2) * abs(lam) ** 3 * t, "clean": 0.0}
    of_drift = rho * abs(lam) ** 3 * t**2 * (coupling != "shared")
    return lr / batch_size * (of_noise[coupling] + of_drift)


@checked
def _theorem_3_without_pull(
    lam: Quantity, lr: Quantity, batch_size: Quantity, t: Quantity, momentum: Quantity, rho: Quantity = 0.0
) -> Any:
    return ou(lam * (1 + rho * lam) ** 2, lr * abs(lam) / batch_size / (1 - momentum) ** 2, t)


@closed_form(
    source="[K23, Theorem 3], C₂ after [X22]; of its model confirmed to O(η), not uniformly in γ",
    rival=_theorem_3_without_pull,
    rival_reason="momentum that multiplies the noise and not the drift",
)
def theorem_3_msd(
    *, lam: Quantity, lr: Quantity, batch_size: Quantity, t: Quantity, momentum: Quantity, rho: Quantity = 0.0
) -> Any:
    """The MSD of Theorem 3 is η²|λ|(1−e^{−C₂(1−γ)})²/(2(1−γ)³B) + OU(a/(1−γ), η|λ|/(B(1−γ)²), t), a = λ(1+ρλ)²,
    C₂ = t/η. It is right for Theorem 2's model as η → 0 at fixed γ. For escape it needs ηa²t(1+γ) ≪ (1−γ)³.

    >>> import samdyn as sd
    >>> round(sd.theory.theorem_3_msd(lam=-1.0, lr=0.001, batch_size=16, t=1.0, momentum=0.9, rho=0.1))
    4187

    Args:
        lam: λ, ``(…)``, in the units of the loss per w².
        lr: η, ``(…)``, in the units of 1/λ.
        batch_size: B, ``(…)``.
        t: time t = kη, ``(…)``.
        momentum: γ of heavy ball, ``(…)``.
        rho: ρ, ``(…)``, in the units of 1/λ.

    Returns:
        The MSD, ``(…)``, in the units of w².
    """
    return _theorem_3(lam, lr, batch_size, t, momentum, rho)


@checked
def _excess_of_plain_steps(lam: Quantity, lr: Quantity, t: Quantity, momentum: Quantity, rho: Quantity = 0.0) -> Any:
    return lr * (lam * (1 + rho * lam) ** 2) ** 2 * t / (1 - momentum) ** 2


@closed_form(
    source="derived from the root of z² − (1+γ−ηa)z + γ = 0 to second order; confirmed",
    rival=_excess_of_plain_steps,
    rival_reason="as many plain steps of size η/(1−γ)",
)
def theorem_3_excess(*, lam: Quantity, lr: Quantity, t: Quantity, momentum: Quantity, rho: Quantity = 0.0) -> Any:
    """If a = λ(1+ρλ)² < 0, Theorem 3 overstates its model's MSD by a factor whose logarithm is ηa²t(1+γ)/(1−γ)³, as
    long as that is small and |a|t ≫ 1−γ, since heavy ball grows more slowly than |a|/(1−γ).

    >>> import samdyn as sd
    >>> sd.theory.theorem_3_excess(lam=-1.0, lr=0.125, t=1.0, momentum=0.5)
    1.5

    Args:
        lam: λ, ``(…)``, in the units of the loss per w².
        lr: η, ``(…)``, in the units of 1/λ.
        t: time t = kη, ``(…)``.
        momentum: γ of heavy ball, ``(…)``.
        rho: ρ, ``(…)``, in the units of 1/λ.

    Returns:
        The logarithm, ``(…)``, without a unit.
    """
    return lr * (lam * (1 + rho * lam) ** 2) ** 2 * t * (1 + momentum) / (1 - momentum) ** 3


@checked
def _limit_of_small_steps(drift: Quantity, noise: Quantity, lr: Quantity, t: Quantity, momentum: Quantity) -> Any:
    return _limit(drift, noise, lr, t, momentum)


@closed_form(
    source="derived; confirmed to rounding",
    rival=_limit_of_small_steps,
    rival_reason="the limit of small η, in which the velocity follows the gradient at once",
)
def heavy_ball_msd(*, drift: Quantity, noise: Quantity, lr: Quantity, t: Quantity, momentum: Quantity) -> Any:
    """The exact MSD of heavy ball with a linear field aw and noise of variance C after k = t/η steps from rest is
    η²C Σₘ hₘ², m = 1 … k, hₘ = (z₁ᵐ − z₂ᵐ)/(z₁ − z₂), z² − (1+γ−ηa)z + γ = 0, or mz^{m−1} where z₁ = z₂ = z.

    >>> import samdyn as sd
    >>> sd.theory.heavy_ball_msd(drift=0.0, noise=1.0, lr=0.5, t=1.0, momentum=0.0)
    0.5

    Args:
        drift: a, ``(…)``, in 1/t.
        noise: C, ``(…)``, in the units of w² per t².
        lr: η, ``(…)``, in the units of t.
        t: time t = kη, ``(…)``.
        momentum: γ, ``(…)``.

    Returns:
        The MSD, ``(…)``, in the units of w².
    """
    drift, noise, lr, t, momentum = np.broadcast_arrays(
        *(np.asarray(v, float) for v in (drift, noise, lr, t, momentum))
    )
    # The loop doubles sums: with vₘ = (hₘ, hₘ₋₁) and vₘ₊₁ = Avₘ, the sum over 2n steps is S + AⁿS(Aⁿ)ᵀ. All terms are
    # positive, so that nothing cancels where the roots z₁ and z₂ meet.
    steps = np.round(t / lr)
    one, zero = np.ones_like(steps), np.zeros_like(steps)
    power = np.moveaxis(np.array([[1 + momentum - lr * drift, -momentum], [one, zero]]), (0, 1), (-2, -1))
    block = np.moveaxis(
        np.array([[one, zero], [zero, zero]]), (0, 1), (-2, -1)
    )  # v₁v₁ᵀ, later the sums over 2, 4, 8 … steps
    total, shift = np.zeros_like(block), np.broadcast_to(np.eye(2), block.shape)
    with np.errstate(over="ignore", invalid="ignore"):
        while (steps > 0).any():
            odd = (steps % 2 == 1)[..., None, None]
            total = np.where(odd, total + shift @ block @ np.swapaxes(shift, -1, -2), total)
            shift = np.where(odd, power @ shift, shift)
            block = block + power @ block @ np.swapaxes(power, -1, -2)
            power = power @ power
            steps = np.floor(steps / 2)
        first = np.where(np.isnan(total[..., 0, 0]), np.inf, total[..., 0, 0])  # nan is inf − inf: the sum overflowed
        return np.where(noise == 0, 0.0, lr**2 * noise * first)[()]

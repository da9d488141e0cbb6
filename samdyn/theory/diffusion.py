"""How far noise |H|/B carries runs from a critical point: mean squared displacements of SGD, SAM and heavy ball.

Along an eigenvector of the Hessian of eigenvalue λ, from rest at the critical point, over the time t = kη; in the units
of w, squared. Every form takes arrays, which broadcast. Section 4 of docs/theory.md.
"""

from typing import Any

import numpy as np

from .. import checks
from ..arguments import Quantity, checked
from ..noise.model import COUPLINGS
from .claim import Claim, valued


@checked
def ou(a: Quantity, d: Quantity, t: Quantity) -> Any:
    """Return the variance at t of dX = −aX dt + √D dW, X(0) = 0: D/(2a)·(1 − e^{−2at}), and Dt where a = 0.

    inf where it is beyond the floating-point range.

    Raises:
        InputError: arrays that do not broadcast, symbols, or values of which the form has none, as where two of them
            are infinite.
    """
    a, d, t = numbers(a=a, d=d, t=t)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        x = 2.0 * a * t
        early = d * t * np.where(x == 0, 1.0, -np.expm1(-x) / x)
        late = d / (2 * a) * -np.expm1(-x)  # t may be infinite
        grown = np.where(a == 0, d * t, np.where(np.abs(x) < 1, early, late))
        return valued(np.where((d == 0) | (t == 0), 0.0, grown)[()], {"a": a, "d": d, "t": t})


def numbers(**quantities: Quantity) -> list[np.ndarray]:
    """Return quantities as arrays of numbers that broadcast.

    Raises:
        InputError: one with symbols, or arrays that do not broadcast.
    """
    for name, value in quantities.items():
        if checks.is_formula(value):
            checks.reject(name, value, "must be a number", "Give values for its symbols")
    checks.broadcast(quantities)
    return [np.asarray(value, dtype=float) for value in quantities.values()]


def _limit(drift: Any, noise: Any, lr: Any, t: Any, momentum: Any) -> Any:
    """Return the limit η → 0 at fixed γ of the iterates' variance, for a field aw and noise of variance C."""
    return ou(drift / (1 - momentum), lr * noise / (1 - momentum) ** 2, t)


def _usam(
    lam: Any, lr: Any, batch_size: Any, t: Any, rho: Any = 0.0, coupling: str = "shared", momentum: Any = 0.0
) -> Any:
    factor = {"shared": (1 + rho * lam) ** 2, "independent": 1 + (rho * lam) ** 2, "clean": 1.0}
    coupling = checks.known("coupling", coupling, COUPLINGS)
    return _limit(lam * (1 + rho * lam), factor[coupling] * abs(lam) / batch_size, lr, t, momentum)


def _exact_sam(
    lam: Any, lr: Any, batch_size: Any, t: Any, rho: Any = 0.0, coupling: str = "shared", momentum: Any = 0.0
) -> Any:
    pull = 1 + rho * lam
    factor = {"shared": pull**4, "independent": pull**2 * (1 + (rho * lam) ** 2), "clean": pull**2}
    coupling = checks.known("coupling", coupling, COUPLINGS)
    return _limit(lam * pull**2, factor[coupling] * abs(lam) / batch_size, lr, t, momentum)


def _theorem_2(lam: Any, lr: Any, batch_size: Any, t: Any, rho: Any = 0.0, momentum: Any = 0.0, **_: Any) -> Any:
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
    """Theorem 3 of [K23] with C₂ = η/t, as one summary prints it: unconfirmed.

    For η ≪ t it drops the first term, and is nearer to iterates from rest than Theorem 3 with C₂ = t/η: that term is
    the spread of velocities that are stationary at the start, and from rest the true correction is negative.
    """
    lam, lr, batch_size, t, momentum, rho = numbers(
        lam=lam, lr=lr, batch_size=batch_size, t=t, momentum=momentum, rho=rho
    )
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        found = _theorem_3(lam, lr, batch_size, t, momentum, rho, c2=np.divide(lr, t))
    return valued(found, {"lam": lam, "lr": lr, "batch_size": batch_size, "t": t, "momentum": momentum, "rho": rho})


def _heavy_ball(drift: Any, noise: Any, lr: Any, t: Any, momentum: Any) -> Any:
    """Return η²C Σ hₘ² by doubling: with vₘ = (hₘ, hₘ₋₁) and vₘ₊₁ = Avₘ, the sum over 2n steps is S + AⁿS(Aⁿ)ᵀ.

    All terms are positive, so nothing cancels where the roots z₁ and z₂ meet.
    """
    drift, noise, lr, t, momentum = np.broadcast_arrays(
        *(np.asarray(v, float) for v in (drift, noise, lr, t, momentum))
    )
    steps = np.round(t / lr)
    one, zero = np.ones_like(steps), np.zeros_like(steps)
    power = np.moveaxis(np.array([[1 + momentum - lr * drift, -momentum], [one, zero]]), (0, 1), (-2, -1))
    block = np.moveaxis(np.array([[one, zero], [zero, zero]]), (0, 1), (-2, -1))  # v₁v₁ᵀ, and then sums of 2, 4, 8 …
    total, done = np.zeros_like(block), np.broadcast_to(np.eye(2), block.shape)
    with np.errstate(over="ignore", invalid="ignore"):
        while (steps > 0).any():
            odd = (steps % 2 == 1)[..., None, None]
            total = np.where(odd, total + done @ block @ np.swapaxes(done, -1, -2), total)
            done = np.where(odd, power @ done, done)
            block = block + power @ block @ np.swapaxes(power, -1, -2)
            power = power @ power
            steps = np.floor(steps / 2)
        first = np.where(np.isnan(total[..., 0, 0]), np.inf, total[..., 0, 0])  # inf − inf: it grew out of range
        return np.where(noise == 0, 0.0, lr**2 * noise * first)[()]


def _theorem_2_gap(lam: Any, lr: Any, batch_size: Any, t: Any, rho: Any, **_: Any) -> Any:
    return 2 * lr * rho * abs(lam) ** 3 * t**2 / batch_size


def _usam_gap(lam: Any, lr: Any, batch_size: Any, t: Any, rho: Any, coupling: str = "shared") -> Any:
    coupling = checks.known("coupling", coupling, COUPLINGS)
    of_noise = {"shared": -2 * rho * lam * abs(lam) * t, "independent": -(rho**2) * abs(lam) ** 3 * t, "clean": 0.0}
    of_drift = rho * abs(lam) ** 3 * t**2 * (coupling != "shared")
    return lr / batch_size * (of_noise[coupling] + of_drift)


usam_msd = Claim(
    statement="USAM as η → 0: OU(a/(1−γ), ηC/(1−γ)², t), a = λ(1+ρλ), C = |λ|/B times (1+ρλ)² if both gradients share "
    "a batch, 1 + ρ²λ² with independent ones, 1 after a clean ascent; ρ = 0: SGD [X22]",
    source="derived; confirmed to O(η)",
    formula=_usam,
    rival=_theorem_2,
    rival_reason="taking Theorem 2 of [K23] to be about the iterates",
)

sgd_msd = Claim(
    statement="SGD as η → 0: OU(λ, η|λ|/B, t), with momentum OU(λ/(1−γ), η|λ|/(B(1−γ)²), t)",
    source="[X22]; confirmed to O(η)",
    formula=_usam,
    rival=lambda lam, lr, batch_size, t, momentum=0.0: lr * abs(lam) * t / (batch_size * (1 - momentum) ** 2),
    rival_reason="diffusion without drift",
)

exact_sam_msd = Claim(
    statement="exact SAM as η → 0: OU(a/(1−γ), ηC/(1−γ)², t), a = λ(1+ρλ)²; its noise is pulled through I + ρH too, so "
    "C = |λ|/B times (1+ρλ)⁴ (shared), (1+ρλ)²(1+ρ²λ²) (independent), (1+ρλ)² (clean)",
    source="derived; confirmed to O(η)",
    formula=_exact_sam,
    rival=_theorem_2,
    rival_reason="Theorem 2 of [K23]: exact SAM's drift with SGD's noise",
)

theorem_2_msd = Claim(
    statement="Theorem 2: OU(λ(1+ρλ)², η|λ|/B, t). It follows from its model, drift λ(1+ρλ)² and noise |λ|/B, which is "
    "no method under any coupling: see usam_msd and exact_sam_msd",
    source="[K23, Theorem 2]; of its model confirmed to O(η)",
    formula=_theorem_2,
    rival=lambda lam, lr, batch_size, t, rho=0.0: _usam(lam, lr, batch_size, t, rho, "clean"),
    rival_reason="the drift of Theorem 1, λ(1+ρλ)",
)

theorem_2_gap = Claim(
    statement="SGD's less Theorem 2's MSD: 2ηρ|λ|³t²/B to leading order in ρ and t",
    source="[K23, Theorem 2]; of its model confirmed",
    formula=_theorem_2_gap,
    rival=lambda lam, lr, batch_size, t, rho: lr * rho * abs(lam) ** 3 * t**2 / batch_size,
    rival_reason="the drift of Theorem 1, λ(1+ρλ)",
)

usam_gap = Claim(
    statement="SGD's less USAM's MSD to leading order in ρ and t: −2ηρλ|λ|t/B shared (so positive where λ < 0), "
    "ηρ|λ|³t²/B clean, ηρ|λ|³t(t − ρ)/B independent",
    source="derived; confirmed",
    formula=_usam_gap,
    rival=_theorem_2_gap,
    rival_reason="Theorem 2 of [K23]",
)

theorem_3_msd = Claim(
    statement="Theorem 3: η²|λ|(1−e^{−C₂(1−γ)})²/(2(1−γ)³B) + OU(a/(1−γ), η|λ|/(B(1−γ)²), t), a = λ(1+ρλ)², "
    "C₂ = t/η. Right as η → 0 at fixed γ, of Theorem 2's model; for escape it needs ηa²t(1+γ) ≪ (1−γ)³",
    source="[K23, Theorem 3], C₂ after [X22]; of its model confirmed to O(η), not uniformly in γ",
    formula=_theorem_3,
    rival=lambda lam, lr, batch_size, t, momentum, rho=0.0: ou(
        lam * (1 + rho * lam) ** 2, lr * abs(lam) / batch_size / (1 - momentum) ** 2, t
    ),
    rival_reason="momentum that multiplies the noise and not the drift",
)

theorem_3_excess = Claim(
    statement="where a = λ(1+ρλ)² < 0, Theorem 3 overstates its model's MSD by a factor whose logarithm is "
    "ηa²t(1+γ)/(1−γ)³, as long as that is small and |a|t ≫ 1−γ: heavy ball grows more slowly than |a|/(1−γ)",
    source="derived from the root of z² − (1+γ−ηa)z + γ = 0 to second order; confirmed",
    formula=lambda lam, lr, t, momentum, rho=0.0: (
        lr * (lam * (1 + rho * lam) ** 2) ** 2 * t * (1 + momentum) / (1 - momentum) ** 3
    ),
    rival=lambda lam, lr, t, momentum, rho=0.0: lr * (lam * (1 + rho * lam) ** 2) ** 2 * t / (1 - momentum) ** 2,
    rival_reason="as many plain steps of size η/(1−γ)",
)

heavy_ball_msd = Claim(
    statement="heavy ball with a linear field aw and noise of variance C, exactly, after k = t/η steps from rest: "
    "η²C Σₘ hₘ², m = 1 … k, hₘ = (z₁ᵐ − z₂ᵐ)/(z₁ − z₂), z² − (1+γ−ηa)z + γ = 0, or mz^{m−1} where z₁ = z₂ = z",
    source="derived; confirmed to rounding",
    formula=_heavy_ball,
    rival=_limit,
    rival_reason="the limit of small η, in which the velocity follows the gradient at once",
)

"""The trap of normalised SAM under gradient noise, which has a threshold in ρ. Without noise it has none."""

import math
from typing import Any

import numpy as np
import torch

from .. import checks
from ..arguments import Quantity, array, checked
from ..noise import direction_moments, direction_slope
from ..noise.model import COUPLINGS
from ..symbolic.growth import rate_along
from .closed_form import closed_form, valued
from .saddles import effective_curvature

LARGE = 1000  # count of dimensions from which the next term of Stirling's series is below 1e-13
SINGULAR = 1e-12  # eigenvalue of H over the largest one, below which it counts as zero


@checked
def noisy_radius(rho: float | np.ndarray, noise: float | np.ndarray, dim: int) -> Any:
    """Return ρₑ = ρ c_d/s, c_d = Γ((d+1)/2)/(√2 Γ(d/2+1)): near a critical point SAM is on average USAM of this radius.

    For gradient noise N(0, s²I), shared or independent, E[unit(g + ξ)] = (c_d/s) g + O(g³/s³).  [theory 20]

    >>> import samdyn as sd
    >>> round(sd.theory.noisy_radius(0.1, 0.25, 2), 3)
    0.251

    Args:
        rho: ρ, ``(…)``, in the units of w.
        noise: s, ``(…)``, a standard deviation in the units of the gradient.
        dim: d, the number of coordinates.

    Returns:
        ρₑ, ``(…)``, in the units of w per gradient, as USAM's radius.

    Raises:
        InputError: noise is < 0, or dim < 1.
    """
    checks.broadcast({"rho": rho, "noise": noise})
    dim = checks.count("dim", dim, "Use e.g. dim=2")
    rho, s = np.asarray(rho, dtype=float), np.asarray(noise, dtype=float)
    if (s < 0).any():
        checks.reject("noise", noise, "a standard deviation is >= 0", "Use e.g. noise=0.1")
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = np.where(s == 0, np.where(rho == 0, 0.0, math.inf), rho / s * _ratio(dim) / math.sqrt(2))
    return valued(effective, {"rho": rho, "noise": noise})


def _ratio(dim: int) -> float:
    """Return Γ((d+1)/2)/Γ(d/2+1)."""
    if dim < LARGE:
        return math.exp(math.lgamma((dim + 1) / 2) - math.lgamma(dim / 2 + 1))
    y = dim / 2 + 0.25  # the difference of two large logarithms would lose digits
    return (1 - 1 / (64 * y**2)) / math.sqrt(y)


@checked
def _threshold_of_mean_length(lam: Quantity, noise: Quantity, dim: int) -> Any:
    lam = np.asarray(lam, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        length = noise * math.sqrt(2) * _ratio(dim) * dim / 2
        return np.where(lam == 0, math.inf, length / abs(lam))[()]


@closed_form(
    source="derived [theory 20]; confirmed",
    rival=_threshold_of_mean_length,
    rival_reason="unit(g + ξ) ≈ (g + ξ)/E‖ξ‖: as if all draws were of the mean length, when short ones count for more, "
    "and as if the part of g along ξ turned the direction, when it only stretches it",
)
def noise_threshold(*, lam: Quantity, noise: Quantity, dim: int) -> Any:
    """With gradient noise N(0, s²I), a saddle captures runs of normalised SAM near it above ρ = s/(c_d|λ|), λ the
    negative eigenvalue nearest 0, for times that grow exponentially beyond it. Batches are shared or independent.

    >>> import samdyn as sd
    >>> round(sd.theory.noise_threshold(lam=-1.0, noise=0.25, dim=2), 3)
    0.399

    Args:
        lam: λ, ``(…)``, in the units of the loss per w².
        noise: s, ``(…)``, a standard deviation in the units of the gradient.
        dim: d, the number of coordinates.

    Returns:
        ρ, ``(…)``, in the units of w; inf where λ = 0.
    """
    lam = np.asarray(lam, dtype=float)
    return np.where(lam == 0, math.inf, noise * math.sqrt(2) / (_ratio(dim) * abs(lam)))[()]


@checked
def _threshold_of_mean_variance(hessian: np.ndarray, covariance: float | np.ndarray) -> Any:
    s = math.sqrt(np.trace(np.atleast_2d(covariance)) / np.atleast_2d(covariance).shape[0])
    negative = [-lam for lam in np.linalg.eigvalsh(np.asarray(hessian, dtype=float)) if lam < 0]
    return noise_threshold(lam=-min(negative), noise=s, dim=len(hessian)) if negative else 0.0


@closed_form(
    source="derived; confirmed",
    rival=_threshold_of_mean_variance,
    rival_reason="taking the noise for isotropic, of the mean variance tr C/d",
)
def gaussian_noise_threshold(*, hessian: np.ndarray, covariance: float | np.ndarray) -> float:
    """With gradient noise N(0, C) the mean step's Jacobian at a saddle is H + ρHMH, M the slope of E[unit(g + ξ)] at 0,
    and the saddle captures runs if ρ exceeds the largest eigenvalue of −M^(−½)H⁻¹M^(−½).

    >>> import samdyn as sd
    >>> round(sd.theory.gaussian_noise_threshold(hessian=[[-1.0, 0.0], [0.0, 1.0]], covariance=0.0625), 3)
    0.399

    Args:
        hessian: H, ``(d, d)``, in the units of the loss per w².
        covariance: C, ``(d, d)``, in the units of the gradient, squared, or a number c for cI.

    Returns:
        ρ, in the units of w. It is 0 if no eigenvalue of H is negative.

    Raises:
        InputError: the Hessian is singular.
    """
    h = np.asarray(hessian, dtype=float)
    lam = np.linalg.eigvalsh(h)
    if abs(lam).min() <= SINGULAR * abs(lam).max():
        rule = f"is singular, its eigenvalues are {lam.tolist()}, and along the flat direction there is nothing to hold"
        checks.reject("hessian", h.tolist(), rule, "Leave that direction out")
    slope, basis = direction_slope(covariance, len(h))
    root = basis / np.sqrt(slope)  # M^(−½), which is 0 where M is infinite
    return float(max(0.0, np.linalg.eigvalsh(root.T @ -np.linalg.inv(h) @ root)[-1]))


def _noisy_growth(lam: Any, rho: Any, noise: Any, dim: int, lr: Any, momentum: Any = 0.0) -> Any:
    return rate_along(effective_curvature(lam, noisy_radius(rho, noise, dim)), lr, momentum)


@checked
def _plain_noisy_growth(
    lam: Quantity, rho: Quantity, noise: Quantity, dim: int, lr: Quantity, momentum: Quantity = 0.0
) -> Any:
    with_momentum = np.asarray(momentum, dtype=float) != 0
    return np.where(with_momentum, _noisy_growth(lam, rho, noise, dim, lr), rate_along(lam, lr))[()]


@closed_form(
    source="derived [theory 1 and 20]; confirmed",
    rival=_plain_noisy_growth,
    rival_reason="no effect of momentum; or, without momentum, no effect of the perturbation",
)
def noisy_escape_rate(
    *, lam: Quantity, rho: Quantity, noise: Quantity, dim: int, lr: Quantity, momentum: Quantity = 0.0
) -> Any:
    """Near a saddle the mean of normalised SAM's runs grows as exp(rate · t), rate = log |z|/η, where z is the largest
    root of z² − (1+γ−ηλₑ)z + γ = 0 with λₑ = λ(1+ρₑλ), ρₑ = ρc_d/s.

    >>> import samdyn as sd
    >>> round(sd.theory.noisy_escape_rate(lam=-1.0, rho=0.2, noise=0.25, dim=2, lr=0.001), 3)
    0.499

    Args:
        lam: λ, ``(…)``, in the units of the loss per w².
        rho: ρ, ``(…)``, in the units of w.
        noise: s, ``(…)``, a standard deviation in the units of the gradient.
        dim: d, the number of coordinates.
        lr: η, ``(…)``, in the units of 1/λ.
        momentum: γ of heavy ball, ``(…)``.

    Returns:
        The rate in 1/t, ``(…)``. It is negative where the mean shrinks.
    """
    return _noisy_growth(lam, rho, noise, dim, lr, momentum)


@checked
def mean_step(
    w: torch.Tensor, hessian: Any, covariance: Any, rho: float, coupling: str = "shared"
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean E[F] ``(d, N)`` and covariance Cov[F] ``(d, d, N)`` of normalised SAM's noisy step on ½wᵀHw, exactly.

    F = H(w + ρu) + ξ₂ with u = unit(Hw + ξ₁) and ξ from N(0, C), so that E[F] = H(w + ρE[u]) and Cov[F] = ρ²H Cov[u] H
    + C. A shared batch has ξ₂ = ξ₁, which adds ρ(HK + KᵀH), K = Cov[u, ξ]. A clean ascent has u = unit(Hw), without
    variance.  [theory 20]

    >>> import samdyn as sd, torch
    >>> mean, covariance = sd.theory.mean_step(torch.zeros(1, 1, dtype=torch.float64), [[-1.0]], 0.25, 0.1)
    >>> round(covariance.item(), 4)
    0.1802

    Args:
        w: points, ``(d, N)``, float64.
        hessian: H, ``(d, d)``, in the units of the loss per w².
        covariance: C, ``(d, d)``, in the units of the gradient, squared, or a number c for cI.
        rho: radius, in the units of w.
        coupling: "shared", "independent" or "clean".

    Raises:
        InputError: ``direction_moments`` rejects the gradients or C, the Hessian has another shape, the radius is not
            finite or negative, or the coupling is unknown.
    """
    coupling, rho = checks.known("coupling", coupling, COUPLINGS), checks.radius(rho)
    hessian = array("hessian", hessian)
    if w.ndim != 2 or hessian.shape != (len(w), len(w)):
        rule = f"is the shape of the Hessian, for points of shape {tuple(w.shape)}"
        checks.reject("hessian", hessian.shape, rule, "Give w (d, N) and a matrix (d, d)")
    h = torch.as_tensor(np.asarray(hessian, dtype=float)).to(w)
    g = h @ w
    of_u = direction_moments(g, 0.0 if coupling == "clean" else covariance)
    c = np.asarray(covariance, dtype=float)
    noise = torch.as_tensor(c if c.ndim else c * np.eye(len(h))).to(w)
    variance = of_u.second - of_u.mean[:, None] * of_u.mean
    total = rho**2 * torch.einsum("ik,klN,lj->ijN", h, variance, h) + noise[..., None]
    if coupling == "shared":
        product = rho * torch.einsum("ik,kjN->ijN", h, of_u.cross - of_u.mean[:, None] * g)
        total = total + product + product.transpose(0, 1)
    return h @ (w + rho * of_u.mean), total

"""The trap of normalised SAM under noise of the gradients: a threshold in ρ where without noise there is none."""

import math
from typing import Any

import numpy as np
import torch

from .. import checks
from ..arguments import array, checked
from ..noise import direction_moments, direction_slope
from ..noise.model import COUPLINGS
from ..symbolic.growth import rate_along
from .claim import Claim, valued
from .saddles import effective_curvature

LARGE = 1000  # dimensions, from which on the next term of Stirling's series is below 1e-13
SINGULAR = 1e-12  # an eigenvalue of H below this share of the largest is zero


@checked
def noisy_radius(rho: float, noise: float, dim: int) -> float:
    """Return ρₑ = ρ c_d/s, c_d = Γ((d+1)/2)/(√2 Γ(d/2+1)): near a critical point SAM is on average USAM of this radius.

    For noise N(0, s²I) of the gradient, shared or independent: E[unit(g + ξ)] = (c_d/s) g + O(g³/s³). In units of w per
    gradient, as USAM's radius is.  [theory 20]

    Raises:
        InputError: noise < 0, or dim < 1.
    """
    dim = checks.count("dim", dim, "Use e.g. dim=2")
    if noise < 0:
        checks.reject("noise", noise, "a standard deviation is >= 0", "Use e.g. noise=0.1")
    if noise == 0:
        return math.inf if rho else 0.0
    return valued(rho / noise * _ratio(dim) / math.sqrt(2), {"rho": rho, "noise": noise})


def _ratio(dim: int) -> float:
    """Return Γ((d+1)/2)/Γ(d/2+1)."""
    if dim < LARGE:
        return math.exp(math.lgamma((dim + 1) / 2) - math.lgamma(dim / 2 + 1))
    y = dim / 2 + 0.25  # the difference of two large logarithms would lose digits
    return (1 - 1 / (64 * y**2)) / math.sqrt(y)


def _mean_length(noise: float, dim: int) -> float:
    return noise * math.sqrt(2) * _ratio(dim) * dim / 2


def _threshold(lam: float, noise: float, dim: int) -> float:
    if lam == 0:
        return math.inf
    return noise * math.sqrt(2) / (_ratio(dim) * abs(lam))


def _gaussian_threshold(hessian: Any, covariance: Any) -> float:
    h = np.asarray(hessian, dtype=float)
    lam = np.linalg.eigvalsh(h)
    if abs(lam).min() <= SINGULAR * abs(lam).max():
        rule = f"is singular, its eigenvalues are {lam.tolist()}, and along the flat direction there is nothing to hold"
        checks.reject("hessian", h.tolist(), rule, "Leave that direction out")
    slope, basis = direction_slope(covariance, len(h))
    root = basis / np.sqrt(slope)  # M^(−½), which is 0 where M is infinite
    return float(max(0.0, np.linalg.eigvalsh(root.T @ -np.linalg.inv(h) @ root)[-1]))


def _mean_variance_threshold(hessian: Any, covariance: Any) -> float:
    h = np.asarray(hessian, dtype=float)
    s = math.sqrt(np.trace(np.atleast_2d(covariance)) / np.atleast_2d(covariance).shape[0])
    negative = [-lam for lam in np.linalg.eigvalsh(h) if lam < 0]
    return noise_threshold(lam=-min(negative), noise=s, dim=len(h)) if negative else 0.0


def _noisy_growth(lam: float, rho: float, noise: float, dim: int, lr: float, momentum: float = 0.0) -> float:
    return rate_along(effective_curvature(lam, noisy_radius(rho, noise, dim)), lr, momentum)


noise_threshold = Claim(
    statement="with gradient noise N(0, s²I), a saddle holds normalised SAM's runs near it above ρ = s/(c_d|λ|), λ the "
    "negative eigenvalue nearest 0, for a while that grows exponentially; shared or independent batches, any momentum",
    source="derived [theory 20]; confirmed",
    formula=_threshold,
    rival=lambda lam, noise, dim: _mean_length(noise, dim) / abs(lam) if lam else math.inf,
    rival_reason="unit(g + ξ) ≈ (g + ξ)/E‖ξ‖: as if all draws were of the mean length, when short ones count for more, "
    "and as if the part of g along ξ turned the direction, when it only stretches it",
)

gaussian_noise_threshold = Claim(
    statement="with gradient noise N(0, C) the mean step's Jacobian at a saddle is H + ρHMH, M the slope of "
    "E[unit(g + ξ)] at 0: it holds above the largest eigenvalue of −M^(−½)H⁻¹M^(−½)",
    source="derived; confirmed",
    formula=_gaussian_threshold,
    rival=_mean_variance_threshold,
    rival_reason="taking the noise for isotropic, of the mean variance tr C/d",
)

noisy_escape_rate = Claim(
    statement="near a saddle the mean of normalised SAM's runs grows as exp(rate · t): the largest root of "
    "z² − (1+γ−ηλₑ)z + γ = 0 with λₑ = λ(1+ρₑλ), ρₑ = ρc_d/s",
    source="derived [theory 1 and 20]; confirmed",
    formula=_noisy_growth,
    rival=lambda lam, rho, noise, dim, lr, momentum=0.0: (
        _noisy_growth(lam, rho, noise, dim, lr) if momentum else rate_along(lam, lr)
    ),
    rival_reason="no effect of momentum; or, without momentum, no effect of the perturbation",
)


@checked
def mean_step(
    w: torch.Tensor, hessian: Any, covariance: Any, rho: float, coupling: str = "shared"
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean E[F] ``(d, N)`` and covariance Cov[F] ``(d, d, N)`` of normalised SAM's noisy step on ½wᵀHw, exactly.

    F = H(w + ρu) + ξ₂ with u = unit(Hw + ξ₁), ξ N(0, C): E[F] = H(w + ρE[u]); Cov[F] = ρ²H Cov[u] H + C and, where the
    batch is shared, ξ₂ = ξ₁, ρ(HK + KᵀH) besides, K = Cov[u, ξ]. A clean ascent has u = unit(Hw), without variance.

    Args:
        w: ``(d, N)``, float64.
        hessian, covariance: H and C, ``(d, d)``; for C also a number c, for cI.
        rho: radius, in the units of w.
        coupling: "shared", "independent" or "clean".

    Raises:
        InputError: what ``direction_moments`` refuses, a Hessian of another shape, or an unknown coupling.
    """
    coupling = checks.known("coupling", coupling, COUPLINGS)
    hessian = array("hessian", hessian)
    if w.ndim != 2 or hessian.shape != (len(w), len(w)):
        rule = f"is the shape of the Hessian, for points of shape {tuple(w.shape)}"
        checks.reject("hessian", hessian.shape, rule, "Give w (d, N) and a matrix (d, d)")
    h = torch.as_tensor(np.asarray(hessian, dtype=float)).to(w)
    g = h @ w
    of_u = direction_moments(g, 0.0 if coupling == "clean" else covariance)
    c = np.asarray(covariance, dtype=float)
    added = torch.as_tensor(c if c.ndim else c * np.eye(len(h))).to(w)
    variance = of_u.second - of_u.mean[:, None] * of_u.mean
    total = rho**2 * torch.einsum("ik,klN,lj->ijN", h, variance, h) + added[..., None]
    if coupling == "shared":
        turned = rho * torch.einsum("ik,kjN->ijN", h, of_u.cross - of_u.mean[:, None] * g)
        total = total + turned + turned.transpose(0, 1)
    return h @ (w + rho * of_u.mean), total

"""Exact moments of the direction of a noisy gradient, along which normalised SAM climbs."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .. import checks
from ..arguments import checked
from .gaussian import Gaussian

STEP = 0.125  # spacing of log s; the trapezoid rule errs by exp(−π²/(2 · STEP)) ≈ 1e-17 (strip of analyticity π/4)
NEGLIGIBLE = 1e-200  # variance over the largest squared gradient; below it counts as 0, since its nodes would overflow
TAIL = 1e-12  # fraction of the integral that the sum omits at either end


@dataclass(frozen=True)
class DirectionMoments:
    """Moments of unit(u) and u for N gradients g, where u = g + ξ has the distribution N(g, C).

    Attributes:
        mean: E[u/‖u‖], ``(d, N)``.
        second: E[uuᵀ/‖u‖²], ``(d, d, N)``.
        cross: E[uuᵀ/‖u‖], ``(d, d, N)``, in the units of the gradient.
    """

    mean: torch.Tensor
    second: torch.Tensor
    cross: torch.Tensor


@checked
def direction_moments(g: torch.Tensor, covariance: Any) -> DirectionMoments:
    """Return the moments of the direction of g + ξ, ξ ~ N(0, C), to about 1e-11.

    With 1/‖u‖ = (2/√π) ∫ exp(−s²‖u‖²) ds and 1/‖u‖² = ∫ 2s exp(−s²‖u‖²) ds over s > 0, the expectations are Gaussian
    and factorise in C's eigenbasis: where p = 1 + 2s²c, E[exp(−s²u²)] = p^(−½) exp(−s²g²/p) = e, E[u exp(−s²u²)] = eg/p
    and E[u² exp(−s²u²)] = e(c/p + g²/p²). The integral over log s converges exponentially. Derived here.

    >>> import samdyn as sd, torch
    >>> moments = sd.noise.direction_moments(torch.tensor([[0.5], [0.0]], dtype=torch.float64), 1.0)
    >>> [round(value, 4) for value in moments.mean.flatten().tolist()]
    [0.3038, 0.0]

    Args:
        g: mean gradients, ``(d, N)``, float64.
        covariance: C ``(d, d)``, or a number c for cI. It may be singular. Where u = 0 for certain, its direction is
            0, as that of ``samdyn.ops.unit`` is.

    Raises:
        InputError: the gradients have another shape or dtype or are not finite, or the covariance is not positive
            semi-definite or has another dimension.
    """
    if g.ndim != 2 or g.dtype != torch.float64:
        rule = f"has shape {tuple(g.shape)} and dtype {g.dtype}"
        checks.reject("g", "tensor", rule, "Give float64 gradients of shape (d, N)")
    if not torch.isfinite(g).all():
        checks.reject("g", g, "must be finite", "Leave out runs that diverged")
    variances, basis = (torch.as_tensor(part).to(g) for part in _eigen(covariance, len(g)))
    g, c = basis.T @ g, variances[:, None]
    largest = torch.maximum(g.abs().amax(0), c.amax().sqrt())
    scale = torch.where(largest == 0, 1, largest)
    g, c = g / scale, (c.sqrt() / scale) ** 2
    c = torch.where(c < NEGLIGIBLE, 0, c)

    mean = torch.zeros_like(g)
    second = g.new_zeros(len(g), *g.shape)
    cross = torch.zeros_like(second)
    for s in _nodes(c[c > 0].sqrt().cpu().numpy()):
        p = 1 + 2 * s * s * c
        a = g / p
        e = (-s * s * (g * a).sum(0) - p.log().sum(0) / 2).exp()
        products = e * (a[:, None] * a + torch.diag_embed((c / p).expand_as(g).T).permute(1, 2, 0))
        mean += (2 / math.sqrt(math.pi) * STEP * s) * e * a
        second += (2 * STEP * s * s) * products
        cross += (2 / math.sqrt(math.pi) * STEP * s) * products

    def turned(moment: torch.Tensor) -> torch.Tensor:
        return torch.einsum("ik,klN,jl->ijN", basis, moment, basis)

    return DirectionMoments(basis @ mean, turned(second), turned(cross) * scale)


@checked
def direction_slope(covariance: Any, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Return M = ∂E[unit(g + ξ)]/∂g at g = 0, ξ ~ N(0, C), which is E[(I − uuᵀ)/‖ξ‖], u = unit(ξ), in C's eigenbasis.

    Derived here; for C = cI, M = c_d/√c [theory 20].

    >>> import samdyn as sd
    >>> slope, basis = sd.noise.direction_slope(1.0, 2)
    >>> slope.round(4).tolist()  # √(π/8)
    [0.6267, 0.6267]

    Args:
        covariance: C ``(d, d)``, or a number c for cI.
        dim: d.

    Returns:
        M's eigenvalues ``(d,)``, in 1/gradient, and its eigenvectors, in the columns, ``(d, d)``. Along a direction
        without noise an eigenvalue is finite if C has rank ≥ 2. Otherwise it is inf, since the mean direction jumps.

    Raises:
        InputError: the covariance is not positive semi-definite or has another dimension.
    """
    c, basis = _eigen(covariance, checks.count("dim", dim, "Use e.g. dim=2"))
    slope = np.full(dim, np.inf)
    if c.any():
        total = c.sum()
        c = c / total
        s = _nodes(np.sqrt(c[c > 0]))
        p = 1 + 2 * s**2 * c[:, None]
        smooth = (c > 0) | ((c > 0).sum() > 1)
        integrand = s * np.exp(-np.log(p).sum(0) / 2) / p
        slope[smooth] = 2 / np.sqrt(np.pi * total) * STEP * integrand[smooth].sum(1)
    return slope, basis


def _eigen(covariance: Any, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Return C's eigenvalues, with 0 for negative ones, and its eigenvectors in columns."""
    try:
        axes = np.ndim(covariance)
    except ValueError:  # rows of different lengths, which Gaussian refuses
        axes = 2
    if axes == 1:
        checks.reject("covariance", covariance, "has one axis", f"Give a matrix ({dim}, {dim}), or one number for all")
    c = Gaussian(covariance).covariance
    c = c * np.eye(dim) if c.ndim == 0 else c
    if len(c) != dim:
        rule = f"is of {len(c)} coordinate(s), the gradients of {dim}"
        checks.reject("covariance", c.tolist(), rule, f"Give a matrix ({dim}, {dim}), or one number for all")
    values, vectors = np.linalg.eigh(c)
    # Rounding turns a zero eigenvalue into a small one. It must count as 0: M differs along directions without noise.
    return np.where(values > dim * np.finfo(float).eps * values[-1], values, 0.0), vectors


def _nodes(deviations: np.ndarray) -> np.ndarray:
    """Return the values of s at which the integrand is sampled, for noise of these standard deviations."""
    smallest = float(deviations.min()) if deviations.size else 1.0
    return np.exp(np.arange(math.log(TAIL), math.log(1 / (TAIL * smallest)), STEP))

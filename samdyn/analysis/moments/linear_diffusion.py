"""Exact means and covariances of diffusions with linear drift and constant noise."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ... import checks
from ...arguments import checked
from ...dynamics import Diffusion
from ...ops import affine
from .linear_step import start_point

CONSTANT = 1e-9  # how well the noise must be the same everywhere, relative to its size
ROUNDING = 1e-12  # an eigenvalue of A within this share of its norm is one of zero
FINE = 0.5  # ‖A‖h of the time h from which covariances are doubled


@dataclass(frozen=True)
class LinearDiffusion:
    """dz = (Az + b) dt + B dW, BBᵀ = Q, on states z = (w, v): an Ornstein–Uhlenbeck process.

    Attributes:
        a, b, q: A ``(D, D)``, b ``(D,)`` and Q ``(D, D)``.
        d: how many of the D coordinates are w's; the rest are the velocity's.
    """

    a: np.ndarray
    b: np.ndarray
    q: np.ndarray
    d: int

    def moments(self, w0: Any, times: Sequence[float] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean ``(len(times), d)`` and covariance ``(len(times), d, d)`` of w at times t = kη, from w0, v = 0.

        By matrix exponentials [Van Loan 1978] at a time so short that nothing is lost, and by doubling it.

        Raises:
            InputError: a start of other than d finite coordinates; times that are not finite and ≥ 0.
        """
        start = np.append(start_point(w0, self.d), np.zeros(len(self.b) - self.d + 1))
        start[-1] = 1.0  # the state, and a one that b multiplies
        try:
            at = np.asarray(times, dtype=float)
        except (TypeError, ValueError, OverflowError):
            at = np.array(np.nan)
        if at.ndim != 1 or not np.isfinite(at).all() or (at < 0).any():
            checks.reject("times", times, "must be a list of finite numbers >= 0", "Use e.g. times=[0, 0.5, 1]")
        found = [self._after(t) for t in at]
        mean = np.array([(shift @ start)[: self.d] for shift, _ in found])
        return mean, np.array([covariance[: self.d, : self.d] for _, covariance in found])

    def stationary(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean ``(d,)`` and covariance ``(d, d)`` of w that the diffusion tends to from everywhere.

        From Am + b = 0 and the Lyapunov equation AP + PAᵀ + Q = 0.

        Raises:
            InputError: moments that grow, because A has an eigenvalue that is not in the left half-plane.
        """
        from scipy.linalg import solve_continuous_lyapunov

        largest = float(np.linalg.eigvals(self.a).real.max())
        if largest >= -ROUNDING * np.linalg.norm(self.a, 2):
            rule = f"the moments diverge: an eigenvalue of the drift has real part {largest:.6g}, and the bound is 0"
            fix = "Use moments(w0, times), or a point and a radius at which the method is stable"
            checks.reject("sde", self.a.tolist(), rule, fix)
        mean = -np.linalg.solve(self.a, self.b)
        return mean[: self.d], solve_continuous_lyapunov(self.a, -self.q)[: self.d, : self.d]

    def _after(self, t: float) -> tuple[np.ndarray, np.ndarray]:
        """Return what time t does to (z, 1), and the covariance it adds."""
        from scipy.linalg import expm

        size = len(self.b)
        doublings = max(0, math.ceil(math.log2(max(float(np.linalg.norm(self.a, 2)) * t, 1e-300) / FINE)))
        h = t / 2**doublings
        generator = np.zeros((size + 1, size + 1))
        generator[:size, :size], generator[:size, size] = self.a, self.b
        shift = expm(generator * h)
        blocks = np.block([[-self.a, self.q], [np.zeros_like(self.a), self.a.T]])
        covariance = shift[:size, :size] @ expm(blocks * h)[:size, size:]
        for _ in range(doublings):
            covariance = covariance + shift[:size, :size] @ covariance @ shift[:size, :size].T
            shift = shift @ shift
        return shift, covariance


@checked
def linear_diffusion(sde: Diffusion) -> LinearDiffusion:
    """Return a diffusion whose drift is linear and whose noise is the same everywhere, as on quadratics most are.

    Raises:
        InputError: one that is not, or whose covariance is indefinite.
    """
    d = sde.landscape.dim
    size = 2 * d if sde.momentum else d
    found = affine(lambda z, _: sde.drift(z), size, 0) if sde.landscape.is_quadratic else None
    points = torch.randn(size, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    b = sde.coefficients(points)[1]
    if b.isnan().any():
        rule = "its covariance is indefinite: the expansion in ρ does not hold at this radius"
        checks.reject("sde", sde, rule, 'Use a smaller rho, or model="moments"')
    if found is None or float((b - b[..., :1]).abs().max()) > CONSTANT * float(b.abs().max()):
        rule = "its drift is not linear, or its noise not constant, and its moments have no closed form"
        checks.reject("sde", sde, rule, "Use GD, USAM, UASAM or ExactSAM on a quadratic, or simulate")
    noise = b[..., 0].numpy()
    return LinearDiffusion(found[0][..., 0].numpy(), found[2][:, 0].numpy(), noise @ noise.T, d)

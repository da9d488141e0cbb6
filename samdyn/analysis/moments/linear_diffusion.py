"""Computes exact means and covariances of diffusions with linear drift and constant noise."""

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

CONSTANT_NOISE = 1e-9  # relative to the size of the noise; variation between points that counts as rounding
ROUNDING = 1e-12  # relative to ‖A‖; the real part of an eigenvalue within this distance of zero counts as zero
SHORT_TIME = 0.5  # ‖A‖h, without unit; h is the time from which covariances are doubled


@dataclass(frozen=True)
class LinearDiffusion:
    """dz = (Az + b) dt + B dW, BBᵀ = Q, on states z = (w, v): an Ornstein–Uhlenbeck process.

    Attributes:
        a, b, q: A ``(D, D)``, b ``(D,)`` and Q ``(D, D)``, per unit of t = kη.
        d: the number of coordinates of w; the other D − d are those of the velocity.

    >>> import numpy as np
    >>> import samdyn as sd
    >>> law = sd.analysis.LinearDiffusion(a=np.array([[-2.0]]), b=np.array([2.0]), q=np.array([[1.0]]), d=1)
    >>> mean, covariance = law.stationary()
    >>> mean.round(6), covariance.round(6)  # b/2 and Q/4
    (array([1.]), array([[0.25]]))
    """

    a: np.ndarray
    b: np.ndarray
    q: np.ndarray
    d: int

    def moments(self, w0: Any, times: Sequence[float] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean ``(len(times), d)`` and covariance ``(len(times), d, d)`` of w at times t = kη, from w0, v = 0.

        Matrix exponentials give both at a time so short that no digits are lost; repeated doubling gives later times.

        Raises:
            InputError: the start is not d finite coordinates, or a time is not finite and ≥ 0.

        Source: Van Loan (1978), IEEE Trans. Autom. Control 23, 395.

        >>> import numpy as np
        >>> import samdyn as sd
        >>> law = sd.analysis.LinearDiffusion(a=np.array([[-2.0]]), b=np.array([0.0]), q=np.array([[1.0]]), d=1)
        >>> mean, covariance = law.moments([1.0], times=[0.0, 0.5])
        >>> mean.round(4).ravel().tolist(), covariance.round(4).ravel().tolist()  # exp(−2t) and (1 − exp(−4t))/4
        ([1.0, 0.3679], [0.0, 0.2162])
        """
        start = np.append(start_point(w0, self.d), np.zeros(len(self.b) - self.d + 1))
        start[-1] = 1.0  # b multiplies this last component
        try:
            at = np.asarray(times, dtype=float)
        except (TypeError, ValueError, OverflowError):
            at = np.array(np.nan)
        if at.ndim != 1 or not np.isfinite(at).all() or (at < 0).any():
            checks.reject("times", times, "must be a list of finite numbers >= 0", "Use e.g. times=[0, 0.5, 1]")
        steps = [self._after(t) for t in at]
        mean = np.array([(shift @ start)[: self.d] for shift, _ in steps])
        return mean, np.array([covariance[: self.d, : self.d] for _, covariance in steps])

    def stationary(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean ``(d,)`` and covariance ``(d, d)`` of w to which the diffusion tends from every start.

        They solve Am + b = 0 and the Lyapunov equation AP + PAᵀ + Q = 0.

        Raises:
            InputError: the moments grow, because A has an eigenvalue that is not in the left half-plane.
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
        """Return the matrix that takes (z, 1) to its mean after time t, and the covariance of z after time t."""
        from scipy.linalg import expm

        size = len(self.b)
        doublings = max(0, math.ceil(math.log2(max(float(np.linalg.norm(self.a, 2)) * t, 1e-300) / SHORT_TIME)))
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
    """Return the coefficients of a diffusion with linear drift and constant noise, as most methods have on quadratics.

    Raises:
        InputError: the drift is not linear, the noise is not constant, or its covariance is indefinite.

    >>> import samdyn as sd
    >>> bowl = sd.Landscape("x**2", "x")
    >>> sde = sd.Diffusion(bowl, sd.GD(), lr=0.1, noise=sd.noise.Gaussian(1.0))
    >>> mean, covariance = sd.analysis.linear_diffusion(sde).stationary()
    >>> covariance.round(6)  # ησ²/(2λ)
    array([[0.025]])
    """
    d = sde.landscape.dim
    size = 2 * d if sde.momentum else d
    coefficients = affine(lambda z, _: sde.drift(z), size, 0) if sde.landscape.is_quadratic else None
    points = torch.randn(size, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    b = sde.coefficients(points)[1]
    if b.isnan().any():
        rule = "its covariance is indefinite: the expansion in ρ does not hold at this radius"
        checks.reject("sde", sde, rule, 'Use a smaller rho, or model="moments"')
    if coefficients is None or float((b - b[..., :1]).abs().max()) > CONSTANT_NOISE * float(b.abs().max()):
        rule = "its drift is not linear, or its noise not constant, and its moments have no closed form"
        checks.reject("sde", sde, rule, "Use GD, USAM, UASAM or ExactSAM on a quadratic, or simulate")
    noise = b[..., 0].numpy()
    return LinearDiffusion(coefficients[0][..., 0].numpy(), coefficients[2][:, 0].numpy(), noise @ noise.T, d)

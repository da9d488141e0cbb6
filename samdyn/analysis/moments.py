"""Exact means and covariances of noisy iterates, where a step is linear."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .. import checks
from ..dynamics import Map
from ..noise import Draws
from ..ops import jacobian
from ..simulate.starts import check_numeric

LINEAR = 1e-9  # how well a step must be linear, relative to its size


@dataclass(frozen=True)
class LinearStep:
    """z ← Az + b + Bn on states z = (w, v), with n standard normal: one step of a map where it is linear.

    Attributes:
        a, b, noise: ``(D, D)``, ``(D,)`` and B ``(D, m)``.
        d: how many of the D coordinates are w's; the rest are the velocity's.
    """

    a: np.ndarray
    b: np.ndarray
    noise: np.ndarray
    d: int

    def moments(self, w0: Any, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """Return mean ``(steps + 1, d)`` and covariance ``(steps + 1, d, d)`` of w after 0, 1, … steps from w0, v = 0.

        By recursion, m ← Am + b and P ← APAᵀ + BBᵀ: exact to rounding.

        Raises:
            InputError: a start of other than d finite coordinates; steps < 1.
        """
        steps = checks.count("steps", steps, "Use e.g. steps=1000")
        start = np.asarray(w0, dtype=float)
        if start.shape != (self.d,) or not np.isfinite(start).all():
            checks.reject("w0", w0, f"must be {self.d} finite coordinates", "Give one start; they all have one law")
        mean, covariance = np.zeros((steps + 1, len(self.b))), np.zeros((steps + 1, *self.a.shape))
        mean[0, : self.d] = start
        added = self.noise @ self.noise.T
        for k in range(steps):
            mean[k + 1] = self.a @ mean[k] + self.b
            covariance[k + 1] = self.a @ covariance[k] @ self.a.T + added
        return mean[:, : self.d], covariance[:, : self.d, : self.d]

    def stationary(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean ``(d,)`` and covariance ``(d, d)`` of w that the iterates tend to from everywhere.

        From m = Am + b and the discrete Lyapunov equation P = APAᵀ + BBᵀ.

        Raises:
            InputError: moments that grow, because a multiplier of the step is not inside the unit circle.
        """
        from scipy.linalg import solve_discrete_lyapunov

        largest = float(np.abs(np.linalg.eigvals(self.a)).max())
        if largest >= 1:
            rule = f"the moments diverge: a multiplier of the step has modulus {largest:.6g}, and the bound is 1"
            checks.reject("map", self.a.tolist(), rule, "Use a smaller lr, or a point at which the method is stable")
        mean = np.linalg.solve(np.eye(len(self.b)) - self.a, self.b)
        covariance = solve_discrete_lyapunov(self.a, self.noise @ self.noise.T)
        return mean[: self.d], covariance[: self.d, : self.d]


def linear_step(map_: Map) -> LinearStep:
    """Return the step of a map that is linear in state and noise, as on quadratics most methods are.

    A, b and B are the derivatives of the very step that ``simulate`` takes, whatever the method, the coupling and the
    momentum; that it is linear is checked, at points and noises of different sizes.

    Raises:
        InputError: a map without noise; a step that is not linear, such as normalised SAM's or one on a curved loss.
    """
    check_numeric(map_)
    if map_.noise is None:
        checks.reject("noise", None, "a map without noise has no moments but its state", "Use e.g. noise.Gaussian(1.0)")
    d = map_.landscape.dim
    size = 2 * d if map_.has_velocity else d
    counted = _given(torch.zeros(0))
    zero = torch.zeros(size, 1, dtype=torch.float64)
    map_.flat_step(zero, counted)
    no_noise = torch.zeros(d * (max(counted.asked) + 1), 1, dtype=torch.float64)

    def step(z: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
        return map_.flat_step(z, _given(n))

    a = jacobian(lambda z: step(z, no_noise), zero)[..., 0].numpy()
    noise = jacobian(lambda n: step(zero, n), no_noise)[..., 0].numpy()
    b = step(zero, no_noise)[:, 0].numpy()
    generator = np.random.default_rng(0)
    for scale in (1e-3, 1.0, 30.0):
        z, n = (scale * generator.standard_normal(len(part)) for part in (zero, no_noise))
        taken = step(torch.as_tensor(z)[:, None], torch.as_tensor(n)[:, None])[:, 0].numpy()
        predicted = a @ z + b + noise @ n
        if not np.abs(taken - predicted).max() <= LINEAR * max(np.abs(predicted).max(), scale):
            rule = (
                f"a step of {map_.method} on {map_.landscape.name} is not linear, and its moments have no closed form"
            )
            checks.reject("map", map_, rule, "Use GD, USAM, UASAM or ExactSAM on a quadratic, or simulate")
    return LinearStep(a, b, noise, d)


@dataclass(frozen=True)
class _Given(Draws):
    """Draws whose normal numbers ``(draws · d, N)`` are given, or zero beyond; notes which are asked for."""

    values: torch.Tensor
    asked: list[int]

    def normals(self, draw: int, count: int) -> torch.Tensor:
        self.asked.append(draw)
        values = self.values[draw * count : (draw + 1) * count]
        return values if len(values) else torch.zeros(count, 1, dtype=torch.float64)


def _given(values: torch.Tensor) -> _Given:
    return _Given(0, torch.zeros(1, dtype=torch.int64), 0, values, [])

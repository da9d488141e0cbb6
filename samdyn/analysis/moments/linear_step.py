"""Computes exact means and covariances of noisy iterates whose step is linear."""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NoReturn

import numpy as np
import torch

from ... import checks
from ...arguments import checked
from ...dynamics import Map
from ...noise import Given
from ...noise.expectation import calls
from ...noise.gaussian import Additive
from ...ops import affine

MAX_HALVINGS = 30  # number of halvings of the learning rate in search of one at which the moments converge
MAX_STATES = 64  # number of state coordinates; the matrix of second moments has the square of their pairs as entries


@dataclass(frozen=True)
class LinearStep:
    """One step of a linear map: z ← Aᵢz + bᵢ + Bn on states z = (w, v), with probability pᵢ and n standard normal.

    Gaussian noise has one A and one b. Mini-batches have one A and one b per batch, and no n.

    Attributes:
        map_: the map.
        weights: the probabilities p, ``(K,)``.
        a, b: the matrices A ``(K, D, D)`` and vectors b ``(K, D)``.
        noise: the matrix B ``(D, m)``.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.Landscape("x**2", "x"), sd.GD(), lr=0.1, noise=sd.noise.Gaussian(1.0))
    >>> step = sd.analysis.linear_step(map_)
    >>> step.a.round(6).item(), abs(step.noise).round(6).item(), round(step.growth, 6)  # 1 − ηλ, ησ, (1 − ηλ)²
    (0.8, 0.1, 0.64)
    >>> mean, covariance = step.stationary()
    >>> covariance.round(6)  # η²σ²/(1 − (1 − ηλ)²)
    array([[0.027778]])
    """

    map_: Map
    weights: np.ndarray
    a: np.ndarray
    b: np.ndarray
    noise: np.ndarray

    def moments(self, w0: Any, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """Return mean ``(steps + 1, d)`` and covariance ``(steps + 1, d, d)`` of w after 0, 1, … steps from w0, v = 0.

        The recursion m ← E[Am + b], P ← E[APAᵀ] + Cov[Am + b] + BBᵀ is exact to rounding.

        Raises:
            InputError: the start is not d finite coordinates, or steps < 1.

        >>> import samdyn as sd
        >>> map_ = sd.Map(sd.Landscape("x**2", "x"), sd.GD(), lr=0.1, noise=sd.noise.Gaussian(1.0))
        >>> mean, covariance = sd.analysis.linear_step(map_).moments([1.0], steps=2)
        >>> mean.round(6).ravel().tolist(), covariance.round(6).ravel().tolist()
        ([1.0, 0.8, 0.64], [0.0, 0.01, 0.0164])
        """
        steps = checks.count("steps", steps, "Use e.g. steps=1000")
        d = self.map_.landscape.dim
        start = start_point(w0, d)
        size = self.b.shape[1]
        mean, covariance = np.zeros((steps + 1, size)), np.zeros((steps + 1, size, size))
        mean[0, :d] = start
        if not self._doubled(mean, covariance):
            for k in range(steps):
                mean[k + 1], covariance[k + 1] = self._next(mean[k], covariance[k])
        return mean[:, :d], covariance[:, :d, :d]

    def _doubled(self, mean: np.ndarray, covariance: np.ndarray) -> bool:
        """Fill in the moments after 1, 2, … steps, ``(steps + 1, D)`` and ``(steps + 1, D, D)``, from those after 0.

        As many steps as are filled in make an affine map, which gives as many moments again. Returns whether that was
        possible: there is one A, and its powers stay in the floating-point range.
        """
        if len(self.weights) > 1:
            return False
        a, b, noise, known = self.a[0], self.b[0], self.noise @ self.noise.T, 1
        with np.errstate(over="ignore", invalid="ignore"):
            while known < len(mean):
                new = slice(known, 2 * known)
                number = len(mean[new])
                mean[new] = mean[:number] @ a.T + b
                covariance[new] = a @ covariance[:number] @ a.T + noise
                a, b, noise, known = a @ a, a @ b + b, a @ noise @ a.T + noise, 2 * known
        return bool(np.isfinite(mean).all() and np.isfinite(covariance).all())

    def stationary(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean ``(d,)`` and covariance ``(d, d)`` of w to which the iterates tend from every start.

        They solve m = E[Am + b] and P = E[APAᵀ] + Cov[Am + b] + BBᵀ, a discrete Lyapunov equation if there is one A.

        Raises:
            InputError: the moments grow; the message names the learning rates at which they converge.
        """
        from scipy.linalg import solve_discrete_lyapunov

        if self.growth >= 1:
            bound = _largest_lr(self.map_)
            fix = f"Use lr < {bound:.6g}" if bound else "At no lr do they settle: use moments(w0, steps)"
            rule = (
                f"the moments diverge: a step multiplies second moments by up to {self.growth:.6g}, which must be < 1"
            )
            checks.reject("lr", self.map_.lr, rule, fix)
        d, size = self.map_.landscape.dim, self.b.shape[1]
        mean = np.linalg.solve(np.eye(size) - np.einsum("k,kij->ij", self.weights, self.a), self.weights @ self.b)
        noise = self._next(mean, np.zeros((size, size)))[1]
        if len(self.weights) == 1:
            covariance = solve_discrete_lyapunov(self.a[0], noise)
        else:
            pairs = np.eye(size**2) - self._pairs
            covariance = np.linalg.solve(pairs, noise.ravel()).reshape(size, size)
        return mean[:d], covariance[:d, :d]

    @cached_property
    def growth(self) -> float:
        """The factor by which second moments grow per step after many steps without new noise."""
        matrix = self.a[0] if len(self.weights) == 1 else self._pairs
        largest = float(np.abs(np.linalg.eigvals(matrix)).max())
        return largest**2 if len(self.weights) == 1 else largest

    @cached_property
    def _pairs(self) -> np.ndarray:
        """The matrix E[A ⊗ A] by which a step multiplies second moments, ``(D², D²)``."""
        size = self.b.shape[1]
        if size > MAX_STATES:
            rule = f"{size} coordinates have too many second moments under mini-batches"
            checks.reject("landscape", self.map_.landscape.name, rule, f"Use at most {MAX_STATES}, or Gaussian noise")
        return np.einsum("k,kij,klm->iljm", self.weights, self.a, self.a).reshape(size**2, size**2)

    def _next(self, mean: np.ndarray, covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean ``(D,)`` and covariance ``(D, D)`` of z after one more step."""
        means = self.a @ mean + self.b
        new = self.weights @ means
        about = means - new
        spread = self.a @ covariance @ self.a.transpose(0, 2, 1) + about[:, :, None] * about[:, None, :]
        return new, np.einsum("k,kij->ij", self.weights, spread) + self.noise @ self.noise.T


@checked
def linear_step(map_: Map) -> LinearStep:
    """Return the step of a map whose step is linear in its state, as that of most methods on quadratics.

    A, b and B are derivatives of the same step that ``simulate`` takes, for any method, coupling, momentum and
    micro-batches. The function checks that the step is linear, at points and noises of different sizes.

    Raises:
        InputError: the map has no noise, its step is not linear (as that of normalised SAM, or on a loss that is not
            quadratic), or a finite sum has too many batches to enumerate.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.Landscape("x**2", "x"), sd.USAM(rho=0.1), lr=0.1, noise=sd.noise.Gaussian(1.0))
    >>> sd.analysis.linear_step(map_).a.round(6)  # 1 − ηλ(1 + ρλ)
    array([[[0.76]]])
    """
    if not isinstance(map_, Map):
        checks.reject("map", map_, "is no map", "Use linear_diffusion for a diffusion")
    checks.numeric(map_)
    if map_.noise is None:
        checks.reject("noise", None, "a map without noise has no moments but its state", "Use e.g. noise.Gaussian(1.0)")
    source, d = map_.noise.on(map_.landscape), map_.landscape.dim

    def refuse() -> NoReturn:
        rule = f"a step of {map_.method} on {map_.landscape.name} is not linear, and its moments have no closed form"
        checks.reject("map", map_, rule, "Use GD, USAM, UASAM or ExactSAM on a quadratic, or simulate")

    if not map_.landscape.is_quadratic:
        refuse()
    size = d * (2 if map_.has_velocity else 1)
    draw_count = calls(source, map_.method, torch.zeros(d, 1, dtype=torch.float64))
    if isinstance(source, Additive):
        shape = (draw_count, source.parts, d)
        weights = np.ones(1)
        coefficients = affine(lambda z, xi: map_.flat_step(z, Given(xi.unflatten(0, shape))), size, math.prod(shape))
    else:
        batches, chances = source.outcomes(draw_count, "smooth", torch.zeros(d, 1, dtype=torch.float64))
        weights = chances.numpy()
        coefficients = affine(lambda z, _: map_.flat_step(z, Given(batches)), size, 0, len(weights))
    if coefficients is None:
        refuse()
    a, to_noise, b = (part.movedim(-1, 0).numpy() for part in coefficients)
    root = source.root_of(draw_count) if isinstance(source, Additive) else np.zeros((0, 0))
    return LinearStep(map_, weights, a, b, to_noise[0] @ root)


def start_point(w0: Any, d: int) -> np.ndarray:
    """Return one start ``(d,)``.

    Raises:
        InputError: the start is not d finite coordinates.
    """
    try:
        start = np.asarray(w0, dtype=float)
    except (TypeError, ValueError, OverflowError):
        start = np.array(np.nan)
    if start.shape != (d,) or not np.isfinite(start).all():
        checks.reject("w0", w0, f"must be {d} finite coordinates", "Give one start; they all have one law")
    return start


def _largest_lr(map_: Map) -> float | None:
    """Return the learning rate below which second moments converge, None if there is none."""
    from scipy.optimize import brentq

    def excess(log_lr: float) -> float:
        return linear_step(replace(map_, lr=math.exp(log_lr))).growth - 1

    log_lr = math.log(map_.lr)
    for _ in range(MAX_HALVINGS):
        below, log_lr = log_lr, log_lr - math.log(2)
        if excess(log_lr) < 0:
            return math.exp(brentq(excess, log_lr, below, xtol=1e-10))
    return None

"""Gaussian noise added to the gradient, the same wherever w is."""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .. import checks
from ..landscapes import Landscape
from ..ops import Point
from ..oracle import Oracle
from .generator import Draws
from .model import Noise, Source

ROUNDING = 1e-12  # an eigenvalue below zero by less than this share of the largest is one of zero
CRITICAL = 1e-8  # ‖∇L‖ at a critical point, relative to ‖H‖ max(1, ‖w‖)


@dataclass(frozen=True, eq=False)
class Gaussian(Noise):
    """∇L(w) + ξ with ξ ~ N(0, C).

    Attributes:
        covariance: C ``(d, d)``, or a number c for cI; it may be singular. In the units of the gradient, squared.

    Raises:
        InputError: a matrix that is not symmetric positive semi-definite.
    """

    covariance: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            given = np.array(self.covariance, dtype=float)
        except (TypeError, ValueError):
            given = np.array(np.nan)
        fix = "Give a symmetric positive semi-definite matrix (d, d), or one number >= 0"
        if given.ndim not in (0, 2) or not np.isfinite(given).all():
            checks.reject("covariance", self.covariance, "must be a matrix, or a number, of finite entries", fix)
        c = given.reshape(1, 1) if given.ndim == 0 else given
        if c.shape[0] != c.shape[1] or not np.allclose(c, c.T, rtol=1e-12, atol=0):
            checks.reject("covariance", given.tolist(), "is not symmetric", fix)
        eigenvalues = np.linalg.eigvalsh(c)
        if eigenvalues[0] < -ROUNDING * abs(eigenvalues[-1]):
            rule = f"is not positive semi-definite: its smallest eigenvalue is {eigenvalues[0]:.6g}"
            checks.reject("covariance", given.tolist(), rule, fix)
        object.__setattr__(self, "covariance", given)

    def on(self, landscape: Landscape) -> "Additive":
        """Return the noise on a landscape."""
        d = landscape.dim
        c = self.covariance * np.eye(d) if self.covariance.ndim == 0 else self.covariance
        if len(c) != d:
            rule = f"is of {len(c)} coordinate(s), the landscape of {d}"
            checks.reject("covariance", c.tolist(), rule, f"Give a matrix ({d}, {d}), or one number for all")
        return Additive(landscape, c, self.coupling)


@dataclass(frozen=True, eq=False)
class Fisher(Noise):
    """Gaussian noise of covariance |H|/B, H the Hessian at a critical point.  [K23, after X22]

    Attributes:
        at: the critical point ``(d,)``.
        batch_size: B ≥ 1.

    Raises:
        InputError: a batch size < 1; on a landscape, a point that is not critical.
    """

    at: Any
    batch_size: int

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.count("batch_size", self.batch_size, "Use e.g. batch_size=16")

    def on(self, landscape: Landscape) -> "Additive":
        """Return the noise on a landscape."""
        fix = "Give one that samdyn.critical_points finds"
        try:
            at = np.array(self.at, dtype=float)
        except (TypeError, ValueError):
            at = np.array(np.nan)
        if at.shape != (landscape.dim,) or not np.isfinite(at).all():
            checks.reject("at", self.at, f"must be {landscape.dim} finite coordinates", fix)
        gradient = float(landscape.grad(at).norm())
        hessian = landscape.hessian(at).numpy()
        if not gradient <= CRITICAL * np.linalg.norm(hessian, 2) * max(1.0, float(np.linalg.norm(at))):
            rule = f"is not critical, ‖∇L‖ = {gradient:.3g} there, and the noise is |H|/B at critical points alone"
            checks.reject("at", tuple(at.tolist()), rule, fix)
        values, vectors = np.linalg.eigh(hessian)
        return Additive(landscape, (vectors * np.abs(values)) @ vectors.T / self.batch_size, self.coupling)


class Additive(Source):
    """Additive Gaussian noise of a covariance ``(d, d)`` on a landscape."""

    def __init__(self, landscape: Landscape, covariance: np.ndarray, coupling: str) -> None:
        self.landscape, self.covariance, self.coupling = landscape, covariance, coupling
        values, vectors = np.linalg.eigh(covariance)
        diagonal = np.array_equal(covariance, np.diag(np.diag(covariance)))
        root = np.diag(np.sqrt(np.diag(covariance))) if diagonal else vectors * np.sqrt(values.clip(min=0))
        self._columns = [(j, torch.as_tensor(c.copy())) for j, c in enumerate(root.T) if c.any()]

    def sample(self, draws: Draws, draw: int, like: torch.Tensor) -> torch.Tensor:
        """Return ξ of one draw for points ``(d, N)``."""
        z = draws.normals(draw, len(like)).to(like.dtype)
        total = torch.zeros_like(like)
        # Not a matrix product, whose rounding depends on how many runs there are.
        for j, column in self._columns:
            total = total + column.to(like)[:, None] * z[j]
        return total

    def oracle(self, draws: Draws) -> Oracle:
        """Return the oracle of one step."""
        calls = itertools.count()
        shared: list[torch.Tensor] = []

        def gradient(w: Point) -> Point:
            if self.coupling == "independent":
                return self.landscape.grad(w) + self.sample(draws, next(calls), w)
            if not shared:  # drawn when the first gradient is asked for, which tells dtype and device
                shared.append(self.sample(draws, 0, w))
            return self.landscape.grad(w) + shared[0]

        return _Noisy(gradient, self.landscape.grad.hvp, self.landscape.grad, self.coupling == "clean")


@dataclass(frozen=True)
class _Noisy(Oracle):
    mean: Oracle
    clean: bool

    def up(self, w: Point, known: Point | None = None) -> Point:
        return self.mean(w) if self.clean else super().up(w, known)

    def full(self, w: Point) -> Point:
        return self.mean(w)

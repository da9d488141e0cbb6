"""Gaussian noise that is added to the gradient and does not depend on w."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .. import checks
from ..landscapes import Landscape
from ..ops import Point
from ..oracle import Oracle
from .generator import Draws
from .model import Noise, Source, batch_sizes, micro_batches
from .quadrature import axes, hermite, polar

ROUNDING = 1e-12  # eigenvalue of C over the largest one; down to minus this it counts as zero
CRITICAL = 1e-8  # ‖∇L‖ at a critical point, relative to ‖H‖ max(1, ‖w‖)


@dataclass(frozen=True, eq=False)
class Gaussian(Noise):
    """Additive noise: the gradient is ∇L(w) + ξ with ξ ~ N(0, C).

    >>> import samdyn as sd
    >>> noisy = sd.Map(sd.landscapes.saddle(), sd.USAM(0.1), lr=0.01, noise=sd.noise.Gaussian(0.25))
    >>> sd.analysis.linear_step(noisy).moments((0, 0), steps=1)[1][-1].round(8).tolist()  # η²(1 + ρλ)²c
    [[3.6e-05, 0.0], [0.0, 1.6e-05]]

    Attributes:
        covariance: C ``(d, d)``, or a number c for cI, in the units of the gradient squared. It may be singular. A list
            of numbers gives one c per run.

    Raises:
        InputError: the matrix is not symmetric positive semi-definite. ``on`` raises it if the landscape has another
            dimension.
    """

    of_landscape = False

    covariance: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            if np.ndim(self.covariance) == 1:
                rule, fix = "one number per run must be finite and >= 0", "Give a matrix (d, d) for all runs"
                several = checks.number_per_run("covariance", self.covariance, rule, fix, lambda c: c >= 0)
                object.__setattr__(self, "covariance", several)
                return
            matrix = np.array(self.covariance, dtype=float)
        except (TypeError, ValueError, OverflowError):
            matrix = np.array(np.nan)
        fix = "Give a symmetric positive semi-definite matrix (d, d), or one number >= 0"
        if matrix.ndim not in (0, 2) or not np.isfinite(matrix).all():
            checks.reject("covariance", self.covariance, "must be a matrix, or a number, of finite entries", fix)
        c = matrix.reshape(1, 1) if matrix.ndim == 0 else matrix
        if c.shape[0] != c.shape[1] or not np.allclose(c, c.T, rtol=1e-12, atol=0):
            checks.reject("covariance", matrix.tolist(), "is not symmetric", fix)
        eigenvalues = np.linalg.eigvalsh(c)
        if eigenvalues[0] < -ROUNDING * abs(eigenvalues[-1]):
            rule = f"is not positive semi-definite: its smallest eigenvalue is {eigenvalues[0]:.6g}"
            checks.reject("covariance", matrix.tolist(), rule, fix)
        object.__setattr__(self, "covariance", matrix)

    def on(self, landscape: Landscape) -> "Additive":
        """Return the noise on a landscape."""
        d = landscape.dim
        if torch.is_tensor(self.covariance):
            return Additive(landscape, np.eye(d), self.coupling, per_run={"covariance": self.covariance})
        c = self.covariance * np.eye(d) if self.covariance.ndim == 0 else self.covariance
        if len(c) != d:
            rule = f"is of {len(c)} coordinate(s), the landscape of {d}"
            checks.reject("covariance", c.tolist(), rule, f"Give a matrix ({d}, {d}), or one number for all")
        return Additive(landscape, c, self.coupling)


@dataclass(frozen=True, eq=False)
class Fisher(Noise):
    """Gaussian noise of covariance |H|/B, H the Hessian at a critical point.  [K23, after X22]

    >>> import samdyn as sd
    >>> noise = sd.noise.Fisher((0, 0), batch_size=16)
    >>> noise.on(sd.landscapes.saddle()).covariance.round(6).tolist()
    [[0.125, 0.0], [0.0, 0.125]]

    Attributes:
        at: the critical point ``(d,)``.
        batch_size: B ≥ 1, or one per run.
        micro_batch: m, for m-sharpness: m samples share a perturbation, and the step is the mean over B/m of them. None
            for one perturbation by all B.

    Raises:
        InputError: a batch size is < 1, or the micro-batch does not divide it. ``on`` raises it if the point is not
            critical.
    """

    at: Any
    batch_size: Any
    micro_batch: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "batch_size", batch_sizes(self.batch_size, self.micro_batch))

    def on(self, landscape: Landscape) -> "Additive":
        """Return the noise on a landscape."""
        fix = "Give one that samdyn.critical_points finds"
        try:
            at = np.array(self.at, dtype=float)
        except (TypeError, ValueError, OverflowError):
            at = np.array(np.nan)
        if at.shape != (landscape.dim,) or not np.isfinite(at).all():
            checks.reject("at", self.at, f"must be {landscape.dim} finite coordinates", fix)
        gradient = float(landscape.grad(at).norm())
        hessian = landscape.hessian(at).numpy()
        if not gradient <= CRITICAL * np.linalg.norm(hessian, 2) * max(1.0, float(np.linalg.norm(at))):
            rule = f"is not critical, ‖∇L‖ = {gradient:.3g} there, and the noise is |H|/B at critical points alone"
            checks.reject("at", tuple(at.tolist()), rule, fix)
        values, vectors = np.linalg.eigh(hessian)
        covariance = (vectors * np.abs(values)) @ vectors.T
        if torch.is_tensor(self.batch_size):
            return Additive(landscape, covariance, self.coupling, per_run={"batch_size": self.batch_size})
        parts = micro_batches(self.batch_size, self.micro_batch)
        return Additive(landscape, covariance / self.batch_size, self.coupling, parts)


def psd_root(covariance: np.ndarray) -> np.ndarray:
    """Return R with RRᵀ = C ``(d, d)``. R is diagonal if C is, and has a zero column per null vector of C."""
    if np.array_equal(covariance, np.diag(np.diag(covariance))):
        return np.diag(np.sqrt(np.diag(covariance).clip(min=0)))
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.where(values > ROUNDING * values[-1], values, 0))


class Additive(Source):
    """Additive Gaussian noise on a landscape. The covariance ``(d, d)`` is that of the whole batch.

    A parameter that is one per run multiplies the covariance ("covariance") or divides it ("batch_size").
    """

    def __init__(
        self,
        landscape: Landscape,
        covariance: np.ndarray,
        coupling: str,
        parts: int = 1,
        per_run: Mapping[str, torch.Tensor] | None = None,
    ) -> None:
        super().__init__(landscape, coupling, per_run)
        self.covariance, self.parts = covariance, parts
        # The variance of a micro-batch is that of the batch times the number of micro-batches.
        root = psd_root(covariance * parts)
        self._columns = [(j, torch.tensor(c.copy())) for j, c in enumerate(root.T) if c.any()]
        self._deviations = torch.tensor(np.diag(root).copy()) if np.array_equal(root, np.diag(np.diag(root))) else None

    def root_of(self, calls: int) -> np.ndarray:
        """Return R with RRᵀ the covariance of the noises of ``calls`` draws, which are stacked."""
        return np.kron(np.eye(calls * self.parts), psd_root(self.covariance * self.parts))

    def sample(self, draws: Draws, draw: int) -> torch.Tensor:
        """Return ξ of every micro-batch: ``(parts, d, N)``."""
        d = self.landscape.dim
        z = draws.normals(draw, self.parts * d).unflatten(0, (self.parts, d))
        if "covariance" in self.per_run:
            z = self.per_run["covariance"].to(z.dtype).sqrt() * z
        if "batch_size" in self.per_run:
            z = z / self.per_run["batch_size"].to(z.dtype).sqrt()
        if self._deviations is not None:
            return self._deviations.to(z)[:, None] * z
        total = torch.zeros_like(z)
        # A matrix product would round differently for other numbers of runs.
        for j, column in self._columns:
            total = total + column.to(z)[:, None] * z[:, j, None]
        return total

    def oracle(self, batch: torch.Tensor, part: int) -> Oracle:
        """Return ∇L + ξ and H."""
        xi = batch[part]

        def gradient(w: Point) -> Point:
            return self.landscape.grad(w) + xi.to(w.dtype).reshape(len(w), *[1] * (w.ndim - xi.ndim), *xi.shape[1:])

        return Oracle(gradient, self.landscape.grad.hvp)

    def outcomes(self, calls: int, kind: str, w: Point) -> tuple[list[torch.Tensor], torch.Tensor]:
        """Return the nodes of a quadrature and their weights.

        Smooth functions need Gauss–Hermite quadrature and functions that jump a polar one about the jump. For an affine
        function the nodes ±√m along each of m coordinates give mean and covariance exactly.
        """
        rank = len(self._columns)
        if kind == "jumps" and rank:
            return self._around_the_jump(calls, w)
        nodes, weights = (axes if kind == "affine" else hermite)(rank * self.parts * calls)
        z = nodes.unflatten(0, (calls, self.parts, rank)) if len(nodes) else nodes.reshape(calls, self.parts, 0, 1)
        columns = torch.stack([c for _, c in self._columns], 1) if rank else torch.zeros(len(w), 0, dtype=z.dtype)
        return list(torch.einsum("dr,cprk->cpdk", columns, z).to(w)), weights.to(w)

    def _around_the_jump(self, calls: int, w: Point) -> tuple[list[torch.Tensor], torch.Tensor]:
        d = len(w)
        if len(self._columns) < d or d > 2 or self.parts > 1 or calls > 2:
            rule = (
                f"the method normalises a noisy gradient; a mean over such noise in {d} dimension(s), of rank "
                f"{len(self._columns)}, in {self.parts} micro-batch(es) and {calls} draw(s) is in too many dimensions"
            )
            fix = 'At most a plane, full rank and one ascent step; or coupling="clean", or model="taylor" of USAM'
            checks.reject("noise", self.covariance.tolist(), rule, fix)
        columns = torch.stack([c for _, c in self._columns], 1).to(w)
        center = -torch.linalg.solve(columns, self.landscape.grad(w))
        z, weights = polar(center)
        xi = torch.einsum("dr,rnk->dnk", columns, z)[None]
        if calls == 1:
            return [xi], weights
        # F is affine in the second gradient's noise: nodes ±1 in every coordinate give mean and covariance exactly.
        signs = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=d))).to(w).T
        second = (columns @ signs)[None, :, None].expand(1, d, w.shape[1], -1)
        nodes = z.shape[-1]
        return (
            [xi.repeat_interleave(len(signs.T), -1), second.repeat(1, 1, 1, nodes)],
            weights.repeat_interleave(len(signs.T), -1) / len(signs.T),
        )

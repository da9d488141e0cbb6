"""Exact expectations of functions of noisy iterates and of diffusions, to compare them without sampling error."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .. import checks
from ..dynamics import Diffusion, Map
from ..noise import Draws
from ..noise.expectation import calls, jumps
from ..noise.quadrature import hermite
from ..simulate import Scheme
from .moments import start_point

MOST = 2500  # values on the grid
FEW = 16  # of its points at once


def expected(
    system: Map | Diffusion | Scheme,
    tests: Sequence[Callable[[np.ndarray], np.ndarray]],
    w0: Any,
    time: float,
    box: Sequence[tuple[float, float]],
    *,
    nodes: int = 12,
) -> np.ndarray:
    """Return E φ(w(t)) for test functions φ, of a map's iterates, of a diffusion or of its discretisation, from w0.

    u(w) = E[φ(w(t)) | w(0) = w] is followed back in time as a polynomial on a box: a map's by averaging u over every
    batch that a step may draw, a scheme's over nodes of the normal numbers that it draws, a diffusion's by its
    generator, ∂u/∂t = a·∇u + ½ηC:∇∇u. There is no sampling error; the polynomial's is seen by changing ``nodes`` or the
    box. What carries runs beyond the box sees the polynomial there, which holds as long as u is as smooth around it.

    Args:
        system: without momentum; the noise a finite sum, or Gaussian that is integrated by quadrature.
        tests: functions of points ``(d, M)``, giving ``(M,)``.
        w0: the start ``(d,)``.
        time: t, in units of kη; a multiple of the step's.
        box: one (low, high) pair per coordinate around w0 and where runs go; drift and noise must be smooth in it.
        nodes: Chebyshev nodes along each coordinate.

    Returns:
        One number per test function.

    Raises:
        InputError: momentum, noise missing, a start outside the box, a time that is no multiple of the step's, too many
            nodes.
    """
    momentum = system.sde.momentum if isinstance(system, Scheme) else system.momentum
    if isinstance(system, Map):
        checks.numeric(system)
    if momentum:
        checks.reject("momentum", momentum, "expectations are followed on w alone", "Use momentum=0")
    d = system.landscape.dim
    start, box = start_point(w0, d), checks.box(box, d)
    if any(not low <= x <= high for x, (low, high) in zip(start, box, strict=True)):
        checks.reject("w0", start.tolist(), f"is outside of the box {box}", "Give a box around start and end")
    time = checks.positive("time", time, "Use e.g. time=1.0")
    if not 1 < checks.count("nodes", nodes, "Use e.g. nodes=12") <= MOST ** (1 / d):
        checks.reject("nodes", nodes, f"must be at least 2, and nodes**{d} at most {MOST}", "Use e.g. nodes=12")
    if not tests:
        checks.reject("tests", tests, "at least one function is needed", "Use e.g. [lambda w: w[0]]")
    axes = [_chebyshev(nodes, low, high) for low, high in box]
    grid = np.array([g.ravel() for g in np.meshgrid(*axes, indexing="ij")])
    u = np.stack([test(grid) for test in tests], 1)
    if isinstance(system, Diffusion):
        from scipy.linalg import expm

        u = expm(time * _generator(system, grid, axes)) @ u
    else:
        steps = round(time / system.dt)
        if not steps or abs(steps * system.dt - time) > 1e-9 * time:
            rule = f"is no multiple of the step's, {system.dt}"
            checks.reject("time", time, rule, f"Use e.g. {max(steps, 1) * system.dt}")
        w = torch.tensor(grid)
        # Few points at a time: each leads to as many others as there are outcomes.
        one_step = np.concatenate([_averaged(system, part, axes) for part in w.split(FEW, 1)])
        u = np.linalg.matrix_power(one_step, steps) @ u
    return (_interpolation(axes, start[:, None]) @ u)[0]


def _after_map(map_: Map, w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return where a step may lead from points ``(d, M)``: ``(d, M, K)``, with weights ``(K,)`` or ``(M, K)``."""
    if map_.noise is None:
        checks.reject("noise", None, "without noise nothing is random", "Use e.g. noise.Gaussian(1.0)")
    source = map_.noise.on(map_.landscape)
    kind = "jumps" if jumps(source, map_.method) else "smooth"
    batches, weights = source.outcomes(calls(source, map_.method, w[:, :1]), kind, w)
    return map_.flat_step(w[..., None].expand(*w.shape, weights.shape[-1]), batches.__getitem__), weights


def _after_scheme(scheme: Scheme, w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the same for a scheme, whose steps depend on the signs alone of what it draws beside ΔW."""
    d, each = scheme.landscape.dim, w.shape[1]
    nodes, weights = hermite(d)
    pairs = d * (d - 1) // 2
    signs = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=pairs)), dtype=w.dtype).reshape(2**pairs, pairs).T
    numbers = [nodes.repeat_interleave(signs.shape[1], 1), signs.repeat(1, nodes.shape[1])]
    count = numbers[0].shape[1]
    draws = _Numbers(0, torch.zeros(1, dtype=torch.int64), 0, [n.repeat(1, each) for n in numbers])
    (after,) = scheme.step((w.repeat_interleave(count, 1),), draws)
    return after.unflatten(1, (each, count)), weights.repeat_interleave(signs.shape[1]) / signs.shape[1]


@dataclass(frozen=True)
class _Numbers(Draws):
    """Draws whose normal numbers are given."""

    given: list[torch.Tensor]

    def normals(self, draw: int, count: int) -> torch.Tensor:
        return self.given[draw][:count]


def _averaged(system: Map | Scheme, w: torch.Tensor, axes: list[np.ndarray]) -> np.ndarray:
    """Return what values on the grid are multiplied by for their mean after a step from points ``(d, P)``: (P, M)."""
    after, weights = _after_map(system, w) if isinstance(system, Map) else _after_scheme(system, w)
    rows = _interpolation(axes, after.flatten(1).numpy()).reshape(*after.shape[1:], -1)
    return np.einsum("mk,mkj->mj", np.broadcast_to(weights.numpy(), rows.shape[:2]), rows)


def _generator(sde: Diffusion, grid: np.ndarray, axes: list[np.ndarray]) -> np.ndarray:
    """Return a·∇ + ½C:∇∇ on values on the grid: ``(M, M)``."""
    mean, c = (part.numpy() for part in sde.law(torch.tensor(grid)))
    drift, covariance = -mean, sde.lr * c
    first = []
    for i in range(len(axes)):
        factors = [_derivative(x) if i == j else np.eye(len(x)) for j, x in enumerate(axes)]
        product = np.ones((1, 1))
        for factor in factors:
            product = np.kron(product, factor)
        first.append(product)
    total = sum(drift[i][:, None] * first[i] for i in range(len(axes)))
    for i, along in enumerate(first):
        for j, across in enumerate(first):
            total = total + covariance[i, j][:, None] / 2 * (along @ across)
    return total


def _chebyshev(nodes: int, low: float, high: float) -> np.ndarray:
    return (low + high) / 2 - (high - low) / 2 * np.cos(np.pi * (np.arange(nodes) + 0.5) / nodes)


def _interpolation(axes: list[np.ndarray], points: np.ndarray) -> np.ndarray:
    """Return what values on the grid are multiplied by to interpolate at points ``(d, P)``: ``(P, M)``."""
    rows = np.ones((points.shape[1], 1))
    for x, at in zip(axes, points, strict=True):
        rows = (rows[:, :, None] * _lagrange(x, at)[:, None, :]).reshape(len(at), -1)
    return rows


def _lagrange(x: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return the values at ``(P,)`` of the polynomials that are 1 at one of the nodes ``(n,)``: ``(P, n)``."""
    n, middle, half = len(x), (x[0] + x[-1]) / 2, (x[-1] - x[0]) / 2 / np.cos(np.pi / 2 / len(x))
    vandermonde = np.polynomial.chebyshev.chebvander
    scaled = vandermonde((at - middle) / half, n - 1)
    at_nodes = vandermonde((x - middle) / half, n - 1)
    return scaled @ np.linalg.inv(at_nodes)


def _derivative(x: np.ndarray) -> np.ndarray:
    """Return what values at the nodes ``(n,)`` are multiplied by to differentiate: ``(n, n)``."""
    off = x[:, None] - x + np.eye(len(x))
    weights = 1 / off.prod(1)
    matrix = weights / weights[:, None] / off
    np.fill_diagonal(matrix, 0)
    return matrix - np.diag(matrix.sum(1))

"""Computes expectations of functions of noisy iterates and of diffusions without sampling error."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ... import checks
from ...arguments import checked
from ...dynamics import Diffusion, Map
from ...noise import Given
from ...noise.expectation import calls, jumps
from ...noise.quadrature import hermite
from ...simulation import Scheme
from ...simulation.threads import one_blas_thread
from .linear_step import start_point

MAX_NODES = 2500  # number of nodes of a grid
DEFAULT_MAX_NODES = 600  # number of nodes of the largest grid if ``nodes`` is None
NODES_PER_AXIS = (
    4,
    6,
    8,
    10,
    12,
    16,
    20,
    24,
    32,
    48,
    64,
)  # numbers of nodes along each coordinate if ``nodes`` is None
CONVERGED = 1e-9  # relative to the largest value of the function on the grid; a smaller error ends the search
MAX_ERROR = 1e-2  # in the same unit; the result is refused if its error is larger
FAST_RATIO = 0.1  # change from one grid to the next over the change before, at most, if the values converge fast
SLOW_FACTOR = 3.0  # error over the largest change, assumed if the values converge slowly
BLOCK_POINTS = 16  # number of grid points whose outcomes are in memory at once


@dataclass(frozen=True, eq=False)
class Expected:
    """Expectations of test functions.

    Attributes:
        values: E φ(w(t)), one per test function, ``(n,)``.
        errors: estimates of their errors, no bounds, ``(n,)``: the change from one grid to the next plus the growth of
            rounding errors.
    """

    values: np.ndarray
    errors: np.ndarray


@checked
def expected(
    system: Map | Diffusion | Scheme,
    tests: Sequence[Callable[[np.ndarray], np.ndarray]],
    w0: Any,
    time: float,
    box: Sequence[tuple[float, float]],
    *,
    nodes: int | None = None,
) -> Expected:
    """Return E φ(w(t)) for test functions φ, of a map's iterates, of a diffusion or of its discretisation, from w0.

    The function propagates u(w) = E[φ(w(t)) | w(0) = w], a polynomial on a box, back in time. For a map it averages u
    over every batch that a step may draw; for a scheme, over quadrature nodes of its normal numbers. A diffusion has
    the generator ∂u/∂t = a·∇u + ½ηC:∇∇u. There is no sampling error.

    Grids of different sizes give an estimate of the polynomial's error, and the grid with the least error gives the
    value. A grid with too few nodes does not resolve u. On one with too many, rounding errors in the highest
    coefficients grow, as the moments of wide tails do. Runs that leave the box see the polynomial outside it, which is
    accurate if u is as smooth there. If a step has kinks in the box, as that of normalised methods at zeros of the
    gradient, the values have about four digits, and ``errors`` shows this.

    Args:
        system: a system without momentum. Its noise is a finite sum, or Gaussian, which quadrature integrates.
        tests: functions that map points ``(d, M)`` to values ``(M,)``.
        w0: the start ``(d,)``.
        time: the time t, in units of kη; a multiple of the step's.
        box: one (low, high) pair per coordinate, around w0 and the runs; drift and noise must be smooth in it.
        nodes: the number of Chebyshev nodes along each coordinate. Default: the best of several numbers.

    Returns:
        The values and their errors, one per test function.

    Raises:
        InputError: the system has momentum or no noise, the start lies outside the box, the time is no multiple of the
            step's, there are too many nodes, or an error exceeds 1 % of the function's largest value on the grid.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.Landscape("x**2", "x"), sd.GD(), lr=0.1, noise=sd.noise.Gaussian(1.0))
    >>> result = sd.analysis.expected(map_, [lambda w: w[0] ** 2], [1.0], time=0.2, box=[(-3, 3)], nodes=6)
    >>> result.values.round(6)  # 0.8⁴ + 0.0164
    array([0.426])
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
    if nodes is not None and not 1 < checks.count("nodes", nodes, "Use e.g. nodes=12") <= MAX_NODES ** (1 / d):
        checks.reject("nodes", nodes, f"must be at least 2, and nodes**{d} at most {MAX_NODES}", "Leave nodes out")
    if not tests:
        checks.reject("tests", tests, "at least one function is needed", "Use e.g. [lambda w: w[0]]")
    if not isinstance(system, Diffusion):
        _steps(system, time)
    # Each grid is compared with the one before, so that there are at least two.
    default_sizes = [n for n in NODES_PER_AXIS if n**d <= DEFAULT_MAX_NODES]
    sizes = (max(nodes - 1, 2), max(nodes, 3)) if nodes else default_sizes if len(default_sizes) > 1 else (2, 3)
    with one_blas_thread():
        estimate = _best(lambda n: _on_grid(system, tests, start, time, box, n), sizes)
    if not (estimate.errors <= MAX_ERROR * estimate.sizes).all():
        i = int(np.flatnonzero(~(estimate.errors <= MAX_ERROR * estimate.sizes))[0])
        rule = f"E φ is not resolved: the error of test function {i} is about {estimate.errors[i]:.2g}"
        checks.reject("box", box, rule, "Use a box that reaches less far beyond the runs, a shorter time, or simulate")
    return Expected(estimate.values, estimate.errors)


@dataclass(frozen=True)
class _Estimate:
    """The values from one grid, their errors, and the functions' largest values on the grid, ``(n,)`` each."""

    values: np.ndarray
    errors: np.ndarray
    sizes: np.ndarray


def _best(on_grid: Callable[[int], _Estimate], sizes: Sequence[int]) -> _Estimate:
    """Return for every function the estimate with the least error; the first grid serves for comparison only."""
    grids: list[_Estimate] = []
    for n in sizes:
        grids.append(on_grid(n))
        last = np.abs(np.diff([grid.values for grid in grids[-3:]], axis=0))
        if len(last) == 2 and (last <= CONVERGED * grids[-1].sizes).all():
            break
        if not (grids[-1].errors <= MAX_ERROR * grids[-1].sizes).any():  # rounding only grows with the grid
            break
    values, rounding = (np.array([getattr(grid, name) for grid in grids]) for name in ("values", "errors"))
    errors = np.append([np.full(len(rounding[0]), np.inf)], rounding[1:] + _changes(values, rounding), axis=0)
    best = np.where(np.isfinite(errors), errors, np.inf).argmin(0), np.arange(errors.shape[1])
    return _Estimate(values[best], errors[best], np.array([grid.sizes for grid in grids])[best])


def _changes(values: np.ndarray, rounding: np.ndarray) -> np.ndarray:
    """Return estimates of the errors of values on finer and finer grids, ``(n, tests)``: ``(n - 1, tests)``.

    If the changes fall fast, the last change exceeds the error. If they do not, as at kinks, two grids may agree by
    chance, and the estimate is a multiple of the largest of the neighbouring changes.
    """
    with np.errstate(invalid="ignore"):
        change = np.abs(np.diff(values, axis=0))
        following = np.append(np.maximum(change - 10 * rounding[1:], 0)[1:], change[-1:], axis=0)
        before = np.append(np.full((1, change.shape[1]), np.inf), change[:-1], axis=0)
        here = np.maximum(change, following)
        slow = here > FAST_RATIO * before
        return np.where(slow, SLOW_FACTOR * np.maximum(here, before), here)


def _steps(system: Map | Scheme, time: float) -> int:
    """Return the number of steps in a time.

    Raises:
        InputError: the time is no multiple of the step's.
    """
    steps = round(time / system.dt)
    if not steps or abs(steps * system.dt - time) > 1e-9 * time:
        rule = f"is no multiple of the step's, {system.dt}"
        checks.reject("time", time, rule, f"Use e.g. {max(steps, 1) * system.dt}")
    return steps


def _on_grid(
    system: Map | Diffusion | Scheme,
    tests: Sequence[Callable[[np.ndarray], np.ndarray]],
    start: np.ndarray,
    time: float,
    box: Sequence[tuple[float, float]],
    nodes: int,
) -> _Estimate:
    """Return expectations from polynomials on one grid, with their rounding errors."""
    axes = [_chebyshev(nodes, low, high) for low, high in box]
    grid = np.array([g.ravel() for g in np.meshgrid(*axes, indexing="ij")])
    u = np.stack([test(grid) for test in tests], 1)
    with np.errstate(over="ignore", invalid="ignore"):
        if isinstance(system, Diffusion):
            from scipy.linalg import expm

            propagator = expm(time * _generator(system, grid, axes))
        else:
            w = torch.tensor(grid)
            # Each point has as many successors as there are outcomes, so that the blocks are small.
            one_step = np.concatenate([_average(system, part, axes) for part in w.split(BLOCK_POINTS, 1)])
            propagator = np.linalg.matrix_power(one_step, _steps(system, time))
        row = _interpolation(axes, start[:, None])[0]
        values = row @ propagator @ u
        rounding = np.finfo(float).eps * (np.abs(row) @ np.abs(propagator) @ np.abs(u))
    return _Estimate(values, rounding, np.abs(u).max(0))


def _after_map(map_: Map, w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the K possible states after a step from points ``(d, M)``: ``(d, M, K)``, and their weights.

    The weights are ``(K,)`` or ``(M, K)``.
    """
    if map_.noise is None:
        checks.reject("noise", None, "without noise nothing is random", "Use e.g. noise.Gaussian(1.0)")
    source = map_.noise.on(map_.landscape)
    kind = "jumps" if jumps(source, map_.method) else "smooth"
    batches, weights = source.outcomes(calls(source, map_.method, w[:, :1]), kind, w)
    return map_.flat_step(w[..., None].expand(*w.shape, weights.shape[-1]), Given(batches)), weights


def _after_scheme(scheme: Scheme, w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the same for a scheme. Besides ΔW its steps depend on signs of further normal numbers only."""
    d, each = scheme.landscape.dim, w.shape[1]
    nodes, weights = hermite(d)
    pairs = d * (d - 1) // 2
    signs = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=pairs)), dtype=w.dtype).reshape(2**pairs, pairs).T
    numbers = [nodes.repeat_interleave(signs.shape[1], 1), signs.repeat(1, nodes.shape[1])]
    count = numbers[0].shape[1]
    draws = Given(numbers=[n.repeat(1, each) for n in numbers])
    (after,) = scheme.step((w.repeat_interleave(count, 1),), draws)
    return after.unflatten(1, (each, count)), weights.repeat_interleave(signs.shape[1]) / signs.shape[1]


def _average(system: Map | Scheme, w: torch.Tensor, axes: list[np.ndarray]) -> np.ndarray:
    """Return the matrix that maps grid values to their mean after a step from points ``(d, P)``: ``(P, M)``."""
    after, weights = _after_map(system, w) if isinstance(system, Map) else _after_scheme(system, w)
    rows = _interpolation(axes, after.flatten(1).numpy()).reshape(*after.shape[1:], -1)
    return np.einsum("mk,mkj->mj", np.broadcast_to(weights.numpy(), rows.shape[:2]), rows)


def _generator(sde: Diffusion, grid: np.ndarray, axes: list[np.ndarray]) -> np.ndarray:
    """Return the matrix of a·∇ + ½C:∇∇ that acts on grid values: ``(M, M)``."""
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
    """Return the Chebyshev nodes of an interval, ascending."""
    return (low + high) / 2 - (high - low) / 2 * np.cos(np.pi * (np.arange(nodes) + 0.5) / nodes)


def _interpolation(axes: list[np.ndarray], points: np.ndarray) -> np.ndarray:
    """Return the matrix that interpolates grid values at points ``(d, P)``: ``(P, M)``."""
    rows = np.ones((points.shape[1], 1))
    for x, at in zip(axes, points, strict=True):
        rows = (rows[:, :, None] * _lagrange(x, at)[:, None, :]).reshape(len(at), -1)
    return rows


def _lagrange(x: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return the values at points ``(P,)`` of the Lagrange polynomials of the nodes ``(n,)``: ``(P, n)``."""
    n, middle, half = len(x), (x[0] + x[-1]) / 2, (x[-1] - x[0]) / 2 / np.cos(np.pi / 2 / len(x))
    vandermonde = np.polynomial.chebyshev.chebvander
    scaled = vandermonde((at - middle) / half, n - 1)
    at_nodes = vandermonde((x - middle) / half, n - 1)
    return scaled @ np.linalg.inv(at_nodes)


def _derivative(x: np.ndarray) -> np.ndarray:
    """Return the matrix that differentiates the polynomial through values at the nodes ``(n,)``: ``(n, n)``."""
    off = x[:, None] - x + np.eye(len(x))
    weights = 1 / off.prod(1)
    matrix = weights / weights[:, None] / off
    np.fill_diagonal(matrix, 0)
    return matrix - np.diag(matrix.sum(1))

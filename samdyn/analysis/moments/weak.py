"""Exact expectations of functions of noisy iterates and of diffusions, to compare them without sampling error."""

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
from .linear_step import start_point

MOST = 2500  # values on the grid
USUAL = 600  # values on the grids that are tried where ``nodes`` is not given
SIZES = (4, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64)  # nodes along each coordinate that are tried
SETTLED = 1e-9  # an error this small, relative to the largest value of the function on the grid, ends the search
REFUSED = 1e-2  # and one this large says nothing
FAST, SLOW = 0.1, 3.0  # changes fall fast by the first factor a grid; else what is left may be the second times as much
FEW = 16  # points of a grid at once


@dataclass(frozen=True, eq=False)
class Expected:
    """Expectations of test functions.

    Attributes:
        values: E φ(w(t)), one per test function.
        errors: what they may be off by: how much they change from one grid to the next, and rounding as it grows on the
            way. Sums of both; estimates, not bounds.
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

    u(w) = E[φ(w(t)) | w(0) = w] is followed back in time as a polynomial on a box: a map's by averaging u over every
    batch that a step may draw, a scheme's over nodes of the normal numbers that it draws, a diffusion's by its
    generator, ∂u/∂t = a·∇u + ½ηC:∇∇u. There is no sampling error. The polynomial's is estimated from grids of different
    sizes, of which the best is taken: too few nodes do not resolve u, and with too many the rounding of its highest
    coefficients grows, as the moments of wide tails do. What carries runs beyond the box sees the polynomial there,
    which holds as long as u is as smooth around it. Where a step has kinks in the box, as that of normalised methods
    where a gradient vanishes, polynomials come to about four digits; ``errors`` says so.

    Args:
        system: without momentum; the noise a finite sum, or Gaussian that is integrated by quadrature.
        tests: functions of points ``(d, M)``, giving ``(M,)``.
        w0: the start ``(d,)``.
        time: t, in units of kη; a multiple of the step's.
        box: one (low, high) pair per coordinate around w0 and where runs go; drift and noise must be smooth in it.
        nodes: Chebyshev nodes along each coordinate; None takes the best of several numbers.

    Returns:
        Values and their errors, one per test function.

    Raises:
        InputError: momentum, noise missing, a start outside the box, a time that is no multiple of the step's, too many
            nodes; an error of more than 1 % of the function's largest value on the grid.
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
    if nodes is not None and not 1 < checks.count("nodes", nodes, "Use e.g. nodes=12") <= MOST ** (1 / d):
        checks.reject("nodes", nodes, f"must be at least 2, and nodes**{d} at most {MOST}", "Leave nodes out")
    if not tests:
        checks.reject("tests", tests, "at least one function is needed", "Use e.g. [lambda w: w[0]]")
    if not isinstance(system, Diffusion):
        _steps(system, time)
    # A grid is compared with the one before.
    usual = [n for n in SIZES if n**d <= USUAL]
    sizes = (max(nodes - 1, 2), max(nodes, 3)) if nodes else usual if len(usual) > 1 else (2, 3)
    found = _best(lambda n: _on_grid(system, tests, start, time, box, n), sizes)
    if not (found.errors <= REFUSED * found.sizes).all():
        i = int(np.flatnonzero(~(found.errors <= REFUSED * found.sizes))[0])
        rule = f"E φ is not resolved: the error of test function {i} is about {found.errors[i]:.2g}"
        checks.reject("box", box, rule, "Use a box that reaches less far beyond the runs, a shorter time, or simulate")
    return Expected(found.values, found.errors)


@dataclass(frozen=True)
class _Estimate:
    """Values of one grid, their errors, and the largest values of the functions on it, one of each per function."""

    values: np.ndarray
    errors: np.ndarray
    sizes: np.ndarray


def _best(on_grid: Callable[[int], _Estimate], sizes: Sequence[int]) -> _Estimate:
    """Return for every function the estimate with the least error; the first grid is there to be compared with."""
    tried: list[_Estimate] = []
    for n in sizes:
        tried.append(on_grid(n))
        last = np.abs(np.diff([grid.values for grid in tried[-3:]], axis=0))
        if len(last) == 2 and (last <= SETTLED * tried[-1].sizes).all():
            break
        if not (tried[-1].errors <= REFUSED * tried[-1].sizes).any():  # rounding only grows with the grid
            break
    values, rounding = (np.array([getattr(grid, name) for grid in tried]) for name in ("values", "errors"))
    errors = np.append([np.full(len(rounding[0]), np.inf)], rounding[1:] + _changes(values, rounding), axis=0)
    best = np.where(np.isfinite(errors), errors, np.inf).argmin(0), np.arange(errors.shape[1])
    return _Estimate(values[best], errors[best], np.array([grid.sizes for grid in tried])[best])


def _changes(values: np.ndarray, rounding: np.ndarray) -> np.ndarray:
    """Return how far values on ever finer grids, ``(n, tests)``, may be from what they converge to: ``(n - 1, tests)``.

    While changes fall fast the last one is more than what is left. Where they do not, as at kinks, two grids may agree
    by chance: the largest change around is taken, several times.
    """
    with np.errstate(invalid="ignore"):
        change = np.abs(np.diff(values, axis=0))
        following = np.append(np.maximum(change - 10 * rounding[1:], 0)[1:], change[-1:], axis=0)
        before = np.append(np.full((1, change.shape[1]), np.inf), change[:-1], axis=0)
        here = np.maximum(change, following)
        slow = here > FAST * before
        return np.where(slow, SLOW * np.maximum(here, before), here)


def _steps(system: Map | Scheme, time: float) -> int:
    """Return how many steps a time takes.

    Raises:
        InputError: a time that is no multiple of the step's.
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
    """Return expectations from polynomials on one grid, and how far rounding has grown."""
    axes = [_chebyshev(nodes, low, high) for low, high in box]
    grid = np.array([g.ravel() for g in np.meshgrid(*axes, indexing="ij")])
    u = np.stack([test(grid) for test in tests], 1)
    with np.errstate(over="ignore", invalid="ignore"):
        if isinstance(system, Diffusion):
            from scipy.linalg import expm

            carried = expm(time * _generator(system, grid, axes))
        else:
            w = torch.tensor(grid)
            # Few points at a time: each leads to as many others as there are outcomes.
            one_step = np.concatenate([_averaged(system, part, axes) for part in w.split(FEW, 1)])
            carried = np.linalg.matrix_power(one_step, _steps(system, time))
        row = _interpolation(axes, start[:, None])[0]
        values = row @ carried @ u
        rounding = np.finfo(float).eps * (np.abs(row) @ np.abs(carried) @ np.abs(u))
    return _Estimate(values, rounding, np.abs(u).max(0))


def _after_map(map_: Map, w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return where a step may lead from points ``(d, M)``: ``(d, M, K)``, with weights ``(K,)`` or ``(M, K)``."""
    if map_.noise is None:
        checks.reject("noise", None, "without noise nothing is random", "Use e.g. noise.Gaussian(1.0)")
    source = map_.noise.on(map_.landscape)
    kind = "jumps" if jumps(source, map_.method) else "smooth"
    batches, weights = source.outcomes(calls(source, map_.method, w[:, :1]), kind, w)
    return map_.flat_step(w[..., None].expand(*w.shape, weights.shape[-1]), Given(batches)), weights


def _after_scheme(scheme: Scheme, w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the same for a scheme, whose steps depend on the signs alone of what it draws beside ΔW."""
    d, each = scheme.landscape.dim, w.shape[1]
    nodes, weights = hermite(d)
    pairs = d * (d - 1) // 2
    signs = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=pairs)), dtype=w.dtype).reshape(2**pairs, pairs).T
    numbers = [nodes.repeat_interleave(signs.shape[1], 1), signs.repeat(1, nodes.shape[1])]
    count = numbers[0].shape[1]
    draws = Given(numbers=[n.repeat(1, each) for n in numbers])
    (after,) = scheme.step((w.repeat_interleave(count, 1),), draws)
    return after.unflatten(1, (each, count)), weights.repeat_interleave(signs.shape[1]) / signs.shape[1]


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

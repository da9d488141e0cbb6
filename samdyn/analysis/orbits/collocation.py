"""The equations of a limit cycle, by Gauss collocation on a mesh, and Newton's method for them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch

from ...ops import jacobian

STAGES = 4  # number of collocation points in each interval of the mesh; the order at the mesh points is 8
NEWTON_STEPS = 25  # number of Newton steps
CONVERGED = 1e-10  # length of the last Newton step, relative to the cycle's extent and its period
SINGULAR = 1e-11  # singular values over the largest below which the equations are singular
SMALL = 400  # number of equations up to which singular ones are solved by their shortest step
MAX_STEP = 0.3  # largest change of the points in one Newton step, in units of the cycle's extent

Field = Callable[[torch.Tensor], torch.Tensor]  # (d, n) -> (d, n)


@dataclass(frozen=True, eq=False)
class Loop:
    """A closed curve in time: w at the points of a mesh, and its velocity at the points between them.

    Attributes:
        mesh: times of the points over the period, ascending from 0 and below 1, ``(n,)``.
        w: the points, ``(n, d)``.
        slope: dw/dt at the collocation points of every interval, ``(n, STAGES, d)``.
        period: the period, in units of t.
    """

    mesh: np.ndarray
    w: np.ndarray
    slope: np.ndarray
    period: float

    @property
    def lengths(self) -> np.ndarray:
        """The lengths of the intervals, in units of the period, ``(n,)``."""
        return np.diff(np.append(self.mesh, 1.0))

    @property
    def extent(self) -> float:
        """The largest difference between its points along a coordinate."""
        return float(np.ptp(self.w, axis=0).max())

    def stages(self) -> np.ndarray:
        """Return w at the collocation points, ``(n, STAGES, d)``."""
        a = gauss()[0]
        step = (self.period * self.lengths)[:, None, None]
        return self.w[:, None] + step * np.einsum("jl,nld->njd", a, self.slope)

    def refined(self) -> "Loop":
        """Return the same curve on a mesh of twice as many intervals."""
        _, _, c = gauss()
        mesh = np.stack([self.mesh, self.mesh + self.lengths / 2], 1).ravel()
        step = (self.period * self.lengths)[:, None, None]
        # The slope is a polynomial through its values at the collocation points.
        basis = np.linalg.inv(np.vander(c, increasing=True))
        middle = np.vander([0.5], STAGES + 1, increasing=True)[:, 1:] / np.arange(1, STAGES + 1) @ basis
        w = np.stack([self.w, self.w + step[:, 0] * np.einsum("jl,nld->njd", middle, self.slope)[:, 0]], 1)
        halves = [np.vander(h, STAGES, increasing=True) @ basis for h in (c / 2, (1 + c) / 2)]
        slope = np.stack([np.einsum("jl,nld->njd", half, self.slope) for half in halves], 1)
        d = self.w.shape[1]
        return Loop(mesh, w.reshape(-1, d), slope.reshape(-1, STAGES, d), self.period)


@cache
def gauss() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the Runge–Kutta matrix, weights and nodes of Gauss's method of order 2·STAGES."""
    x, weights = np.polynomial.legendre.leggauss(STAGES)
    c, b = (x + 1) / 2, weights / 2
    powers = np.vander(c, increasing=True)
    integrals = powers * c[:, None] / np.arange(1, STAGES + 1)
    return integrals @ np.linalg.inv(powers), b, c


@dataclass(frozen=True, eq=False)
class Linearised:
    """The equations of a loop with their derivatives, reduced to the mesh points.

    Attributes:
        transfer: how a change at a mesh point moves the next one, ``(n, d, d)``; their product is the monodromy matrix.
        by_period: how a change of the period does, ``(n, d)``.
        by_parameter: how a change of the parameter does, ``(n, d)``.
        gap: how far the next point is from where the solution of the interval leads, ``(n, d)``.
        slope_by: what changes of (w, period, parameter) change in the slopes, ``(n, STAGES·d, d + 2)``, and the Newton
            step of the slopes when these do not change, ``(n, STAGES·d)``.
    """

    transfer: np.ndarray
    by_period: np.ndarray
    by_parameter: np.ndarray
    gap: np.ndarray
    slope_by: tuple[np.ndarray, np.ndarray]


def linearised(field: Field, loop: Loop, by_parameter: Field | None = None) -> Linearised:
    """Return the linearised equations of a loop; ``by_parameter`` is the derivative of the field by the parameter."""
    a, b, _ = gauss()
    n, d = loop.w.shape
    stages = loop.stages()  # (n, s, d)
    points = torch.as_tensor(stages.reshape(-1, d).T.copy())
    velocity = field(points).detach().numpy().T.reshape(n, STAGES, d)
    jac = jacobian(field, points).permute(2, 0, 1).numpy().reshape(n, STAGES, d, d)
    h = loop.period * loop.lengths
    # The equations of the slopes: k_j − f(w + h Σ a_jl k_l) = 0.
    matrix = -h[:, None, None, None, None] * np.einsum("njde,jl->njdle", jac, a)
    matrix = matrix.reshape(n, STAGES * d, STAGES * d) + np.eye(STAGES * d)
    by_period = np.einsum("njde,nje->njd", jac, loop.lengths[:, None, None] * np.einsum("jl,nle->nje", a, loop.slope))
    if by_parameter is None:
        of_parameter = np.zeros((n, STAGES, d))
    else:
        of_parameter = by_parameter(points).detach().numpy().T.reshape(n, STAGES, d)
    right = np.concatenate(
        [jac.reshape(n, STAGES * d, d), by_period.reshape(n, -1, 1), of_parameter.reshape(n, -1, 1)], 2
    )
    rest = (velocity - loop.slope).reshape(n, STAGES * d, 1)
    solved = np.linalg.solve(matrix, np.concatenate([right, rest], 2))
    change, newton = solved[:, :, :-1], solved[:, :, -1]
    summed = h[:, None, None] * np.einsum("j,njdk->ndk", b, change.reshape(n, STAGES, d, d + 2))
    ends = loop.w + h[:, None] * np.einsum("j,njd->nd", b, loop.slope + newton.reshape(n, STAGES, d))
    own = loop.lengths[:, None] * np.einsum("j,njd->nd", b, loop.slope)  # the end moves with the period too
    return Linearised(
        np.eye(d) + summed[:, :, :d],
        summed[:, :, d] + own,
        summed[:, :, d + 1],
        ends - np.roll(loop.w, -1, axis=0),
        (change, newton),
    )


def corrected(field: Field, loop: Loop) -> Loop | None:
    """Solve the equations of a loop by Newton's method; return None if it does not converge."""
    reference = loop
    for _ in range(NEWTON_STEPS):
        step = newton_step(linearised(field, loop), loop, reference)
        if step is None:
            return None
        loop, size = moved(loop, step)
        if not np.isfinite(size) or loop.period <= 0:
            return None
        if size <= CONVERGED:
            return loop
    return None


def newton_step(equations: Linearised, loop: Loop, reference: Loop) -> np.ndarray | None:
    """Return the Newton step of (w, period, slopes) at a fixed parameter, as one array; None if there is none.

    The phase is fixed by Σ δw · ẇ of the reference: the change is across the loop, on the whole.
    """
    n, d = loop.w.shape
    matrix = np.zeros((n * d + 1, n * d + 1))
    block_rows(matrix, equations.transfer)
    matrix[:-1, -1] = equations.by_period.ravel()
    phase, offset = phase_condition(loop, reference)
    matrix[-1, :-1] = phase
    right = -np.append(equations.gap.ravel(), offset)
    if not (np.isfinite(matrix).all() and np.isfinite(right).all()):
        return None
    try:
        # In a family of closed orbits the matrix is singular, and the shortest step leads to the nearest of them. On
        # large meshes, where the loop is nearly closed before the first step, that would take long.
        step: np.ndarray = (
            np.linalg.lstsq(matrix, right, rcond=SINGULAR)[0] if len(right) <= SMALL else np.linalg.solve(matrix, right)
        )
    except np.linalg.LinAlgError:
        return None
    return np.append(step, slopes_of(equations, step[:-1].reshape(n, d), float(step[-1]), 0.0))


def block_rows(matrix: np.ndarray, transfer: np.ndarray) -> None:
    """Write the rows A_i δw_i − δw_{i+1} of a cyclic chain into a matrix."""
    n, d, _ = transfer.shape
    for i in range(n):
        rows, after = slice(i * d, (i + 1) * d), (i + 1) % n
        matrix[rows, i * d : (i + 1) * d] += transfer[i]
        matrix[rows, after * d : (after + 1) * d] -= np.eye(d)


def phase_condition(loop: Loop, reference: Loop) -> tuple[np.ndarray, float]:
    """Return the row of the phase condition ``(n·d,)``, and its value at a loop."""
    tangent = reference.slope.mean(1) * reference.lengths[:, None]
    tangent = tangent / np.linalg.norm(tangent)
    return tangent.ravel(), float((tangent * (loop.w - reference.w)).sum())


def slopes_of(equations: Linearised, w: np.ndarray, period: float, parameter: float) -> np.ndarray:
    """Return the change of the slopes, as one array, for a change of w ``(n, d)``, the period and the parameter."""
    change, newton = equations.slope_by
    rest = np.stack([np.full(len(w), period), np.full(len(w), parameter)], 1)
    return (newton + np.einsum("nsk,nk->ns", change, np.concatenate([w, rest], 1))).ravel()


def moved(loop: Loop, step: np.ndarray) -> tuple[Loop, float]:
    """Return the loop after a Newton step that is cut to MAX_STEP, and the size of the whole step."""
    n, d = loop.w.shape
    w, period, slope = step[: n * d].reshape(n, d), float(step[n * d]), step[n * d + 1 :].reshape(n, STAGES, d)
    extent = max(loop.extent, 1e-300)
    size = max(float(np.abs(w).max()) / extent, abs(period) / loop.period)
    share = min(1.0, MAX_STEP / size) if size > 0 else 1.0
    return replace(
        loop, w=loop.w + share * w, period=loop.period + share * period, slope=loop.slope + share * slope
    ), size


def floquet(equations: Linearised) -> np.ndarray:
    """Return the Floquet multipliers, ``(d,)``, the largest first."""
    monodromy = np.eye(equations.transfer.shape[1])
    for matrix in equations.transfer:
        monodromy = matrix @ monodromy
    values = np.linalg.eigvals(monodromy)
    return values[np.argsort(-np.abs(values), kind="stable")]


def resampled(field: Field, times: np.ndarray, w: np.ndarray, intervals: int) -> Loop:
    """Return a loop through a run's states, whose ends need not meet; the mesh has as many points wherever it turns.

    Args:
        field: the field.
        times: ascending times of the states, from 0 to the period, ``(m,)``.
        w: the states, ``(m, d)``.
        intervals: the number of intervals of the mesh.
    """
    period = float(times[-1])
    closed = w - np.outer(times / period, w[-1] - w[0])  # the gap is spread over the loop
    # Half of the mesh's points are equal in time, half in the arc length of the curve and of its velocity.
    velocity = field(torch.as_tensor(w.T.copy())).detach().numpy().T
    arc = sum(
        np.append(0.0, np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1)))
        / max(1e-300, float(np.linalg.norm(np.diff(curve, axis=0), axis=1).sum()))
        for curve in (closed, velocity)
    )
    density = times / period / 2 + arc / 4
    mesh = np.interp(np.arange(intervals) / intervals, density / density[-1], times / period)
    lengths = np.diff(np.append(mesh, 1.0))
    _, _, c = gauss()
    at = mesh[:, None] + lengths[:, None] * c
    d = w.shape[1]
    points = np.stack([np.interp(mesh, times / period, closed[:, i]) for i in range(d)], 1)
    stages = np.stack([np.interp(at, times / period, closed[:, i]) for i in range(d)], 2)
    slope = field(torch.as_tensor(stages.reshape(-1, d).T.copy())).detach().numpy().T.reshape(intervals, STAGES, d)
    return Loop(mesh, points, slope, period)

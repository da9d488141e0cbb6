"""Defines the equations of a branch of equilibria, fixed points or cycles, with their derivatives."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import torch

from ... import checks
from ...dynamics import Flow, Map
from ...dynamics.settings import filled
from ..parameters import path_of, with_parameters

RESIDUAL = 1e-11  # ‖G‖ after the corrector, relative to ‖∂G‖ and the box
NEUTRAL = 1e-12  # a multiplier at most this far outside the unit circle (right of the imaginary axis) is not unstable
WIDE, NARROW = 1e-5, 1e-7  # in units of the box; distances from a point at which the Jacobian must predict the field
SMOOTH = 1e-3  # relative error of the Jacobian's prediction that a smooth field may have
NEARBY = 1e-2  # in units of the box; distance at which the variation of the field is measured
ZERO_DERIVATIVE = 1e-12  # in units of box and range; smaller derivatives of a single equation are rounding
LEAST = {"lr": 1e-12, "rho": 0.0, "momentum": 0.0}  # least possible values; other parameters have none
ROUNDING = 1e-9  # relative to the variation of the field nearby; a smaller change may be rounding


class Problem:
    """G(z, p) = 0 for the equilibria of a flow, or the fixed points of some steps of a map, in scaled coordinates.

    The k parameters p are more coordinates, so that automatic differentiation covers them too. Coordinates and
    velocities are in units of the box, parameters in units of their ranges. A branch has one parameter, ``name``
    within ``limits``; the curve of a bifurcation has two.
    """

    def __init__(
        self, system: Map | Flow, ranges: Mapping[str, tuple[float, float]], box: np.ndarray, period: int = 1
    ) -> None:
        self.system, self.ranges, self.period, self.box = system, dict(ranges), period, box
        self.name, self.limits = next(iter(self.ranges.items()))
        self.discrete = isinstance(system, Map)
        self.d = system.landscape.dim
        extent = box[:, 1] - box[:, 0]
        if isinstance(system, Map) and (system.has_velocity or "momentum" in self.ranges):
            extent = np.tile(extent, 2)
        self.scale = torch.as_tensor(np.append(extent, [high - low for low, high in self.ranges.values()]))[:, None]
        self.size = len(extent)  # D
        self._last: tuple[bytes, np.ndarray] = (b"", np.empty(0))  # the last point, and the derivatives there

    def of_period(self, period: int) -> "Problem":
        """Return the same problem for cycles of another period."""
        return Problem(self.system, self.ranges, self.box, period)

    def at(self, values: torch.Tensor) -> Map | Flow:
        """Return the system at values ``(k, n)`` of the parameters. Only values beyond the limits are checked."""
        named = dict(zip(self.ranges, values, strict=True))
        if all(((named[name] >= low) & (named[name] <= high)).all() for name, (low, high) in self.ranges.items()):
            return filled(self.system, {path_of(self.system, name): value for name, value in named.items()})
        return with_parameters(self.system, named)

    def residual(self, u: torch.Tensor) -> torch.Tensor:
        """Return G at scaled points u = (z, p): ``(D + k, n) -> (D, n)``."""
        full, unit = u * self.scale, self.scale[: self.size]
        z, system = full[: self.size], self.at(full[self.size :])
        if isinstance(system, Flow):
            return system(z) / unit
        total = torch.zeros_like(z)
        for _ in range(self.period):
            state = tuple((z + total).split(self.d)) if self.size > self.d else (z + total,)
            total = total + torch.cat(system.increment(state))
        return total / unit

    def derivatives(self, u: np.ndarray) -> np.ndarray:
        """Return ∂G/∂(z, p) at one point: ``(D, D + k)``.

        Newton's method, the test functions and ``has_jacobian`` ask in turn at the same point, so the last is cached.
        """
        point = u.tobytes()
        if self._last[0] != point:
            self._last = point, self.all_derivatives(u[:, None])[0]
        return self._last[1]

    def all_derivatives(self, points: np.ndarray) -> np.ndarray:
        """Return ∂G/∂(z, p) at the points in the columns: ``(D + k, n) -> (n, D, D + k)``."""
        return self.linearised(points)[1]

    def linearised(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return G ``(D, n)`` and ∂G/∂(z, p) ``(n, D, D + k)`` at the points in the columns, ``(D + k, n)``."""
        value, matrix = self.with_jacobian(torch.as_tensor(points).requires_grad_(), create_graph=False)
        return value.detach().numpy(), matrix.permute(2, 0, 1).numpy()

    def with_jacobian(self, u: torch.Tensor, create_graph: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """Return G ``(D, n)`` and ∂G/∂(z, p) ``(D, D + k, n)`` at points u, which require gradients, ``(D + k, n)``."""
        n, size = u.shape[1], self.size
        # One copy of each point per row costs less than torch.func's transforms of the many operations of a step.
        copies = u.repeat_interleave(size, 1)
        value = self.residual(copies)
        rows = torch.eye(size, dtype=value.dtype).repeat(1, n)
        (matrix,) = torch.autograd.grad(value, copies, rows, create_graph=create_graph)
        return value[:, ::size], matrix.reshape(-1, n, size).permute(2, 0, 1)

    def value(self, u: np.ndarray) -> np.ndarray:
        """Return G at one point: ``(D,)``."""
        return self.residual(torch.as_tensor(u)[:, None])[:, 0].numpy()

    def multipliers(self, u: np.ndarray) -> np.ndarray:
        """Return the multipliers of p steps, or the eigenvalues of a flow's Jacobian, at a point: ``(D,)``."""
        return self.multipliers_of(self.derivatives(u))

    def multipliers_of(self, matrix: np.ndarray) -> np.ndarray:
        """Return the same for derivatives ``(D, D + k)``, the most unstable first."""
        values = np.linalg.eigvals(matrix[:, : self.size]) + (1 if self.discrete else 0)
        return values[np.argsort(-self.beyond(values), kind="stable")]

    def beyond(self, values: np.ndarray) -> np.ndarray:
        """Return the distance of multipliers outside the unit circle, or of eigenvalues right of the imaginary axis."""
        return np.abs(values) - 1 if self.discrete else values.real

    def orbit(self, u: np.ndarray) -> np.ndarray:
        """Return the positions of the cycle's points: ``(p, d)``."""
        full = torch.as_tensor(u)[:, None] * self.scale
        z, system = full[: self.size], self.at(full[self.size :])
        points = [z]
        if isinstance(system, Map):
            for _ in range(self.period - 1):
                state = tuple(points[-1].split(self.d)) if self.size > self.d else (points[-1],)
                points.append(torch.cat(system.step(state)))
        return torch.cat(points, dim=1)[: self.d].T.numpy()

    def scaled(self, z: np.ndarray, *parameters: float) -> np.ndarray:
        """Return the scaled point ``(D + k,)`` of a state w or (w, v), with v = 0 if it has positions alone."""
        full = np.zeros(self.size + len(parameters))
        full[: len(z)], full[self.size :] = z, parameters
        return full / self.scale[:, 0].numpy()

    def correct(self, u: np.ndarray, across: np.ndarray, value: float) -> np.ndarray | None:
        """Solve G(u) = 0 with across · u = value by Newton's method; return None if it does not converge."""
        for _ in range(13):  # evaluations: up to 12 steps, and a check of the last
            values, matrices = self.linearised(u[:, None])
            matrix = np.vstack([matrices[0], across])
            rest = np.append(values[:, 0], across @ u - value)
            if not np.isfinite(matrix).all() or not np.isfinite(rest).all():
                return None
            step = np.linalg.lstsq(matrix, -rest, rcond=None)[0]
            if np.linalg.norm(step) <= 1e-13 * max(1.0, float(np.linalg.norm(u))):
                break
            before, u = u, u + step
            if not self.allowed(u):
                return None
        else:
            u = before  # the point of the last evaluation
        self._last = u.tobytes(), matrices[0]
        strength, size = float(np.linalg.norm(matrices[0])), max(1.0, float(np.linalg.norm(u)))
        exact = np.linalg.norm(values) <= RESIDUAL * max(1e-3, strength * size)
        return u if exact and self.allowed(u) else None

    def allowed(self, u: np.ndarray) -> bool:
        """Return whether the parameters of u are possible values and not far beyond the limits."""
        values = u[self.size :] * self.scale[self.size :, 0].numpy()
        return bool(np.isfinite(u).all()) and all(map(self._is_possible, self.ranges, values))

    def _is_possible(self, name: str, value: float) -> bool:
        low, high = self.ranges[name]
        margin = 0.05 * (high - low)
        top = min(high + margin, 1 - 1e-12) if name == "momentum" else high + margin
        return max(low - margin, LEAST.get(name, -np.inf)) <= value <= top


def make_problem(
    system: Map | Flow,
    ranges: Mapping[str, tuple[float, float]],
    box: Sequence[tuple[float, float]] | None,
    period: int,
) -> Problem:
    """Check the arguments of ``branch`` and return its equations; the errors are those of ``branch``."""
    checked = {name: _limits(name, limits) for name, limits in ranges.items()}
    for corner in itertools.product(*checked.values()):
        with_parameters(system, dict(zip(checked, corner, strict=True)))
    limits_of_w = checks.box(system.landscape.box if box is None else box, system.landscape.dim)
    period = checks.count("period", period, "Use period=1 for fixed points")
    if period > 1 and isinstance(system, Flow):
        checks.reject("period", period, "a flow has equilibria; periods are of maps", "Use period=1")
    return Problem(system, checked, np.array(limits_of_w), period)


def _limits(name: str, limits: tuple[float, float]) -> tuple[float, float]:
    """Return the limits of a parameter as two numbers."""
    if name == "ascent_steps":
        fix = "Use bifurcation_diagram, which takes every number in turn"
        checks.reject("parameter", name, "is a whole number: there is no branch along it", fix)
    try:
        low, high = (float(limit) for limit in limits)
    except (TypeError, ValueError, OverflowError):
        checks.reject("limits", limits, "must be two numbers", "Use e.g. (0.0, 1.0)")
    if not -np.inf < low < high < np.inf:
        checks.reject("limits", limits, "must be finite, the lower first", "Use e.g. (0.0, 1.0)")
    # At momentum 0 there is no velocity, and the state has half the size.
    return (max(low, 1e-9) if name == "momentum" else low), high


def has_jacobian(problem: Problem, u: np.ndarray) -> bool:
    """Return whether the derivatives predict the change of G nearby, as they do unless the field jumps or has a kink.

    The error of a true Jacobian's prediction falls with the square of the distance. An error that falls more slowly
    refutes the Jacobian. The error is also compared with the error farther out, because a Jacobian that vanishes, as at
    many bifurcations, makes no prediction to compare with.
    """
    axes = np.eye(len(u))[:, : problem.size]
    directions = np.hstack([axes, -axes])
    matrix = problem.derivatives(u)
    steps = np.hstack([h * directions for h in (0.0, WIDE, NARROW, NEARBY)])
    change = problem.residual(torch.as_tensor(u[:, None] + steps)).numpy()
    _, wide, narrow, nearby = np.split(change - change[:, :1], 4, axis=1)
    near_error, far_error = (
        np.linalg.norm(part - h * (matrix @ directions), axis=0) for part, h in ((narrow, NARROW), (wide, WIDE))
    )
    predicted = 0.05 * NARROW * np.linalg.norm(matrix)
    tolerance = np.maximum(np.maximum(predicted, SMOOTH * far_error), ROUNDING * np.linalg.norm(nearby))
    return bool((near_error <= tolerance).all())


def tangent_at(matrix: np.ndarray, along: np.ndarray | None = None) -> np.ndarray:
    """Return the unit null vector of ``(D, D + 1)`` that points along ``along``, or towards larger parameters."""
    _, singular, rows = np.linalg.svd(matrix)
    null = rows[-1]
    least = 1e-9 * singular[0] if len(singular) > 1 else ZERO_DERIVATIVE
    if singular[-1] < least and along is not None:
        # At a branch point the null space is a plane; the tangent is the old direction's projection on it.
        null = rows[-2:].T @ (rows[-2:] @ along)
        null = null / np.linalg.norm(null)
    towards = null @ along if along is not None else null[-1]
    return -null if towards < 0 else null

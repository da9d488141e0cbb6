"""Defines the equations of a branch of equilibria, fixed points or cycles, with their derivatives."""

from collections.abc import Sequence

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
    """G(z, p) = 0 for the equilibria of a flow, or the fixed points of p steps of a map, in scaled coordinates.

    The parameter is one more coordinate, so that automatic differentiation covers it too. Coordinates and velocities
    are in units of the box, the parameter in units of its range.
    """

    def __init__(
        self, system: Map | Flow, name: str, limits: tuple[float, float], box: np.ndarray, period: int = 1
    ) -> None:
        self.system, self.name, self.limits, self.period, self.box = system, name, limits, period, box
        self.discrete = isinstance(system, Map)
        self.d = system.landscape.dim
        extent = box[:, 1] - box[:, 0]
        if isinstance(system, Map) and (system.has_velocity or name == "momentum"):
            extent = np.tile(extent, 2)
        self.scale = torch.as_tensor(np.append(extent, limits[1] - limits[0]))[:, None]
        self.size = len(extent)  # D
        self._last: tuple[bytes, np.ndarray] = (b"", np.empty(0))  # the last point, and the derivatives there

    def of_period(self, period: int) -> "Problem":
        """Return the same problem for cycles of another period."""
        return Problem(self.system, self.name, self.limits, self.box, period)

    def at(self, parameter: torch.Tensor) -> Map | Flow:
        """Return the system at values ``(n,)`` of the parameter. Only values beyond the limits are checked."""
        low, high = self.limits
        if not ((parameter >= low) & (parameter <= high)).all():
            return with_parameters(self.system, {self.name: parameter})
        return filled(self.system, {path_of(self.system, self.name): parameter})

    def residual(self, u: torch.Tensor) -> torch.Tensor:
        """Return G at scaled points u = (z, p): ``(D + 1, n) -> (D, n)``."""
        scale = self.scale.reshape(-1, *[1] * (u.ndim - 1))
        full = u * scale
        z, system = full[:-1], self.at(full[-1])
        if isinstance(system, Flow):
            return system(z) / scale[:-1]
        total = torch.zeros_like(z)
        for _ in range(self.period):
            state = tuple((z + total).split(self.d)) if self.size > self.d else (z + total,)
            total = total + torch.cat(system.increment(state))
        return total / scale[:-1]

    def derivatives(self, u: np.ndarray) -> np.ndarray:
        """Return ∂G/∂(z, p) at one point: ``(D, D + 1)``.

        Newton's method, the test functions and ``has_jacobian`` ask in turn at the same point, so the last is cached.
        """
        point = u.tobytes()
        if self._last[0] != point:
            self._last = point, self.all_derivatives(u[:, None])[0]
        return self._last[1]

    def all_derivatives(self, points: np.ndarray) -> np.ndarray:
        """Return ∂G/∂(z, p) at the points in the columns: ``(D + 1, n) -> (n, D, D + 1)``."""
        return self.linearised(points)[1]

    def linearised(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return G ``(D, n)`` and ∂G/∂(z, p) ``(n, D, D + 1)`` at the points in the columns, ``(D + 1, n)``."""
        n, size = points.shape[1], self.size
        # One copy of each point per row costs less than torch.func's transforms of the many operations of a step.
        copies = torch.as_tensor(points).repeat_interleave(size, 1).requires_grad_()
        value = self.residual(copies)
        (rows,) = torch.autograd.grad(value, copies, torch.eye(size, dtype=value.dtype).repeat(1, n))
        return value.detach()[:, ::size].numpy(), rows.reshape(size + 1, n, size).permute(1, 2, 0).numpy()

    def value(self, u: np.ndarray) -> np.ndarray:
        """Return G at one point: ``(D,)``."""
        return self.residual(torch.as_tensor(u)[:, None])[:, 0].numpy()

    def multipliers(self, u: np.ndarray) -> np.ndarray:
        """Return the multipliers of p steps, or the eigenvalues of a flow's Jacobian, at a point: ``(D,)``."""
        return self.multipliers_of(self.derivatives(u))

    def multipliers_of(self, matrix: np.ndarray) -> np.ndarray:
        """Return the same for derivatives ``(D, D + 1)``, the most unstable first."""
        values = np.linalg.eigvals(matrix[:, :-1]) + (1 if self.discrete else 0)
        return values[np.argsort(-self.beyond(values), kind="stable")]

    def beyond(self, values: np.ndarray) -> np.ndarray:
        """Return the distance of multipliers outside the unit circle, or of eigenvalues right of the imaginary axis."""
        return np.abs(values) - 1 if self.discrete else values.real

    def orbit(self, u: np.ndarray) -> np.ndarray:
        """Return the positions of the cycle's points: ``(p, d)``."""
        full = torch.as_tensor(u)[:, None] * self.scale
        z, system = full[:-1], self.at(full[-1])
        points = [z]
        if isinstance(system, Map):
            for _ in range(self.period - 1):
                state = tuple(points[-1].split(self.d)) if self.size > self.d else (points[-1],)
                points.append(torch.cat(system.step(state)))
        return torch.cat(points, dim=1)[: self.d].T.numpy()

    def scaled(self, z: np.ndarray, parameter: float) -> np.ndarray:
        """Return the scaled point ``(D + 1,)`` of a state w or (w, v), with v = 0 if it has positions alone."""
        full = np.zeros(self.size + 1)
        full[: len(z)], full[-1] = z, parameter
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
        """Return whether the parameter of u is a possible value and not far beyond the limits."""
        low, high = self.limits
        margin = 0.05 * (high - low)
        bottom = max(low - margin, LEAST.get(self.name, -np.inf))
        top = min(high + margin, 1 - 1e-12) if self.name == "momentum" else high + margin
        return bool(np.isfinite(u).all()) and bottom <= u[-1] * self.scale[-1].item() <= top


def make_problem(
    system: Map | Flow,
    parameter: str,
    limits: tuple[float, float],
    box: Sequence[tuple[float, float]] | None,
    period: int,
) -> Problem:
    """Check the arguments of ``branch`` and return its equations; the errors are those of ``branch``."""
    if parameter == "ascent_steps":
        fix = "Use bifurcation_diagram, which takes every number in turn"
        checks.reject("parameter", parameter, "is a whole number: there is no branch along it", fix)
    try:
        low, high = (float(limit) for limit in limits)
    except (TypeError, ValueError, OverflowError):
        checks.reject("limits", limits, "must be two numbers", "Use e.g. (0.0, 1.0)")
    if not -np.inf < low < high < np.inf:
        checks.reject("limits", limits, "must be finite, the lower first", "Use e.g. (0.0, 1.0)")
    if parameter == "momentum":
        low = max(low, 1e-9)  # at 0 there is no velocity, and the state has half the size
    for limit in (low, high):
        with_parameters(system, {parameter: limit})
    limits_of_w = checks.box(system.landscape.box if box is None else box, system.landscape.dim)
    period = checks.count("period", period, "Use period=1 for fixed points")
    if period > 1 and isinstance(system, Flow):
        checks.reject("period", period, "a flow has equilibria; periods are of maps", "Use period=1")
    return Problem(system, parameter, (low, high), np.array(limits_of_w), period)


def has_jacobian(problem: Problem, u: np.ndarray) -> bool:
    """Return whether the derivatives predict the change of G nearby, as they do unless the field jumps or has a kink.

    The error of a true Jacobian's prediction falls with the square of the distance. An error that falls more slowly
    refutes the Jacobian. The error is also compared with the error farther out, because a Jacobian that vanishes, as at
    many bifurcations, makes no prediction to compare with.
    """
    axes = np.eye(problem.size + 1)[:, :-1]
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

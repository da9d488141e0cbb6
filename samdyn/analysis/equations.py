"""The equations whose solutions are equilibria, fixed points and cycles, with a parameter as one more unknown."""

from collections.abc import Sequence

import numpy as np
import torch

from .. import checks
from ..dynamics import Flow, Map
from ..ops import jacobian
from ..simulate.starts import check_numeric
from .parameters import with_parameters

RESIDUAL = 1e-11  # of G, relative to ‖∂G‖ and the box: what the corrector comes down to
NEUTRAL = 1e-12  # growth within this, relative to ‖∂G‖, is none


class Equations:
    """G(z, p) = 0 for the equilibria of a flow, or the fixed points of p steps of a map, in scaled coordinates.

    The parameter is one more coordinate, so that derivatives with respect to it are automatic too. Coordinates are
    measured in units of the box, velocities v by the step −ηv that they make, the parameter in units of its range.
    """

    def __init__(
        self, system: Map | Flow, name: str, limits: tuple[float, float], box: np.ndarray, period: int = 1
    ) -> None:
        self.system, self.name, self.limits, self.period, self.box = system, name, limits, period, box
        self.discrete = isinstance(system, Map)
        self.d = system.landscape.dim
        extent = box[:, 1] - box[:, 0]
        if isinstance(system, Map) and (system.has_velocity or name == "momentum"):
            lr = sum(limits) / 2 if name == "lr" else system.lr
            extent = np.append(extent, extent / lr)
        self.scale = torch.as_tensor(np.append(extent, limits[1] - limits[0]))[:, None]
        self.size = len(extent)  # D

    def of_period(self, period: int) -> "Equations":
        """Return the same equations for cycles of another period."""
        return Equations(self.system, self.name, self.limits, self.box, period)

    def at(self, parameter: torch.Tensor) -> Map | Flow:
        """Return the system at values ``(n,)`` of the parameter."""
        return with_parameters(self.system, {self.name: parameter})

    def residual(self, u: torch.Tensor) -> torch.Tensor:
        """Return G at scaled points u = (z, p): ``(D + 1, n) -> (D, n)``."""
        scale = self.scale.reshape(-1, *[1] * (u.ndim - 1))
        full = u * scale
        z, system = full[:-1], self.at(full[-1])
        if isinstance(system, Flow):
            return system(z) / scale[:-1]
        total = torch.zeros_like(z)
        for _ in range(self.period):  # increments, which do not lose digits as differences of states would
            state = tuple((z + total).split(self.d))
            total = total + torch.cat(system.increment(state))
        return total / scale[:-1]

    def derivatives(self, u: np.ndarray) -> np.ndarray:
        """Return ∂G/∂(z, p) at one point: ``(D, D + 1)``."""
        return jacobian(self.residual, torch.as_tensor(u)[:, None])[:, :, 0].numpy()

    def value(self, u: np.ndarray) -> np.ndarray:
        """Return G at one point: ``(D,)``."""
        return self.residual(torch.as_tensor(u)[:, None])[:, 0].numpy()

    def growth(self, values: np.ndarray) -> np.ndarray:
        """Return how fast the modes of ∂G/∂z with these eigenvalues grow: |μ| − 1 of the multiplier, Re of a flow's.

        Growth too slow to be told from rounding is 0.
        """
        rate = values.real
        if self.discrete:  # |1 + a| − 1, without cancellation where a is small
            rate = (2 * values.real + np.abs(values) ** 2) / (np.abs(1 + values) + 1)
        return np.where(np.abs(rate) <= NEUTRAL * np.abs(values).max(initial=0.0), 0.0, rate)

    def orbit(self, u: np.ndarray) -> np.ndarray:
        """Return the positions of the cycle's points: ``(p, d)``."""
        full = torch.as_tensor(u)[:, None] * self.scale
        z, system = full[:-1], self.at(full[-1])
        points = [z]
        if isinstance(system, Map):
            for _ in range(self.period - 1):
                points.append(torch.cat(system.step(tuple(points[-1].split(self.d)))))
        return torch.cat(points, dim=1)[: self.d].T.numpy()

    def scaled(self, z: np.ndarray, parameter: float) -> np.ndarray:
        """Return the scaled point of a state, at rest where it has positions alone."""
        full = np.zeros(self.size + 1)
        full[: len(z)], full[-1] = z, parameter
        return full / self.scale[:, 0].numpy()

    def unscaled(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the states and parameters of scaled points: ``(…, D + 1) -> (…, D), (…)``."""
        full = u * self.scale[:, 0].numpy()
        return full[..., :-1], full[..., -1]

    def correct(self, u: np.ndarray, across: np.ndarray, value: float) -> np.ndarray | None:
        """Solve G(u) = 0 with across · u = value by Newton's method; None if it does not converge."""
        with np.errstate(all="ignore"):
            for _ in range(12):
                matrix = np.vstack([self.derivatives(u), across])
                rest = np.append(self.value(u), across @ u - value)
                if not np.isfinite(matrix).all() or not np.isfinite(rest).all():
                    return None
                step = np.linalg.lstsq(matrix, -rest, rcond=None)[0]
                u = u + step
                if not self._allowed(u):
                    return None
                if np.linalg.norm(step) <= 1e-13 * max(1.0, float(np.linalg.norm(u))):
                    break
            size = max(1.0, float(np.linalg.norm(u)))
            strength = max(1e-3, float(np.linalg.norm(self.derivatives(u))) * size)
            return u if np.linalg.norm(self.value(u)) <= RESIDUAL * strength else None

    def correct_at(self, u: np.ndarray, parameter: float) -> np.ndarray | None:
        """Solve G(u) = 0 at this value of the parameter, in its own units; None if it does not converge."""
        return self.correct(u, np.append(np.zeros(self.size), 1.0), parameter / float(self.scale[-1]))

    def has_jacobian(self, u: np.ndarray) -> bool:
        """Say whether the derivatives predict how G changes nearby; fields that jump there do not."""
        matrix, here = self.derivatives(u), self.value(u)
        axes = np.eye(self.size + 1)[:, :-1]
        steps = 1e-6 * np.hstack([axes, -axes])
        changes = self.residual(torch.as_tensor(u[:, None] + steps)).numpy() - here[:, None]
        allowed = 0.05 * 1e-6 * max(float(np.linalg.norm(matrix)), 1e-300)
        return bool((np.linalg.norm(changes - matrix @ steps, axis=0) <= allowed).all())

    def _allowed(self, u: np.ndarray) -> bool:
        low, high = self.limits
        margin = 0.05 * (high - low)
        bottom = max(low - margin, 1e-12 if self.name == "lr" else 0.0)
        top = min(high + margin, 1 - 1e-12) if self.name == "momentum" else high + margin
        return bool(np.isfinite(u).all()) and bottom <= u[-1] * self.scale[-1].item() <= top


def equations(
    system: Map | Flow,
    parameter: str,
    limits: tuple[float, float],
    box: Sequence[tuple[float, float]] | None,
    period: int,
) -> Equations:
    """Check what a continuation is asked for, and set up its equations; arguments and errors as in ``branch``."""
    if parameter == "ascent_steps":
        fix = "Use bifurcation_diagram, which takes every number in turn"
        checks.reject("parameter", parameter, "is a whole number: there is no branch along it", fix)
    try:
        low, high = (float(limit) for limit in limits)
    except (TypeError, ValueError):
        checks.reject("limits", limits, "must be two numbers", "Use e.g. (0.0, 1.0)")
    if not -np.inf < low < high < np.inf:
        checks.reject("limits", limits, "must be finite, the lower first", "Use e.g. (0.0, 1.0)")
    if parameter == "momentum":
        low = max(low, 1e-9)  # at 0 there is no velocity, and the state has half the size
    for limit in (low, high):
        check_numeric(with_parameters(system, {parameter: limit}))
    shown = checks.box(system.landscape.box if box is None else box, system.landscape.dim)
    period = checks.count("period", period, "Use period=1 for fixed points")
    if period > 1 and isinstance(system, Flow):
        checks.reject("period", period, "a flow has equilibria; periods are of maps", "Use period=1")
    return Equations(system, parameter, (low, high), np.array(shown), period)


def tangent_at(matrix: np.ndarray, along: np.ndarray | None = None) -> np.ndarray:
    """Return the unit null vector of ``(D, D + 1)``, the one towards ``along`` or towards larger parameters."""
    _, singular, rows = np.linalg.svd(matrix)
    null = rows[-1]
    if len(singular) > 1 and singular[-1] < 1e-9 * singular[0] and along is not None:
        # On a branch point there are two: the part of the old direction that lies in their plane.
        null = rows[-2:].T @ (rows[-2:] @ along)
        null = null / np.linalg.norm(null)
    towards = null @ along if along is not None else null[-1]
    return -null if towards < 0 else null

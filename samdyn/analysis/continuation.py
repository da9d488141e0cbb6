"""Branches of equilibria, fixed points and cycles, followed as a parameter moves."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from .. import checks
from ..dynamics import Flow, Map
from ..ops import jacobian
from .parameters import with_parameters

FIRST, LARGEST, SMALLEST = 1e-3, 3e-2, 1e-7  # steps along a branch, in units of the box and the parameter's range
TURN = 0.2  # radians between the tangents of neighbouring points, at most
POINTS = 4000  # on a branch, at most
RESIDUAL = 1e-11  # of G, relative to ‖∂G‖ and the box: what the corrector comes down to
NEUTRAL = 1e-12  # multipliers within this of the unit circle (or the imaginary axis) are not counted as unstable


@dataclass(frozen=True, eq=False)
class Bifurcation:
    """Where a branch changes its stability.

    Attributes:
        kind: "fold", where the branch turns back; "branch point", where another crosses it; "flip", where a cycle of
            twice the period is born; "Neimark–Sacker" of maps, or "Hopf" of flows, where a pair of complex multipliers
            passes.
        parameter: its value, to about 1e-10 of its range.
        z: the state there, (w, v), ``(D,)``.
        w: the cycle's points, ``(p, d)``.
        multiplier: the one that passes; an eigenvalue for flows.
    """

    kind: str
    parameter: float
    z: np.ndarray
    w: np.ndarray
    multiplier: complex


@dataclass(frozen=True, eq=False)
class Branch:
    """Equilibria, or cycles of one period, along a parameter.

    Attributes:
        name: of the parameter.
        period: 1 for equilibria and fixed points.
        parameter: its values, ``(m,)``, in the order in which the branch was followed.
        z: states (w, v), of cycles their first, ``(m, D)``.
        w: positions of all points of the cycle, ``(m, p, d)``.
        multipliers: of p steps on (w, v); for flows eigenvalues of the Jacobian: ``(m, D)``.
        stable: whether it attracts, ``(m,)``.
        bifurcations: in the order in which they were met.
    """

    name: str
    period: int
    parameter: np.ndarray
    z: np.ndarray
    w: np.ndarray
    multipliers: np.ndarray
    stable: np.ndarray
    bifurcations: tuple[Bifurcation, ...] = field(default=())


class Problem:
    """G(z, p) = 0 for the equilibria of a flow, or the fixed points of p steps of a map, in scaled coordinates.

    The parameter is one more coordinate, so that derivatives with respect to it are automatic too. Coordinates are
    measured in units of the box, velocities as the lengths they still go, the parameter in units of its range.
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

    def of_period(self, period: int) -> "Problem":
        """Return the same problem for cycles of another period."""
        return Problem(self.system, self.name, self.limits, self.box, period)

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
        for _ in range(self.period):
            state = tuple((z + total).split(self.d)) if self.size > self.d else (z + total,)
            total = total + torch.cat(system.increment(state))
        return total / scale[:-1]

    def derivatives(self, u: np.ndarray) -> np.ndarray:
        """Return ∂G/∂(z, p) at one point: ``(D, D + 1)``."""
        return jacobian(self.residual, torch.as_tensor(u)[:, None])[:, :, 0].numpy()

    def value(self, u: np.ndarray) -> np.ndarray:
        """Return G at one point: ``(D,)``."""
        return self.residual(torch.as_tensor(u)[:, None])[:, 0].numpy()

    def multipliers(self, u: np.ndarray) -> np.ndarray:
        """Return the multipliers of p steps, or the eigenvalues of a flow's Jacobian."""
        return np.linalg.eigvals(self.derivatives(u)[:, :-1]) + (1 if self.discrete else 0)

    def unstable(self, u: np.ndarray) -> int:
        """Return how many multipliers lie outside the unit circle, or eigenvalues right of the imaginary axis."""
        return self.outside(self.multipliers(u))

    def outside(self, values: np.ndarray) -> int:
        """Return how many of these multipliers or eigenvalues are unstable."""
        return int((np.abs(values) > 1 + NEUTRAL).sum() if self.discrete else (values.real > NEUTRAL).sum())

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
        """Return the scaled point of a state, rest added where it has positions alone."""
        full = np.zeros(self.size + 1)
        full[: len(z)], full[-1] = z, parameter
        return full / self.scale[:, 0].numpy()

    def correct(self, u: np.ndarray, across: np.ndarray, value: float) -> np.ndarray | None:
        """Newton's method for G(u) = 0 with across · u = value; None if it does not converge."""
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

    def _allowed(self, u: np.ndarray) -> bool:
        low, high = self.limits
        margin = 0.05 * (high - low)
        bottom = max(low - margin, 1e-12 if self.name == "lr" else 0.0)
        top = min(high + margin, 1 - 1e-12) if self.name == "momentum" else high + margin
        return bool(np.isfinite(u).all()) and bottom <= u[-1] * self.scale[-1].item() <= top


def branch(
    system: Map | Flow,
    start: Sequence[float] | np.ndarray,
    parameter: str,
    limits: tuple[float, float],
    *,
    period: int = 1,
    at: float | None = None,
    box: Sequence[tuple[float, float]] | None = None,
) -> Branch:
    """Follow a branch of equilibria, fixed points or cycles both ways, by pseudo-arclength continuation [Keller 1977].

    The tangent predicts, Newton's method corrects across it, steps adapt to how the branch bends; folds are passed.
    The branch ends where the parameter leaves its limits, w leaves the box enlarged threefold, or the corrector fails
    at the smallest step, as where the field loses its Jacobian. Every change in the number of unstable multipliers
    along it is located by root finding.

    Args:
        system: a map or a flow; its own value of the parameter is not used.
        start: a point near the branch: w ``(d,)`` or (w, v) ``(D,)``.
        parameter: "rho", "lr" or "momentum".
        limits: the parameter's range.
        period: of the cycles, in steps.
        at: the parameter's value at the start; the lower limit where not given.
        box: the scale of things, and where to stay; the landscape's own where not given.

    Raises:
        InputError: a parameter that the system does not have or cannot be continued in; bad limits, box or period; a
            start from which Newton's method does not arrive at a point with a Jacobian.
    """
    problem = make_problem(system, parameter, limits, box, period)
    value = checks.number("at", limits[0] if at is None else at, "must be a finite number", "Use the lower limit")
    first = problem.limits[0] if at is None else value
    if not problem.limits[0] <= first <= problem.limits[1]:
        checks.reject("at", at, f"lies outside the limits {problem.limits}", "Start between them")
    z = np.asarray(start, dtype=float)
    if z.shape not in ((problem.d,), (problem.size,)) or not np.isfinite(z).all():
        checks.reject("start", start, f"must be {problem.d} finite coordinates", "Use e.g. the w of a critical point")
    guess = problem.scaled(z, first)
    fixed = np.append(np.zeros(problem.size), 1.0)
    found = problem.correct(guess, fixed, guess[-1])
    if found is None:
        residual = float(np.linalg.norm(problem.value(guess)))
        rule = f"the continuation cannot start: Newton's method finds no point near it, the residual is {residual:.3g}"
        checks.reject(
            "start", tuple(z.tolist()), rule, "Start at a critical point, or at an attractor that attractors finds"
        )
    if not has_jacobian(problem, found):
        rule = "the continuation cannot start: the field has no Jacobian there"
        fix = "Start on a cycle that attractors finds; for normalised methods at a critical point see stability"
        checks.reject("start", tuple(z.tolist()), rule, fix)
    tangent = tangent_at(problem.derivatives(found))
    ahead, behind = (follow(problem, found, side * tangent) for side in (1, -1))
    return join(problem, [*behind[::-1], found, *ahead])


def make_problem(
    system: Map | Flow,
    parameter: str,
    limits: tuple[float, float],
    box: Sequence[tuple[float, float]] | None,
    period: int,
) -> Problem:
    """Check what a continuation is asked for, and set it up; arguments and errors as in ``branch``."""
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
        with_parameters(system, {parameter: limit})
    shown = checks.box(system.landscape.box if box is None else box, system.landscape.dim)
    period = checks.count("period", period, "Use period=1 for fixed points")
    if period > 1 and isinstance(system, Flow):
        checks.reject("period", period, "a flow has equilibria; periods are of maps", "Use period=1")
    return Problem(system, parameter, (low, high), np.array(shown), period)


def has_jacobian(problem: Problem, u: np.ndarray) -> bool:
    """Say whether the derivatives predict how G changes nearby; fields that jump there do not."""
    matrix, here = problem.derivatives(u), problem.value(u)
    axes = np.eye(problem.size + 1)[:, :-1]
    steps = 1e-6 * np.hstack([axes, -axes])
    changes = problem.residual(torch.as_tensor(u[:, None] + steps)).numpy() - here[:, None]
    allowed = 0.05 * 1e-6 * max(float(np.linalg.norm(matrix)), 1e-300)
    return bool((np.linalg.norm(changes - matrix @ steps, axis=0) <= allowed).all())


def follow(problem: Problem, start: np.ndarray, tangent: np.ndarray) -> list[np.ndarray]:
    """Return the points of a branch after ``start`` in the direction of ``tangent``."""
    low, high = np.array(problem.limits) / float(problem.scale[-1])
    middle, half = problem.box.mean(1), np.ptp(problem.box, axis=1) / 2
    found: list[np.ndarray] = []
    u, h = start, FIRST
    while len(found) < POINTS:
        guess = u + h * tangent
        last = not low <= guess[-1] <= high
        if last:  # land on the limit
            edge = high if guess[-1] > high else low
            h = float((edge - u[-1]) / tangent[-1])
            if h <= 1e-12:
                break
            new = problem.correct(u + h * tangent, np.append(np.zeros(problem.size), 1.0), float(edge))
        else:
            new = problem.correct(guess, tangent, float(tangent @ guess))
        if new is not None:
            next_tangent = tangent_at(problem.derivatives(new), tangent)
            bent = np.arccos(np.clip(tangent @ next_tangent, -1, 1))
            if bent > TURN or np.linalg.norm(new - u) > 2 * h or not low <= new[-1] <= high:
                new = None
        if new is None:
            h /= 2
            if h < SMALLEST:
                break
            continue
        w = new[: problem.d] * problem.scale[: problem.d, 0].numpy()
        if (np.abs(w - middle) > 3 * half).any() or not has_jacobian(problem, new):
            break
        found.append(new)
        if last:
            break
        if len(found) > 10 and np.linalg.norm(new - start) < 0.5 * h:
            break  # a closed loop
        u, tangent, h = new, next_tangent, min(LARGEST, h * (1.5 if bent < TURN / 4 else 1.0))
    return found


def join(problem: Problem, points: list[np.ndarray]) -> Branch:
    """Return the branch through points in order, with its bifurcations located."""
    u = np.array(points)
    scale = problem.scale[:, 0].numpy()
    multipliers = [problem.multipliers(p) for p in points]
    unstable = [problem.outside(values) for values in multipliers]
    bifurcations = [
        _locate(problem, points[i], points[i + 1], unstable[i])
        for i in range(len(points) - 1)
        if unstable[i] != unstable[i + 1]
    ]
    return Branch(
        name=problem.name,
        period=problem.period,
        parameter=u[:, -1] * scale[-1],
        z=u[:, :-1] * scale[:-1],
        w=np.array([problem.orbit(p) for p in points]),
        multipliers=np.array(multipliers),
        stable=np.array(unstable) == 0,
        bifurcations=tuple(b for b in bifurcations if b is not None),
    )


def _locate(problem: Problem, a: np.ndarray, b: np.ndarray, unstable: int) -> Bifurcation | None:
    """Find between two points of a branch where the number of unstable multipliers changes, by Brent's method."""
    from scipy.optimize import brentq

    length = float(np.linalg.norm(b - a))
    chord = (b - a) / length
    crossing = max(unstable, problem.unstable(b))  # which of the multipliers, by size, passes

    def point(s: float) -> np.ndarray:
        found = problem.correct(a + s * chord, chord, float(chord @ a + s))
        return np.full_like(a, np.nan) if found is None else found

    def beyond(s: float) -> float:
        u = point(s)
        if np.isnan(u).any():
            return np.nan
        values = problem.multipliers(u)
        return float(np.sort(np.abs(values) - 1 if problem.discrete else values.real)[-crossing])

    ends = beyond(0.0), beyond(length)
    if not ends[0] * ends[1] < 0:  # no more than rounding, on a curve of equilibria
        return None
    u = point(brentq(beyond, 0.0, length, xtol=1e-15, rtol=1e-14))
    if np.isnan(u).any():
        return None
    values = problem.multipliers(u)
    critical = values[np.argmin(np.abs(np.abs(values) - 1) if problem.discrete else np.abs(values.real))]
    if abs(critical.imag) > 1e-3 * max(abs(critical.real), 1e-6 if not problem.discrete else 1.0):
        kind = "Neimark–Sacker" if problem.discrete else "Hopf"
    elif problem.discrete and critical.real < 0:
        kind = "flip"
    else:
        before, after = (tangent_at(problem.derivatives(p), chord)[-1] for p in (a, b))
        # At a fold the parameter's component of the tangent changes sign: the branch turns back.
        kind = "fold" if before * after < 0 else "branch point"
    scale = problem.scale[:, 0].numpy()
    return Bifurcation(kind, float(u[-1] * scale[-1]), u[:-1] * scale[:-1], problem.orbit(u), complex(critical))


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

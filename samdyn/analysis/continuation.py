"""Branches of equilibria, fixed points and cycles, followed as a parameter moves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from .. import checks
from ..dynamics import Flow, Map
from .crossings import Bifurcation, bifurcations
from .equations import Equations, equations, tangent_at

FIRST, LARGEST, SMALLEST = 1e-3, 3e-2, 1e-7  # steps along a branch, in units of the box and the parameter's range
TURN = 0.2  # radians between the tangents of neighbouring points, at most
POINTS = 4000  # on a branch, at most


@dataclass(frozen=True, eq=False)
class Branch:
    """Equilibria, or cycles of one period, along a parameter.

    Attributes:
        name: of the parameter.
        period: 1 for equilibria and fixed points.
        parameter: its values, ``(m,)``, in the order in which the branch was followed.
        z: states (w, v), of cycles their first, ``(m, D)``.
        w: positions of all points of the cycle, ``(m, p, d)``.
        loss: the loss there, ``(m, p)``.
        multipliers: of p steps on (w, v); for flows eigenvalues of the Jacobian: ``(m, D)``.
        stable: whether it attracts, ``(m,)``; not where a multiplier is neutral.
        bifurcations: in the order in which they were met.
    """

    name: str
    period: int
    parameter: np.ndarray
    z: np.ndarray
    w: np.ndarray
    loss: np.ndarray
    multipliers: np.ndarray
    stable: np.ndarray
    bifurcations: tuple[Bifurcation, ...] = ()


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
    at the smallest step, as where the field loses its Jacobian. What happens along it is located by root finding.

    Args:
        system: a map or a flow; its own value of the parameter is not used.
        start: a point near the branch: w ``(d,)`` or (w, v) ``(D,)``.
        parameter: "rho", "lr" or "momentum".
        limits: the parameter's range.
        period: of the cycles, in steps.
        at: the parameter's value at the start; the lower limit where not given.
        box: the scale of things, and where to stay; the landscape's own where not given.

    Returns:
        The branch, from one end to the other.

    Raises:
        InputError: a parameter that the system does not have or cannot be continued in; bad limits, box or period; a
            start from which Newton's method does not arrive at a point with a Jacobian.
    """
    problem = equations(system, parameter, limits, box, period)
    first = problem.limits[0] if at is None else checks.number("at", at, "must be a finite number", "Use a limit")
    if not problem.limits[0] <= first <= problem.limits[1]:
        checks.reject("at", at, f"lies outside the limits {problem.limits}", "Start between them")
    try:
        z = np.asarray(start, dtype=float)
    except (TypeError, ValueError):
        z = np.empty(0)
    if z.shape not in ((problem.d,), (problem.size,)) or not np.isfinite(z).all():
        checks.reject("start", start, f"must be {problem.d} finite coordinates", "Use e.g. the w of a critical point")
    guess = problem.scaled(z, first)
    found = problem.correct_at(guess, first)
    if found is None:
        residual = float(np.linalg.norm(problem.value(guess)))
        rule = f"the continuation cannot start: Newton's method finds no point near it, the residual is {residual:.3g}"
        fix = "Start at a critical point, or at an attractor that attractors finds"
        checks.reject("start", tuple(z.tolist()), rule, fix)
    if not problem.has_jacobian(found):
        rule = "the continuation cannot start: the field has no Jacobian there"
        fix = "Start on a cycle that attractors finds; for normalised methods at a critical point see stability"
        checks.reject("start", tuple(z.tolist()), rule, fix)
    tangent = tangent_at(problem.derivatives(found))
    ahead, behind = (follow(problem, found, side * tangent) for side in (1, -1))
    return join(problem, [*behind[::-1], found, *ahead])


def follow(problem: Equations, start: np.ndarray, tangent: np.ndarray) -> list[np.ndarray]:
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
            new = problem.correct_at(u + h * tangent, problem.limits[int(edge == high)])
        else:
            new = problem.correct(guess, tangent, float(tangent @ guess))
        if new is not None:
            next_tangent = tangent_at(problem.derivatives(new), tangent)
            bent = np.arccos(np.clip(tangent @ next_tangent, -1, 1))
            if bent > TURN or np.linalg.norm(new - u) > 2 * h or not low - 1e-12 <= new[-1] <= high + 1e-12:
                new = None
        if new is None:
            h /= 2
            if h < SMALLEST:
                break
            continue
        w = problem.unscaled(new)[0][: problem.d]
        if (np.abs(w - middle) > 3 * half).any() or not problem.has_jacobian(new):
            break
        found.append(new)
        if last:
            break
        if len(found) > 10 and np.linalg.norm(new - start) < 0.5 * h:
            break  # a closed loop
        u, tangent, h = new, next_tangent, min(LARGEST, h * (1.5 if bent < TURN / 4 else 1.0))
    return found


def join(problem: Equations, points: list[np.ndarray]) -> Branch:
    """Return the branch through points in order, with its bifurcations located."""
    z, parameter = problem.unscaled(np.array(points))
    eigenvalues = np.array([np.linalg.eigvals(problem.derivatives(u)[:, :-1]) for u in points], dtype=complex)
    w = np.array([problem.orbit(u) for u in points])
    return Branch(
        name=problem.name,
        period=problem.period,
        parameter=parameter,
        z=z,
        w=w,
        loss=problem.system.landscape.value(torch.as_tensor(np.moveaxis(w, 2, 0))).numpy(),
        multipliers=eigenvalues + (1 if problem.discrete else 0),
        stable=np.array([(problem.growth(values) < 0).all() for values in eigenvalues]),
        bifurcations=tuple(bifurcations(problem, points)),
    )

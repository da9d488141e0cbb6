"""Branches of equilibria, fixed points and cycles, followed as a parameter moves."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ... import checks
from ...arguments import checked
from ...dynamics import Flow, Map
from .crossings import Bifurcation, Sample, compare, locate, root, sample
from .problem import NEUTRAL, Problem, has_jacobian, make_problem, tangent_at

FIRST, LARGEST, SMALLEST = 1e-3, 3e-2, 1e-7  # steps along a branch, in units of the box and the parameter's range
FINEST = 1e-6  # the step that is taken although a test function may touch zero within it
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


@checked
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
    at the smallest step, as where the field loses its Jacobian. Every multiplier is followed, and so are the
    determinant and the turning that tell of crossing branches and folds: a step is halved while one of them may reach
    zero and return within it. Their zeros are located by root finding.

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
    here = sample(problem, found, tangent_at(problem.derivatives(found)))
    return join(problem, [*map(turned, follow(problem, turned(here))[::-1]), here, *follow(problem, here)])


def follow(problem: Problem, first: Sample) -> list[Sample]:
    """Return the points of a branch after ``first`` in the direction of its tangent.

    Neighbours are so close together that their test functions change signs as often as they seem to, down to steps of
    FINEST.
    """
    low, high = np.array(problem.limits) / float(problem.scale[-1])
    middle, half = problem.box.mean(1), np.ptp(problem.box, axis=1) / 2
    found: list[Sample] = []
    last, h = first, FIRST
    while len(found) < POINTS:
        guess = last.u + h * last.tangent
        final = not low <= guess[-1] <= high
        if final:  # land on the limit
            edge = high if guess[-1] > high else low
            h = float((edge - last.u[-1]) / last.tangent[-1])
            if h <= 1e-12:
                break
            u = problem.correct(last.u + h * last.tangent, np.append(np.zeros(problem.size), 1.0), float(edge))
        else:
            u = problem.correct(guess, last.tangent, float(last.tangent @ guess))
        new = None if u is None or np.linalg.norm(u - last.u) > 2 * h else sample(problem, u, last.tangent)
        bent = np.inf if new is None else float(np.arccos(np.clip(last.tangent @ new.tangent, -1, 1)))
        if (
            new is None
            or bent > TURN
            or not low <= new.u[-1] <= high
            or (h > FINEST and not _close(problem, last, new))
        ):
            h /= 2
            if h < SMALLEST:
                break
            continue
        w = new.u[: problem.d] * problem.scale[: problem.d, 0].numpy()
        if (np.abs(w - middle) > 3 * half).any() or not has_jacobian(problem, new.u):
            break
        found.append(new)
        if final:
            break
        if len(found) > 10 and np.linalg.norm(new.u - first.u) < 0.5 * h:
            break  # a closed loop
        last, h = new, min(LARGEST, h * (1.5 if bent < TURN / 4 else 1.0))
    return found


def _close(problem: Problem, a: Sample, b: Sample) -> bool:
    """Say whether two points are on one branch, and close enough that no bifurcation between them can be overlooked."""
    crosses, sure = compare(a, b)
    if not sure.all():
        return False
    # Where two branches nearly meet, a step may end on the other one: the determinant then jumps over zero.
    return not crosses[problem.size] or root(problem, a, b, problem.size) is not None


def turned(s: Sample) -> Sample:
    """Return a point of a branch as it is where the branch is followed the other way."""
    signs = np.append(np.ones(len(s.multipliers)), [-1.0, -1.0])  # the tangent's functions turn with it
    return replace(s, tangent=-s.tangent, tests=s.tests * signs, slopes=-s.slopes * signs)


def join(problem: Problem, samples: list[Sample]) -> Branch:
    """Return the branch through points in order, with its bifurcations located."""
    u = np.array([s.u for s in samples])
    scale = problem.scale[:, 0].numpy()
    multipliers = np.array([s.multipliers for s in samples])
    return Branch(
        name=problem.name,
        period=problem.period,
        parameter=u[:, -1] * scale[-1],
        z=u[:, :-1] * scale[:-1],
        w=np.array([problem.orbit(p) for p in u]),
        multipliers=multipliers,
        stable=np.all(problem.beyond(multipliers) <= NEUTRAL, axis=1),
        bifurcations=tuple(locate(problem, samples)),
    )

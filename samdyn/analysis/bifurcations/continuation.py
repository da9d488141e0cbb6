"""Follows branches of equilibria, fixed points and cycles along a parameter."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ... import checks
from ...arguments import checked
from ...dynamics import Flow, Map
from .crossings import Bifurcation, Sample, compare, locate, root, sample
from .problem import NEUTRAL, Problem, has_jacobian, make_problem, tangent_at

# Lengths of steps along a branch, in units of the box and of the parameter's range.
FIRST_STEP, MAX_STEP, MIN_STEP = 1e-3, 3e-2, 1e-7
MIN_CHECKED_STEP = 1e-6  # in the same units; a shorter step is accepted although a test function may touch zero in it
MAX_TURN = 0.2  # in radians; angle between the tangents of neighbouring points
MAX_POINTS = 4000  # number of points on a branch


@dataclass(frozen=True, eq=False)
class Branch:
    """A curve of equilibria, or of cycles of one period, along a parameter.

    Attributes:
        name: the name of the parameter.
        period: the period p in steps; 1 for equilibria and fixed points.
        parameter: the values of the parameter along the branch, ``(m,)``.
        z: the states (w, v), for cycles their first, ``(m, D)``.
        w: the positions of all points of the cycle, ``(m, p, d)``.
        multipliers: the eigenvalues of p steps on (w, v), or those of a flow's Jacobian in 1/t: ``(m, D)``.
        stable: whether the equilibrium or cycle attracts, ``(m,)`` bool.
        bifurcations: the bifurcations in the order of the points.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.Landscape("x**2/2", "x"), sd.GD(), lr=0.1)
    >>> curve = sd.analysis.branch(map_, [0.0], "lr", (0.1, 3.0))
    >>> bool(curve.stable[0]), bool(curve.stable[-1]), curve.multipliers[[0, -1], 0].real.round(6)  # 1 − ηλ
    (True, False, array([ 0.9, -2. ]))
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
    """Follow a branch of equilibria, fixed points or cycles both ways, by pseudo-arclength continuation.

    A step along the tangent predicts the next point, and Newton's method corrects it across the tangent. The step
    adapts to the curvature of the branch, and the branch passes folds. It ends where the parameter leaves its limits,
    where w leaves the box enlarged threefold, or where the corrector fails at the smallest step, as where the field
    loses its Jacobian.

    Test functions detect bifurcations: one for every multiplier, a determinant for crossing branches, and the direction
    of the tangent for folds. A step is halved while one of them may reach zero and return within it. Root finding
    locates their zeros.

    Args:
        system: a map or a flow; the branch does not use its own value of the parameter.
        start: a point near the branch: w ``(d,)`` or (w, v) ``(D,)``.
        parameter: the name of the parameter: "rho", "lr", "momentum", or a parameter of the landscape.
        limits: the parameter's range.
        period: the period of the cycles, in steps.
        at: the parameter's value at the start. Default: the lower limit.
        box: one (low, high) pair per coordinate, which bounds the branch and gives its scale. Default: the box of the
            landscape.

    Raises:
        InputError: the system does not have the parameter or has no branch along it; the limits, the box or the period
            are not valid; or Newton's method does not converge from the start to a point with a Jacobian.

    Source: Keller (1977), Applications of Bifurcation Theory, 359.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.Landscape("x**2/2", "x"), sd.GD(), lr=0.1)
    >>> curve = sd.analysis.branch(map_, [0.0], "lr", (0.1, 3.0))
    >>> [(b.kind, round(b.parameter, 6)) for b in curve.bifurcations]  # η = 2/λ
    [('flip', 2.0)]
    """
    problem = make_problem(system, {parameter: limits}, box, period)
    value = checks.number("at", limits[0] if at is None else at, "must be a finite number", "Use the lower limit")
    first = problem.limits[0] if at is None else value
    if not problem.limits[0] <= first <= problem.limits[1]:
        checks.reject("at", at, f"lies outside the limits {problem.limits}", "Start between them")
    z = np.asarray(start, dtype=float)
    if z.shape not in ((problem.d,), (problem.size,)) or not np.isfinite(z).all():
        checks.reject("start", start, f"must be {problem.d} finite coordinates", "Use e.g. the w of a critical point")
    guess = problem.scaled(z, first)
    fixed = np.append(np.zeros(problem.size), 1.0)
    u = problem.correct(guess, fixed, guess[-1])
    if u is None:
        residual = float(np.linalg.norm(problem.value(guess)))
        rule = f"the continuation cannot start: Newton's method finds no point near it, the residual is {residual:.3g}"
        checks.reject(
            "start", tuple(z.tolist()), rule, "Start at a critical point, or at an attractor that attractors finds"
        )
    if not has_jacobian(problem, u):
        rule = "the continuation cannot start: the field has no Jacobian there"
        fix = "Start on a cycle that attractors finds; for normalised methods at a critical point see stability"
        checks.reject("start", tuple(z.tolist()), rule, fix)
    here = sample(problem, u, tangent_at(problem.derivatives(u)))
    return join(problem, [*map(backward, follow(problem, backward(here))[::-1]), here, *follow(problem, here)])


def follow(problem: Problem, first: Sample) -> list[Sample]:
    """Return the points of a branch after ``first`` in the direction of its tangent.

    Neighbours are so close together that no test function changes its sign twice between them, down to steps of
    MIN_CHECKED_STEP.
    """
    low, high = np.array(problem.limits) / float(problem.scale[-1])
    middle, half = problem.box.mean(1), np.ptp(problem.box, axis=1) / 2
    samples: list[Sample] = []
    last, h = first, FIRST_STEP
    while len(samples) < MAX_POINTS:
        guess = last.u + h * last.tangent
        final = not low <= guess[-1] <= high
        if final:  # the last point lies on the limit
            edge = high if guess[-1] > high else low
            h = float((edge - last.u[-1]) / last.tangent[-1])
            if h <= 1e-12:
                break
            u = problem.correct(last.u + h * last.tangent, np.append(np.zeros(problem.size), 1.0), float(edge))
        else:
            u = problem.correct(guess, last.tangent, float(last.tangent @ guess))
        new = None if u is None or np.linalg.norm(u - last.u) > 2 * h else sample(problem, u, last.tangent)
        angle = np.inf if new is None else float(np.arccos(np.clip(last.tangent @ new.tangent, -1, 1)))
        if (
            new is None
            or angle > MAX_TURN
            or not low <= new.u[-1] <= high
            or (h > MIN_CHECKED_STEP and not _resolves(problem, last, new))
        ):
            h /= 2
            if h < MIN_STEP:
                break
            continue
        w = new.u[: problem.d] * problem.scale[: problem.d, 0].numpy()
        if (np.abs(w - middle) > 3 * half).any() or not has_jacobian(problem, new.u):
            break
        samples.append(new)
        if final:
            break
        if len(samples) > 10 and np.linalg.norm(new.u - first.u) < 0.5 * h:
            break  # the branch is a closed loop
        last, h = new, min(MAX_STEP, h * (1.5 if angle < MAX_TURN / 4 else 1.0))
    return samples


def _resolves(problem: Problem, a: Sample, b: Sample) -> bool:
    """Return whether two points are on one branch and so close that their test functions show every bifurcation."""
    crosses, sure = compare(a, b)
    if not sure.all():
        return False
    # Where two branches nearly meet, a step may end on the other one; the determinant then jumps over zero.
    return not crosses[problem.size] or root(problem, a, b, problem.size) is not None


def backward(s: Sample) -> Sample:
    """Return a point of a branch with the tangent in the opposite direction."""
    signs = np.append(
        np.ones(len(s.multipliers)), [-1.0, -1.0]
    )  # the last two test functions change sign with the tangent
    return replace(s, tangent=-s.tangent, tests=s.tests * signs, slopes=-s.slopes * signs)


def join(problem: Problem, samples: list[Sample]) -> Branch:
    """Return the branch through points in order, with its bifurcations."""
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

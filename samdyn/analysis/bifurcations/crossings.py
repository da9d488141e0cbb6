"""Locates bifurcations between two points of a branch, as the zeros of test functions."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .problem import Problem, tangent_at

PROBE = 1e-6  # in units of the box and the parameter's range; step of central differences along the branch
SAFETY = 2.0  # change of a slope between two points over its change from point to chord; assumed at most this
NOISE = 1e-9  # relative to ‖∂G‖; smaller values of the test functions may be rounding
FALSE_ROOT = 1e-3  # relative to the function at the end points; a larger value at a sign change shows a jump, no root
SAME_BIFURCATION = 1e-5  # in the units of PROBE; sign changes within this length are one bifurcation
TOUCH_LENGTH = 1e-8  # in the same units; a function that changes its sign twice within this length touches zero


@dataclass(frozen=True, eq=False)
class Bifurcation:
    """A point of a branch at which the stability changes or another branch crosses it.

    Attributes:
        kind: "fold", where the branch turns back; "branch point", where another branch crosses it; "flip", where a
            cycle of twice the period emerges; "Neimark–Sacker" for maps, or "Hopf" for flows, where a pair of complex
            multipliers crosses the stability boundary.
        name: the name of the parameter of the branch.
        parameter: the parameter's value, to about 1e-10 of its range.
        z: the state (w, v), ``(D,)``.
        w: the points of the cycle, ``(p, d)``.
        multiplier: the multiplier that crosses; an eigenvalue in 1/t for flows.
        multiplicity: the number of real multipliers that cross at once, as they do where coordinates are alike.
        tangent: the tangent of the branch, in units of the box and the parameter's range, ``(D + 1,)``.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.Landscape("x**2/2", "x"), sd.GD(), lr=0.1)
    >>> (flip,) = sd.analysis.branch(map_, [0.0], "lr", (0.1, 3.0)).bifurcations
    >>> flip.kind, round(flip.parameter, 6), round(flip.multiplier.real, 6)
    ('flip', 2.0, -1.0)
    """

    kind: str
    name: str
    parameter: float
    z: np.ndarray
    w: np.ndarray
    multiplier: complex
    multiplicity: int
    tangent: np.ndarray


@dataclass(frozen=True, eq=False)
class Sample:
    """A point of a branch with the test functions that detect bifurcations.

    Attributes:
        u: the scaled point, ``(D + 1,)``.
        tangent: the unit tangent of the branch, in the direction of the continuation, ``(D + 1,)``.
        multipliers: the multipliers, the most unstable first, ``(D,)``.
        tests: the test functions, ``(D + 2,)``: the distance of every multiplier beyond the stability boundary; the
            least singular value of ∂G, with the sign of the determinant of ∂G and the tangent, which changes at simple
            branch points; the tangent's parameter component, which changes its sign at folds.
        slopes: their derivatives along the branch, ``(D + 2,)``.
        strength: the norm ‖∂G‖.
    """

    u: np.ndarray
    tangent: np.ndarray
    multipliers: np.ndarray
    tests: np.ndarray
    slopes: np.ndarray
    strength: float


def sample(problem: Problem, u: np.ndarray, along: np.ndarray) -> Sample:
    """Return the point u of a branch with its test functions; its tangent points about in the direction ``along``."""
    matrix = problem.derivatives(u)
    tangent = tangent_at(matrix, along)
    tests = _tests(problem, matrix, tangent)
    # At the end of the parameter's possible values the difference is one-sided.
    sides = [side for side in (1.0, -1.0) if problem.allowed(u + side * PROBE * tangent)]
    nearby = problem.all_derivatives(np.stack([u + side * PROBE * tangent for side in sides], axis=1))
    values = [_tests(problem, each, tangent_at(each, tangent)) for each in nearby]
    first, last = (values[0], values[1]) if len(values) == 2 else (values[0], tests)
    slopes = (first - last) / (PROBE * len(values) * sides[0])
    strength = float(np.linalg.norm(matrix, 2))
    return Sample(u, tangent, problem.multipliers_of(matrix), tests, slopes, strength)


def _tests(problem: Problem, matrix: np.ndarray, tangent: np.ndarray) -> np.ndarray:
    """Return the test functions ``(D + 2,)`` of a point with derivatives ``matrix`` and this tangent."""
    singular = float(np.linalg.svd(matrix, compute_uv=False)[-1])
    sign = np.linalg.slogdet(np.vstack([matrix, tangent]))[0]
    return np.array([*problem.beyond(problem.multipliers_of(matrix)), sign * singular, tangent[-1]])


def compare(a: Sample, b: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Return for every test function whether it changes its sign between two points, and whether that is sure.

    A bound on the change of a slope between the points decides. A function surely keeps its sign if within this bound
    it cannot reach zero. It surely changes its sign just once if within this bound its slope keeps its sign.

    Returns:
        Two arrays of truth values, ``(D + 2,)``.
    """
    length = float(np.linalg.norm(b.u - a.u))
    chord = (b.tests - a.tests) / length
    change = SAFETY * np.maximum(np.abs(a.slopes - chord), np.abs(b.slopes - chord))
    noise = NOISE * np.append(np.full(len(chord) - 1, max(a.strength, b.strength)), 1.0)
    size = np.abs(a.tests), np.abs(b.tests)
    quiet = np.maximum(*size) <= noise  # a multiplier is neutral all along a curve of equilibria
    crosses = ((a.tests > 0) != (b.tests > 0)) & ~quiet
    once = np.abs(chord) > change
    keeps = np.minimum(*size) > change * length / 2
    return crosses, quiet | np.where(crosses, once, keeps)


def root(problem: Problem, a: Sample, b: Sample, which: int) -> np.ndarray | None:
    """Return the point between two at which a test function vanishes; None if it jumps over zero.

    It jumps if the two points are on different branches.
    """
    from scipy.optimize import brentq

    length = float(np.linalg.norm(b.u - a.u))
    chord = (b.u - a.u) / length

    def value(s: float) -> float:
        u = between(problem, a, b, s / length)
        if u is None:
            raise _NoConvergenceError
        matrix = problem.derivatives(u)
        return float(_tests(problem, matrix, tangent_at(matrix, chord))[which])

    try:
        s = float(brentq(value, 0.0, length, xtol=1e-15, rtol=1e-14))
        residual = abs(value(s))
    except (_NoConvergenceError, ValueError):
        return None
    if residual > FALSE_ROOT * max(abs(a.tests[which]), abs(b.tests[which])):
        return None
    return between(problem, a, b, s / length)


class _NoConvergenceError(Exception):
    """The corrector did not converge to the branch."""


def between(problem: Problem, a: Sample, b: Sample, share: float) -> np.ndarray | None:
    """Return the point of the branch at this share of the way between two; None if the corrector fails."""
    step = b.u - a.u
    length = float(np.linalg.norm(step))
    chord = step / length
    # The guess lies on the cubic through both points with their tangents, unless a tangent points another way.
    t = share
    guess = (
        a.u + (3 - 2 * t) * t * t * step + length * t * (1 - t) * ((1 - t) * a.tangent - t * b.tangent)
        if a.tangent @ chord > 0.5 and b.tangent @ chord > 0.5
        else a.u + t * step
    )
    return problem.correct(guess, chord, float(chord @ a.u + t * length))


def locate(problem: Problem, samples: list[Sample]) -> list[Bifurcation]:
    """Return the bifurcations between successive points of a branch, in the order of the points."""
    bifurcations: list[Bifurcation] = []
    arc = 0.0
    roots: list[tuple[float, int, np.ndarray, Sample]] = []
    for a, b in pairwise(samples):
        for which in np.flatnonzero(compare(a, b)[0]):
            u = root(problem, a, b, int(which))
            if u is not None:
                roots.append((arc + float(np.linalg.norm(u - a.u)), int(which), u, a))
        arc += float(np.linalg.norm(b.u - a.u))
    roots = _without_touching(sorted(roots, key=lambda r: r[:2]))
    while roots:
        kind = _passes(problem, roots[0])
        group = [r for r in roots if r[0] - roots[0][0] < SAME_BIFURCATION and _passes(problem, r) == kind]
        functions = [r[1] for r in group]
        group = [
            r for i, r in enumerate(group) if functions.index(r[1]) == i
        ]  # a second root of a function is another one
        roots = [r for r in roots if not any(r is each for each in group)]
        bifurcations.append(_bifurcation(problem, kind, group))
    return bifurcations


Root = tuple[float, int, np.ndarray, Sample]


def _without_touching(roots: list[Root]) -> list[Root]:
    """Return the sign changes without those pairs by which one function touches zero."""
    crossings: list[Root] = []
    for r in roots:
        twin = next(
            (i for i, other in enumerate(crossings) if other[1] == r[1] and r[0] - other[0] < TOUCH_LENGTH), None
        )
        if twin is None:
            crossings.append(r)
        else:
            crossings.pop(twin)
    return crossings


def _critical(problem: Problem, r: Root) -> complex:
    """Return the multiplier that crosses; for the last two test functions the one nearest to 1 (for flows 0)."""
    matrix = problem.derivatives(r[2])
    values = problem.multipliers_of(matrix)
    if r[1] < problem.size:
        return complex(values[r[1]])
    return complex(values[np.argmin(np.abs(values - (1 if problem.discrete else 0)))])


def _passes(problem: Problem, r: Root) -> str:
    """Return how a multiplier crosses: "real" at 1 (for flows 0), "flip" at −1, "pair" for a complex pair."""
    if r[1] >= problem.size:
        return "real"
    critical = _critical(problem, r)
    strength = float(np.linalg.norm(problem.derivatives(r[2])[:, :-1], 2))
    if abs(critical.imag) > 1e-5 * strength:
        return "pair"
    return "flip" if problem.discrete and critical.real < 0 else "real"


def _bifurcation(problem: Problem, passes: str, group: list[Root]) -> Bifurcation:
    """Return the bifurcation at a group of sign changes whose multipliers cross in the same way."""
    _, _, u, before = group[0]
    size = problem.size
    functions = [r[1] for r in group]
    multipliers = sum(f < size for f in functions)
    if passes == "pair":
        kind = "Neimark–Sacker" if problem.discrete else "Hopf"
    elif passes == "flip":
        kind = "flip"
    else:
        # The branch turns back at a fold, and no other branch crosses it there.
        kind = "fold" if size + 1 in functions and size not in functions else "branch point"
    scale = problem.scale[:, 0].numpy()
    return Bifurcation(
        kind,
        problem.name,
        float(u[-1] * scale[-1]),
        u[:-1] * scale[:-1],
        problem.orbit(u),
        _critical(problem, group[0]),
        max(1, multipliers) if passes != "pair" else 1,
        tangent_at(problem.derivatives(u), before.tangent),
    )

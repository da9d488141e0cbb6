"""Bifurcations between two points of a branch: functions that vanish there, followed closely enough to miss none."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .problem import Problem, tangent_at

PROBE = 1e-6  # step of central differences along the branch, in units of the box and the parameter's range
SAFETY = 2.0  # how much more a slope may change between two points than it does from one to the other
NOISE = 1e-9  # values of the test functions below this share of ‖∂G‖ may be rounding
FALSE_ROOT = 1e-3  # a sign change whose function is larger than this share of what it was is a jump, not a root
TOGETHER = 1e-5  # sign changes of several functions within this length of a branch are one bifurcation
TOUCHING = 1e-8  # a function that changes its sign twice within this length touches zero


@dataclass(frozen=True, eq=False)
class Bifurcation:
    """Where a branch changes its stability, or another crosses it.

    Attributes:
        kind: "fold", where the branch turns back; "branch point", where another crosses it; "flip", where a cycle of
            twice the period is born; "Neimark–Sacker" of maps, or "Hopf" of flows, where a pair of complex multipliers
            passes.
        parameter: its value, to about 1e-10 of its range.
        z: the state there, (w, v), ``(D,)``.
        w: the cycle's points, ``(p, d)``.
        multiplier: the one that passes; an eigenvalue for flows.
        multiplicity: how many real multipliers pass at once, as they do where coordinates are alike.
        tangent: of the branch on which it was met, in units of the box and the parameter's range, ``(D + 1,)``.
    """

    kind: str
    parameter: float
    z: np.ndarray
    w: np.ndarray
    multiplier: complex
    multiplicity: int
    tangent: np.ndarray


@dataclass(frozen=True, eq=False)
class Sample:
    """A point of a branch, and the functions that tell of bifurcations there.

    Attributes:
        u: the scaled point, ``(D + 1,)``.
        tangent: of the branch, of length 1, in the direction in which it is followed.
        multipliers: ``(D,)``, those farthest into instability first.
        tests: ``(D + 2,)``: how far every multiplier is beyond the stability boundary; the least singular value of ∂G,
            with the sign of the determinant of ∂G and the tangent, which changes at simple branch points; the
            tangent's parameter component, which changes its sign at folds.
        slopes: their derivatives along the branch.
        strength: ‖∂G‖.
    """

    u: np.ndarray
    tangent: np.ndarray
    multipliers: np.ndarray
    tests: np.ndarray
    slopes: np.ndarray
    strength: float


def sample(problem: Problem, u: np.ndarray, along: np.ndarray) -> Sample:
    """Evaluate the test functions at a point of a branch that is followed in about the direction ``along``."""
    matrix = problem.derivatives(u)
    tangent = tangent_at(matrix, along)
    tests = _tests(problem, matrix, tangent)
    # At the ends of what a parameter may be there is one side only.
    sides = [side for side in (1.0, -1.0) if problem.allowed(u + side * PROBE * tangent)]
    nearby = problem.all_derivatives(np.stack([u + side * PROBE * tangent for side in sides], axis=1))
    values = [_tests(problem, each, tangent_at(each, tangent)) for each in nearby]
    first, last = (values[0], values[1]) if len(values) == 2 else (values[0], tests)
    slopes = (first - last) / (PROBE * len(values) * sides[0])
    strength = float(np.linalg.norm(matrix, 2))
    return Sample(u, tangent, problem.multipliers_of(matrix), tests, slopes, strength)


def _tests(problem: Problem, matrix: np.ndarray, tangent: np.ndarray) -> np.ndarray:
    singular = float(np.linalg.svd(matrix, compute_uv=False)[-1])
    sign = np.linalg.slogdet(np.vstack([matrix, tangent]))[0]
    return np.array([*problem.beyond(problem.multipliers_of(matrix)), sign * singular, tangent[-1]])


def compare(a: Sample, b: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Say of every test function whether it changes its sign between two points, and whether that is sure.

    A function keeps its sign if, as far as its slopes can have changed in between, it cannot have come down to zero;
    and it changes its sign exactly once if its slope cannot have.

    Returns:
        Two arrays of truth values, ``(D + 2,)``.
    """
    length = float(np.linalg.norm(b.u - a.u))
    chord = (b.tests - a.tests) / length
    change = SAFETY * np.maximum(np.abs(a.slopes - chord), np.abs(b.slopes - chord))
    noise = NOISE * np.append(np.full(len(chord) - 1, max(a.strength, b.strength)), 1.0)
    size = np.abs(a.tests), np.abs(b.tests)
    quiet = np.maximum(*size) <= noise  # on a curve of equilibria a multiplier is neutral all along
    crosses = ((a.tests > 0) != (b.tests > 0)) & ~quiet
    once = np.abs(chord) > change
    keeps = np.minimum(*size) > change * length / 2
    return crosses, quiet | np.where(crosses, once, keeps)


def root(problem: Problem, a: Sample, b: Sample, which: int) -> np.ndarray | None:
    """Return the point between two at which one of the test functions vanishes; None if it jumps over zero.

    It jumps where the two points are on different branches.
    """
    from scipy.optimize import brentq

    length = float(np.linalg.norm(b.u - a.u))
    chord = (b.u - a.u) / length

    def value(s: float) -> float:
        u = between(problem, a, b, s / length)
        if u is None:
            raise _Lost
        matrix = problem.derivatives(u)
        return float(_tests(problem, matrix, tangent_at(matrix, chord))[which])

    try:
        s = float(brentq(value, 0.0, length, xtol=1e-15, rtol=1e-14))
        left = abs(value(s))
    except (_Lost, ValueError):
        return None
    if left > FALSE_ROOT * max(abs(a.tests[which]), abs(b.tests[which])):
        return None
    return between(problem, a, b, s / length)


class _Lost(Exception):
    """The corrector did not come back to the branch."""


def between(problem: Problem, a: Sample, b: Sample, share: float) -> np.ndarray | None:
    """Return the point of the branch at a share of the way between two."""
    step = b.u - a.u
    length = float(np.linalg.norm(step))
    chord = step / length
    # The cubic through both points with their tangents.
    t = share
    guess = (
        a.u + (3 - 2 * t) * t * t * step + length * t * (1 - t) * ((1 - t) * a.tangent - t * b.tangent)
        if a.tangent @ chord > 0.5 and b.tangent @ chord > 0.5
        else a.u + t * step
    )
    return problem.correct(guess, chord, float(chord @ a.u + t * length))


def locate(problem: Problem, samples: list[Sample]) -> list[Bifurcation]:
    """Return the bifurcations along points of a branch that are close enough together, in the order of the points."""
    found: list[Bifurcation] = []
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
        group = [r for r in roots if r[0] - roots[0][0] < TOGETHER and _passes(problem, r) == kind]
        functions = [r[1] for r in group]
        group = [r for i, r in enumerate(group) if functions.index(r[1]) == i]  # the rest is another one, close by
        roots = [r for r in roots if not any(r is each for each in group)]
        found.append(_classified(problem, kind, group))
    return found


Root = tuple[float, int, np.ndarray, Sample]


def _without_touching(roots: list[Root]) -> list[Root]:
    """Leave out pairs of sign changes of one function at the same place."""
    left: list[Root] = []
    for r in roots:
        twin = next((i for i, other in enumerate(left) if other[1] == r[1] and r[0] - other[0] < TOUCHING), None)
        if twin is None:
            left.append(r)
        else:
            left.pop(twin)
    return left


def _critical(problem: Problem, r: Root) -> complex:
    """Return the multiplier that passes, or for the functions of the tangent the one nearest to 1 (an eigenvalue 0)."""
    matrix = problem.derivatives(r[2])
    values = problem.multipliers_of(matrix)
    if r[1] < problem.size:
        return complex(values[r[1]])
    return complex(values[np.argmin(np.abs(values - (1 if problem.discrete else 0)))])


def _passes(problem: Problem, r: Root) -> str:
    """Say how a multiplier passes: "real" at 1 (for flows 0), "flip" at −1, "pair" for two that are complex."""
    if r[1] >= problem.size:
        return "real"
    critical = _critical(problem, r)
    strength = float(np.linalg.norm(problem.derivatives(r[2])[:, :-1], 2))
    if abs(critical.imag) > 1e-5 * strength:
        return "pair"
    return "flip" if problem.discrete and critical.real < 0 else "real"


def _classified(problem: Problem, passes: str, group: list[Root]) -> Bifurcation:
    _, _, u, before = group[0]
    size = problem.size
    functions = [r[1] for r in group]
    multipliers = sum(f < size for f in functions)
    if passes == "pair":
        kind = "Neimark–Sacker" if problem.discrete else "Hopf"
    elif passes == "flip":
        kind = "flip"
    else:
        # At a fold the branch turns back, and no other crosses it.
        kind = "fold" if size + 1 in functions and size not in functions else "branch point"
    scale = problem.scale[:, 0].numpy()
    return Bifurcation(
        kind,
        float(u[-1] * scale[-1]),
        u[:-1] * scale[:-1],
        problem.orbit(u),
        _critical(problem, group[0]),
        max(1, multipliers) if passes != "pair" else 1,
        tangent_at(problem.derivatives(u), before.tangent),
    )

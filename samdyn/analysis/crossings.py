"""Where a branch changes its stability or meets another: found by test functions, located by root finding."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from .equations import Equations, tangent_at

COINCIDE = 1e-5  # of box and range: events closer than this on a branch are taken for one
VERTICAL = 1e-9  # a branch whose tangent has less of the parameter than this does not turn, it stands still
NOISE = 1e-9  # relative to ‖∂G‖: multipliers that stray less than this about neutral cross nothing


@dataclass(frozen=True, eq=False)
class Bifurcation:
    """Where a branch changes its stability, or meets another.

    Attributes:
        kind: "fold", where the branch turns back; "branch point", where another crosses it (transcritical or
            pitchfork); "flip", where a cycle of twice the period is born; "Neimark–Sacker" of maps, or "Hopf" of flows,
            where a pair of complex multipliers passes.
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


class _Signs(NamedTuple):
    """What tells the events between two points of a branch apart, at one of them.

    A fold changes ``unstable`` by 1 and the sign of ``turning``; a branch point the sign of ``crossing``, and
    ``unstable`` by 1 unless it is met along the arms of a pitchfork, which turn there; a flip ``unstable`` by 1 and the
    sign of ``flipping``; a complex pair, or a double multiplier, ``unstable`` by 2.
    """

    unstable: int  # multipliers outside the unit circle, or eigenvalues right of the imaginary axis
    crossing: float  # sign of det of ∂G above the tangent: changes at simple branch points, not at folds
    flipping: float  # sign of det(J + I)
    turning: float  # sign of the tangent's component along the parameter


def bifurcations(equations: Equations, points: Sequence[np.ndarray]) -> list[Bifurcation]:
    """Return the bifurcations between neighbouring points of a branch, in their order."""
    found: list[Bifurcation] = []
    for a, b in zip(points[:-1], points[1:], strict=True):
        found += _between(equations, a, b)
    return found


def _between(equations: Equations, a: np.ndarray, b: np.ndarray) -> list[Bifurcation]:
    chord = b - a
    before, after = _signs(equations, a, chord), _signs(equations, b, chord)
    unstable = abs(after.unstable - before.unstable)
    crosses, flips = before.crossing != after.crossing, before.flipping != after.flipping
    turns = before.turning * after.turning < 0
    if not unstable and not crosses and not flips:
        return []
    # One event has one of three marks and changes one multiplier, or none of them and changes two.
    one = (crosses + flips + turns, unstable) in ((1, 1), (0, 2))
    if not one and np.linalg.norm(chord) > COINCIDE:
        middle = _on_chord(equations, a, b, 0.5)
        if middle is not None:
            return _between(equations, a, middle) + _between(equations, middle, b)
    if unstable:
        size = max(before.unstable, after.unstable)  # which of the multipliers, by size, passes
        test = _size(equations, size)
    else:
        test = _crossing(equations, chord) if crosses else _flipping(equations)
    u = _root(equations, a, b, test)
    if u is None:
        return []
    values = np.linalg.eigvals(equations.derivatives(u)[:, :-1])
    growth = np.abs(equations.growth(values))
    critical = values[np.argmin(growth if unstable else np.abs(values + 2 * flips))]
    if abs(critical.imag) > 1e-6 * np.abs(values).max():
        kind = "Neimark–Sacker" if equations.discrete else "Hopf"
    elif equations.discrete and critical.real < -1:
        kind = "flip"
    else:
        kind = "fold" if turns and not crosses else "branch point"
    z, parameter = equations.unscaled(u)
    multiplier = complex(critical + 1 if equations.discrete else critical)
    return [Bifurcation(kind, float(parameter), z, equations.orbit(u), multiplier)]


def _signs(equations: Equations, u: np.ndarray, along: np.ndarray) -> _Signs:
    matrix = equations.derivatives(u)
    tangent = tangent_at(matrix, along)
    square = matrix[:, :-1]
    return _Signs(
        unstable=int((equations.growth(np.linalg.eigvals(square)) > 0).sum()),
        crossing=_sign_of_det(np.vstack([matrix, tangent])),
        flipping=_sign_of_det(square + 2 * np.eye(len(square))) if equations.discrete else 0.0,
        turning=float(np.sign(tangent[-1])) if abs(tangent[-1]) > VERTICAL else 0.0,
    )


def _sign_of_det(matrix: np.ndarray) -> float:
    return float(np.linalg.slogdet(matrix)[0])


# Test functions: each changes its sign along a branch at the events of one kind.
def _size(equations: Equations, order: int) -> Callable[[np.ndarray], float]:
    def test(u: np.ndarray) -> float:
        values = np.linalg.eigvals(equations.derivatives(u)[:, :-1])
        return float(np.sort(equations.growth(values))[-order] / np.abs(values).max())

    return test


def _crossing(equations: Equations, along: np.ndarray) -> Callable[[np.ndarray], float]:
    def test(u: np.ndarray) -> float:
        matrix = equations.derivatives(u)
        return float(np.linalg.det(np.vstack([matrix, tangent_at(matrix, along)]) / np.linalg.norm(matrix)))

    return test


def _flipping(equations: Equations) -> Callable[[np.ndarray], float]:
    def test(u: np.ndarray) -> float:
        square = equations.derivatives(u)[:, :-1]
        return float(np.linalg.det(square + 2 * np.eye(len(square))))

    return test


def _on_chord(equations: Equations, a: np.ndarray, b: np.ndarray, s: float) -> np.ndarray | None:
    """Return the point of the branch that lies across from a + s(b − a)."""
    chord = (b - a) / np.linalg.norm(b - a)
    guess = a + s * (b - a)
    return equations.correct(guess, chord, float(chord @ guess))


def _root(equations: Equations, a: np.ndarray, b: np.ndarray, test: Callable[[np.ndarray], float]) -> np.ndarray | None:
    """Return where a test function vanishes between two points of a branch; None if it only strays about 0."""

    def along(s: float) -> float:
        u = _on_chord(equations, a, b, s)
        return test(a + s * (b - a) if u is None else u)

    ends = along(0.0), along(1.0)
    if not ends[0] * ends[1] < 0 or max(map(abs, ends)) < NOISE:
        return None
    return _on_chord(equations, a, b, float(brentq(along, 0.0, 1.0, xtol=1e-15, rtol=1e-14)))

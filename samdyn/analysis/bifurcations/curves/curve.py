"""Follows a bifurcation over two parameters."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .... import checks, html
from ....arguments import checked
from ....dynamics import Flow, Map
from ...parameters import own_value
from ..crossings import FALSE_ROOT, Bifurcation
from ..problem import Problem, has_jacobian, make_problem
from .codimension_two import PAIRS, CodimensionTwoPoint, Tests, is_true, test_functions
from .defining import Crossing, Defining, Rotation, Singular
from .normal_form import Critical, critical_at

# Lengths of steps along a curve, in units of the box, the ranges of the parameters and the critical vector.
FIRST_STEP, MAX_STEP, MIN_STEP = 1e-2, 5e-2, 1e-7
MAX_TURN = 0.2  # in radians; angle between the tangents of neighbouring points
MAX_POINTS = 2000  # number of points in each direction
NEARBY = 0.1  # in units of the box and the ranges; distance at which the size of the derivatives is measured
REGULAR = 1e-9  # least singular value over the largest, of the derivatives of regular equations
SPLIT = 1e-6  # component of the unit tangent, or value, of the imperfection β; less is zero
NOISE = 1e-9  # relative test functions of at most this size may be rounding errors
AT_END = 1e-12  # in units of the ranges; distance beyond a limit that is rounding
REAL_PAIRS = ("Bogdanov–Takens", "1:1 resonance", "1:2 resonance")  # where the pair of a curve becomes real
KINDS = {"flows": ("fold", "branch point", "Hopf"), "maps": ("fold", "branch point", "flip", "Neimark–Sacker")}


@dataclass(frozen=True, eq=False)
class BifurcationCurve:
    """A curve of bifurcations in the plane of two parameters.

    Attributes:
        kind: "fold", "flip", "Hopf" or "Neimark–Sacker"; for branch points "pitchfork" or "transcritical" by the
            coefficients of their normal form, or "branch point" if both vanish, as on a quadratic landscape.
        names: the names of the parameters.
        limits: their ranges.
        parameters: the values of both along the curve, ``(m, 2)``.
        z: the states (w, v), for cycles their first, ``(m, D)``.
        w: the positions of all points of the cycle, ``(m, p, d)``.
        multipliers: the multipliers of p steps, or the eigenvalues of a flow in 1/t, ``(m, D)``.
        critical: the multiplier that crosses, of a pair that with imag ≥ 0, ``(m,)``.
        coefficient: the coefficient of the normal form for critical vectors q of length 1 and p with p·q = 1, in units
            of the box, ``(m,)``: quadratic for folds and transcritical points, cubic for pitchforks and flips, the
            first Lyapunov coefficient for pairs. The new branch or cycle is stable beside an equilibrium that loses its
            stability where a pitchfork's or a pair's coefficient is < 0, or a flip's > 0.
        points: the points of codimension two, in the order of the curve.
        ends: why the curve ends, at its beginning and its end.

    >>> import samdyn as sd
    >>> valley = sd.Landscape("(x**2 + a*y**2)/2", "x y", parameters={"a": -1})
    >>> flow = sd.Flow(valley, sd.USAM(0.1))
    >>> (threshold,) = sd.analysis.branch(flow, [0.0, 0.0], "rho", (0.1, 2)).bifurcations
    >>> curve = sd.analysis.bifurcation_curve(flow, threshold, ("rho", "a"), ((0.1, 2), (-4, -0.1)))
    >>> rho, a = curve.parameters.T
    >>> bool(abs(rho * a + 1).max() < 1e-9)  # ρ = 1/|a|
    True
    >>> print(curve)
    branch point over (rho, a) from (0.25, -4) to (2, -0.5); reached the limits
    """

    kind: str
    names: tuple[str, str]
    limits: tuple[tuple[float, float], tuple[float, float]]
    parameters: np.ndarray
    z: np.ndarray
    w: np.ndarray
    multipliers: np.ndarray
    critical: np.ndarray
    coefficient: np.ndarray
    points: tuple[CodimensionTwoPoint, ...]
    ends: tuple[str, str]

    def __str__(self) -> str:
        first, last = (_shown(self.parameters[i], self.limits) for i in (0, -1))
        found = "".join(f", {p.kind} at {_shown(p.parameters, self.limits)}" for p in self.points)
        ends = "; ".join(dict.fromkeys(self.ends))
        return f"{self.kind} over ({', '.join(self.names)}) from {first} to {last}{found}; {ends}"

    def _repr_html_(self) -> str:
        rows = [(p.kind, *p.parameters, np.round(p.w[0], 10)) for p in self.points]
        body = html.table(("point", *self.names, "at"), rows) if rows else "no points of codimension two"
        return html.block(str(self), body)


def _shown(values: np.ndarray, limits: tuple[tuple[float, float], ...]) -> str:
    """Return two values as text, and 0 in place of a rounding error."""
    rounded = (0.0 if abs(v) < 1e-10 * (high - low) else v for v, (low, high) in zip(values, limits, strict=True))
    return "(" + ", ".join(f"{v:.6g}" for v in rounded) + ")"


@checked
def bifurcation_curve(
    system: Map | Flow,
    start: Bifurcation,
    parameters: tuple[str, str],
    limits: tuple[tuple[float, float], tuple[float, float]],
    *,
    box: Sequence[tuple[float, float]] | None = None,
) -> BifurcationCurve:
    """Follow a bifurcation over two parameters, both ways, by pseudo-arclength continuation.

    Newton's method solves the equations of the equilibrium together with those of its critical vector: Av = 0 at folds,
    (A + 2)v = 0 at flips, (A² + ω²)v = 0 at Hopf points, where A is the Jacobian of a flow, or that of a map less the
    identity. The derivatives are exact, by automatic differentiation. Branch points, such as pitchforks, have equations
    that hold where an equilibrium persists by symmetry, or at a fixed place, as a critical point does under USAM.

    Test functions along the curve change their signs at points of codimension two, which root finding locates. The
    curve of a pair ends where the pair becomes real: at a Bogdanov–Takens point, or at a resonance 1:1 or 1:2. Others
    end where a parameter leaves its limits, where w leaves the box enlarged threefold, or where Newton's method fails
    at the smallest step. Two points of the same kind within one step, at most 0.05 of the ranges, stay unseen, and so
    do those where two curves of the same kind touch.

    Args:
        system: the map or flow of the branch; its own value of the other parameter is the one at ``start``.
        start: a bifurcation of ``branch`` or ``bifurcation_diagram`` over one of the parameters.
        parameters: the names of two parameters: "rho", "lr", "momentum", those of the method or of the landscape.
        limits: their ranges.
        box: one (low, high) pair per coordinate, which bounds the curve and gives its scale. Default: the box of the
            landscape.

    Raises:
        InputError: the system does not have a parameter, both are the same, or neither is that of the branch; limits do
            not ascend, or do not contain the start; no curve of its kind exists for the system; several multipliers
            cross at once; or the branch point does not persist.

    Sources: Moore and Spence (1980), SIAM J. Numer. Anal. 17, 567; Moore (1980), Numer. Funct. Anal. Optim. 2, 441;
    Roose and Hlaváček (1985), SIAM J. Appl. Math. 45, 879; Kuznetsov (2004), Elements of Applied Bifurcation Theory.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.Landscape("c*x**2/2", "x", parameters={"c": 2}), sd.GD(), lr=0.1, momentum=0.5)
    >>> (flip,) = sd.analysis.branch(map_, [0.0], "lr", (0.1, 3.0)).bifurcations
    >>> curve = sd.analysis.bifurcation_curve(map_, flip, ("lr", "momentum"), ((0.1, 3.0), (0.1, 0.9)))
    >>> print(curve)  # η = 2(1 + γ)/c
    flip over (lr, momentum) from (1.1, 0.1) to (1.9, 0.9); reached the limits
    """
    checks.numeric(system)
    problem, u = _start(system, start, parameters, limits, box)
    first = _first(problem, start, parameters, u)
    forth, end = _follow(problem, start.kind, first)
    back, beginning = ([], end) if end == CLOSED else _follow(problem, start.kind, first.backward())
    points = [step.point for step in back[::-1]] + [first] + [step.point for step in forth]
    located = [each for step in back[::-1] for each in step.passed[::-1]]
    located += [each for step in forth for each in step.passed]
    return _joined(problem, start.kind, points, located, (beginning, end))


def _start(
    system: Map | Flow,
    start: Bifurcation,
    names: tuple[str, str],
    limits: tuple[tuple[float, float], tuple[float, float]],
    box: Sequence[tuple[float, float]] | None,
) -> tuple[Problem, np.ndarray]:
    """Check the arguments of ``bifurcation_curve``; return the equations and the scaled point of the start."""
    if names[0] == names[1]:
        checks.reject("parameters", names, "both are the same", "Choose two different parameters")
    of = "maps" if isinstance(system, Map) else "flows"
    if start.kind not in KINDS[of]:
        checks.reject("start", start.kind, f"no bifurcation of {of} has this kind", f"Use {', '.join(KINDS[of])}")
    if start.multiplicity > 1:
        rule = f"{start.multiplicity} multipliers cross at once, as where coordinates are alike; one is followed"
        checks.reject("start", start.kind, rule, "Restrict the landscape to one of these coordinates")
    problem = make_problem(system, dict(zip(names, limits, strict=True)), box, len(start.w))
    if start.name not in names:
        rule = "the bifurcation was located over another parameter"
        checks.reject("parameters", names, rule, f"Include {start.name!r}")
    if len(start.z) not in (problem.d, problem.size):
        rule = f"its state has {len(start.z)} numbers, that of this system {problem.size}"
        checks.reject("start", start.kind, rule, "Give the system of the branch")
    values = []
    for name, (low, high) in problem.ranges.items():
        value = start.parameter if name == start.name else own_value(system, name)
        if name == "momentum" and value == 0:
            value = low  # without momentum the state has half the size; the least momentum is close to 0
        if not low <= value <= high:
            checks.reject(name, value, f"the start lies outside the limits {(low, high)}", "Enlarge them")
        values.append(value)
    return problem, problem.scaled(start.z, *values)


@dataclass(frozen=True, eq=False)
class _Point:
    """A solution of defining equations, with their unit tangent, ``(N,)`` each, and the test functions."""

    system: Defining
    x: np.ndarray
    tangent: np.ndarray
    at: Critical
    tests: Tests

    def backward(self) -> "_Point":
        return _Point(self.system, self.x, -self.tangent, self.at, self.tests)


@dataclass(frozen=True, eq=False)
class _Step:
    """A step to a point, with the points of codimension two on the way."""

    point: _Point
    passed: tuple[tuple[str, Critical], ...]


def _first(problem: Problem, start: Bifurcation, names: tuple[str, str], u: np.ndarray) -> _Point:
    """Return the start of a curve."""
    matrix = problem.derivatives(u)[:, : problem.size]
    unit = _unit(problem, u)
    system: Defining
    if start.kind in PAIRS:
        if not np.linalg.eigvals(matrix).imag.any():
            checks.reject("start", start.kind, "the system has no complex multiplier there", "Give that of the branch")
        system = Rotation(problem, unit, np.zeros(problem.size), unit)
    elif start.kind == "branch point":
        system = Crossing(problem, unit, names.index(start.name))
    else:
        system = Singular(problem, unit, 2.0 if start.kind == "flip" else 0.0)
    system, x = system.renewed(system.start(u))
    solution = system.correct(x, None)
    if solution is None or np.linalg.norm(solution[0][: len(u)] - u) > MAX_STEP:
        rule = f"Newton's method finds no {start.kind} near it"
        checks.reject("start", start.parameter, rule, "Give the system, and its other parameter, of the branch")
    singular = np.linalg.svd(solution[1], compute_uv=False)
    if singular[-1] <= REGULAR * singular[0]:
        rule = "the equations of the curve are singular there: the bifurcation is degenerate"
        checks.reject("start", start.parameter, rule, "Start at another value of the other parameter")
    point = _point(start.kind, system, solution[0], solution[1], None)
    if isinstance(system, Crossing) and abs(point.tangent[-1]) > SPLIT:
        rule = f"the branch point does not persist as {' and '.join(names)} vary: the branches part"
        checks.reject("start", start.kind, rule, "Follow the folds beside it")
    return point


def _unit(problem: Problem, u: np.ndarray) -> float:
    """Return the largest norm of ∂G/∂u nearby, since at a bifurcation itself all derivatives may vanish."""
    steps = NEARBY * np.hstack([np.eye(len(u)), -np.eye(len(u)), np.zeros((len(u), 1))])
    points = np.array([point for point in (u[:, None] + steps).T if problem.allowed(point)])
    return float(np.linalg.norm(problem.all_derivatives(points.T), axis=(1, 2)).max())


def _critical(kind: str, system: Defining, x: np.ndarray, like: Critical | None) -> tuple[Critical, float]:
    """Return the critical multiplier at a solution, and κ of a pair."""
    problem, u = system.problem, x[: system.problem.size + 2]
    kappa, value = 0.0, complex(-1.0 if kind == "flip" else float(problem.discrete))
    if isinstance(system, Rotation):
        kappa = system.kappa(x)
        if problem.discrete:
            cos = float(np.clip(1 - kappa / 2, -1, 1))
            value = complex(cos, (1 - cos**2) ** 0.5)
        else:
            value = complex(0.0, max(kappa, 0.0) ** 0.5)
    return critical_at(problem, u, value, kind in PAIRS, like), kappa


def _point(kind: str, system: Defining, x: np.ndarray, matrix: np.ndarray, last: _Point | None) -> _Point:
    """Return a solution with its tangent, in the direction of that of the last point."""
    like = None if last is None else last.at
    at, kappa = _critical(kind, system, x, like)
    tests = test_functions(kind, system.problem, at, kappa, system.unit)
    system, x_new = system.renewed(x)
    if x_new is not x:
        x, matrix = x_new, system.linearised(x_new)[1]
    tangent = np.linalg.svd(matrix)[2][-1]
    size = system.problem.size + 2
    # A curve begins in the direction in which one of the parameters, that which changes faster, grows.
    fastest = size - 2 + int(np.argmax(np.abs(tangent[size - 2 : size])))
    if (tangent[fastest] if last is None else tangent[:size] @ last.tangent[:size]) < 0:
        tangent = -tangent
    return _Point(system, x, tangent, at, tests)


CLOSED, LIMITS, REAL = "closed curve", "reached the limits", "the pair becomes real"
FAILS = "Newton's method fails at the smallest step"


def _follow(problem: Problem, kind: str, first: _Point) -> tuple[list[_Step], str]:
    """Return the steps of a curve from its first point along its tangent, and why it ends."""
    size = problem.size
    scale = problem.scale[:, 0].numpy()
    low, high = np.array(list(problem.ranges.values())).T / scale[size:]
    middle, half = problem.box.mean(1), np.ptp(problem.box, axis=1) / 2
    steps: list[_Step] = []
    last, h = first, FIRST_STEP
    while len(steps) < MAX_POINTS:
        reached, index, edge = _reach(last, h, low, high, size)
        if reached <= AT_END:
            return steps, LIMITS
        across = last.tangent
        guess = last.x + reached * last.tangent
        if index is not None:
            across = np.eye(len(last.x))[size + index]
            guess[size + index] = edge
        solution = last.system.correct(guess, across)
        new = None
        if solution is not None and np.linalg.norm(solution[0] - last.x) <= 2 * h:
            new = _point(kind, last.system, *solution, last)
        end = located = None
        if new is not None:
            end = _end(last, new)
            located = None if end is None else _located(kind, last, guess - last.x, across, end)
        if (
            new is None
            or _turn(last, new, size + 2) > MAX_TURN
            or _outside(new.x[size : size + 2], low, high)
            or (end is not None and located is None)
        ):
            h = min(h, reached) / 2
            if h < MIN_STEP:
                return steps, FAILS
            continue
        if not has_jacobian(problem, new.at.u):
            return steps, "the field has no Jacobian farther on"
        if (np.abs(new.at.u[: problem.d] * scale[: problem.d] - middle) > 3 * half).any():
            return steps, "left the box"
        if isinstance(new.system, Crossing) and abs(new.x[-1]) > SPLIT:
            return steps, "the branches part"
        step = guess - last.x
        if end is not None and located is not None:
            final, share = located
            passed = *_passed(kind, last, final, share * step, across), (end, final.at)
            return [*steps, _Step(final, passed)], REAL
        steps.append(_Step(new, _passed(kind, last, new, step, across)))
        if index is not None:
            return steps, LIMITS
        if len(steps) > 10 and np.linalg.norm(new.at.u - first.at.u) < 0.5 * h:
            return steps, CLOSED
        h = min(MAX_STEP, h * (1.5 if _turn(last, new, size + 2) < MAX_TURN / 4 else 1.0))
        last = new
    return steps, f"{MAX_POINTS} points"


def _reach(last: _Point, h: float, low: np.ndarray, high: np.ndarray, size: int) -> tuple[float, int | None, float]:
    """Return the length of a step up to the limits; and the parameter that reaches one, with the limit."""
    reached, which, edge = h, None, 0.0
    for index in (0, 1):
        here, slope = last.x[size + index], last.tangent[size + index]
        limit = high[index] if slope > 0 else low[index]
        if slope and (limit - here) / slope < reached:
            reached, which, edge = max(0.0, (limit - here) / slope), index, limit
    return reached, which, edge


def _outside(parameters: np.ndarray, low: np.ndarray, high: np.ndarray) -> bool:
    return bool(((parameters < low - AT_END) | (parameters > high + AT_END)).any())


def _turn(a: _Point, b: _Point, size: int) -> float:
    """Return the angle between the tangents of two points in the directions of u."""
    one, other = a.tangent[:size], b.tangent[:size]
    return float(np.arccos(np.clip(one @ other / np.linalg.norm(one) / np.linalg.norm(other), -1, 1)))


def _end(a: _Point, b: _Point) -> str | None:
    """Return the kind of the point at which a pair becomes real between two points, or None."""
    if isinstance(a.system, Rotation):
        for name in REAL_PAIRS:
            if a.tests.values.get(name, 1.0) > 0 >= b.tests.values.get(name, 1.0):
                return name
    return None


def _passed(kind: str, a: _Point, b: _Point, step: np.ndarray, across: np.ndarray) -> tuple[tuple[str, Critical], ...]:
    """Return the points of codimension two between two points, in their order."""
    passed = []
    for name, before in a.tests.values.items():
        after = b.tests.values[name]
        ends = isinstance(a.system, Rotation) and name in REAL_PAIRS
        quiet = max(abs(before), abs(after)) <= NOISE or not np.isfinite(before + after)
        if ends or quiet or (before > 0) == (after > 0):
            continue
        located = _located(kind, a, step, across, name)
        if located is not None and is_true(name, kind, a.system.problem, located[0].at):
            passed.append((located[1], name, located[0].at))
    return tuple((name, at) for _, name, at in sorted(passed, key=lambda each: each[:2]))


def _located(kind: str, a: _Point, step: np.ndarray, across: np.ndarray, name: str) -> tuple[_Point, float] | None:
    """Return the point at which a test function vanishes, and its share of the step; None if it jumps over zero."""
    from scipy.optimize import brentq

    def point(share: float) -> _Point:
        solution = a.system.correct(a.x + share * step, across)
        if solution is None:
            raise _NoConvergenceError
        return _point(kind, a.system, *solution, a)

    def value(share: float) -> float:
        return point(share).tests.values[name]

    try:
        share = float(brentq(value, 0.0, 1.0, xtol=1e-15, rtol=1e-14))
        root = point(share)
    except (_NoConvergenceError, ValueError):
        return None
    if abs(root.tests.values[name]) > FALSE_ROOT * abs(a.tests.values[name]):
        return None
    return root, share


class _NoConvergenceError(Exception):
    """The corrector did not converge to the curve."""


def _joined(
    problem: Problem, kind: str, points: list[_Point], located: list[tuple[str, Critical]], ends: tuple[str, str]
) -> BifurcationCurve:
    """Return the curve through points, with the points of codimension two on it."""
    scale, size = problem.scale[:, 0].numpy(), problem.size
    full = np.array([p.at.u for p in points]) * scale
    if kind == "branch point":
        relative = [[p.tests.values[f"degenerate {name}"] for name in ("transcritical", "pitchfork")] for p in points]
        bend, cube = np.abs(np.array(relative)).max(0) > NOISE
        kind = "transcritical" if bend else "pitchfork" if cube else kind
        unlike = {"transcritical": "degenerate pitchfork", "pitchfork": "degenerate transcritical"}.get(kind)
        located = [(name.replace("branch point", kind), at) for name, at in located if name != unlike]
    names = tuple(problem.ranges)
    return BifurcationCurve(
        kind,
        (names[0], names[1]),
        (problem.ranges[names[0]], problem.ranges[names[1]]),
        full[:, size:],
        full[:, :size],
        np.array([problem.orbit(p.at.u) for p in points]),
        np.array([problem.multipliers(p.at.u) for p in points]),
        np.array([p.at.value for p in points]),
        np.array([p.tests.bend if kind == "transcritical" else p.tests.coefficient for p in points]),
        tuple(
            CodimensionTwoPoint(
                name, (at.u * scale)[size:], (at.u * scale)[:size], problem.orbit(at.u), problem.multipliers(at.u)
            )
            for name, at in located
        ),
        ends,
    )

"""Follows limit cycles of flows along a parameter."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from ... import checks, html
from ...arguments import checked
from ...dynamics import Flow
from ..orbits.collocation import MAX_STEP as MAX_STEP_OF_LOOP
from ..orbits.collocation import (
    Linearised,
    Loop,
    block_rows,
    corrected,
    gauss,
    linearised,
    moved,
    phase_condition,
    slopes_of,
)
from ..orbits.cycle import INTERVALS, Cycle, as_cycle
from ..parameters import own_value, with_parameters
from .crossings import Bifurcation

FIRST_STEP, MAX_STEP, MIN_STEP = 0.02, 0.1, 1e-4  # lengths of steps, in units of extent, period and range
PROBE = 1e-6  # in units of the range; step of the difference that gives the derivative by the parameter
CORRECTOR_STEPS = 8  # number of Newton steps of the corrector
CONVERGED = 1e-9  # length of its last step, in the units of the first line
FEW_STEPS = 4  # number of Newton steps up to which the next step along the branch is longer
MAX_CYCLES = 400  # number of cycles on a branch
SMALLEST = 1e-3  # in units of the first cycle's extent, or of the box; a smaller cycle has shrunk to a point
HOPF_AMPLITUDE = 1e-2  # in units of the box; size of the first cycle at a Hopf point
HOPF_SCALE = 0.2  # in units of the box; extent of the cycles at which steps away from a Hopf point are of order 1
MAX_GAP = 1e-7  # in units of the extent; error of a cycle in one interval of the mesh
MAX_UNKNOWNS = 800  # number of coordinates of all points of a mesh; the mesh is refined up to this
PERIOD_FACTOR = 50.0  # period over the first one above which the branch ends, as near a homoclinic orbit


@dataclass(frozen=True, eq=False)
class CycleBranch:
    """A curve of limit cycles along a parameter.

    Attributes:
        name: the name of the parameter.
        parameter: its values along the branch, ``(m,)``.
        period: the periods, in units of t, ``(m,)``.
        extent: the largest difference between the points of each cycle along a coordinate, ``(m,)``.
        multipliers: the Floquet multipliers, ``(m, d)``.
        stable: whether each cycle attracts, ``(m,)`` bool.
        cycles: the cycles.
        folds: the values of the parameter near which the branch turns back.
        end: why the branch ends: the text that its printed form shows.

    >>> import samdyn as sd
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Hopf(sd.Method):  # r′ = r(μ − r²), θ′ = 1
    ...     mu: float
    ...     def __call__(self, w, grad):
    ...         x, y = w
    ...         growth = self.mu - x * x - y * y
    ...         return sd.ops.torch.stack([y - x * growth, -x - y * growth])
    >>> flow = sd.Flow(sd.Landscape("0*x + 0*y", "x y"), Hopf(0.25))
    >>> found = sd.analysis.cycle_branch(flow, sd.analysis.cycle(flow, (0.3, 0)), "mu", (0.25, 0.5))
    >>> print(found)
    cycles over mu from 0.25 to 0.5: period 6.2832 to 6.2832, extent 1 to 1.41, stable; reached the limits
    """

    name: str
    parameter: np.ndarray
    period: np.ndarray
    extent: np.ndarray
    multipliers: np.ndarray
    stable: np.ndarray
    cycles: tuple[Cycle, ...]
    folds: tuple[float, ...]
    end: str

    def __str__(self) -> str:
        first, last = (f"{self.parameter[i]:.5g}" for i in (0, -1))
        stable = "stable" if self.stable.all() else "unstable" if not self.stable.any() else "partly stable"
        folds = "".join(f", fold at {value:.5g}" for value in self.folds)
        return (
            f"cycles over {self.name} from {first} to {last}: period {self.period[0]:.5g} to {self.period[-1]:.5g}, "
            f"extent {self.extent[0]:.3g} to {self.extent[-1]:.3g}, {stable}{folds}; {self.end}"
        )

    def _repr_html_(self) -> str:
        rows = zip(self.parameter, self.period, self.extent, self.multipliers, self.stable, strict=True)
        names = (self.name, "period", "extent", "multipliers", "stable")
        return html.block(str(self), html.table(names, list(rows)))


@checked
def cycle_branch(
    flow: Flow,
    start: Cycle | Bifurcation,
    parameter: str,
    limits: tuple[float, float],
    *,
    at: float | None = None,
    box: Sequence[tuple[float, float]] | None = None,
) -> CycleBranch:
    """Follow a limit cycle along a parameter, by pseudo-arclength continuation of the equations of ``cycle``.

    From a cycle the branch is followed both ways, from a Hopf point of ``branch`` away from it. The branch passes
    folds, where stable and unstable cycles meet. It ends at a limit of the parameter; where the cycle shrinks to an
    equilibrium; where its period grows fiftyfold or the mesh becomes too coarse, as near an orbit that leads from a
    saddle back to it; or where Newton's method fails at the smallest step, as where the cycle meets a jump of the
    field. ``end`` says which.

    Args:
        flow: the flow; of its own value of the parameter only the default of ``at`` depends.
        start: a cycle of the flow at ``at``, or a Hopf point.
        parameter: the name of the parameter: a number of the method, such as "rho", "lr", or a parameter of the
            landscape.
        limits: the parameter's range.
        at: the parameter's value at the start, for a cycle. Default: that of the flow.
        box: one (low, high) pair per coordinate, which gives the scale of the first cycle at a Hopf point. Default: the
            box of the landscape.

    Raises:
        InputError: the flow does not have the parameter; the limits do not ascend, or do not contain the start; the
            start is another bifurcation than "Hopf", or no cycle is found beside it.

    Source: Doedel, Keller and Kernévez (1991), Int. J. Bifurcation and Chaos 1, 745.

    >>> import samdyn as sd
    >>> hump = sd.Landscape("x**4/4-x**3+x**2*y-x**2/2+y**4/4+y**3-3*y**2/2", "x y")
    >>> flow = sd.Flow(hump, sd.USAM(0.1825))
    >>> found = sd.analysis.cycle_branch(flow, sd.analysis.cycle(flow, (2.2, -1.08)), "rho", (0.1822, 0.1828))
    >>> bool(found.stable.all()), found.end
    (True, 'reached the limits')
    """
    checks.numeric(flow)
    problem = _Problem(flow, parameter, _limits(limits))
    unit = checks.box(flow.landscape.box if box is None else box, flow.landscape.dim)
    if isinstance(start, Bifurcation):
        if start.kind != "Hopf":
            rule = "no cycle of a flow emerges there"
            checks.reject("start", start.kind, rule, 'Use a bifurcation of the kind "Hopf" of a branch of a flow')
        first = _at_hopf(problem, start, max(high - low for low, high in unit))
        ways = [_follow(problem, first)]
    else:
        value = own_value(flow, parameter) if at is None else at
        value = checks.number("at", value, "must be a finite number", "Give the parameter's value at the start")
        if not problem.limits[0] <= value <= problem.limits[1]:
            checks.reject("at", value, f"lies outside the limits {problem.limits}", "Start between them")
        loop = corrected(problem.flow(value), start.loop)
        if loop is None:
            rule = f"is no cycle at {parameter} = {value:.6g}"
            checks.reject("start", str(start), rule, "Find it with cycle at that value, or give its value as at")
        first = problem.at(loop, value, None)
        ways = [_follow(problem, first.backward()), _follow(problem, first)]
    backward = ways[0] if len(ways) == 2 else _Way([], "", [])
    points = [*backward.points[::-1], first, *ways[-1].points]
    ends = [way.end for way in ways]
    end = "reached the limits" if ends == ["reached the limit"] * 2 else "; ".join(dict.fromkeys(ends))
    cycles = tuple(as_cycle(problem.flow(p.parameter), p.loop) for p in points)
    return CycleBranch(
        parameter,
        np.array([p.parameter for p in points]),
        np.array([c.period for c in cycles]),
        np.array([c.extent for c in cycles]),
        np.array([c.multipliers for c in cycles]),
        np.array([c.stable for c in cycles]),
        cycles,
        tuple(value for way in ([backward] if len(ways) == 2 else []) + [ways[-1]] for value in way.folds),
        end,
    )


def _limits(limits: tuple[float, float]) -> tuple[float, float]:
    low, high = (float(limit) for limit in limits)
    if not -np.inf < low < high < np.inf:
        checks.reject("limits", limits, "must be finite, the lower first", "Use e.g. (0.0, 1.0)")
    return low, high


@dataclass(frozen=True, eq=False)
class _Point:
    """A cycle on a branch, with the branch's unit tangent (w, period, parameter) there, ``(n·d + 2,)``."""

    loop: Loop
    parameter: float
    tangent: np.ndarray

    def backward(self) -> "_Point":
        return replace(self, tangent=-self.tangent)


@dataclass(frozen=True, eq=False)
class _Way:
    """The points of a branch in one direction, why it ends, and where it turns back."""

    points: list[_Point]
    end: str
    folds: list[float]


class _Problem:
    """The equations of the cycles of a flow along a parameter, in units of the first cycle and of the range."""

    def __init__(self, flow: Flow, name: str, limits: tuple[float, float]) -> None:
        self._flow, self.name, self.limits = flow, name, limits
        self._extent, self._period = 0.0, 0.0  # the units of the loops' points and of the period
        for limit in limits:
            self.flow(limit)

    def flow(self, value: float) -> Flow:
        """Return the flow at a value of the parameter."""
        return with_parameters(self._flow, {self.name: float(value)})

    def set_scale(self, loop: Loop, extent: float) -> None:
        """Set the units of the changes of a loop's points, ``extent``, and of the period, that of a loop."""
        self._extent, self._period = extent, loop.period

    def scale(self, size: int) -> np.ndarray:
        """Return the unit of every entry of a change (w, period, parameter), of ``size`` entries in all."""
        n = size - 2
        return np.append(np.full(n, self._extent * n**0.5), [self._period, self.limits[1] - self.limits[0]])

    def norm(self, step: np.ndarray) -> float:
        """Return the length of a change (w, period, parameter), ``(n·d + 2,)``."""
        return float(np.linalg.norm(step / self.scale(len(step))))

    def rows(self, loop: Loop, value: float, reference: Loop) -> tuple[np.ndarray, np.ndarray, Linearised]:
        """Return the linearised equations ``(n·d + 1, n·d + 2)``, their right side and the equations themselves."""
        low, high = self.limits
        step = PROBE * (high - low)
        middle = min(max(value, low + step), high - step)
        lower, upper = self.flow(middle - step), self.flow(middle + step)

        def by_parameter(w: torch.Tensor) -> torch.Tensor:
            return (upper(w) - lower(w)) / (2 * step)

        equations = linearised(self.flow(value), loop, by_parameter)
        n = loop.w.size
        matrix = np.zeros((n + 1, n + 2))
        block_rows(matrix[:-1, :-2], equations.transfer)
        matrix[:-1, -2], matrix[:-1, -1] = equations.by_period.ravel(), equations.by_parameter.ravel()
        matrix[-1, :-2], offset = phase_condition(loop, reference)
        return matrix, -np.append(equations.gap.ravel(), offset), equations

    def at(self, loop: Loop, value: float, along: np.ndarray | None) -> _Point:
        """Return a solved loop with the tangent that points along a direction, or to larger parameters."""
        if not self._extent:
            self.set_scale(loop, loop.extent)
        scale = self.scale(loop.w.size + 2)
        matrix = self.rows(loop, value, loop)[0] * scale
        # The null vector is what a row that is not orthogonal to it determines, if the rows leave it alone.
        row = np.sin(np.arange(1.0, len(scale) + 1)) if along is None else along / scale
        try:
            null = np.linalg.solve(np.vstack([matrix, row]), np.append(np.zeros(len(matrix)), 1.0))
            null = null / np.linalg.norm(null)
        except np.linalg.LinAlgError:
            null = np.linalg.svd(matrix)[2][-1]
        towards = null[-1] if along is None else float(null @ (along / scale))
        return _Point(loop, value, (null if towards >= 0 else -null) * scale)

    def correct(self, guess: Loop, value: float, across: np.ndarray) -> tuple[Loop, float, int] | None:
        """Solve the equations across a direction; return the loop, the parameter and the number of Newton steps."""
        loop, first, row = guess, value, across / self.scale(len(across)) ** 2
        for count in range(1, CORRECTOR_STEPS + 1):
            try:
                matrix, right, equations = self.rows(loop, value, guess)
                offset = row @ np.append(np.append((loop.w - guess.w).ravel(), loop.period - guess.period), 0.0)
                offset += row[-1] * (value - first)
                step = np.linalg.solve(np.vstack([matrix, row]), np.append(right, -offset))
            except (checks.InputError, np.linalg.LinAlgError):
                return None
            n = loop.w.size
            slopes = slopes_of(equations, step[:n].reshape(loop.w.shape), float(step[n]), float(step[n + 1]))
            loop, size = moved(loop, np.concatenate([step[: n + 1], slopes]))
            value += float(step[-1]) * min(1.0, MAX_STEP_OF_LOOP / max(size, 1e-300))
            if not np.isfinite(step).all() or loop.period <= 0:
                return None
            if self.norm(step) <= CONVERGED:
                return loop, value, count
        return None

    def predicted(self, point: _Point, h: float) -> tuple[Loop, float]:
        """Return the loop and the parameter at a distance along the tangent."""
        step = h * point.tangent
        _, _, equations = self.rows(point.loop, point.parameter, point.loop)
        n = point.loop.w.size
        slopes = slopes_of(equations, step[:n].reshape(point.loop.w.shape), float(step[n]), float(step[n + 1]))
        slopes = slopes.reshape(point.loop.slope.shape)
        loop = replace(
            point.loop,
            w=point.loop.w + step[:n].reshape(point.loop.w.shape),
            period=point.loop.period + float(step[n]),
            slope=point.loop.slope + slopes,
        )
        return loop, point.parameter + float(step[-1])

    def is_exact(self, point: _Point) -> bool:
        """Return whether the mesh is so fine that the same curve solves the equations on one twice as fine."""
        finer = linearised(self.flow(point.parameter), point.loop.refined())
        return bool(np.abs(finer.gap).max() <= MAX_GAP * point.loop.extent)

    def finer(self, point: _Point) -> _Point | None:
        """Return a point on a mesh twice as fine; None if that would be too fine, or if no cycle is found on it."""
        if 2 * point.loop.w.size > MAX_UNKNOWNS:
            return None
        loop = corrected(self.flow(point.parameter), point.loop.refined())
        if loop is None:
            return None
        new = self.at(loop, point.parameter, None)
        # The mesh points of the coarse mesh are every other one of the fine mesh.
        n, d = point.loop.w.shape
        coarse = np.append(new.tangent[:-2].reshape(2 * n, d)[::2].ravel(), new.tangent[-2:])
        scale = self.scale(len(coarse))
        ahead = (coarse / scale) @ (point.tangent / scale)
        return new if ahead >= 0 else new.backward()

    def step(self, point: _Point, h: float) -> tuple[_Point, int] | None:
        """Return the next point at about a distance, and the number of Newton steps; None if the corrector fails."""
        guess, value = self.predicted(point, h)
        return self.corrected_at(guess, value, point.tangent)

    def corrected_at(self, guess: Loop, value: float, across: np.ndarray) -> tuple[_Point, int] | None:
        """Return the solution near a guess, across a direction along which its tangent points."""
        solved = self.correct(guess, value, across)
        if solved is None:
            return None
        loop, value, count = solved
        low, high = self.limits
        if not low <= value <= high:
            return None
        return self.at(loop, value, across), count


def _follow(problem: _Problem, first: _Point) -> _Way:
    """Follow a branch in the direction of its first point's tangent."""
    points: list[_Point] = []
    folds: list[float] = []
    last, h = first, FIRST_STEP
    (low, high), least = problem.limits, SMALLEST * first.loop.extent
    while len(points) < MAX_CYCLES:
        ahead = last.parameter + h * float(last.tangent[-1])
        if not low <= ahead <= high:
            edge = low if ahead < low else high
            share = (edge - last.parameter) / float(last.tangent[-1])
            if share <= 1e-12:
                return _Way(points, "reached the limit", folds)
            guess, _ = problem.predicted(last, share)
            loop = corrected(problem.flow(edge), guess)
            if loop is not None and abs(loop.extent - last.loop.extent) < 0.5 * last.loop.extent + least:
                points.append(problem.at(loop, edge, last.tangent))
                return _Way(points, "reached the limit", folds)
            found = None
        else:
            found = problem.step(last, h)
        if found is None or _turns(problem, last, found[0]):
            h /= 2
            if h < MIN_STEP:
                return _Way(points, f"Newton's method fails beyond {last.parameter:.6g}", folds)
            continue
        new, count = found
        if _is_mirrored(last.loop, new.loop) or new.loop.extent < least:
            if h > 2 * MIN_STEP:
                h /= 2
                continue
            return _Way(points, f"shrinks to an equilibrium at {last.parameter:.6g}", folds)
        if not problem.is_exact(new):
            finer = problem.finer(last)
            if finer is None:
                return _Way(points, f"the mesh is too coarse beyond {last.parameter:.6g}", folds)
            last = finer
            continue
        if last.tangent[-1] * new.tangent[-1] < 0:
            folds.append(_fold(problem, last, new))
        points.append(new)
        if new.loop.period > PERIOD_FACTOR * first.loop.period:
            return _Way(points, f"the period grows beyond {new.loop.period:.4g}", folds)
        last, h = new, min(MAX_STEP, 1.4 * h) if count <= FEW_STEPS else h
    return _Way(points, f"{MAX_CYCLES} cycles were followed", folds)


def _turns(problem: _Problem, a: _Point, b: _Point) -> bool:
    """Return whether the tangent turns by more than 0.3 between two points, or is none."""
    scale = problem.scale(len(a.tangent))
    cosine = float((a.tangent / scale) @ (b.tangent / scale))
    return not cosine > np.cos(0.3)


def _is_mirrored(a: Loop, b: Loop) -> bool:
    """Return whether a loop has passed through a point, so that it goes on half a period later."""
    return float(((a.w - a.w.mean(0)) * (b.w - b.w.mean(0))).sum()) < 0


def _fold(problem: _Problem, a: _Point, b: _Point) -> float:
    """Return the parameter at which a branch turns back between two points, by cubic interpolation."""
    difference = np.append(np.append((b.loop.w - a.loop.w).ravel(), b.loop.period - a.loop.period), 0.0)
    difference[-1] = b.parameter - a.parameter
    h = problem.norm(difference)
    slope_a, slope_b, rise = float(a.tangent[-1]) * h, float(b.tangent[-1]) * h, b.parameter - a.parameter
    cubic = np.poly1d([slope_a + slope_b - 2 * rise, 3 * rise - 2 * slope_a - slope_b, slope_a, a.parameter])
    inside = [float(r.real) for r in cubic.deriv().roots if abs(r.imag) < 1e-12 and -1e-9 <= r.real <= 1 + 1e-9]
    return float(cubic(inside[0])) if inside else a.parameter


def _at_hopf(problem: _Problem, hopf: Bifurcation, box: float) -> _Point:
    """Return a small cycle beside a Hopf point."""
    w = torch.as_tensor(hopf.z)[:, None]
    flow = problem.flow(hopf.parameter)
    values, vectors = np.linalg.eig(flow.jacobian_at(w)[:, :, 0].numpy())
    which = int(np.argmin(np.abs(values - 1j * abs(hopf.multiplier.imag))))
    omega, q = float(values[which].imag), vectors[:, which]
    mesh = np.arange(INTERVALS) / INTERVALS
    stages = mesh[:, None] + gauss()[2] / INTERVALS
    circle = (q * np.exp(2j * np.pi * mesh)[:, None]).real
    slope = (1j * omega * q * np.exp(2j * np.pi * stages)[..., None]).real
    size = float(np.ptp(circle, axis=0).max())
    for amplitude in (HOPF_AMPLITUDE, HOPF_AMPLITUDE / 4, HOPF_AMPLITUDE / 16):
        factor = amplitude * box / size
        guess = Loop(mesh, hopf.z + factor * circle, factor * slope, 2 * np.pi / omega)
        problem.set_scale(guess, HOPF_SCALE * box)
        across = np.append(factor * circle.ravel(), [0.0, 0.0])
        found = problem.corrected_at(guess, hopf.parameter, across)
        if found is not None and found[0].loop.extent > 0.3 * guess.extent:
            return found[0]
    rule = "no cycle is found beside it within the limits"
    return checks.reject("start", f"Hopf at {hopf.parameter:.6g}", rule, "Widen the limits on both sides of it")

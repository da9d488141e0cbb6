"""Proves which equilibria a planar flow has in a box."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import sympy
import torch

from ....dynamics import Flow
from ....landscapes.formulas.derivatives import Derivatives, slope
from ....landscapes.formulas.stable import stable
from ....ops import jacobian, symbolic
from ....oracle import Oracle
from ...intervals.formula import IntervalFormulas
from ...intervals.functions import FUNCTIONS, Marks
from ...intervals.interval import Interval
from ...sobol import sobol
from ..critical_points import CriticalPoint, CriticalPoints
from .field import Enclosure, FormulaField, GradientField
from .landscape import Proof, field_of, named_sets, not_tried
from .newton import ProvedZeros, prove_zeros
from .pruning import prune
from .report import coordinates, sorted_parts

ARCS = 64  # number of parts of a circle of directions at first
JUMP_RADII = 0.5 ** np.arange(4, 20)  # in units of the box; half the sides of the boxes around a jump
MAX_DIVISIONS = 6  # number of times that an arc is halved
JUMP_STARTS, NEWTON_STEPS = 256, 30  # of the search for points from where the ascent comes to a critical point
CIRCLES = 1e-6, 1e-8  # in units of the box; radii of two circles around a point on which the field is compared
SAME_SPEED = 0.3  # speed on the smaller circle over that on the larger one; it keeps its size at a jump


class Trace:
    """The formulas of a method: those of each gradient that it takes are named, and not put into one another.

    Attributes:
        symbols: the coordinates.
        definitions: the points at which the method takes gradients, and the gradients there, in order.
        values: the components of F.
    """

    def __init__(self, flow: Flow) -> None:
        """Call the method with symbols."""
        landscape = flow.landscape
        self.symbols = landscape.symbols
        self._expr = stable(landscape.expr)
        self._derivatives = Derivatives(self._expr, self.symbols)
        self.definitions: list[tuple[sympy.Symbol, sympy.Expr]] = []
        self._gradients: dict[tuple[sympy.Expr, ...], np.ndarray] = {}
        w = symbolic(self.symbols)
        self._gradient(w)
        self.values = list(flow.method(w, Oracle(self._gradient, self._hvp, value=self._loss)))

    @property
    def gradients(self) -> list[np.ndarray]:
        """The symbols of each gradient, in order; the first is the one at w itself."""
        return list(self._gradients.values())

    def _gradient(self, w: Any) -> np.ndarray:
        if tuple(w) not in self._gradients:
            here = dict(zip(self.symbols, self._named(w), strict=True))
            self._gradients[tuple(w)] = self._named([g.xreplace(here) for g in self._derivatives.gradient])
        return self._gradients[tuple(w)]

    def _loss(self, w: Any) -> sympy.Symbol:
        here = dict(zip(self.symbols, self._named(w), strict=True))
        return self._named([self._expr.xreplace(here)])[0]

    def _hvp(self, w: Any, v: Any) -> np.ndarray:
        here, d = dict(zip(self.symbols, self._named(w), strict=True)), len(self.symbols)
        hessian = [h.xreplace(here) for h in self._derivatives.hessian]
        return symbolic(sum(hessian[i * d + j] * v[j] for j in range(d)) for i in range(d))

    def _named(self, expressions: Any) -> np.ndarray:
        """Name expressions; return their symbols."""
        number = len(self.definitions)
        names = [sympy.Symbol(f"_{number + i}", real=True) for i in range(len(expressions))]
        self.definitions += zip(names, expressions, strict=True)
        return symbolic(names)


class FlowField(FormulaField):
    """The field of a flow, on boxes. Where a normalised method jumps, the field is not smooth, and never undefined."""

    def __init__(self, trace: Trace) -> None:
        """Differentiate the formulas, by the chain rule from one named symbol to the next.

        Raises:
            UnknownFunctionError: a function without an interval version.
        """
        definitions: list[tuple[sympy.Symbol, sympy.Expr]] = []
        slopes: dict[sympy.Symbol, list[sympy.Expr]] = {}
        coordinates = trace.symbols

        def along(expr: sympy.Expr, j: int) -> sympy.Expr:
            inner = [s for s in expr.free_symbols if s in slopes]
            return slope(expr, coordinates[j]) + sum(slope(expr, s) * slopes[s][j] for s in sorted(inner, key=str))

        for symbol, expr in trace.definitions:
            definitions.append((symbol, expr))
            names = [sympy.Symbol(f"{symbol}_{j}", real=True) for j in range(len(coordinates))]
            definitions += [(name, along(expr, j)) for j, name in enumerate(names)]
            slopes[symbol] = list(names)
        derivatives = [along(value, j) for value in trace.values for j in range(len(coordinates))]
        super().__init__(coordinates, trace.values, derivatives, (trace.definitions, definitions))

    def _enclosure(self, values: list[Interval], marks: Marks, low: np.ndarray, high: np.ndarray) -> Enclosure:
        return super()._enclosure(values, Marks(marks.rough | marks.undefined), low, high)


class Jump:
    """The field of a flow around a point at which one of the gradients that a normalised method takes vanishes.

    Beside the point this gradient is not 0, and has a direction u. The field is a function of w, u and the norm of the
    gradient, r. It has no zero there if it has none for any direction.
    """

    def __init__(self, trace: Trace, number: int = 0) -> None:
        """Put r u in place of a gradient: by its number, that at w itself or a later one.

        Raises:
            UnknownFunctionError: a function without an interval version.
        """
        at_jump = trace.gradients[number]
        u = [sympy.Symbol(f"_u{i}", real=True) for i in range(len(at_jump))]
        r = sympy.Symbol("_r", positive=True)
        square = sum(g**2 for g in at_jump)
        gradient = dict(zip(at_jump, [r * v for v in u], strict=True))

        def polar(expr: sympy.Expr) -> sympy.Expr:
            # ‖r u‖² is r², since u is a unit vector.
            expr = expr.replace(lambda e: e.is_Pow and e.base == square, lambda e: r ** (2 * e.exp))
            return expr.xreplace(gradient)

        replaced = set(at_jump)
        definitions = [(s, polar(e)) for s, e in trace.definitions if s not in replaced]
        self._norm = IntervalFormulas(trace.symbols, [sympy.sqrt(square)], trace.definitions)
        self._field = IntervalFormulas((*trace.symbols, *u, r), list(map(polar, trace.values)), definitions)

    def zone(self, gradient: GradientField, w: np.ndarray, extent: np.ndarray) -> ProvedZeros | None:
        """Return the critical point at w with a box around it in which the flow has no other equilibrium."""
        critical, proved = prove_zeros(gradient, w[None], extent)
        if not proved[0]:
            return None
        for radius in JUMP_RADII:
            low, high = w - radius * extent, w + radius * extent
            alone = ((low >= critical.alone_low[0]) & (high <= critical.alone_high[0])).all()
            if alone and self.excludes_zero(low, high):
                return ProvedZeros(critical.low, critical.high, low[None], high[None])
        return None

    def zone_of_rest(self, w: np.ndarray, extent: np.ndarray) -> ProvedZeros | None:
        """Return a point w at which a later gradient vanishes with a box in which no zero lies beside such points."""
        for radius in JUMP_RADII:
            low, high = w - radius * extent, w + radius * extent
            if self.excludes_zero(low, high):
                return ProvedZeros(w[None], w[None], low[None], high[None])
        return None

    def excludes_zero(self, low: np.ndarray, high: np.ndarray) -> bool:
        """Return whether the field has no zero in a box with the bounds ``(2,)``, except where the gradient is 0."""
        (norm,), _ = self._norm(low[:, None], high[:, None])
        start = 2 * np.pi * np.arange(ARCS) / ARCS
        end = start + 2 * np.pi / ARCS * (1 + 1e-12)  # the arcs overlap, so that rounding leaves no gap
        for _ in range(MAX_DIVISIONS):
            angle = Interval(start, end)
            u = [FUNCTIONS[name](Marks(), angle) for name in ("cos", "sin")]
            n = len(start)
            lower = np.stack([np.full(n, low[0]), np.full(n, low[1]), u[0].low, u[1].low, np.zeros(n)])
            upper = np.stack([np.full(n, high[0]), np.full(n, high[1]), u[0].high, u[1].high, np.full(n, norm.high[0])])
            values, _ = self._field(lower, upper)
            left = np.all([(v.low <= 0) & (v.high >= 0) for v in values], axis=0)
            if not left.any():
                return True
            if left.mean() > 0.5:
                return False
            middle = (start[left] + end[left]) / 2
            start, end = np.concatenate([start[left], middle]), np.concatenate([middle, end[left]])
        return False


def prove_flow(
    flow: Flow,
    box: np.ndarray,
    searched: tuple[np.ndarray, np.ndarray],
    points: np.ndarray,
    critical: CriticalPoints,
    resting: Sequence[CriticalPoint],
) -> Proof:
    """Prove which equilibria a planar flow has in a box.

    Args:
        flow: the flow.
        box: the box, ``(2, 2)``.
        searched: the bounds of a slightly larger box, ``(2,)`` each, on whose edge no equilibrium lies.
        points: equilibria that a search found, ``(n, 2)``, from which the proof starts.
        critical: the critical points of the landscape, at which the flow may jump.
        resting: those of them at which the flow rests.
    """
    extent = searched[1] - searched[0]
    gradient = field_of(flow.landscape)
    if isinstance(gradient, str):
        return not_tried(gradient, searched)
    if flow.order != 1:
        return not_tried("the flow is of order 2", searched)
    try:
        trace = Trace(flow)
    except (TypeError, AttributeError, ValueError):
        return not_tried("the method has no formula", searched)
    jump = Jump(trace)
    zones = [jump.zone(gradient, p.w, extent) for p in resting]
    left = [p.w for p, zone in zip(resting, zones, strict=True) if zone is None]
    names = [(f"the critical point at {coordinates(w)}", w) for w in left]
    names += [(f"the degenerate point at {coordinates(p.w)}", p.w) for p in critical.degenerate]
    for number, places in _later_jumps(flow, critical, searched, len(trace.gradients)):
        later = Jump(trace, number)
        for w in places:
            zone = later.zone_of_rest(w, extent)
            if zone is None:
                names.append((f"the jump at {coordinates(w)}, from where the ascent comes to a critical point", w))
            else:
                zones.append(zone)
    sets = named_sets(critical.sets, extent)
    pruned = prune(
        FlowField(trace),
        *searched,
        points,
        np.reshape([w for _, w in names], (-1, 2)),
        [(w, spacing) for _, w, spacing in sets],
        _joined([zone for zone in zones if zone is not None]),
    )
    return Proof(pruned.zones, sorted_parts(pruned, box, extent, names, sets))


def _later_jumps(
    flow: Flow, critical: CriticalPoints, searched: tuple[np.ndarray, np.ndarray], gradients: int
) -> list[tuple[int, np.ndarray]]:
    """Return where the ascent comes to a critical point and takes the direction of the gradient there.

    Args:
        flow: a planar flow.
        critical: the critical points of its landscape.
        searched: the bounds of the box, ``(2,)`` each.
        gradients: the number of gradients that the method takes.

    Returns:
        The number of a gradient after the first, and the points w ``(n, 2)`` that Newton's method found at which it
        vanishes and the flow rests in Filippov's sense.
    """
    low, high = searched
    starts = torch.as_tensor((low + (high - low) * sobol(JUMP_STARTS, 2, 0)).T.copy())
    found = []
    if len(_points_of(flow, starts[:, :1])) != gradients:
        return []
    for number in range(1, gradients):

        def point(w: torch.Tensor, number: int = number) -> torch.Tensor:
            return _points_of(flow, w)[number]

        ends = []
        for goal in critical:
            w, at = starts, torch.as_tensor(goal.w)[:, None]
            for _ in range(NEWTON_STEPS):
                step = torch.linalg.solve_ex(jacobian(point, w).movedim(-1, 0), (point(w) - at).T)[0].T
                w = w - step
            near = (step.abs() <= 1e-12 * torch.as_tensor(high - low)[:, None]).all(0)
            ends += [end for end in w[:, near].T.numpy() if ((end >= low) & (end <= high)).all()]
        if ends:
            _, first = np.unique(np.round(np.array(ends) / (high - low), 9), axis=0, return_index=True)
            found.append((number, np.array([ends[i] for i in first if _rests_at_jump(flow, ends[i], high - low)])))
    return [(number, places) for number, places in found if len(places)]


def _points_of(flow: Flow, w: torch.Tensor) -> list[torch.Tensor]:
    """Return the points at which a method takes gradients from w ``(2, n)``: ``(2, n)`` each."""
    points: list[torch.Tensor] = []

    def gradient(p: torch.Tensor) -> torch.Tensor:
        if not any(p is other for other in points):  # as ``Trace`` does
            points.append(p)
        return flow.landscape.grad(p)

    flow.method(w, replace(flow.landscape.grad, gradient=gradient))
    return points


def _rests_at_jump(flow: Flow, w: np.ndarray, extent: np.ndarray) -> bool:
    """Return whether the field jumps at w and 0 lies in the convex hull of its values around w (Filippov)."""
    angle = 2 * np.pi * np.arange(ARCS) / ARCS
    circle = extent[:, None] * np.stack([np.cos(angle), np.sin(angle)])
    far, near = (flow(torch.as_tensor(w[:, None] + radius * circle)).numpy() for radius in CIRCLES)
    direction = np.sort(np.arctan2(near[1], near[0]))
    jumps = np.hypot(*near).max() > SAME_SPEED * np.hypot(*far).max()
    return bool(jumps and np.diff(np.append(direction, direction[0] + 2 * np.pi)).max() < np.pi * (1 + 1e-6))


def _joined(zones: list[ProvedZeros]) -> ProvedZeros:
    """Return several proved zeros as one array of them."""
    bounds = [[getattr(z, name) for z in zones] for name in ("low", "high", "alone_low", "alone_high")]
    return ProvedZeros(*(np.concatenate([np.empty((0, 2)), *b]) for b in bounds))

"""Searches a box for the critical points of a landscape."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ... import checks, html
from ...arguments import checked
from ...landscapes import Landscape
from ..sobol import sobol
from .degenerate import CriticalSet, DegeneratePoint, degenerate_sets
from .degree import cell_degrees
from .points_in_box import PointsInBox
from .proof.landscape import Proof, prove
from .singular import block_of, descend_gradient, regular, scaled_gradients, strengths

STARTS = 1024  # number of starts of each method
EIGEN_WORK = 10**8  # operations of the starts' eigendecompositions, d³ each; more than 46 coordinates have fewer starts
MIN_STARTS = 8  # number of starts in any dimension
ITERATIONS = 60  # number of Newton steps
MAX_WIDTH = 1e100  # in the units of w; the squares of the box's sides times curvatures must not overflow
SAME_POINT = 1e-6  # in units of the box; two results closer than this are one point
SAME_SINGULAR_POINT = 1e-3  # in units of the box; a singular zero closer than this to a regular point is that point
ZERO_EIGENVALUE = 1e-6  # relative to the Hessian nearby; smaller eigenvalues count as zero
ZERO_GRADIENT = 1e-9  # relative to the Hessian nearby times the box; smaller gradients count as zero
MIN_STRENGTH = 1e-100  # relative to the largest Hessian in the box; smaller Hessians are rounding
CELLS = 24  # number of cells per side in which the degree is compared with the points
EXTRA_SEARCHES = 3  # number of further searches in the cells whose degree differs
COLUMNS = ("critical point", "at", "loss", html.line("eigenvalues ", html.formula(r"\lambda"), " of the Hessian"))


@dataclass(frozen=True, eq=False)  # the same point only if it is the same object: arrays do not compare
class CriticalPoint:
    """A non-degenerate critical point.

    Attributes:
        w: its position, ``(d,)``.
        loss: the loss L(w).
        eigenvalues: the eigenvalues of the Hessian, ascending, ``(d,)``.
        eigenvectors: their unit eigenvectors, in the columns, ``(d, d)``.

    >>> import samdyn as sd
    >>> (point,) = sd.critical_points(sd.landscapes.saddle())
    >>> point.kind, point.index, point.eigenvalues.tolist()
    ('saddle', 1, [-2.0, 2.0])
    """

    w: np.ndarray
    loss: float
    eigenvalues: np.ndarray
    eigenvectors: np.ndarray

    @property
    def index(self) -> int:
        """The number of negative eigenvalues of the Hessian."""
        return int((self.eigenvalues < 0).sum())

    @property
    def kind(self) -> str:
        """The type of the point: "minimum", "maximum" or "saddle"."""
        return {0: "minimum", len(self.w): "maximum"}.get(self.index, "saddle")

    def _repr_html_(self) -> str:
        return html.block(html.table(COLUMNS, [_cells(self.kind, self)]))


@dataclass(frozen=True, eq=False)
class CriticalPoints(PointsInBox[CriticalPoint]):
    """The non-degenerate critical points in a box, by ascending loss, with the degenerate points and sets.

    Attributes:
        points: the non-degenerate points; the sequence iterates over them.
        missing: the cells, each a (low, high) pair per coordinate, in which the degree of the gradient proves that
            there are points which the search did not find (``PointsInBox``).
        unchecked: the fraction of the box that no degree checks: around curves of critical points and kinks, and the
            whole box unless d = 2.
        unproved: the parts of the box in which there may be other points (``Unproved``). Interval arithmetic proves
            that there are none elsewhere.
        degenerate: the isolated points with a singular Hessian.
        sets: the curves and other sets of critical points.

    >>> import samdyn as sd
    >>> points = sd.critical_points(sd.landscapes.beale())
    >>> len(points), points[0].w.round(6).tolist(), points.complete
    (2, [3.0, 0.5], True)
    """

    degenerate: tuple[DegeneratePoint, ...]
    sets: tuple[CriticalSet, ...]

    @property
    def balanced(self) -> bool:
        """Whether the degree of the gradient in every cell equals the sum over the points found there.

        The search then missed no single point. It may have missed narrow wells, which have a minimum and a saddle in
        one cell; ``complete`` says whether it is proved that there are none.
        """
        return not self.missing and not self.unchecked

    def __str__(self) -> str:
        lines = [
            f"{p.kind} at {_position(p)}, L = {_loss(p):.6g}, λ = {_formatted(p.eigenvalues)}" for p in self.points
        ]
        lines += [f"degenerate point at {_position(p)}, L = {_loss(p):.6g}" for p in self.degenerate]
        for s in self.sets:
            lines.append(f"{s.noun}, L = {s.loss:.6g}, through {_formatted(s.w[len(s.w) // 2], scale=1.0)}")
        lines += self.remarks
        return "\n".join(lines) or "no critical points"

    def _repr_html_(self) -> str:
        rows = [_cells(p.kind, p) for p in self.points] + [_cells("degenerate point", p) for p in self.degenerate]
        for s in self.sets:
            middle = _rounded(s.w[len(s.w) // 2], scale=1.0)
            rows.append((s.noun, html.line("through ", middle), s.loss, None))
        return html.block(html.table(COLUMNS, rows) if rows else "no critical points", *self.remarks)


@checked
def critical_points(landscape: Landscape, box: Sequence[tuple[float, float]] | None = None) -> CriticalPoints:
    """Return the critical points in a box.

    Newton's method and Levenberg and Marquardt's method start from 1024 points spread evenly over the box (from fewer
    in more than 46 dimensions). The second one finds singular zeros of the gradient too.

    Interval arithmetic then proves which points there are. It divides the box. A part has no point if an interval that
    contains the gradient's values there excludes 0; it has exactly one if the interval Newton method says so. This
    finds points to which no start led, such as wells that are a thousandth of the box wide. ``complete`` is true if it
    decides about every part; ``unproved`` lists the others: surroundings of degenerate points and of curves of critical
    points, at which Newton's method proves nothing, kinks at which the gradient may change its sign, and, in many
    dimensions, what remains when too many parts are left.

    In the plane the degree checks the result too. On each of 24 × 24 cells the degree of the gradient field, which
    counts how often the field turns along the cell's edge, must be the sum of the signs of det H over the points in the
    cell. Where it is not, the search starts again; ``missing`` reports the cells that still differ.

    At kinks the gradient is that of the landscape's convention; a minimum at a kink is not a critical point.

    Args:
        landscape: the loss.
        box: one (low, high) pair per coordinate. Default: the box of the landscape.

    Raises:
        InputError: the box has the wrong shape, or is wider than 1e100.

    >>> import samdyn as sd
    >>> print(sd.critical_points(sd.landscapes.beale()))
    minimum at (3, 0.5), L = ..., λ = (0.301464, 48.9798)
    saddle at (0, 1), L = 14.2031, λ = (-27.75, 27.75)
    proved by interval arithmetic: there is no other in the box
    """
    limits = np.array(checks.box(landscape.box if box is None else box, landscape.dim))
    if np.ptp(limits, axis=1).max() > MAX_WIDTH:
        rule = "is too wide: curvatures times the squares of its sides leave the floating-point range"
        checks.reject("box", box or landscape.box, rule, "Use other units, or a smaller box")
    # Irrational margins make the searched box a little larger, so that no point lies on its edge or on a grid line.
    margin = (limits[:, 1] - limits[:, 0]) * 1e-3
    low, high = limits[:, 0] - margin * np.sqrt(2), limits[:, 1] + margin * np.sqrt(3)
    extent = high - low
    affordable = 2 ** int(np.log2(max(MIN_STARTS, EIGEN_WORK / landscape.dim**3)))  # 2ⁿ Sobol points are the most even
    starts = low + extent * sobol(min(STARTS, affordable), landscape.dim, 0)

    points = _add([], landscape, _newton(landscape, starts, extent), low, high)
    w = _in_blocks(lambda part: descend_gradient(landscape, part.T, torch.as_tensor(extent)).T, starts)
    w = w[((w >= low) & (w <= high)).all(axis=1)]
    w = w[_critical(landscape, w, extent)]
    # A gradient that underflows, at the edge of a plateau of rounded zeros, makes no curve of critical points.
    strength = strengths(landscape, w, extent)
    w = w[(strength == 0) | (strength > MIN_STRENGTH * strengths(landscape, starts, extent).max())]
    w = w[[all(np.abs((p - q.w) / extent).max() > SAME_SINGULAR_POINT for q in points) for p in w]] if len(w) else w
    certain = regular(landscape, w, extent, ZERO_EIGENVALUE**0.5)
    points = _add(points, landscape, _newton(landscape, w[certain], extent), low, high)
    degenerate, sets = degenerate_sets(landscape, w[~certain], low, high)

    degree: np.ndarray | None = None
    if landscape.dim == 2:
        lines = [np.linspace(a, b, CELLS + 1) for a, b in zip(low, high, strict=True)]
        degree = cell_degrees(landscape.grad, *lines)
        for _ in range(EXTRA_SEARCHES):
            cells = _unexplained(landscape, degree, lines, points, degenerate)
            if not len(cells):
                break
            corner = np.array([[lines[0][i], lines[1][j]] for i, j in cells])
            again = (corner[:, None] + extent / CELLS * sobol(64, 2, 1)).reshape(-1, 2)
            points = _add(points, landscape, _newton(landscape, again, extent), low, high)

    places = np.reshape([p.w for p in points], (-1, landscape.dim))
    proof = prove(landscape, limits, (low, high), places, degenerate, sets)
    points, degenerate = _as_proved(points, degenerate, proof, landscape)
    missing: list[tuple[tuple[float, float], ...]] = []
    if degree is not None:
        cells = _unexplained(landscape, degree, lines, points, degenerate)
        missing = [
            ((lines[0][i], lines[0][i + 1]), (lines[1][j], lines[1][j + 1])) for i, j in cells
        ]  # a missing point may lie in the margin outside the box: the degree cannot tell

    in_box = [
        p
        for p in points
        if ((p.w >= limits[:, 0] - SAME_POINT * extent) & (p.w <= limits[:, 1] + SAME_POINT * extent)).all()
    ]
    return CriticalPoints(
        points=tuple(sorted(in_box, key=lambda p: p.loss)),
        missing=tuple(missing),
        unchecked=1.0 if degree is None else float(np.isnan(degree).mean()),
        unproved=proof.unproved,
        degenerate=tuple(degenerate),
        sets=tuple(sets),
    )


def _as_proved(
    points: list[CriticalPoint], degenerate: list[DegeneratePoint], proof: Proof, landscape: Landscape
) -> tuple[list[CriticalPoint], list[DegeneratePoint]]:
    """Return the points that are proved and those that may be some, and the degenerate ones without a regular one."""
    if proof.zones is None:
        return points, degenerate
    zones = proof.zones

    def is_proved(w: np.ndarray) -> bool:
        return bool(zones.contain(w[None], w[None])[0])

    new = [_point(landscape, w) for w in proof.new_zeros(points, np.array([[-np.inf, np.inf]] * landscape.dim))]
    possible = [p for p in points if is_proved(p.w) or any(part.touches(p.w, SAME_POINT) for part in proof.unproved)]
    return possible + new, [p for p in degenerate if not is_proved(p.w)]


def _point(landscape: Landscape, w: np.ndarray) -> CriticalPoint:
    eigenvalues, eigenvectors = np.linalg.eigh(landscape.hessian(w).numpy())
    return CriticalPoint(w, float(landscape.value(w)), eigenvalues, eigenvectors)


def _newton(landscape: Landscape, starts: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Return the limits of Newton's method from the starts ``(n, d)``, with repetitions: ``(m, d)``."""
    small = torch.as_tensor(1e-12 * extent)

    def arrive(w: torch.Tensor) -> torch.Tensor:
        ends = [w[:0]]
        for _ in range(ITERATIONS):
            # A singular Hessian gives an infinite step; its run is dropped.
            step, _ = torch.linalg.solve_ex(landscape.hessian(w.T).movedim(-1, 0), landscape.grad(w.T).T)
            w = w - step
            # At a degenerate point each step of Newton's method halves the distance: this step is no smaller than it.
            small_step = (step.abs() <= small).all(1)
            ends.append(w[small_step])
            w = w[~small_step & torch.isfinite(w).all(1)]
            if not len(w):
                break
        return torch.cat(ends)

    w = _in_blocks(arrive, starts)
    return w[_critical(landscape, w, extent)]


def _in_blocks(function: Callable[[torch.Tensor], torch.Tensor], points: np.ndarray) -> np.ndarray:
    """Apply a function to points ``(n, d)`` in blocks whose Hessians fit into memory."""
    if not len(points):
        return points
    return np.concatenate([function(part).numpy() for part in torch.as_tensor(points).split(block_of(points.shape[1]))])


def _critical(landscape: Landscape, w: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Return whether the gradient at each point ``(n, d)`` vanishes to rounding, relative to the Hessian nearby."""
    if not len(w):
        return np.zeros(0, dtype=bool)
    return scaled_gradients(landscape, w, extent) <= ZERO_GRADIENT * strengths(landscape, w, extent)


def _add(
    points: list[CriticalPoint], landscape: Landscape, candidates: np.ndarray, low: np.ndarray, high: np.ndarray
) -> list[CriticalPoint]:
    extent = high - low
    points = list(points)

    def new(candidates: np.ndarray) -> np.ndarray:
        places = np.array([p.w for p in points]).reshape(-1, len(low))
        return candidates[(np.abs(candidates[:, None] - places) > SAME_POINT * extent).any(axis=2).all(axis=1)]

    candidates, at_once = new(candidates[((candidates >= low) & (candidates <= high)).all(axis=1)]), 1
    while len(candidates):
        # Most candidates are copies of the first few, so the blocks grow from one candidate.
        part, candidates = candidates[:at_once], candidates[at_once:]
        at_once *= 2
        for w in part[regular(landscape, part, extent, ZERO_EIGENVALUE)]:
            if len(new(w[None])):
                points.append(_point(landscape, w))
        candidates = new(candidates)
    return points


def _unexplained(
    landscape: Landscape,
    degree: np.ndarray,
    lines: list[np.ndarray],
    points: list[CriticalPoint],
    degenerate: list[DegeneratePoint],
) -> np.ndarray:
    """Return the cells (i, j) whose degree differs from the sum of the indices of the points there: ``(n, 2)``."""
    count = np.zeros_like(degree)
    for point in points:
        i, j = (int(np.searchsorted(line, w)) - 1 for line, w in zip(lines, point.w, strict=True))
        count[i, j] += (-1) ** point.index
    unknown = np.isnan(degree)
    for singular in degenerate:  # its Hessian does not give its index, and it may lie across a line
        i, j = (int(np.searchsorted(line, w)) - 1 for line, w in zip(lines, singular.w, strict=True))
        unknown[max(0, i - 1) : i + 2, max(0, j - 1) : j + 2] = True
    return np.argwhere((degree != count) & ~unknown)


def _rounded(values: np.ndarray, scale: float = 0.0) -> np.ndarray:
    """Return values for print: 0 for those below 1e-12 of the largest of them, and of a scale in their units."""
    rounding = 1e-12 * np.abs(values).max(initial=scale)
    return np.where(np.abs(values) > rounding, values, 0.0)


def _formatted(values: np.ndarray, scale: float = 0.0) -> str:
    return "(" + ", ".join(f"{v:.6g}" for v in _rounded(values, scale)) + ")"


def _position(point: CriticalPoint | DegeneratePoint) -> str:
    # The search finds a coordinate of 0 to rounding, which is beside nothing larger at the origin: so the scale is 1.
    return _formatted(point.w, scale=1.0)


def _loss(point: CriticalPoint | DegeneratePoint) -> float:
    # The eigenvalues have the units of the loss per w²; a loss that is small beside them is rounding, too.
    return float(_rounded(np.array(point.loss), scale=np.abs(point.eigenvalues).max()))


def _cells(kind: str, point: CriticalPoint | DegeneratePoint) -> tuple[Any, ...]:
    """Return the cells of a point, below ``COLUMNS``."""
    return kind, _rounded(point.w, scale=1.0), _loss(point), _rounded(point.eigenvalues)

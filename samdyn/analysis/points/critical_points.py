"""Critical points of a landscape in a box."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ... import checks
from ...arguments import checked
from ...landscapes import Landscape
from .degenerate import CriticalSet, DegeneratePoint, degenerate_sets
from .degree import cell_degrees
from .singular import block_of, descend_gradient, regular, scaled_gradients, strengths

STARTS = 1024
WORK = (
    10**8
)  # numbers in the Hessians' eigendecompositions, d³ each: in more than 46 coordinates there are fewer starts
FEWEST = 8  # starts, however many coordinates
ITERATIONS = 60
WIDEST = 1e100  # box: the squares of its sides times curvatures must be numbers
SAME = 1e-6  # points closer than this, relative to the box, are one
EXPLAINED = 1e-3  # where singular zeros are looked for, ends closer than this to a known point are taken for it
DEGENERATE = 1e-6  # an eigenvalue below this, relative to the Hessian nearby, counts as zero
VANISHING = 1e-9  # a gradient below this, relative to the Hessian nearby times the box, counts as zero
UNDERFLOW = 1e-100  # a Hessian this much smaller than the largest in the box is rounding
CELLS = 24  # a side, in which degrees are compared with what was found
ROUNDS = 3  # of searching again where they differ


@dataclass(frozen=True, eq=False)  # the same point only if it is the same object: arrays do not compare
class CriticalPoint:
    """A non-degenerate critical point.

    Attributes:
        w: where, ``(d,)``.
        loss: L there.
        eigenvalues: of the Hessian, ascending, ``(d,)``.
        eigenvectors: theirs, in the columns, ``(d, d)``.
    """

    w: np.ndarray
    loss: float
    eigenvalues: np.ndarray
    eigenvectors: np.ndarray

    @property
    def index(self) -> int:
        """How many eigenvalues are negative."""
        return int((self.eigenvalues < 0).sum())

    @property
    def kind(self) -> str:
        """Return minimum, maximum or saddle."""
        return {0: "minimum", len(self.w): "maximum"}.get(self.index, "saddle")


@dataclass(frozen=True, eq=False)
class CriticalPoints(Sequence[CriticalPoint]):
    """The non-degenerate critical points in a box, by ascending loss, and what else was found there.

    Attributes:
        points: the non-degenerate points; the sequence itself goes over them.
        degenerate: isolated points with a singular Hessian.
        sets: curves and other sets of critical points.
        missing: parts of the box, each a (low, high) pair per coordinate, in which the degree of the gradient field
            says that points exist which were not found; empty if there are none. A pair of opposite index, like a
            minimum and a saddle, within one cell of 24 × 24 is not seen.
        unchecked: the share of the box in which there is no degree to compare with: around curves of critical points
            and kinks, and all of it unless d = 2.
    """

    points: tuple[CriticalPoint, ...]
    degenerate: tuple[DegeneratePoint, ...]
    sets: tuple[CriticalSet, ...]
    missing: tuple[tuple[tuple[float, float], ...], ...]
    unchecked: float

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # a point, or for a slice a tuple of them
        return self.points[index]

    def __len__(self) -> int:
        return len(self.points)

    def __iter__(self) -> Iterator[CriticalPoint]:
        return iter(self.points)

    @property
    def balanced(self) -> bool:
        """Whether the degree was compared in all cells and the points found account for it.

        No single point was missed then; narrow wells, with a minimum and a saddle in one cell, may have been.
        """
        return not self.missing and not self.unchecked

    def __str__(self) -> str:
        lines = [f"{p.kind} at {_shown(p.w)}, L = {p.loss:.6g}, λ = {_shown(p.eigenvalues)}" for p in self.points]
        lines += [f"degenerate point at {_shown(p.w)}, L = {p.loss:.6g}" for p in self.degenerate]
        for s in self.sets:
            what = "curve" if s.dimension == 1 else f"set of dimension {s.dimension}"
            lines.append(f"{what}, {s.kind}, L = {s.loss:.6g}, through {_shown(s.w[len(s.w) // 2])}")
        if self.missing:
            lines.append(f"the degree of the gradient says that points are missing in {len(self.missing)} cells")
        if self.unchecked:
            lines.append(f"not checked by a degree: {100 * self.unchecked:.3g} % of the box")
        return "\n".join(lines) or "no critical points"


@checked
def critical_points(landscape: Landscape, box: Sequence[tuple[float, float]] | None = None) -> CriticalPoints:
    """Return the critical points in a box.

    Newton's method starts from 1024 points spread evenly over the box, and so does Levenberg and Marquardt's, which
    finds singular zeros of the gradient too (from fewer in more than 46 dimensions). What no start leads to is not
    found. In the plane the result is checked: on each of 24 × 24 cells the degree of
    the gradient field, how often it turns along the cell's edge, must be the sum of the signs of det H over the points
    found there. Where it is not the search goes on, and cells that stay unexplained are reported as ``missing``. A pair
    of points of opposite sign in one cell, like the minimum and the saddle of a well narrower than a cell, escapes the
    check.

    At kinks the gradient is that of the landscape's convention; a minimum at a kink is not a critical point.

    Args:
        landscape: the loss.
        box: one (low, high) pair per coordinate; the landscape's own where not given.

    Raises:
        InputError: a box of the wrong shape, or wider than 1e100.
    """
    from scipy.stats import qmc  # half of what importing samdyn would cost

    limits = np.array(checks.box(landscape.box if box is None else box, landscape.dim))
    if np.ptp(limits, axis=1).max() > WIDEST:
        rule = "is too wide: curvatures times the squares of its sides leave the floating-point range"
        checks.reject("box", box or landscape.box, rule, "Use other units, or a smaller box")
    # A little more than the box, by irrational amounts: no point sits on the edge, or on a line of the grid.
    margin = (limits[:, 1] - limits[:, 0]) * 1e-3
    low, high = limits[:, 0] - margin * np.sqrt(2), limits[:, 1] + margin * np.sqrt(3)
    extent = high - low
    affordable = 2 ** int(np.log2(max(FEWEST, WORK / landscape.dim**3)))  # Sobol's points are even in powers of two
    starts = qmc.scale(qmc.Sobol(landscape.dim, rng=0).random(min(STARTS, affordable)), low, high)

    found = _add([], landscape, _newton(landscape, starts, extent), low, high)
    w = _in_blocks(lambda part: descend_gradient(landscape, part.T, torch.as_tensor(extent)).T, starts)
    w = w[((w >= low) & (w <= high)).all(axis=1)]
    w = w[_critical(landscape, w, extent)]
    # Where a slope underflows, at the edge of a plateau of rounded zeros, there is no curve of critical points.
    strength = strengths(landscape, w, extent)
    w = w[(strength == 0) | (strength > UNDERFLOW * strengths(landscape, starts, extent).max())]
    w = w[[all(np.abs((p - q.w) / extent).max() > EXPLAINED for q in found) for p in w]] if len(w) else w
    certain = regular(landscape, w, extent, DEGENERATE**0.5)
    found = _add(found, landscape, _newton(landscape, w[certain], extent), low, high)
    degenerate, sets = degenerate_sets(landscape, w[~certain], low, high)

    missing: list[tuple[tuple[float, float], ...]] = []
    unchecked = 1.0
    if landscape.dim == 2:
        lines = [np.linspace(a, b, CELLS + 1) for a, b in zip(low, high, strict=True)]
        degree = cell_degrees(landscape.grad, *lines)
        for _ in range(ROUNDS):
            cells = _unexplained(landscape, degree, lines, found, degenerate)
            if not len(cells):
                break
            corner = np.array([[lines[0][i], lines[1][j]] for i, j in cells])
            again = (corner[:, None] + extent / CELLS * qmc.Sobol(2, rng=1).random(64)).reshape(-1, 2)
            found = _add(found, landscape, _newton(landscape, again, extent), low, high)
        cells = _unexplained(landscape, degree, lines, found, degenerate)
        missing = [
            ((lines[0][i], lines[0][i + 1]), (lines[1][j], lines[1][j + 1])) for i, j in cells
        ]  # points outside the box, in the margin, count too: they cannot be told apart
        unchecked = float(np.isnan(degree).mean())

    in_box = [p for p in found if ((p.w >= limits[:, 0] - SAME * extent) & (p.w <= limits[:, 1] + SAME * extent)).all()]
    return CriticalPoints(
        tuple(sorted(in_box, key=lambda p: p.loss)), tuple(degenerate), tuple(sets), tuple(missing), unchecked
    )


def _newton(landscape: Landscape, starts: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Return where Newton's method arrives from the starts ``(n, d)``, repetitions included."""
    small = torch.as_tensor(1e-12 * extent)

    def arrive(w: torch.Tensor) -> torch.Tensor:
        arrived = [w[:0]]
        for _ in range(ITERATIONS):
            # Singular Hessians give infinite steps, which drop out.
            step, _ = torch.linalg.solve_ex(landscape.hessian(w.T).movedim(-1, 0), landscape.grad(w.T).T)
            w = w - step
            # At a degenerate point Newton's method only halves the distance, so its last step is no smaller than that.
            settled = (step.abs() <= small).all(1)
            arrived.append(w[settled])
            w = w[~settled & torch.isfinite(w).all(1)]
            if not len(w):
                break
        return torch.cat(arrived)

    w = _in_blocks(arrive, starts)
    return w[_critical(landscape, w, extent)]


def _in_blocks(function: Callable[[torch.Tensor], torch.Tensor], points: np.ndarray) -> np.ndarray:
    """Apply a function of points ``(n, d)`` to so many at once that their Hessians fit into memory."""
    if not len(points):
        return points
    return np.concatenate([function(part).numpy() for part in torch.as_tensor(points).split(block_of(points.shape[1]))])


def _critical(landscape: Landscape, w: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Say at which points ``(n, d)`` the gradient vanishes to rounding, compared with the Hessian nearby."""
    if not len(w):
        return np.zeros(0, dtype=bool)
    return scaled_gradients(landscape, w, extent) <= VANISHING * strengths(landscape, w, extent)


def _add(
    found: list[CriticalPoint], landscape: Landscape, points: np.ndarray, low: np.ndarray, high: np.ndarray
) -> list[CriticalPoint]:
    extent = high - low
    found = list(found)

    def new(points: np.ndarray) -> np.ndarray:
        known = np.array([p.w for p in found]).reshape(-1, len(low))
        return points[(np.abs(points[:, None] - known) > SAME * extent).any(axis=2).all(axis=1)]

    points, at_once = new(points[((points >= low) & (points <= high)).all(axis=1)]), 1
    while len(points):
        # Most are the same point again: the first few are looked at alone.
        part, points = points[:at_once], points[at_once:]
        at_once *= 2
        for w in part[regular(landscape, part, extent, DEGENERATE)]:
            if len(new(w[None])):
                eigenvalues, eigenvectors = np.linalg.eigh(landscape.hessian(w).numpy())
                found.append(CriticalPoint(w, float(landscape.value(w)), eigenvalues, eigenvectors))
        points = new(points)
    return found


def _unexplained(
    landscape: Landscape,
    degree: np.ndarray,
    lines: list[np.ndarray],
    found: list[CriticalPoint],
    degenerate: list[DegeneratePoint],
) -> np.ndarray:
    """Return the cells, (i, j) each, whose degree is not what the points found there add up to."""
    count = np.zeros_like(degree)
    for point in found:
        i, j = (int(np.searchsorted(line, w)) - 1 for line, w in zip(lines, point.w, strict=True))
        count[i, j] += (-1) ** point.index
    unknown = np.isnan(degree)
    for singular in degenerate:  # its index is not known from its Hessian, and it may lie across a line
        i, j = (int(np.searchsorted(line, w)) - 1 for line, w in zip(lines, singular.w, strict=True))
        unknown[max(0, i - 1) : i + 2, max(0, j - 1) : j + 2] = True
    return np.argwhere((degree != count) & ~unknown)


def _shown(values: np.ndarray) -> str:
    rounding = 1e-12 * np.abs(values).max(initial=0)  # what is this much smaller than the largest is 0
    return "(" + ", ".join(f"{v if abs(v) > rounding else 0.0:.6g}" for v in values) + ")"

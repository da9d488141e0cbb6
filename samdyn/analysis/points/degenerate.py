"""Sorts critical points with a singular Hessian into isolated points, curves and other sets."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ... import checks
from ...arguments import checked
from ...landscapes import Landscape
from ..trees import tree
from .sets.connected import connected, dimensions
from .sets.geometry import Chart, hessians, least, nearest, spread, tangents_at
from .singular import scaled_gradients, scaled_hessians, strengths

STEP = 0.01  # in units of the box; distance between the points of a traced curve
SAME_SET = 0.03  # in units of the box; a singular zero closer than this to a set belongs to it
ZERO_EIGENVALUE = 1e-6  # relative to the Hessian nearby; smaller eigenvalues count as zero
MAX_REPRESENTATIVES = 200  # number of points between which paths look for connections
MAX_SAMPLE = 500  # number of points that are spread over a set of more than one dimension
MAX_CURVE_POINTS = 4000  # number of points on one branch of a curve


@dataclass(frozen=True, eq=False)
class DegeneratePoint:
    """An isolated critical point with a singular Hessian; second derivatives do not decide its type.

    Attributes:
        w: its position, ``(d,)``. The position of a zero of higher order is accurate to about the square root of the
            rounding error.
        loss: the loss L(w).
        eigenvalues: the eigenvalues of the Hessian, ascending, ``(d,)``.

    >>> import samdyn as sd
    >>> (point,) = sd.critical_points(sd.Landscape("x**4", "x")).degenerate
    >>> point.w.round(6) + 0.0
    array([0.])
    """

    w: np.ndarray
    loss: float
    eigenvalues: np.ndarray


@dataclass(frozen=True)
class PointOnSet:
    """A point of a set of critical points.

    >>> import samdyn as sd
    >>> (circle,) = sd.critical_points(sd.Landscape("(x**2 + y**2 - 1)**2/4", "x y", box=[(-2, 2)] * 2)).sets
    >>> round(circle.sharpest.sharpness, 6)
    2.0

    Attributes:
        w: its position, ``(d,)``.
        eigenvalues: the eigenvalues of the Hessian, ascending, ``(d,)``.
    """

    w: np.ndarray
    eigenvalues: np.ndarray

    @property
    def sharpness(self) -> float:
        """The largest |eigenvalue| of the Hessian."""
        return float(np.abs(self.eigenvalues).max())


@dataclass(frozen=True, eq=False)
class CriticalSet:
    """A connected curve of critical points, or a connected set of higher dimension, on which the loss is constant.

    Paths along critical points join the points that count as one set.

    Attributes:
        w: points on the set, ``(m, d)``. Those of a curve are in order, at most two hundredths of the box apart; those
            of another set are spread over it.
        loss: the loss on the set.
        dimension: the dimension of the set; 1 for curves.
        closed: whether a curve closes within the box.
        kind: "minima", "maxima" or "saddles" if the other eigenvalues of the Hessian are positive, negative or of both
            signs everywhere on the set; "plateau" if the set has the dimension of the space; else "of changing type".
        landscape: the loss.
        box: the bounds of the box that was searched, ``(d, 2)``.

    >>> import samdyn as sd
    >>> (valley,) = sd.critical_points(sd.Landscape("(a*b + c*d - 1)**2/2", "a b c d")).sets
    >>> valley.dimension, valley.kind, valley.is_morse_bott
    (3, 'minima', True)
    >>> valley.flattest.eigenvalues.round(6) + 0.0  # ‖w‖² = 2, on a circle of this set
    array([0., 0., 0., 2.])
    """

    w: np.ndarray
    loss: float
    dimension: int
    closed: bool
    kind: str
    landscape: Landscape
    box: np.ndarray

    @property
    def noun(self) -> str:
        """What to call the set, as in "curve of minima"."""
        what = "curve" if self.dimension == 1 else f"set of dimension {self.dimension}"
        return f"{what} of {self.kind}" if self.kind in ("minima", "maxima", "saddles") else f"{what}, {self.kind}"

    @cached_property
    def eigenvalues(self) -> np.ndarray:
        """The eigenvalues of the Hessian at the points ``w``, ascending: ``(m, d)``."""
        return np.linalg.eigvalsh(hessians(self.landscape, self.w))

    @cached_property
    def is_morse_bott(self) -> bool:
        """Whether the Hessian's kernel has the dimension of the set everywhere that a search looks.

        Then the tangent space is the kernel, and there are charts. A set that crosses another fails where they meet.
        """
        if self.kind in ("plateau", "of changing type"):
            return False
        weakest = self._extreme(lambda e: np.sort(np.abs(e), axis=1)[:, self.dimension])
        gap = np.sort(np.abs(weakest.eigenvalues))[self.dimension]
        return bool(gap > ZERO_EIGENVALUE * np.abs(self.eigenvalues).max())

    @cached_property
    def flattest(self) -> PointOnSet:
        """The point of the set in the box with the least sharpness that a search found.

        Raises:
            InputError: the Hessian is singular across the set.
        """
        return self._extreme(lambda e: np.abs(e).max(axis=1))

    @cached_property
    def sharpest(self) -> PointOnSet:
        """The point of the set in the box with the largest sharpness that a search found; often at the box's edge.

        Raises:
            InputError: the Hessian is singular across the set.
        """
        return self._extreme(lambda e: -np.abs(e).max(axis=1))

    @checked
    def nearest(self, w: np.ndarray) -> np.ndarray:
        """Return the points of the set nearest to others: ``(…, d) -> (…, d)``.

        The search starts at the nearest points of ``w`` and goes along the set, also a little out of the box.

        Raises:
            InputError: the Hessian is singular across the set, or the points have another number of coordinates.

        >>> import samdyn as sd
        >>> (circle,) = sd.critical_points(sd.Landscape("(x**2 + y**2 - 1)**2", "x y")).sets
        >>> circle.nearest((3, 4)).round(6).tolist(), circle.distance([(3, 4), (0.6, 0.8)]).round(6).tolist()
        ([0.6, 0.8], [4.0, 0.0])
        """
        self._require_tangents()
        points, d = np.asarray(w, dtype=float), len(self.box)
        if points.shape[-1:] != (d,) or not np.isfinite(points).all():
            checks.reject("w", w, f"must be finite points of {d} coordinates", f"Give an array (…, {d})")
        found = nearest(self.landscape, points.reshape(-1, d), self.w, self.dimension, self._extent)
        return found.reshape(points.shape)

    def distance(self, w: np.ndarray) -> np.ndarray:
        """Return the Euclidean distances of points from the set, in units of w: ``(…, d) -> (…)``.

        Raises:
            InputError: as for ``nearest``.
        """
        return np.asarray(np.linalg.norm(np.asarray(w, dtype=float) - self.nearest(w), axis=-1))

    def chart(self, w: np.ndarray) -> Chart:
        """Return coordinates on the set around the point of it that is nearest to a point ``(d,)``.

        Raises:
            InputError: as for ``nearest``.
        """
        origin = self.nearest(w)
        (tangents,) = tangents_at(self.landscape, origin[None], self.dimension)
        return Chart(origin, tangents, self.landscape, self._extent)

    @property
    def _extent(self) -> np.ndarray:
        return self.box[:, 1] - self.box[:, 0]

    def _extreme(self, of_eigenvalues: Callable[[np.ndarray], np.ndarray]) -> PointOnSet:
        """Return the point at which a function of the Hessian's eigenvalues ``(n, d) -> (n,)`` is least."""
        self._require_tangents()

        def function(w: np.ndarray) -> np.ndarray:
            return of_eigenvalues(np.linalg.eigvalsh(hessians(self.landscape, w)))

        w = least(function, self.landscape, self.w, self.dimension, *self.box.T)
        return PointOnSet(w, np.linalg.eigvalsh(hessians(self.landscape, w[None]))[0])

    def _require_tangents(self) -> None:
        if self.kind in ("plateau", "of changing type"):
            rule = "has a Hessian that is singular across it too, so that its kernel is not the tangent space"
            checks.reject("set", self.noun, rule, "Use its sample w")


def degenerate_sets(
    landscape: Landscape, ends: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[list[DegeneratePoint], list[CriticalSet]]:
    """Sort singular zeros of the gradient ``(n, d)``; return the isolated points, and the curves and other sets."""
    extent, box = high - low, np.stack([low, high], 1)
    points: list[DegeneratePoint] = []
    sets: list[CriticalSet] = []
    if not len(ends):
        return points, sets
    representatives = _representatives(landscape, ends, extent)
    dimension = dimensions(landscape, representatives, extent)
    curves: list[np.ndarray] = []
    for seed in representatives[dimension == 1]:
        on_a_curve = curves and _distance(seed[None], np.vstack(curves), extent)[0] <= SAME_SET
        curve = None if on_a_curve else _trace(landscape, seed, low, high)
        if curve is not None:
            w, closed = curve
            curves.append(w)
            kind = _kind(landscape, w, extent, 1)
            sets.append(CriticalSet(w, _loss(landscape, w), 1, closed, kind, landscape, box))
    if curves:
        ends = ends[_distance(ends, np.vstack(curves), extent) > SAME_SET]
        away = _distance(representatives, np.vstack(curves), extent) > SAME_SET
        representatives, dimension = representatives[away], dimension[away]
    if not len(representatives):
        return points, sets
    label = connected(landscape, representatives, low, high)
    near = _nearest(ends, representatives, extent)
    for part in np.unique(label):
        best, members = representatives[label == part][0], ends[label[near] == part]
        k = int(np.median(dimension[label == part]))
        if k == 0:
            eigenvalues = np.linalg.eigvalsh(landscape.hessian(best).numpy())
            points.append(DegeneratePoint(best, float(landscape.value(best)), eigenvalues))
        else:
            loss, kind = _loss(landscape, members), _kind(landscape, members, extent, k)
            if kind not in ("plateau", "of changing type"):
                members = spread(landscape, members, k, low, high, MAX_SAMPLE)
            sets.append(CriticalSet(members, loss, k, False, kind, landscape, box))
    return points, sets


def _representatives(landscape: Landscape, w: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Return points that represent all others and are not close to each other, those of the least gradient first."""
    order, spacing = np.argsort(scaled_gradients(landscape, w, extent), kind="stable"), SAME_SET
    while True:
        neighbours, available = tree(w / extent), np.ones(len(w), dtype=bool)
        representatives = []
        for i in order:
            if available[i]:
                representatives.append(i)
                available[neighbours.query_ball_point(w[i] / extent, spacing)] = False
        if len(representatives) <= MAX_REPRESENTATIVES:
            return w[representatives]
        spacing *= 1.3


def _trace(landscape: Landscape, seed: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, bool] | None:
    """Follow the curve of critical points through the seed both ways.

    Returns:
        The curve's points ``(m, d)`` and whether it is closed; None if no curve passes through the seed.
    """
    extent = high - low
    _, basis = _split(landscape, seed, extent)
    forward, closed = _follow(landscape, seed, basis[:, 0], low, high)
    backward = np.empty((0, len(seed))) if closed else _follow(landscape, seed, -basis[:, 0], low, high)[0]
    w = np.vstack([backward[::-1], seed, forward])
    return (w, closed) if len(w) > 3 else None


def _follow(
    landscape: Landscape, seed: np.ndarray, direction: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, bool]:
    """Follow a curve one way; return its points after the seed ``(m, d)``, and whether it came back to the seed."""
    extent = high - low
    curve: list[np.ndarray] = []
    w = seed
    for _ in range(MAX_CURVE_POINTS):
        new = _correct(landscape, w + STEP * direction * extent, extent)
        step = (new - w) / extent
        if not 0.3 * STEP <= np.linalg.norm(step) <= 2 * STEP or not ((new >= low) & (new <= high)).all():
            break
        if len(curve) > 2 and np.linalg.norm((new - seed) / extent) < 0.7 * STEP:
            return np.array(curve), True
        curve.append(new)
        direction, w = step / np.linalg.norm(step), new
    return np.array(curve).reshape(-1, len(seed)), False


def _correct(landscape: Landscape, w: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Bring a point near the curve onto it, across the flattest direction of the Hessian; NaN if that fails."""
    for _ in range(10):
        eigenvalues, basis = _split(landscape, w, extent)
        across = basis[:, 1:].T @ (landscape.grad(w).numpy() * extent)
        strong = np.abs(eigenvalues[1:]) > 0
        step = basis[:, 1:][:, strong] @ (across[strong] / eigenvalues[1:][strong])
        w = w - step * extent
        if not np.isfinite(w).all() or np.linalg.norm(step) < 1e-14:
            break
    on_it = np.linalg.norm(landscape.grad(w).numpy() * extent) <= 1e-7 * strengths(landscape, w[None], extent)[0]
    return w if on_it else np.full_like(w, np.nan)


def _split(landscape: Landscape, w: np.ndarray, extent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the eigenvalues and eigenvectors of the scaled Hessian at a point, by ascending absolute value."""
    eigenvalues, basis = np.linalg.eigh(np.nan_to_num(scaled_hessians(landscape, w[None], extent)[0]))
    order = np.argsort(np.abs(eigenvalues))
    return eigenvalues[order], basis[:, order]


def _distance(points: np.ndarray, to: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Return the distance of each point ``(n, d)`` to the nearest of others, in units of the box: ``(n,)``."""
    return tree(to / extent).query(points / extent)[0]


def _nearest(points: np.ndarray, of: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Return for each point ``(n, d)`` the index of the nearest of others: ``(n,)``."""
    return tree(of / extent).query(points / extent)[1]


def _loss(landscape: Landscape, w: np.ndarray) -> float:
    """Return the median loss of points ``(m, d)`` on a set."""
    return float(landscape.value(w.T).median())


def _kind(landscape: Landscape, w: np.ndarray, extent: np.ndarray, dimension: int) -> str:
    """Return the kind of a set from points on it, as ``CriticalSet`` defines it."""
    if dimension == w.shape[1]:
        return "plateau"
    types = set()
    for point in w[:: max(1, len(w) // 20)]:
        others = np.delete(_split(landscape, point, extent)[0], range(dimension))
        flat = (np.abs(others) <= ZERO_EIGENVALUE * strengths(landscape, point[None], extent)[0]).any()
        low, high = others.min() < 0, others.max() > 0
        types.add("of changing type" if flat else "saddles" if low and high else "maxima" if low else "minima")
    return types.pop() if len(types) == 1 else "of changing type"

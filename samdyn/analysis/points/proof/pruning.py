"""Divides a box until each part is proved to have no zero of a field or exactly one, as far as this is possible."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ...trees import tree
from .newton import Field, ProvedZeros, krawczyk, prove_zeros

MAX_WORK = 2 * 10**8  # number of interval operations; two or three seconds
MAX_BOXES = 2**15  # number of boxes that are divided at the same time
MAX_SET_BOXES = 2**12  # the same; if there are more, boxes close to a set of zeros or a kink are divided no further
MIN_BOXES = 2**6  # number of boxes below which boxes are divided more than once
MAX_CANDIDATES = 64  # number of zeros that are proved at once
BLOCK_NUMBERS = 2**21  # number of intervals that are computed at once; 32 MB
SMALLEST = 2.0**-30  # in units of the box; a box is not divided along a side that is shorter
NEAR_SET = 0.03  # in units of the box; distance between a set of zeros and the sample of it that was found
NEAR_POINT = 1e-6  # in units of the box; a degenerate zero is known to about this accuracy

Boxes = tuple[np.ndarray, np.ndarray]  # type of lower and upper bounds, ``(n, d)`` each
Sets = Sequence[tuple[np.ndarray, float]]  # type of points on sets, ``(m, d)``, and their spacing


@dataclass
class Zones:
    """The zeros that were proved, each with a box in which it is alone."""

    low: np.ndarray
    high: np.ndarray
    alone_low: np.ndarray
    alone_high: np.ndarray

    @classmethod
    def none(cls, dim: int) -> "Zones":
        """Return no zones."""
        return cls(*np.empty((4, 0, dim)))

    def add(self, zeros: ProvedZeros) -> None:
        """Add those of some proved zeros that are not known yet."""
        names = ("low", "high", "alone_low", "alone_high")
        for i in range(len(zeros.low)):
            low, high, alone_low, alone_high = (getattr(zeros, name)[i] for name in names)
            # Two zeros of which one lies in the zone of the other are the same.
            known = ((low >= self.alone_low) & (high <= self.alone_high)).all(1)
            known |= ((self.low >= alone_low) & (self.high <= alone_high)).all(1)
            if not known.any():
                for name in names:
                    setattr(self, name, np.vstack([getattr(self, name), getattr(zeros, name)[i]]))

    def contain(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Return whether each box ``(n, d)`` lies in a zone, in which there is no zero but the known one: ``(n,)``."""
        inside = np.zeros(len(low), dtype=bool)
        for a, b in zip(self.alone_low, self.alone_high, strict=True):
            inside |= ((low >= a) & (high <= b)).all(1)
        return inside


@dataclass
class Pruned:
    """What is known about the zeros of a field in a box.

    Attributes:
        zones: the zeros that were proved.
        plateau: boxes on which the field is 0 everywhere, ``(n, d, 2)``.
        unproved: the boxes in which nothing was proved, by reason, ``(n, d, 2)`` each.
        boxes: the number of boxes that were examined.
    """

    zones: Zones
    plateau: np.ndarray
    unproved: dict[str, np.ndarray] = field(default_factory=dict)
    boxes: int = 0


def prune(
    field_: Field,
    low: np.ndarray,
    high: np.ndarray,
    points: np.ndarray,
    singular: np.ndarray,
    sets: Sets,
    proved: ProvedZeros | None = None,
) -> Pruned:
    """Divide the box [low, high], two bounds ``(d,)``, and sort its parts.

    Args:
        field_: the field.
        low, high: the bounds of the box, ``(d,)``.
        points: zeros of the field that a search found, ``(n, d)``.
        singular: degenerate zeros that it found, ``(n, d)``; boxes around them are not divided for long.
        sets: points on each of the curves and other sets of zeros that it found, ``(n, d)``, and how far others on the
            set may be from them, in units of the box; likewise.
        proved: zeros that were proved in another way.
    """
    dim, extent = field_.dim, high - low
    zones = Zones.none(dim)
    for zeros in ([] if proved is None else [proved]) + [prove_zeros(field_, points, extent)[0]]:
        zones.add(zeros)
    result = Pruned(zones, np.empty((0, dim, 2)))
    aside: dict[str, list[np.ndarray]] = {}
    plateaus: list[np.ndarray] = []

    def set_aside(reason: str, which: np.ndarray) -> None:
        if which.any():
            aside.setdefault(reason, []).append(np.stack([boxes[0][which], boxes[1][which]], 2))

    work = 0
    boxes = low[None].copy(), high[None].copy()
    while len(boxes[0]):
        result.boxes += len(boxes[0])
        work += len(boxes[0]) * field_.cost
        boxes, flat, influence, smooth = _examine(field_, boxes, extent, zones)
        if flat.any():
            plateaus.append(np.stack([boxes[0][flat], boxes[1][flat]], 2))
        remaining = ~flat & ~zones.contain(*boxes)
        length = (boxes[1] - boxes[0]) / extent
        influence = _influence(length, influence)
        near_point = remaining & is_near(boxes, singular, NEAR_POINT, extent) & (length <= NEAR_POINT).all(1)
        set_aside("point", near_point)
        remaining &= ~near_point
        final = remaining & (np.take_along_axis(length, influence.argmax(1)[:, None], 1)[:, 0] <= SMALLEST)
        if final.any() or remaining.sum() > MAX_SET_BOXES:
            near_set = remaining & near_sets(boxes, sets, extent)
            stop = near_set if remaining.sum() > MAX_SET_BOXES else near_set & final
            set_aside("set", stop)
            remaining &= ~stop
        if remaining.sum() > MAX_SET_BOXES:
            set_aside("rough", remaining & ~smooth)
            remaining &= smooth
        if remaining.sum() <= MAX_BOXES and work <= MAX_WORK:
            end = remaining & final
            set_aside("rough", end & ~smooth)
            set_aside("singular", end & smooth)
            remaining &= ~end
        else:
            set_aside("rough", remaining & ~smooth)
            set_aside("budget", remaining & smooth)
            remaining[:] = False
        boxes = _divide((boxes[0][remaining], boxes[1][remaining]), influence[remaining])
    result.plateau = np.concatenate([result.plateau, *plateaus])
    result.unproved = {reason: np.concatenate(parts) for reason, parts in aside.items()}
    return result


def _examine(
    field_: Field, boxes: Boxes, extent: np.ndarray, zones: Zones
) -> tuple[Boxes, np.ndarray, np.ndarray, np.ndarray]:
    """Drop the boxes that have no zero, and shrink the others; add zeros that are proved to the zones.

    Returns:
        The boxes that remain, and for each: whether the field vanishes on it, the influence of each coordinate, and
        whether the field is smooth.
    """
    low, high = boxes
    size = max(1, BLOCK_NUMBERS // field_.cost)
    parts = []
    for start in range(0, len(low), size):
        lower, upper = low[start : start + size].T, high[start : start + size].T
        values = field_.values(lower, upper)
        remain = ~values.excludes_zero
        lower, upper, flat = lower[:, remain], upper[:, remain], values.vanishes[remain]
        step = krawczyk(field_, lower, upper)
        candidates = step.single & ~flat & (np.abs(step.centre - (lower + upper) / 2) <= upper - lower).all(0)
        if candidates.any():
            found = step.centre[:, candidates].T
            # The others are proved when their boxes are smaller, unless they are the same zeros.
            zones.add(prove_zeros(field_, found[~zones.contain(found, found)][:MAX_CANDIDATES], extent)[0])
        remain = (~step.empty & (step.low <= step.high).all(0)) | flat
        # The influence was that within the box before it shrank.
        influence = step.influence * np.where(upper > lower, (step.high - step.low) / (upper - lower), 1.0)
        kept = (step.low.T, step.high.T, flat, influence.T, step.smooth)
        parts.append(tuple(part[remain] for part in kept))
    if not parts:
        d = field_.dim
        parts = [(np.empty((0, d)), np.empty((0, d)), np.zeros(0, bool), np.empty((0, d)), np.zeros(0, bool))]
    low, high, flat, influence, smooth = (np.concatenate(p) for p in zip(*parts, strict=True))
    return (low, high), flat, influence, smooth


def _influence(length: np.ndarray, influence: np.ndarray) -> np.ndarray:
    """Return the influence of each coordinate within each box; where it is unknown, the length: ``(n, d)``."""
    known = np.isfinite(influence).all(1, keepdims=True) & (influence > 0).any(1, keepdims=True)
    return np.where(known, influence, length)


def _divide(boxes: Boxes, influence: np.ndarray) -> Boxes:
    """Return halves of each box, divided along the coordinate of the largest influence.

    Few boxes are divided several times, since NumPy takes as long for 1 box as for 100.
    """
    low, high = boxes
    divide = True
    while divide and len(low):
        rows, side = np.arange(len(low)), influence.argmax(1)
        middle = (low + (high - low) / 2)[rows, side]
        lower_high, upper_low = high.copy(), low.copy()
        lower_high[rows, side] = upper_low[rows, side] = middle
        low, high = np.concatenate([low, upper_low]), np.concatenate([lower_high, high])
        influence[rows, side] /= 2
        influence = np.concatenate([influence, influence])
        divide = len(low) <= MIN_BOXES
    return low, high


def is_near(boxes: Boxes, points: np.ndarray, distance: float, extent: np.ndarray) -> np.ndarray:
    """Return whether each box may come within a distance, in units of the box, of points ``(m, d)``: ``(n,)``."""
    if not len(points) or not len(boxes[0]):
        return np.zeros(len(boxes[0]), dtype=bool)
    middle, half = (boxes[0] + boxes[1]) / 2 / extent, np.linalg.norm((boxes[1] - boxes[0]) / 2 / extent, axis=1)
    return tree(points / extent).query(middle)[0] <= distance + half


def near_sets(boxes: Boxes, sets: Sets, extent: np.ndarray) -> np.ndarray:
    """Return whether each box may touch one of several sets: ``(n,)``."""
    near = np.zeros(len(boxes[0]), dtype=bool)
    for points, spacing in sets:
        near |= is_near(boxes, points, spacing, extent)
    return near

"""Says in which parts of a box nothing was proved, and why."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...trees import tree
from .pruning import Pruned, near_sets

REASONS = {
    "singular": "where the derivatives are singular, or nearly",
    "rough": "where the formula has a kink, a jump or a pole",
    "budget": "where the proof stopped, since too many boxes were left",
    "plateau": "where the gradient vanishes, beside the sets that were found",
}
MAX_JOINED = 1000  # number of boxes that are sorted into connected parts; more make one part


@dataclass(frozen=True, eq=False)
class Unproved:
    """A part of a box in which there may be points that no search found.

    Attributes:
        reason: why nothing is proved there.
        boxes: the boxes that the part consists of, each a (low, high) pair per coordinate, ``(n, d, 2)``.
        fraction: its fraction of the box, by volume.

    >>> import samdyn as sd
    >>> (part,) = sd.critical_points(sd.landscapes.monkey_saddle()).unproved
    >>> part.reason, bool(part.boxes[:, :, 0].min() < 0 < part.boxes[:, :, 1].max() < 1e-5)
    ('around the degenerate point at (0, 0)', True)
    """

    reason: str
    boxes: np.ndarray
    fraction: float

    def __str__(self) -> str:
        n = len(self.boxes)
        bounds = zip(self.boxes[:, :, 0].min(0), self.boxes[:, :, 1].max(0), strict=True)
        within = " × ".join(f"[{low:.6g}, {high:.6g}]" for low, high in bounds)
        volume = f"{100 * self.fraction:.2g} % of the volume"
        return f"{self.reason}: {n} box{'es' * (n > 1)}, {volume}, within {within}"

    def touches(self, w: np.ndarray, distance: float) -> bool:
        """Return whether a point ``(d,)`` lies in the part, or within a fraction of a box's side from that box."""
        margin = distance * np.diff(self.boxes, axis=2)[:, :, 0]
        return bool(((w >= self.boxes[:, :, 0] - margin) & (w <= self.boxes[:, :, 1] + margin)).all(1).any())


def _part(reason: str, boxes: np.ndarray, extent: np.ndarray) -> Unproved:
    """Return a part of a box whose sides are ``extent``."""
    return Unproved(reason, boxes, float(np.prod(np.diff(boxes, axis=2)[:, :, 0] / extent, axis=1).sum()))


def _connected(reason: str, boxes: np.ndarray, extent: np.ndarray) -> list[Unproved]:
    """Return a part for every connected set of boxes."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if len(boxes) > MAX_JOINED:
        return [_part(reason, boxes, extent)]
    middle, half = boxes.mean(2) / extent, np.diff(boxes, axis=2)[:, :, 0] / 2 / extent
    i, j = tree(middle).query_pairs(2 * half.max(), p=np.inf, output_type="ndarray").T
    touch = (np.abs(middle[i] - middle[j]) <= (half[i] + half[j]) * (1 + 1e-9) + 1e-12).all(1)
    links = coo_array((np.ones(touch.sum()), (i[touch], j[touch])), shape=(len(boxes),) * 2)
    number, label = connected_components(links, directed=False)
    return [_part(reason, boxes[label == k], extent) for k in range(number)]


def sorted_parts(
    pruned: Pruned,
    box: np.ndarray,
    extent: np.ndarray,
    points: Sequence[tuple[str, np.ndarray]],
    sets: Sequence[tuple[str, np.ndarray, float]],
) -> tuple[Unproved, ...]:
    """Return the unproved parts that a box ``(d, 2)`` has, sorted by their reasons.

    Args:
        pruned: the result of ``prune``.
        box: the box, which may be smaller than the one that was divided.
        extent: the sides of the box that was divided, ``(d,)``.
        points: the name and the place of each singular point.
        sets: the name, the points and the spacing of each set.
    """
    flat = pruned.plateau
    left = {
        **pruned.unproved,
        "plateau": flat[~near_sets((flat[:, :, 0], flat[:, :, 1]), [(w, far) for _, w, far in sets], extent)],
    }
    parts: list[Unproved] = []
    for reason, all_boxes in left.items():
        boxes = all_boxes[((all_boxes[:, :, 0] <= box[:, 1]) & (all_boxes[:, :, 1] >= box[:, 0])).all(1)]
        match reason:
            case _ if not len(boxes):
                pass
            case "point":
                parts += _around([name for name, _ in points], [w[None] for _, w in points], boxes, extent)
            case "set":
                parts += _around([name for name, _, _ in sets], [w for _, w, _ in sets], boxes, extent)
            case "rough" | "singular":
                parts += _connected(REASONS[reason], boxes, extent)
            case _:
                parts.append(_part(REASONS[reason], boxes, extent))
    return tuple(parts)


def _around(
    names: Sequence[str], places: Sequence[np.ndarray], boxes: np.ndarray, extent: np.ndarray
) -> list[Unproved]:
    """Return a part for each of several sets of points ``(m, d)``: the boxes that are nearest to it."""
    distances = [tree(w / extent).query(boxes.mean(2) / extent)[0] for w in places]
    nearest = np.argmin(distances, axis=0)
    return [
        _part(f"around {name}", boxes[nearest == k], extent) for k, name in enumerate(names) if (nearest == k).any()
    ]


def coordinates(w: np.ndarray) -> str:
    """Return a position for print; what is 0 to rounding is 0."""
    return "(" + ", ".join(f"{v:.6g}" for v in np.where(np.abs(w) > 1e-6 * np.abs(w).max(initial=1), w, 0.0)) + ")"

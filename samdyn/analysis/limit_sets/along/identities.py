"""Decides which attractors at one value of a parameter continue those at the value before."""

from collections.abc import Sequence

import numpy as np

from ...trees import tree

# In units of the box; an attractor that moves further between two values is recognised by its basin. A smaller limit
# would cost nothing but that; with a larger one, an attractor that emerges could pass for one that ends elsewhere.
MAX_MOVE = 0.1
CLEAR = 2.0  # a pair of sets is clear if every other set is more than this many times as far from either of them
MOST = (
    2 / 3
)  # share of a basin that decides; with a half, one cell would decide which of two twins an attractor becomes
RETURN_DISTANCE = 0.01  # in units of the box; distance from its last place at which an attractor is back


class Identities:
    """Numbers attractors from value to value of a parameter, so that an attractor keeps its number.

    Attributes:
        last: the points ``(m, d)`` of each attractor where it was last found, by its number.
        present: the numbers of the attractors at the last value.
    """

    def __init__(self, extent: np.ndarray) -> None:
        """Start without attractors; ``extent`` is the size of the box, ``(d,)``, the unit of distances."""
        self._extent = extent
        self.last: dict[int, np.ndarray] = {}
        self.present: list[int] = []

    def assign(self, sets: Sequence[np.ndarray], moves: np.ndarray, sizes: np.ndarray) -> list[int]:
        """Return the number of each attractor at the next value, the old one where it continues an old one.

        An attractor continues the one at the value before that is nearest in state, if the pair is clear and no further
        apart than MAX_MOVE. Of the others, it continues the one most of whose basin it takes over, if most of what it
        takes over from those is from that one. Otherwise it continues an earlier one that was last found at the same
        place. An attractor that does none of this gets the next number.

        Args:
            sets: the points of each attractor at the next value, ``(m, d)``.
            moves: the number of starts in the basin of each attractor in ``present``, in order, that are in the basin
                of each of ``sets`` now, ``(len(present), len(sets))``.
            sizes: the number of all starts in the basin of each attractor in ``present``.
        """
        number: dict[int, int] = {}  # of the attractor at each index of ``sets``
        before = [self.last[old] for old in self.present]
        for i, j in clear_pairs(self._distances(before, sets), MAX_MOVE):
            number[j] = self.present[i]
        for i, j in self._by_basin(number, moves, sizes):
            number[j] = self.present[i]
        known = list(self.last)
        for i, j in clear_pairs(self._distances([self.last[old] for old in known], sets), RETURN_DISTANCE):
            if j not in number and known[i] not in self.present:
                number[j] = known[i]
        following = len(self.last)
        for j, w in enumerate(sets):
            if j not in number:
                number[j], following = following, following + 1
            self.last[number[j]] = w
        self.present = [number[j] for j in range(len(sets))]
        return self.present

    def _by_basin(self, number: dict[int, int], moves: np.ndarray, sizes: np.ndarray) -> list[tuple[int, int]]:
        """Return the pairs of indices, of those without a partner, that share most of their basins."""
        old = [i for i, name in enumerate(self.present) if name not in number.values()]
        new = [j for j in range(moves.shape[1]) if j not in number]
        inherited = moves[old].sum(0)
        return [(i, j) for i in old for j in new if moves[i, j] >= MOST * max(sizes[i], inherited[j], 1)]

    def _distances(self, before: Sequence[np.ndarray], after: Sequence[np.ndarray]) -> np.ndarray:
        """Return the Hausdorff distance of every two sets of points ``(m, d)``, in units of the box."""
        trees = [[tree(w / self._extent) for w in sets] for sets in (before, after)]
        distances = np.empty((len(before), len(after)))
        for i, a in enumerate(trees[0]):
            for j, b in enumerate(trees[1]):
                distances[i, j] = max(a.query(b.data)[0].max(), b.query(a.data)[0].max())
        return distances


def clear_pairs(distances: np.ndarray, limit: float) -> list[tuple[int, int]]:
    """Return the pairs (i, j) within a limit that are nearer to each other than half of any other distance of theirs.

    >>> clear_pairs(np.array([[0.1, 0.9], [0.7, 0.6]]), 1.0), clear_pairs(np.array([[0.1], [0.1]]), 1.0)
    ([(0, 0)], [])
    """
    pairs = []
    for i, j in zip(*np.nonzero(distances <= limit), strict=True):
        others = np.append(np.delete(distances[i], j), np.delete(distances[:, j], i))
        if (CLEAR * distances[i, j] < others).all():
            pairs.append((int(i), int(j)))
    return pairs

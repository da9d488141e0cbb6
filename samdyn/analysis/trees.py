"""Distinct points, and the trees that find nearest neighbours among points."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

SMALLEST_COORDINATE = 1e-100  # in units of the box; the tree treats smaller coordinates as 0


def tree(points: np.ndarray) -> "cKDTree":
    """Return SciPy's tree of points ``(n, d)``, in units of the box.

    The tree halves each cell in the middle. SciPy's balanced tree would never end in a process whose subnormal numbers
    are switched off, as ``torch.set_flush_denormal(True)`` and libraries linked with gcc's -ffast-math do: where half
    the coordinates are 0 it splits the cell at the next larger number, which the processor then rounds to 0.
    """
    from scipy.spatial import cKDTree

    return cKDTree(np.where(np.abs(points) < SMALLEST_COORDINATE, 0.0, points), balanced_tree=False)


def distinct(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the index of the first of each distinct row of points ``(n, d)``, and the number of each row's among them.

    The order is that of NumPy's ``unique`` along the first axis, which takes ten times as long.

    >>> distinct(np.array([[1.0, 2.0], [0.0, 3.0], [1.0, 2.0]]))
    (array([1, 0]), array([1, 0, 1]))
    """
    code = np.zeros(len(points), dtype=np.int64)
    first = code[:1]
    for column in points.T:
        values, number = np.unique(column, return_inverse=True)
        _, first, code = np.unique(code * len(values) + number, return_index=True, return_inverse=True)
    return first, code

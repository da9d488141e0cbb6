"""Builds the trees that find nearest neighbours among points."""

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

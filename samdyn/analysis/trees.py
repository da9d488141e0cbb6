"""Nearest neighbours among points."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

SMALLEST = 1e-100  # of a coordinate, in units of the box


def tree(points: np.ndarray) -> "cKDTree":
    """Return SciPy's tree of points ``(n, d)``, in units of the box; coordinates below SMALLEST count as 0.

    Where a library has switched subnormal numbers off in the process, as any that was linked with gcc's -ffast-math
    does and ``torch.set_flush_denormal(True)``, SciPy's balanced tree recurses for ever: where half the coordinates are
    0 it splits at the next number, which is then 0 again. Cells are halved in the middle instead.
    """
    from scipy.spatial import cKDTree

    return cKDTree(np.where(np.abs(points) < SMALLEST, 0.0, points), balanced_tree=False)

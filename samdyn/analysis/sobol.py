"""Evenly spread points."""

import numpy as np
import torch


def sobol(count: int, dim: int, seed: int) -> np.ndarray:
    """Return scrambled Sobol points of the unit cube, ``(count, dim)``. SciPy's take as long to import as samdyn."""
    points = torch.quasirandom.SobolEngine(dim, scramble=True, seed=seed).draw(count, dtype=torch.float64)
    return np.asarray(points.numpy())

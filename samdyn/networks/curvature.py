"""The extreme eigenvalues of the Hessian, where there are too many coordinates to write it out."""

from typing import Any

import numpy as np
import torch

from .. import checks
from ..landscapes import Landscape

DENSE = 256  # coordinates up to which the whole Hessian is decomposed


def extreme_eigenpairs(
    landscape: Landscape, w: Any, *, lowest: int = 1, highest: int = 1, tolerance: float = 1e-6
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest eigenvalues of the Hessian at w, ascending, and their eigenvectors.

    By Lanczos's method with implicit restarts [ARPACK, through SciPy], from products with the Hessian alone; up to 256
    coordinates from the Hessian itself.

    Args:
        landscape: a network, or any other.
        w: where, ``(d,)``; its dtype and device are computed in.
        lowest, highest: how many of either.
        tolerance: relative error of the eigenvalues. In float32 products are not better than about 1e-6.

    Returns:
        Eigenvalues ``(k,)`` and, in columns, eigenvectors ``(d, k)``, k = lowest + highest, at most d.

    Raises:
        InputError: no eigenvalues asked for, a point that is not one.
    """
    counts = {"lowest": lowest, "highest": highest}
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            checks.reject(name, value, "must be an integer >= 0", f"Use e.g. {name}=1")
    if not lowest + highest:
        checks.reject("highest", highest, "asks for no eigenvalue", "Use e.g. highest=1")
    w = torch.as_tensor(w) if torch.is_tensor(w) else torch.as_tensor(w, dtype=torch.float64)
    if w.ndim != 1:
        checks.reject("w", tuple(w.shape), "must be one point", f"Give an array of shape ({landscape.dim},)")
    if landscape.dim <= max(DENSE, 2 * (lowest + highest)):
        values, vectors = np.linalg.eigh(landscape.hessian(w).double().cpu().numpy())
        chosen = np.unique(np.r_[np.arange(lowest), np.arange(len(values) - highest, len(values))].clip(0))
        return values[chosen], vectors[:, chosen]
    from scipy.sparse.linalg import LinearOperator, eigsh

    def product(v: np.ndarray) -> np.ndarray:
        return landscape.grad.hvp(w, torch.as_tensor(v.reshape(-1)).to(w)).double().cpu().numpy()

    operator = LinearOperator((landscape.dim, landscape.dim), matvec=product, dtype=np.float64)
    start = np.random.default_rng(0).standard_normal(landscape.dim)  # ARPACK's own would be another each time
    pairs = [
        eigsh(operator, k=count, which=which, v0=start, tol=tolerance)
        for which, count in (("SA", lowest), ("LA", highest))
        if count
    ]
    values, vectors = np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs], axis=1)
    order = values.argsort()
    return values[order], vectors[:, order]

"""The extreme eigenvalues of the Hessian, where there are too many coordinates to write it out."""

from typing import Any

import numpy as np
import torch

from .. import checks
from ..arguments import checked
from ..landscapes import Landscape

DENSE = 256  # coordinates up to which the whole Hessian is decomposed


@checked
def extreme_eigenpairs(
    landscape: Landscape, w: Any, *, lowest: int = 1, highest: int = 1, tolerance: float = 1e-6
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest eigenvalues of the Hessian at w, ascending, and their eigenvectors.

    By Lanczos's method with implicit restarts [ARPACK, through SciPy], from products with the Hessian alone; up to 256
    coordinates from the Hessian itself. An eigenvalue that is there many times, as 0 at many minima, is found once or
    more often.

    Args:
        landscape: a network, or any other.
        w: where, ``(d,)``; its dtype and device are computed in.
        lowest, highest: how many of either.
        tolerance: error of the eigenvalues, relative to the largest in modulus. In float32 not better than about 1e-6.

    Returns:
        Eigenvalues ``(k,)`` and, in columns, eigenvectors ``(d, k)``, k = lowest + highest, at most d.

    Raises:
        InputError: no eigenvalues asked for, a point that is not one or not finite; a tolerance that is not reached.
    """
    counts = {"lowest": lowest, "highest": highest}
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            checks.reject(name, value, "must be an integer >= 0", f"Use e.g. {name}=1")
    checks.positive("tolerance", tolerance, "Use e.g. tolerance=1e-6")
    if not lowest + highest:
        checks.reject("highest", highest, "asks for no eigenvalue", "Use e.g. highest=1")
    w = w.detach() if torch.is_tensor(w) and w.is_floating_point() else torch.as_tensor(w, dtype=torch.float64)
    if w.ndim != 1:
        checks.reject("w", tuple(w.shape), "must be one point", f"Give an array of shape ({landscape.dim},)")
    if not bool(torch.isfinite(w).all()):
        checks.reject("w", "nan or inf", "must be finite", "Give the point before the run diverged")
    if landscape.dim <= max(DENSE, 2 * (lowest + highest)):
        values, vectors = np.linalg.eigh(landscape.hessian(w).double().cpu().numpy())
        chosen = sorted({*range(len(values))[:lowest], *range(len(values))[max(0, len(values) - highest) :]})
        return values[chosen], vectors[:, chosen]
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

    start = np.random.default_rng(0).standard_normal(landscape.dim)  # ARPACK's own would be another each time

    def ends(count: int, shift: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the eigenvalues of H + shift that are largest in modulus, less the shift."""

        def product(v: np.ndarray) -> np.ndarray:
            v = v.reshape(-1)
            return landscape.grad.hvp(w, torch.as_tensor(v).to(w)).double().cpu().numpy() + shift * v

        operator = LinearOperator((landscape.dim, landscape.dim), matvec=product, dtype=np.float64)
        if not product(start).any():
            return np.full(count, -shift), np.linalg.qr(np.random.default_rng(0).normal(size=(landscape.dim, count)))[0]
        try:
            values, vectors = eigsh(operator, k=count, which="LM", v0=start, tol=tolerance)
        except ArpackNoConvergence as error:
            checks.reject("tolerance", tolerance, f"is not reached: {error}", "Use a larger one, e.g. tolerance=1e-4")
        return values - shift, vectors

    # Shifted by the largest in modulus, either end is the largest in modulus, and its error relative to that: by
    # itself an end near 0 would have to be found to a fraction of nearly nothing.
    largest = ends(1, 0.0)
    pairs = [
        largest if count == 1 and side * largest[0][0] > 0 else ends(count, side * abs(largest[0][0]))
        for count, side in ((lowest, -1), (highest, 1))
        if count
    ]
    values, vectors = np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs], axis=1)
    order = values.argsort()
    return values[order], vectors[:, order]

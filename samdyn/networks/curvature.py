"""The extreme eigenvalues of a Hessian that is too large for memory."""

from typing import Any

import numpy as np
import torch

from .. import checks
from ..arguments import checked
from ..landscapes import Landscape

MAX_DENSE_DIM = 256  # number of coordinates up to which the whole Hessian is decomposed
MAX_FALLBACK_DIM = 4096  # the same if Lanczos's method needs more products than the Hessian has columns
VECTORS = 20  # fewest vectors of Lanczos's method between two restarts


@checked
def extreme_eigenpairs(
    landscape: Landscape, w: Any, *, lowest: int = 1, highest: int = 1, tolerance: float = 1e-6
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest eigenvalues of the Hessian at w, ascending, and their eigenvectors.

    The function uses Lanczos's method with implicit restarts [ARPACK, through SciPy], which needs only products with
    the Hessian. Up to 256 coordinates it decomposes the Hessian itself. Up to 4096 it does so if Lanczos's method has
    not converged after about d products, as where many eigenvalues differ by little more than the tolerance. Of a
    multiple eigenvalue, such as 0 at many minima, Lanczos's method returns at least one copy.

    Args:
        landscape: a network or any other landscape.
        w: the point, ``(d,)``. Its dtype and device are those of the computation.
        lowest: the number of lowest eigenvalues.
        highest: the number of highest eigenvalues.
        tolerance: the error of the eigenvalues, relative to the largest |eigenvalue|; in float32 at best about 1e-6.

    Returns:
        The eigenvalues ``(k,)`` and, in columns, the eigenvectors ``(d, k)``, with k = lowest + highest, at most d.

    Raises:
        InputError: no eigenvalue to compute; w is not one finite point; a tolerance that the method does not reach.

    >>> import samdyn as sd
    >>> values, vectors = extreme_eigenpairs(sd.landscapes.quadratic([3.0, -1.0, 0.5]), [0.0, 0.0, 0.0])
    >>> values.round(9).tolist()
    [-1.0, 3.0]
    """
    counts = {"lowest": lowest, "highest": highest}
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            checks.reject(name, value, "must be an integer >= 0", f"Use e.g. {name}=1")
    checks.positive("tolerance", tolerance, "Use e.g. tolerance=1e-6")
    if not lowest + highest:
        checks.reject("highest", highest, "asks for no eigenvalue", "Use e.g. highest=1")
    try:
        w = w.detach() if torch.is_tensor(w) and w.is_floating_point() else torch.as_tensor(w, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError):
        checks.reject("w", w, "cannot be read as a point", f"Give an array of shape ({landscape.dim},)")
    if w.ndim != 1:
        checks.reject("w", tuple(w.shape), "must be one point", f"Give an array of shape ({landscape.dim},)")
    if not bool(torch.isfinite(w).all()):
        checks.reject("w", "nan or inf", "must be finite", "Give the point before the run diverged")
    if landscape.dim <= max(MAX_DENSE_DIM, 2 * (lowest + highest)):
        return _from_hessian(landscape, w, lowest, highest)
    from scipy.sparse.linalg import ArpackNoConvergence

    try:
        return _lanczos(landscape, w, lowest, highest, tolerance)
    except ArpackNoConvergence as error:
        if landscape.dim <= MAX_FALLBACK_DIM:
            return _from_hessian(landscape, w, lowest, highest)
        checks.reject("tolerance", tolerance, f"is not reached: {error}", "Use a larger one, e.g. tolerance=1e-4")


def _from_hessian(landscape: Landscape, w: torch.Tensor, lowest: int, highest: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the eigenpairs by a decomposition of the whole Hessian."""
    values, vectors = np.linalg.eigh(landscape.hessian(w).double().cpu().numpy())
    indices = sorted({*range(len(values))[:lowest], *range(len(values))[max(0, len(values) - highest) :]})
    return values[indices], vectors[:, indices]


def _lanczos(
    landscape: Landscape, w: torch.Tensor, lowest: int, highest: int, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the eigenpairs by Lanczos's method.

    Raises:
        ArpackNoConvergence: the method does not reach the tolerance in ``_restarts``.
    """
    from scipy.sparse.linalg import LinearOperator, eigsh

    times = landscape.hvp_at(w)
    start = np.random.default_rng(0).standard_normal(landscape.dim)  # ARPACK's own start differs from call to call

    def ends(count: int, shift: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the eigenvalues of H + shift that are largest in modulus, minus the shift, and their eigenvectors."""

        def product(v: np.ndarray) -> np.ndarray:
            v = v.reshape(-1)
            return times(torch.as_tensor(v).to(w)).double().cpu().numpy() + shift * v

        operator = LinearOperator((landscape.dim, landscape.dim), matvec=product, dtype=np.float64)
        if not product(start).any():
            return np.full(count, -shift), np.linalg.qr(np.random.default_rng(0).normal(size=(landscape.dim, count)))[0]
        restarts = _restarts(landscape.dim, count)
        values, vectors = eigsh(operator, k=count, which="LM", v0=start, tol=tolerance, maxiter=restarts)
        return values - shift, vectors

    # The shift by ±|λ|max makes either end of the spectrum the largest in modulus, and ARPACK's error is relative to
    # that. Without the shift, ARPACK would compute an end near 0 to a needlessly small error.
    largest = ends(1, 0.0)
    pairs = [
        largest if count == 1 and side * largest[0][0] > 0 else ends(count, side * abs(largest[0][0]))
        for count, side in ((lowest, -1), (highest, 1))
        if count
    ]
    values, vectors = np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs], axis=1)
    order = values.argsort()
    return values[order], vectors[:, order]


def _restarts(dim: int, count: int) -> int | None:
    """Return the number of restarts after which the whole Hessian costs less; None for ARPACK's own limit."""
    return None if dim > MAX_FALLBACK_DIM else max(10, dim // max(VECTORS, 2 * count + 1))

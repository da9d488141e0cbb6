"""A manifold of minima from products with the Hessian: the nearest minimum, and tangent directions."""

from collections.abc import Callable

import numpy as np
import torch

from .. import checks
from ..landscapes import Landscape
from ..networks.curvature import extreme_eigenpairs

FLAT = 1e-6  # |eigenvalue| relative to λ_max up to which a direction counts as tangent to the manifold
STEPS = 40  # largest count of Newton's steps to the manifold
DESCENTS = 50  # steps of gradient descent in place of a Newton step that fails
LAST = 1e-15  # length of a Newton step, relative to 1 + |w|, below which no further one follows
COARSE, FINE = 1e-3, 1e-9  # relative residuals of a Newton step, which is repeated, and of a projection, which is not
ROUNDING = 1e-12  # relative error of a product with the Hessian at most
PRODUCTS = 5000  # largest count of products with the Hessian in one solution
CRITICAL = 1e-9  # ‖∇L‖ relative to λ_max (1 + |w|), up to which a point counts as critical


def nearest_minimum(landscape: Landscape, w: np.ndarray) -> np.ndarray:
    """Return the minimum that Newton's steps across the manifold reach from a point near it, ``(d,)``.

    A step solves Hδ = ∇L by conjugate gradients, from δ = 0 and to a residual so coarse that δ has hardly a part along
    the manifold. Where a step does not halve ‖∇L‖, as far from the manifold, steps of gradient descent replace it. The
    point that is reached differs from the nearest one by the order of the square of the distance.

    Raises:
        InputError: the steps reach no critical point.
    """
    point = torch.as_tensor(w, dtype=torch.float64)
    gradient = landscape.grad(point)
    scale = 0.0  # the largest |eigenvalue|, which only points far from the manifold need
    for _ in range(STEPS):
        size = float(gradient.norm())
        if size == 0 or not np.isfinite(size):
            break
        delta = torch.as_tensor(solution(landscape, point, gradient.numpy(), COARSE))
        if float(delta.abs().max()) <= LAST * (1 + float(point.abs().max())):
            return point.numpy().copy()
        new = point - delta
        after = landscape.grad(new)
        if float(after.norm()) > size / 2:
            values = extreme_eigenpairs(landscape, point)[0]
            scale = float(np.abs(values).max())
            if size <= CRITICAL * scale * (1 + float(point.abs().max())):
                break  # rounding
            new = point
            for _ in range(DESCENTS):
                new = new - landscape.grad(new) / (2 * scale)
            after = landscape.grad(new)
        point, gradient = new, after
    if not size <= CRITICAL * scale * (1 + float(point.abs().max())):
        rule = f"no minimum is reached from here; ‖∇L‖ is {size:.3g} at the end of {STEPS} Newton steps"
        checks.reject("start", np.round(w[:6], 6).tolist(), rule, "Start nearer to the manifold: train longer")
    return point.numpy().copy()


def tangent(landscape: Landscape, w: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return the part of v along the manifold at its point w, which is what the Hessian H sends to 0: v − H⁺Hv."""
    point = torch.as_tensor(w, dtype=torch.float64)
    times = _product(landscape, point)
    probe = np.random.default_rng(0).standard_normal(len(w))
    scale = np.linalg.norm(times(probe)) / np.linalg.norm(probe)
    return v - solution(landscape, point, times(v), FINE, float(ROUNDING * scale * np.linalg.norm(v)))


def top_pairs(landscape: Landscape, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the two largest eigenvalues of the Hessian at a minimum, the largest first, and their eigenvectors.

    Raises:
        InputError: an eigenvalue is negative; all are 0; or none is, so that the minimum is isolated.
    """
    values, vectors = extreme_eigenpairs(landscape, w, highest=min(2, landscape.dim - 1))
    low, high = values[0], values[-1]
    where = np.round(w[:6], 6).tolist()
    if low < -FLAT * abs(high) or high <= 0:
        rule = f"is no minimum: eigenvalues of the Hessian from {low:.3g} to {high:.3g}"
        checks.reject("start", where, rule, "Start at a minimum with a direction of positive curvature")
    if low > FLAT * high:
        rule = f"is an isolated minimum: the smallest eigenvalue of the Hessian is {low:.3g}"
        checks.reject("start", where, rule, "Use a landscape whose minima form a manifold")
    return values[:0:-1], vectors[:, :0:-1]


def solution(
    landscape: Landscape, point: torch.Tensor, v: np.ndarray, residual: float, rounding: float = 0.0
) -> np.ndarray:
    """Return the smallest δ with Hδ = v, by conjugate gradients, to a relative residual or to rounding errors of v.

    Raises:
        InputError: the method needs more products than ``PRODUCTS``.
    """
    from scipy.sparse.linalg import LinearOperator, cg

    size = np.linalg.norm(v)
    if size <= rounding:
        return np.zeros_like(v)
    operator = LinearOperator((landscape.dim,) * 2, matvec=_product(landscape, point), dtype=np.float64)
    limits = {"rtol": residual, "atol": rounding / size, "maxiter": min(PRODUCTS, 20 * landscape.dim)}
    delta, failed = cg(operator, v / size, **limits)
    if failed and residual == FINE:
        rule = f"{failed} products with its Hessian do not separate tangent from normal directions"
        checks.reject("landscape", landscape, rule, "Use a smaller network, or one whose small eigenvalues are larger")
    return delta * size


def _product(landscape: Landscape, point: torch.Tensor) -> Callable[[np.ndarray], np.ndarray]:
    times = landscape.hvp_at(point)
    return lambda v: times(torch.as_tensor(v.reshape(-1))).numpy()

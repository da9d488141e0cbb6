"""Finds zeros of a gradient at which the Hessian may be singular, and gives the scale of gradients and eigenvalues."""

import numpy as np
import torch

from ...landscapes import Landscape
from ...ops import norm

ITERATIONS = 100  # number of Levenberg–Marquardt steps
BLOCK_NUMBERS = 12_500_000  # number of entries of the Hessians in one block: 100 MB


def descend_gradient(
    landscape: Landscape, w: torch.Tensor, extent: torch.Tensor, iterations: int = ITERATIONS
) -> torch.Tensor:
    """Bring points to zeros of the gradient, singular or not: ``(d, n) -> (d, n)``.

    The function runs Levenberg and Marquardt's method with a damping proportional to ‖∇L‖, in units of the box. The
    method converges quadratically to a nearby zero, also where zeros form curves.

    Source: Yamashita & Fukushima (2001), Computing Suppl. 15, 239.
    """
    scale = extent[:, None]

    def scaled(p: torch.Tensor) -> torch.Tensor:
        return torch.nan_to_num(landscape.grad(p) * scale, nan=torch.inf, posinf=torch.inf, neginf=torch.inf)

    ends = w.clone()
    active = torch.arange(w.shape[1])
    g, damping = scaled(w), torch.ones_like(w[0])
    for _ in range(iterations):
        h = (landscape.hessian(w) * scale[None] * scale[:, None]).movedim(-1, 0)
        good = torch.isfinite(h).flatten(1).all(1)
        eigenvalues, basis = torch.linalg.eigh(torch.where(good[:, None, None], h, 0))
        largest = eigenvalues.abs().amax(1, keepdim=True).clamp(min=torch.finfo(w.dtype).tiny)
        # Both are divided by ‖H‖; lengths are in units of the box.
        slope, relative = g.T / largest, eigenvalues / largest
        inverse = relative / (relative**2 + (damping * slope.norm(dim=1))[:, None]).clamp(min=1e-300)
        step = -(basis @ (inverse[:, :, None] * (basis.mT @ slope[:, :, None]))).squeeze(2).T
        new = w + step * scale
        new_g = scaled(new)
        better = (norm(new_g) < norm(g)) & good
        w, g = torch.where(better, new, w), torch.where(better, new_g, g)
        damping = torch.where(better, damping / 4, damping * 4).clamp(min=1e-12)
        ends[:, active] = w
        moving = (damping < 1e12) & (g != 0).any(0)
        if not moving.any():
            break
        active, w, g, damping = active[moving], w[:, moving], g[:, moving], damping[moving]
    return ends


def block_of(d: int) -> int:
    """Return the number of points whose Hessians make one block, of 100 MB."""
    return max(1, BLOCK_NUMBERS // d**2)


def scaled_gradients(landscape: Landscape, w: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Return the gradients' norms at points ``(n, d)`` in coordinates in units of the box: ``(n,)``."""
    return norm(landscape.grad(torch.as_tensor(w.T)) * torch.as_tensor(extent)[:, None]).numpy()


def scaled_hessians(landscape: Landscape, w: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Return the Hessians at points ``(n, d)`` in coordinates in units of the box: ``(n, d, d)``."""
    return np.moveaxis(landscape.hessian(w.T).numpy(), -1, 0) * extent * extent[:, None]


def strengths(landscape: Landscape, w: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Return the norm of the Hessian a thousandth of the box away, the scale of eigenvalues and gradients: ``(n,)``."""
    if not len(w):
        return np.zeros(0)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], w.shape[1])  # a direction that no symmetry maps to itself
    return np.concatenate(
        [
            np.linalg.norm(
                [scaled_hessians(landscape, part + side * 1e-3 * extent * signs, extent) for side in (1, -1)],
                2,
                axis=(2, 3),
            ).max(axis=0)
            for part in np.split(w, range(block_of(w.shape[1]), len(w), block_of(w.shape[1])))
        ]
    )


def regular(landscape: Landscape, w: np.ndarray, extent: np.ndarray, least: float) -> np.ndarray:
    """Return at which points ``(n, d)`` every |eigenvalue| exceeds ``least`` times the Hessian nearby: ``(n,)``."""
    size = block_of(w.shape[1])
    parts = [w[i : i + size] for i in range(0, len(w), size)]
    flattest = [np.abs(np.linalg.eigvalsh(scaled_hessians(landscape, part, extent))).min(axis=1) for part in parts]
    return np.concatenate([np.zeros(0), *flattest]) > least * strengths(landscape, w, extent)

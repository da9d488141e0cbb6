"""Zeros of a gradient at which the Hessian may be singular: how to get there, and on what scale they are judged."""

import numpy as np
import torch

from ...landscapes import Landscape
from ...ops import norm

ITERATIONS = 100
BLOCK = 12_500_000  # numbers in the Hessians that are held at once


def descend_gradient(
    landscape: Landscape, w: torch.Tensor, extent: torch.Tensor, iterations: int = ITERATIONS
) -> torch.Tensor:
    """Bring points to zeros of the gradient, singular or not: ``(d, n) -> (d, n)``.

    Levenberg and Marquardt's method with a damping proportional to ‖∇L‖, which converges quadratically to a nearby
    point also where zeros form curves [Yamashita & Fukushima 2001]. Coordinates are measured in units of the box.
    """
    scale = extent[:, None]

    def scaled(p: torch.Tensor) -> torch.Tensor:
        return torch.nan_to_num(landscape.grad(p) * scale, nan=torch.inf, posinf=torch.inf, neginf=torch.inf)

    arrived = w.clone()
    going = torch.arange(w.shape[1])
    g, damping = scaled(w), torch.ones_like(w[0])
    for _ in range(iterations):
        h = (landscape.hessian(w) * scale[None] * scale[:, None]).movedim(-1, 0)
        good = torch.isfinite(h).flatten(1).all(1)
        eigenvalues, basis = torch.linalg.eigh(torch.where(good[:, None, None], h, 0))
        largest = eigenvalues.abs().amax(1, keepdim=True).clamp(min=torch.finfo(w.dtype).tiny)
        # ‖∇L‖ carries the units of H times a length of 1 (the box); both are measured in those of H here.
        slope, relative = g.T / largest, eigenvalues / largest
        inverse = relative / (relative**2 + (damping * slope.norm(dim=1))[:, None]).clamp(min=1e-300)
        step = -(basis @ (inverse[:, :, None] * (basis.mT @ slope[:, :, None]))).squeeze(2).T
        new = w + step * scale
        new_g = scaled(new)
        better = (norm(new_g) < norm(g)) & good
        w, g = torch.where(better, new, w), torch.where(better, new_g, g)
        damping = torch.where(better, damping / 4, damping * 4).clamp(min=1e-12)
        arrived[:, going] = w
        moving = (damping < 1e12) & (g != 0).any(0)
        if not moving.any():
            break
        going, w, g, damping = going[moving], w[:, moving], g[:, moving], damping[moving]
    return arrived


def block_of(d: int) -> int:
    """Return how many points' Hessians are held at once: 100 MB of them."""
    return max(1, BLOCK // d**2)


def scaled_gradients(landscape: Landscape, w: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Return the gradients' norms at points ``(n, d)`` in coordinates measured in units of the box: (n,)."""
    return norm(landscape.grad(torch.as_tensor(w.T)) * torch.as_tensor(extent)[:, None]).numpy()


def scaled_hessians(landscape: Landscape, w: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Return the Hessians at points ``(n, d)`` in coordinates measured in units of the box: ``(n, d, d)``."""
    return np.moveaxis(landscape.hessian(w.T).numpy(), -1, 0) * extent * extent[:, None]


def strengths(landscape: Landscape, w: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Return the Hessian's norm a thousandth of the box away, by which eigenvalues and gradients are judged: (n,)."""
    if not len(w):
        return np.zeros(0)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], w.shape[1])  # one direction nearby, of no symmetry
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
    """Say at which points ``(n, d)`` no eigenvalue is below ``least``, relative to the Hessian nearby: (n,)."""
    size = block_of(w.shape[1])
    parts = [w[i : i + size] for i in range(0, len(w), size)]
    flattest = [np.abs(np.linalg.eigvalsh(scaled_hessians(landscape, part, extent))).min(axis=1) for part in parts]
    return np.concatenate([np.zeros(0), *flattest]) > least * strengths(landscape, w, extent)

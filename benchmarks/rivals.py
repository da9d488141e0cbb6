"""Ensembles as a researcher would write them without samdyn: batches in torch and NumPy, one trajectory with autograd.

All of them step w ← w − ηv, v ← γv + F(w), with F of SAM or USAM and noise σn, n standard normal, that the gradients of
a step share; the gradient is SymPy's, common subexpressions once, or a product with a matrix.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy
import torch
from harness import Run

import samdyn as sd

Gradient = Callable[[np.ndarray | torch.Tensor], np.ndarray | torch.Tensor]  # (d, N) -> (d, N)


@dataclass(frozen=True)
class Settings:
    """What the rivals run: SAM, or USAM where not ``normalised``; ``sigma`` is one number, or one per coordinate."""

    rho: float
    lr: float
    momentum: float
    sigma: float | np.ndarray
    normalised: bool = True


def gradient(landscape: sd.Landscape, module: str) -> Gradient:
    """Return a landscape's gradient as code of "numpy" or "torch"."""
    stack = {"numpy": np.stack, "torch": torch.stack}[module]
    formula = sympy.lambdify(landscape.symbols, landscape.gradient, module, cse=True)
    return lambda w: stack(formula(*w))


def torch_batch(grad: Gradient, settings: Settings, dtype: str, device: str = "cpu") -> Run:
    """Return all runs at once, in torch: a function of starts ``(N, d)`` and steps."""
    rho, lr, momentum, real = settings.rho, settings.lr, settings.momentum, getattr(torch, dtype)
    sigma = torch.as_tensor(settings.sigma, dtype=real, device=device).reshape(-1, 1)

    def run(starts: np.ndarray, steps: int) -> np.ndarray:
        w = torch.tensor(starts.T, dtype=real, device=device)
        v = torch.zeros_like(w)
        with torch.no_grad():
            for _ in range(steps):
                noise = sigma * torch.randn(w.shape, dtype=real, device=device)
                up = grad(w) + noise
                if settings.normalised:
                    up = up / torch.linalg.vector_norm(up, dim=0)
                update = grad(w + rho * up) + noise
                v = momentum * v + update if momentum else update
                w = w - lr * v
        return w.T.numpy(force=True)

    return run


def numpy_batch(grad: Gradient, settings: Settings, dtype: str) -> Run:
    """Return all runs at once, in NumPy."""
    rho, lr, momentum = settings.rho, settings.lr, settings.momentum
    random = np.random.default_rng(1)
    sigma = np.asarray(settings.sigma, dtype).reshape(-1, 1)

    def run(starts: np.ndarray, steps: int) -> np.ndarray:
        w = starts.T.astype(dtype)
        v = np.zeros_like(w)
        for _ in range(steps):
            noise = sigma * random.standard_normal(w.shape, dtype)
            up = grad(w) + noise
            if settings.normalised:
                up = up / np.sqrt((up * up).sum(0))
            update = grad(w + rho * up) + noise
            v = momentum * v + update if momentum else update
            w = w - lr * v
        return w.T

    return run


def autograd_loop(loss: Callable[[torch.Tensor], torch.Tensor], settings: Settings, dtype: str) -> Run:
    """Return SAM one trajectory after the other, each gradient by autograd, as the papers' scripts do it."""
    rho, lr, momentum, real = settings.rho, settings.lr, settings.momentum, getattr(torch, dtype)

    def gradient(w: torch.Tensor) -> torch.Tensor:
        w = w.detach().requires_grad_()
        return torch.autograd.grad(loss(w), w)[0]

    def one(start: np.ndarray, steps: int) -> torch.Tensor:
        w = torch.tensor(start, dtype=real)
        v = torch.zeros_like(w)
        for _ in range(steps):
            noise = settings.sigma * torch.randn(len(w), dtype=real)
            up = gradient(w) + noise
            v = momentum * v + gradient(w + rho * up / up.norm()) + noise
            w = w - lr * v
        return w

    return lambda starts, steps: torch.stack([one(start, steps) for start in starts]).numpy()

"""Means and covariances over what a step draws."""

import math

import torch

from ..methods import Method
from ..ops import Point, affine, halves
from ..oracle import Oracle
from .gaussian import Additive
from .generator import Draws
from .model import Source, Step

ENTRIES = 2**20  # numbers in one block of points and outcomes
TINY = 1e-9


class Expectation:
    """Mean and covariance of a function of w and noisy gradients, such as a method, over what a step draws.

    A finite sum is enumerated: exact. Gaussian noise is integrated by quadrature, or in closed form where the function
    is affine in w and the noise, as on quadratics.
    """

    def __init__(self, source: Source, function: Step, smooth: bool) -> None:
        """Prepare.

        Args:
            source: the noise.
            function: of w ``(d, …)`` and an oracle, giving ``(m, …)``.
            smooth: whether it is a smooth function of the noise; see ``is_smooth``.
        """
        self._source, self._function, self._smooth = source, function, smooth
        d = source.landscape.dim
        self._calls = calls(source, function, torch.ones(d, 1, dtype=torch.float64))
        self._affine = None
        if isinstance(source, Additive) and smooth:
            shape = (self._calls, source.parts, d)

            def update(w: torch.Tensor, xi: torch.Tensor) -> torch.Tensor:
                return source.update(function, w, xi.unflatten(0, shape).__getitem__)

            found = affine(update, d, math.prod(shape))
            if found is not None:
                a, to_noise, b = found
                noise = to_noise[..., 0] @ torch.tensor(source.root_of(self._calls))
                self._affine = a[..., 0], b, noise @ noise.T

    def __call__(self, w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the mean ``(m, N)`` and the covariance ``(m, m, N)`` at points w ``(d, N)``.

        The covariance's last axis has length 1 if it is the same everywhere.

        Raises:
            InputError: too many outcomes to sum over, or too many dimensions to integrate in.
        """
        if self._affine is not None:
            a, b, covariance = (part.to(w) for part in self._affine)
            return (a[..., None] * w).sum(1) + b, covariance[..., None]
        means, covariances = [], []
        first, block = 0, w.shape[1]
        while first < w.shape[1]:
            here = w[:, first : first + block]
            batches, weights = self._source.outcomes(self._calls, self._smooth, here)
            allowed = max(1, ENTRIES // (len(w) * weights.shape[-1]))
            if here.shape[1] > allowed:
                block = allowed
                continue
            spread = here[..., None].expand(*here.shape, weights.shape[-1])
            f = self._source.update(self._function, spread, batches.__getitem__)
            mean = halves(f * weights, -1)
            off = f - mean[..., None]
            means.append(mean)
            covariances.append(torch.stack([halves(row * off * weights, -1) for row in off[:, None]]))
            first += here.shape[1]
        return torch.cat(means, -1), torch.cat(covariances, -1)


def is_smooth(source: Source, method: Method) -> bool:
    """Whether F is a smooth function of noise added to the gradient.

    It is not if the perturbation does not shrink with the noisy gradient, as where a method normalises it.
    """
    if source.coupling == "clean":
        return True
    w = torch.arange(1.0, source.landscape.dim + 1, dtype=torch.float64)[:, None]
    lengths = []
    for size in (1.0, TINY):
        oracle = _Constant(lambda p, size=size: torch.full_like(p, size), lambda p, v: 0 * v)  # type: ignore[misc]
        lengths.append(float((method.perturbed(w, oracle) - w).norm()))
    return lengths[1] <= 10 * TINY * lengths[0]


class _Constant(Oracle):
    def full(self, w: Point) -> Point:
        return torch.ones_like(w)


def calls(source: Source, function: Step, w: torch.Tensor) -> int:
    """Return how many batches a step draws."""
    draws = Draws(0, torch.zeros(1, dtype=torch.int64, device=w.device), 0)
    asked = [0]

    def batch(call: int) -> torch.Tensor:
        asked.append(call)
        return source.sample(draws, call)

    source.update(function, w[:, :1], batch)
    return max(asked) + 1

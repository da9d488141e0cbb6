"""Means and covariances of a step over the noise that it draws."""

import math
from dataclasses import dataclass, field

import torch

from .. import checks
from ..methods import Method
from ..ops import Point, affine, halves
from ..oracle import Oracle
from .gaussian import Additive
from .generator import Draws, Samples
from .given import Given
from .model import Source, Step

ENTRIES = 2**20  # largest count of numbers in one block of points and outcomes
TINY = 1e-9  # size of the small gradient beside one of size 1, in the units of the gradient
PROBES = 8  # count of points at which a step is tested for being affine in the noise


class Expectation:
    """Mean and covariance of a function of w and noisy gradients, such as a method, over the noise of a step.

    For a finite sum the class enumerates all batches, which is exact. For Gaussian noise it uses quadrature. That is
    exact if the function is affine in the noise. If the function is affine in w too, as on quadratics, it uses a closed
    form.
    """

    def __init__(self, source: Source, function: Step, jumps: bool) -> None:
        """Choose how to take the mean.

        Args:
            source: the noise.
            function: a function of w ``(d, …)`` and an oracle that returns ``(m, …)``.
            jumps: whether the function jumps where the noisy gradient at w vanishes; see ``jumps``.

        Raises:
            InputError: no quadrature fits the function.
        """
        self._source, self._function = source, function
        d = source.landscape.dim
        self._calls = calls(source, function, torch.ones(d, 1, dtype=torch.float64))
        self._kind = "jumps" if jumps else "smooth"
        self._affine = None
        if isinstance(source, Additive) and not jumps:
            shape = (self._calls, source.parts, d)

            def update(w: torch.Tensor, xi: torch.Tensor) -> torch.Tensor:
                return source.update(function, w, Given(xi.unflatten(0, shape)))

            coefficients = affine(update, d, math.prod(shape)) if source.landscape.is_quadratic else None
            if coefficients is not None:
                a, to_noise, b = coefficients
                noise = to_noise[..., 0] @ torch.tensor(source.root_of(self._calls))
                self._affine = a[..., 0], b, noise @ noise.T
            elif affine(lambda xi, _: update(_probes(source), xi), math.prod(shape), 0, PROBES) is not None:
                self._kind = "affine"

        elif jumps and isinstance(source, Additive) and getattr(function, "ascent_steps", 1) > 1:
            rule = "normalises noisy gradients more than once, and a mean over that noise is known for once alone"
            checks.reject("method", function, rule, 'Use ascent_steps=1 or coupling="clean", or simulate the map')
        elif jumps and isinstance(source, Additive) and self._calls > 1:
            first = source.sample(Draws(0, torch.arange(PROBES), 0), 0)

            def second(xi: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
                rest = [first, *xi.unflatten(0, (self._calls - 1, source.parts, d))]
                return source.update(function, _probes(source), Given(rest))

            if affine(second, (self._calls - 1) * source.parts * d, 0, PROBES) is None:
                rule = "normalises a noisy gradient and is not affine in the noise of the next one"
                checks.reject("method", function, rule, 'Use coupling="shared" or "clean", or simulate the map')

    def __call__(self, w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the mean ``(m, N)`` and the covariance ``(m, m, N)`` at points w ``(d, N)``.

        The last axis of the covariance has length 1 if the covariance is the same everywhere.

        Raises:
            InputError: the sum has too many outcomes, or the integral too many dimensions.
        """
        if self._affine is not None:
            a, b, covariance = (part.to(w) for part in self._affine)
            return halves(a[..., None] * w, 1) + b, covariance[..., None]
        means, covariances = [], []
        first, block = 0, w.shape[1]
        while first < w.shape[1]:
            here = w[:, first : first + block]
            batches, weights = self._source.outcomes(self._calls, self._kind, here)
            columns = max(1, ENTRIES // (len(w) * weights.shape[-1]))
            if here.shape[1] > columns:
                block = columns
                continue
            spread = here[..., None].expand(*here.shape, weights.shape[-1])
            f = self._source.update(self._function, spread, Given(batches))
            mean = halves(f * weights, -1)
            off = f - mean[..., None]
            means.append(mean)
            covariances.append(torch.stack([halves(row * off * weights, -1) for row in off[:, None]]))
            first += here.shape[1]
        return torch.cat(means, -1), torch.cat(covariances, -1)


def jumps(source: Source, method: Method) -> bool:
    """Return whether F jumps where a noisy gradient vanishes.

    F jumps if the perturbation does not shrink with the noisy gradient, as that of a normalised method.
    """
    if source.coupling == "clean":
        return False
    w = torch.arange(1.0, source.landscape.dim + 1, dtype=torch.float64)[:, None]
    lengths = []
    for size in (1.0, TINY):
        oracle = _Constant(lambda p, size=size: torch.full_like(p, size), lambda p, v: 0 * v)  # type: ignore[misc]
        lengths.append(float((method.perturbed(w, oracle) - w).norm()))
    return lengths[1] > 10 * TINY * lengths[0]


def calls(source: Source, function: Step, w: torch.Tensor) -> int:
    """Return how many batches a step draws."""
    draws = _Counting(0, torch.zeros(1, dtype=torch.int64, device=w.device), 0)
    source.update(function, w[:, :1], draws)
    return max(draws.indices) + 1


def _probes(source: Source) -> torch.Tensor:
    low, high = torch.tensor(source.landscape.box, dtype=torch.float64).T[..., None]
    generator = torch.Generator().manual_seed(0)
    return low + (high - low) * torch.rand(len(low), PROBES, generator=generator, dtype=torch.float64)


@dataclass(frozen=True)
class _Counting(Draws):
    """Draws that record the indices of the batches that a step asks for. The list starts with 0."""

    indices: list[int] = field(default_factory=lambda: [0])

    def batch(self, source: Samples, draw: int) -> torch.Tensor:
        self.indices.append(draw)
        return super().batch(source, draw)


class _Constant(Oracle):
    def full(self, w: Point) -> Point:
        return torch.ones_like(w)

"""Draws whose values are given, as where a mean is taken over all that a step may draw."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from .generator import Samples


@dataclass(frozen=True)
class Given:
    """What a step draws, in place of ``Draws``.

    Attributes:
        batches: what a map's noise draws, by the number of the draw: each as the noise's source samples it.
        numbers: the normal numbers that a scheme draws, by the number of the draw, ``(count, N)`` each.

    >>> import samdyn as sd, torch
    >>> noisy = sd.Map(sd.Landscape("x**2/2", "x"), sd.GD(), lr=0.5, noise=sd.noise.Gaussian(1.0))
    >>> noisy.step((torch.ones(1, 2),), sd.noise.Given([torch.tensor([[[0.0, 2.0]]])]))
    (tensor([[ 0.5000, -0.5000]]),)
    """

    batches: Sequence[torch.Tensor] | torch.Tensor = ()
    numbers: Sequence[torch.Tensor] | torch.Tensor = ()

    def normals(self, draw: int, count: int) -> torch.Tensor:
        """Return the given numbers of one draw."""
        return self.numbers[draw][:count]

    def batch(self, source: Samples, draw: int) -> torch.Tensor:
        """Return the given batch of one draw."""
        return self.batches[draw]

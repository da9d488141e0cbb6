"""Draws whose values the caller chooses, for a mean over all values that a step may draw."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from .generator import Samples


@dataclass(frozen=True)
class Given:
    """The values that a step draws, in place of random ``Draws``.

    Attributes:
        batches: the batch of every draw of a map's noise, in the shape in which the source of the noise samples it.
        numbers: the normal numbers of every draw of a scheme, ``(count, N)`` each.

    >>> import samdyn as sd, torch
    >>> noisy = sd.Map(sd.Landscape("x**2/2", "x"), sd.GD(), lr=0.5, noise=sd.noise.Gaussian(1.0))
    >>> noisy.step((torch.ones(1, 2),), sd.noise.Given([torch.tensor([[[0.0, 2.0]]])]))
    (tensor([[ 0.5000, -0.5000]]),)
    """

    batches: Sequence[torch.Tensor] | torch.Tensor = ()
    numbers: Sequence[torch.Tensor] | torch.Tensor = ()

    def normals(self, draw: int, count: int) -> torch.Tensor:
        """Return the first ``count`` stored numbers of one draw."""
        return self.numbers[draw][:count]

    def batch(self, source: Samples, draw: int) -> torch.Tensor:
        """Return the stored batch of one draw."""
        return self.batches[draw]

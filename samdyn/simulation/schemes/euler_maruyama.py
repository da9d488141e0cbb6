"""Euler and Maruyama's scheme."""

import torch

from ...noise import StepDraws
from .scheme import Scheme


class EulerMaruyama(Scheme):
    """z + a dt + B ΔW: weak order 1; strong order ½, and 1 where B is the same everywhere.  [Kloeden, Platen 10.2]"""

    weak, strong = 1.0, 0.5

    def change(self, z: torch.Tensor, draws: StepDraws) -> torch.Tensor:
        """Return the change of the states z ``(D, N)`` in one step."""
        drift, b = self.sde.coefficients(z)
        return self.dt * drift + self._pushed(b, self._increments(draws, z))

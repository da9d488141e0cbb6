"""Euler and Maruyama's scheme."""

import torch

from ...noise import StepDraws
from .scheme import Scheme


class EulerMaruyama(Scheme):
    """The Euler-Maruyama scheme, z + a dt + B ΔW.  [Kloeden, Platen 10.2]

    It has weak order 1 and strong order ½, or strong order 1 where B is constant.

    >>> import samdyn as sd
    >>> sde = sd.Diffusion(sd.Landscape("x**2/2", "x"), sd.GD(), sd.noise.Gaussian(1e-4), lr=0.1)
    >>> runs = sd.simulate(sd.EulerMaruyama(sde), [(1.0,)] * 100, 10, statistics=["mean"])
    >>> runs["mean"].values.round(1).tolist(), round(0.9**10, 1)
    ([[0.3]], 0.3)
    """

    weak, strong = 1.0, 0.5

    def change(self, z: torch.Tensor, draws: StepDraws) -> torch.Tensor:
        """Return the change of the states z ``(D, N)`` in one step."""
        drift, b = self.sde.coefficients(z)
        return self.dt * drift + self._pushed(b, self._increments(draws, z))

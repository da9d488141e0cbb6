"""Platen's scheme of weak order 2."""

import itertools

import torch

from ...noise import StepDraws
from .scheme import Scheme


class Platen(Scheme):
    """Platen's scheme without derivatives, of weak order 2 and strong order ½.  [Kloeden, Platen 15.1.3]

    A step evaluates drift and noise 2 + 4d times, or 4 times if d = 1. The order needs a smooth root of C: C must be
    nonsingular or constant.

    >>> import samdyn as sd
    >>> sde = sd.Diffusion(sd.Landscape("x**2/2", "x"), sd.GD(), sd.noise.Gaussian(1e-4), lr=0.1)
    >>> runs = sd.simulate(sd.Platen(sde), [(1.0,)] * 100, 10, statistics=["mean"])
    >>> runs["mean"].values.round(1).tolist(), round((1 - 0.1 + 0.1**2 / 2) ** 10, 1)
    ([[0.4]], 0.4)
    """

    weak, strong = 2.0, 0.5

    def change(self, z: torch.Tensor, draws: StepDraws) -> torch.Tensor:
        """Return the change of the states z ``(D, N)`` in one step."""
        dt, dw = self.dt, self._increments(draws, z)
        side, d = dt**0.5, len(dw)
        drift, b = self.sde.coefficients(z)

        def noise(z: torch.Tensor) -> torch.Tensor:
            return self.sde.coefficients(z)[1]

        ahead = self.sde.coefficients(z + dt * drift + self._pushed(b, dw))[0]
        total = dt / 2 * (drift + ahead)
        # An antisymmetric ±dt stands for the Lévy area of two Brownian motions.
        pairs = list(itertools.combinations(range(d), 2))
        coins = dt * torch.where(draws.normals(1, len(pairs)) > 0, 1.0, -1.0).to(z.dtype)
        area = dw[:, None] * dw
        for (r, j), coin in zip(pairs, coins, strict=True):
            area[r, j], area[j, r] = area[r, j] + coin, area[j, r] - coin
        for r, column in enumerate(b.unbind(1)):
            plus, minus = (noise(z + dt * drift + s * side * column)[:, r] for s in (1, -1))
            own = (plus + minus + 2 * column) * dw[r] + (plus - minus) * (dw[r] ** 2 - dt) / side
            total = total + own / 4
            if d == 1:
                continue
            plus, minus = (noise(z + s * side * column) for s in (1, -1))
            for j in range(d):
                if j != r:
                    second_difference = (plus[:, j] + minus[:, j] - 2 * b[:, j]) * dw[j]
                    total = total + (second_difference + (plus[:, j] - minus[:, j]) * area[r, j] / side) / 4
        return total

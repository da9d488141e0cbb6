"""Milstein's scheme for commutative noise."""

from dataclasses import dataclass

import torch

from ... import checks
from ...noise import StepDraws
from .scheme import Scheme

PROBES = 16  # number of points at which the commutator of the noise is computed
MAX_COMMUTATOR = 1e-6  # norm of the commutator that counts as 0, over the norms of the noise and its derivatives
DIFFERENCE = 1e-6  # distance of the points of a finite difference, relative to the diagonal of the box


@dataclass(frozen=True)
class Milstein(Scheme):
    """Milstein's scheme without derivatives, of strong and weak order 1.  [Kloeden, Platen 11.1.7]

    z + a dt + Σⱼ bʲΔWʲ + ½ Σⱼₖ (bᵏ(z + a dt + bʲ√dt) − bᵏ(z)) (ΔWʲΔWᵏ − δⱼₖdt)/√dt, with the columns bʲ of B.
    The noise must commute, as diagonal noise does.

    Raises:
        InputError: as ``Scheme``; also if the noise does not commute, (bʲ·∇)bᵏ ≠ (bᵏ·∇)bʲ somewhere in the landscape's
            box. The strong order would then be ½.

    >>> import samdyn as sd
    >>> sde = sd.Diffusion(sd.Landscape("x**2/2", "x"), sd.GD(), sd.noise.Gaussian(1e-4), lr=0.1)
    >>> runs = sd.simulate(sd.Milstein(sde), [(1.0,)] * 100, 10, statistics=["mean"])
    >>> runs["mean"].values.round(1).tolist(), round(0.9**10, 1)
    ([[0.3]], 0.3)
    """

    weak, strong = 1.0, 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        generator = torch.Generator().manual_seed(0)
        low, high = torch.tensor(self.landscape.box, dtype=torch.float64).T[..., None]
        w = low + (high - low) * torch.rand(self.landscape.dim, PROBES, generator=generator, dtype=torch.float64)
        z = self.sde.start(w)

        def columns(z: torch.Tensor) -> torch.Tensor:
            b = self.sde.coefficients(z)[1]
            return b.expand(*b.shape[:2], z.shape[1])

        def derivative(b: torch.Tensor) -> torch.Tensor:
            # Finite differences: the formulas of a matrix root have no derivative where eigenvalues meet.
            step = DIFFERENCE * (high - low).norm() / b.norm(dim=0).clamp(min=torch.finfo(b.dtype).tiny)
            return (columns(z + step * b) - columns(z - step * b)) / (2 * step)

        along = [derivative(b) for b in columns(z).unbind(1)]
        for j, first in enumerate(along):
            for k, second in enumerate(along[:j]):
                commutator = (first[:, k] - second[:, j]).norm(dim=0)
                size = sum(part.flatten(0, 1).norm(dim=0) for part in (first, second, columns(z)))
                if not (commutator <= MAX_COMMUTATOR * size).all():
                    rule = "its noise does not commute, so that this scheme has no better order than Euler's"
                    checks.reject("sde", self.sde, rule, "Use EulerMaruyama, or Platen for means")

    def change(self, z: torch.Tensor, draws: StepDraws) -> torch.Tensor:
        """Return the change of the states z ``(D, N)`` in one step."""
        dt, dw = self.dt, self._increments(draws, z)
        drift, b = self.sde.coefficients(z)
        total = dt * drift + self._pushed(b, dw)
        for j, column in enumerate(b.unbind(1)):
            shifted = self.sde.coefficients(z + dt * drift + dt**0.5 * column)[1]
            area = dw[j] * dw
            area = torch.cat([area[:j], area[j : j + 1] - dt, area[j + 1 :]])
            total = total + ((shifted - b) * area).sum(1) / (2 * dt**0.5)
        return total

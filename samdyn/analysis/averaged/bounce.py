"""The oscillation of a method whose F jumps where the gradient vanishes: the 2-cycle on which it bounces."""

from dataclasses import dataclass

import numpy as np
import torch

from .field import Field

FLOOR = 1e-7  # half-width of a bounce, relative to ‖w‖, that stands for none
TOLERANCE = 1e-5  # error of the half-width, relative to it
ROUNDS = 2  # the most rounds, of two iterations each, in one step; the next step goes on
FIRST_ROUNDS = 40  # rounds at the start
STALE = 0.999  # ratio of two changes of the half-width above which they are not extrapolated


@dataclass
class Bounce:
    """The displacement d of the 2-cycle w̄ ± d, from its own equation B(w̄, d) = edge·d.

    The iteration d ← B(w̄, d)/edge, with the half-width extrapolated, turns d into the direction whose cycle is the
    widest for its length, as power iteration does. Below the edge it takes d to 0.

    Attributes:
        field: F.
        edge: 2(1 + γ)/η.
        displacement: d, ``(d,)``.
        secant: ‖B‖/‖d‖ at the last displacement; on the cycle it is the edge.
        entry: 0: where in a step the bounce begins is not resolved.
    """

    field: Field
    edge: float
    displacement: torch.Tensor
    secant: float = 0.0
    entry: float = 0.0
    _is_open: bool = False

    @classmethod
    def at(cls, f: Field, w: torch.Tensor, edge: float) -> "Bounce":
        """Begin at a point w ``(d,)``."""
        noise = torch.randn(len(w), dtype=w.dtype, generator=torch.Generator().manual_seed(0)).to(w.device)
        bounce = cls(f, edge, noise / noise.norm() * _floor(w))
        for _ in range(FIRST_ROUNDS // ROUNDS):
            bounce.force(w, w, 0.0)
        return bounce

    @property
    def sigma(self) -> torch.Tensor:
        """The displacement, as the one column of a root of Σ = ddᵀ, ``(d, k)``; none below the edge."""
        return self.displacement[:, None][:, : int(self._is_open)]

    def force(self, w: torch.Tensor, free: torch.Tensor, factor: float) -> torch.Tensor:
        """Return A(w, d) on the cycle. The step that follows does not matter here."""
        floor = _floor(w)
        for _ in range(ROUNDS):
            sizes, before = [float(self.displacement.norm())], self.displacement
            for _ in range(2):
                force, b = (part[:, 0] for part in self.field.halves(w, self.displacement[:, None]))
                self.secant = float(b.norm()) / sizes[-1]
                self.displacement = b / self.edge
                sizes.append(float(self.displacement.norm()))
            first, second = sizes[1] - sizes[0], sizes[2] - sizes[1]
            ratio = second / first if first else 0.0
            size = sizes[2] + (second * ratio / (1 - ratio) if abs(ratio) < STALE else 0.0)
            size = max(min(size, 2 * sizes[2]), floor)
            self.displacement = self.displacement * (size / max(sizes[2], 1e-300))
            if float((self.displacement - before).norm()) <= TOLERANCE * size:
                break
        self._is_open = size > 10 * floor
        return force if self._is_open else self.field(w)

    def eigenvalues(self, w: torch.Tensor) -> np.ndarray:
        """Return the secant eigenvalue ‖B‖/‖d‖ of the last step: ``(1,)``."""
        return np.array([self.secant])

    def loss(self, w: torch.Tensor) -> float:
        """Return the mean loss of the two points of the cycle."""
        d = self.displacement if self._is_open else 0 * w
        return float(self.field.landscape.value(torch.stack([w + d, w - d], 1)).mean())


def _floor(w: torch.Tensor) -> float:
    return FLOOR * float(w.norm() or 1)

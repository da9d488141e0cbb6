"""Means and second moments over runs, whose bits do not depend on the chunks of the runs."""

import numpy as np
import torch

from ...ops import halves
from .statistic import Setting


def block(d: int) -> int:
    """Return the number of runs that are summed together in d dimensions: a power of two. Chunks are its multiples."""
    return 1 << max(6, min(13, (2**16 // d).bit_length() - 1))


class Moments:
    """Means and second moments of d values per run, at every save.

    Sums are in float64. Within a block of ``block(dim)`` runs they are pairwise, and blocks merge in order, so that on
    a CPU the bits do not depend on the chunks, which consist of whole blocks. Values are distances from the first run
    that counts. The moments of a block are about its mean, and blocks merge by the formulas of Chan, Golub, LeVeque,
    Updating formulae and a pairwise algorithm for computing sample variances (1979). Both keep the precision where the
    spread is tiny beside the mean.
    """

    def __init__(self, setting: Setting, values: int, *, full: bool = False) -> None:
        """Start with no run.

        Args:
            setting: the simulation.
            values: d, the number of values of a run.
            full: whether to sum the products of all pairs of values, for covariances.
        """
        saves, d = setting.saves, values
        self.full, self.size = full, block(setting.landscape.dim)
        self.count = [0] * saves
        # A point near the values, so that differences keep their precision where the values are far from 0.
        self.origin = torch.zeros(saves, d, dtype=torch.float64)
        self.offset = torch.zeros(saves, d, dtype=torch.float64)  # of the mean from the origin
        self.spread = torch.zeros(saves, d, *[d] * full, dtype=torch.float64)  # Σ of squares or products about the mean

    def add(self, slot: int, values: torch.Tensor, mask: torch.Tensor) -> None:
        """Add the values ``(d, n)``, float64, of the runs that count, ``mask`` ``(n,)`` bool, at one save."""
        values, mask = _blocks(values, self.size), _blocks(mask, self.size)
        numbers = mask.sum(1)
        if not self.count[slot]:
            first = mask.flatten().nonzero()[:1, 0]
            if not len(first):
                return
            self.origin[slot] = values.flatten(1)[:, first[0]]
        near = torch.where(mask, values - self.origin[slot].to(values.device)[:, None, None], 0)
        means = halves(near, 2) / numbers.clamp(min=1)
        off = torch.where(mask, near - means[..., None], 0)
        if self.full:
            spreads = off.new_empty(off.shape[1], len(off), len(off))
            for i in range(len(off)):
                row = halves(off[i:] * off[i], 2).T
                spreads[:, i, i:] = spreads[:, i:, i] = row
        else:
            spreads = halves(off * off, 2).T
        self._merge(slot, numbers.tolist(), means.T.cpu(), spreads.cpu())

    def _merge(self, slot: int, numbers: list[int], means: torch.Tensor, spreads: torch.Tensor) -> None:
        """Merge blocks in order: their counts, means ``(blocks, d)`` and spreads ``(blocks, d[, d])``."""
        n, offset, spread = self.count[slot], self.offset[slot], self.spread[slot]
        for more, mean, around in zip(numbers, means, spreads, strict=True):
            if not more:
                continue
            if not n:  # the formulas below give nan if a difference overflows and is multiplied by 0
                n, offset, spread = more, mean, around
                continue
            total, difference = n + more, mean - offset
            products = difference[:, None] * difference if self.full else difference * difference
            spread = spread + around + products * (n * more / total)
            offset = offset + difference * (more / total)
            n = total
        self.count[slot], self.offset[slot], self.spread[slot] = n, offset, spread

    def mean(self) -> np.ndarray:
        """Return the means ``(saves, d)``."""
        n = self._number(1)
        return torch.where(n > 0, self.origin + self.offset, torch.nan).numpy()

    def error(self) -> np.ndarray:
        """Return the standard errors of the means ``(saves, d)``."""
        n = self._number(1)
        squares = self.spread.diagonal(dim1=1, dim2=2) if self.full else self.spread
        return torch.where(n > 1, squares / (n - 1) / n, torch.nan).sqrt().numpy()

    def covariance(self) -> np.ndarray:
        """Return the covariances ``(saves, d, d)``."""
        n = self._number(2)
        return torch.where(n > 1, self.spread / (n - 1), torch.nan).numpy()

    def _number(self, axes: int) -> torch.Tensor:
        return torch.tensor(self.count, dtype=torch.float64).reshape(-1, *[1] * axes)


def _blocks(a: torch.Tensor, size: int) -> torch.Tensor:
    """Cut the last axis into blocks and pad the last block with zeros: ``(…, n) -> (…, blocks, size)``."""
    short = -a.shape[-1] % size
    if short:
        a = torch.cat([a, a.new_zeros(*a.shape[:-1], short)], -1)
    return a.reshape(*a.shape[:-1], -1, size)

"""The eigenvectors of DF whose eigenvalues are the largest, along a run."""

from collections.abc import Callable

import numpy as np
import torch

from .field import Field

MAX_DENSE_DIM = 24  # number of coordinates up to which DF itself is decomposed
SPARE = 2  # eigenvectors that are followed beside those near the edge
FIRST_ROUNDS = 60  # rounds of the first search
ROUNDS = 3  # the most rounds of a later search, which starts from the last eigenvectors
FIRST_TOLERANCE, TOLERANCE = 1e-4, 1e-2  # residuals relative to the largest eigenvalue; its error is their square
Product = Callable[[torch.Tensor], torch.Tensor]  # of columns (d, n)


class EdgeSpace:
    """The right and left eigenvectors of DF with the largest eigenvalues, at a point that moves.

    Up to 24 coordinates DF is decomposed. Beyond, a block of vectors is followed by Rayleigh-Ritz steps on the block
    and its residuals, as in LOBPCG without its preconditioner, on DF and, if it is not symmetric, on its transpose.
    The block grows with the number of eigenvalues near the edge.

    Attributes:
        values: the largest eigenvalues, descending.
    """

    def __init__(self, field: Field, w: torch.Tensor, edge: float) -> None:
        """Find the largest eigenvalues at w ``(d,)``; those above ``edge`` are to be accurate."""
        self._field, self._edge, self._symmetric = field, edge, field.is_gradient(w)
        self._right, self._left = (_random(w, min(1 + SPARE, len(w)), w.new_zeros(len(w), 0)) for _ in range(2))
        self.values = np.zeros(self._right.shape[1])
        self.update(w, FIRST_ROUNDS, FIRST_TOLERANCE)

    def near(self) -> int:
        """Return the number of eigenvalues above the edge that was given."""
        return int((self.values > self._edge).sum())

    def update(self, w: torch.Tensor, rounds: int = ROUNDS, tolerance: float = TOLERANCE) -> None:
        """Move to another point w ``(d,)``."""
        if len(w) <= MAX_DENSE_DIM:
            values, vectors = np.linalg.eig(self._field.times(w, torch.eye(len(w)).to(w)).cpu().numpy())
            order = np.argsort(-values.real)
            self.values = values.real[order]
            parts = (vectors, np.linalg.pinv(vectors).T)
            self._right, self._left = (torch.as_tensor(part[:, order].real).to(w) for part in parts)
            return
        while True:
            self.values, self._right = self._followed(lambda v: self._field.times(w, v), self._right, rounds, tolerance)
            if not self._symmetric:
                left = self._left
                self._left = self._followed(lambda v: self._field.transposed(w, v), left, rounds, tolerance)[1]
            if len(self.values) >= min(self.near() + SPARE, len(w)):
                return
            self._right, self._left = (torch.cat([part, _random(w, 1, part)], 1) for part in (self._right, self._left))

    def spanned(self, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return an orthonormal basis U of the first k right eigenvectors, and L of the left ones with LᵀU = I."""
        u, _ = torch.linalg.qr(self._right[:, :k])
        if self._symmetric:
            return u, u
        left = self._left[:, :k]
        return u, left @ torch.linalg.inv(u.T @ left)

    def _followed(
        self, product: Product, v: torch.Tensor, rounds: int, tolerance: float
    ) -> tuple[np.ndarray, torch.Tensor]:
        """Return the largest eigenvalues and a basis, column by column, of the spaces of their eigenvectors."""
        image, block = product(v), v.shape[1]
        for number in range(rounds + 1):
            values, v, image = _rotated(v, image, block)
            residual = image - v @ (v.T @ image)
            errors = residual.norm(dim=0).cpu().numpy() / max(abs(values[0]), 1e-300)
            wanted = (values > self._edge) | (np.arange(block) == 0)
            if number == rounds or errors[wanted].max() < tolerance:
                break
            wanted |= np.arange(block) < min(block, self.near() + SPARE)  # so that the next to come is found
            new = _orthogonal(residual[:, np.flatnonzero(wanted & (errors > 1e-12))], v)
            v, image = torch.cat([v, new], 1), torch.cat([image, product(new)], 1)
        return values, v


def _random(w: torch.Tensor, count: int, v: torch.Tensor) -> torch.Tensor:
    """Return orthonormal vectors ``(d, count)`` that are orthogonal to v."""
    noise = torch.randn(len(w), count, dtype=w.dtype, generator=torch.Generator().manual_seed(v.shape[1]))
    return _orthogonal(noise.to(w.device), v)


def _rotated(v: torch.Tensor, image: torch.Tensor, keep: int) -> tuple[np.ndarray, torch.Tensor, torch.Tensor]:
    """Return Ritz values, descending, with an orthonormal basis of their Schur vectors and its image."""
    values, vectors = np.linalg.eig((v.T @ image).double().cpu().numpy())
    order = np.argsort(-values.real)[:keep]
    rotation = torch.as_tensor(np.linalg.qr(vectors[:, order].real)[0]).to(v)
    return values.real[order], v @ rotation, image @ rotation


def _orthogonal(new: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Return an orthonormal basis of the part of ``new`` that is orthogonal to v."""
    for _ in range(2):  # once is not orthogonal to rounding
        new = torch.linalg.qr(new - v @ (v.T @ new))[0]
    return new

"""The eigenvectors of DF whose eigenvalues are the largest, along a run."""

from collections.abc import Callable

import numpy as np
import torch

from ...ops import jacobian
from .field import Field

MAX_DENSE_DIM = 64  # number of coordinates up to which DF itself is decomposed
SPARE = 2  # eigenvectors that are followed beside those asked for
FIRST_ROUNDS = 60  # rounds of the first search
ROUNDS = 3  # the most rounds of a later search, which starts from the last eigenvectors
FIRST_TOLERANCE, TOLERANCE = 1e-6, 1e-3  # residuals of eigenvectors, relative to the largest eigenvalue
Product = Callable[[torch.Tensor], torch.Tensor]  # of columns (d, n)


class EdgeSpace:
    """The right and left eigenvectors of DF at a point that moves.

    Up to 64 coordinates DF is decomposed. Beyond, a block of vectors is followed by Rayleigh-Ritz steps on the block
    and its residuals, as in LOBPCG without its preconditioner, on DF and, if it is not symmetric, on its transpose.

    Attributes:
        values: the largest eigenvalues, descending.
    """

    def __init__(self, field: Field, w: torch.Tensor, count: int) -> None:
        """Find the ``count`` largest eigenvalues at w ``(d,)``."""
        self._field, self._symmetric = field, field.is_gradient(w)
        self._count = min(count, len(w))
        block = min(count + SPARE, len(w))
        start = torch.randn(len(w), block, dtype=w.dtype, generator=torch.Generator().manual_seed(0)).to(w.device)
        self._right = self._left = torch.linalg.qr(start)[0]
        self.values = np.zeros(block)
        self.update(w, FIRST_ROUNDS, FIRST_TOLERANCE)

    def update(self, w: torch.Tensor, rounds: int = ROUNDS, tolerance: float = TOLERANCE) -> None:
        """Move to another point w ``(d,)``."""
        if len(w) <= MAX_DENSE_DIM:
            values, vectors = np.linalg.eig(jacobian(self._field, w).double().cpu().numpy())
            order = np.argsort(-values.real)[: len(self.values)]
            self.values = values.real[order]
            left = np.linalg.pinv(vectors).T
            self._right, self._left = (torch.as_tensor(part[:, order].real).to(w) for part in (vectors, left))
            return

        def right(v: torch.Tensor) -> torch.Tensor:
            return self._field.times(w[:, None].expand_as(v), v)

        def left(v: torch.Tensor) -> torch.Tensor:
            return self._field.transposed(w[:, None].expand_as(v), v)

        self.values, self._right = _followed(right, self._right, self._count, rounds, tolerance)
        if self._symmetric:
            self._left = self._right
        else:
            self._left = _followed(left, self._left, self._count, rounds, tolerance)[1]

    def spanned(self, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return an orthonormal basis U of the first k right eigenvectors, and L of the left ones with LᵀU = I."""
        u, _ = torch.linalg.qr(self._right[:, :k])
        if self._symmetric:
            return u, u
        left = self._left[:, :k]
        return u, left @ torch.linalg.inv(u.T @ left)


def _followed(
    product: Product, v: torch.Tensor, count: int, rounds: int, tolerance: float
) -> tuple[np.ndarray, torch.Tensor]:
    """Return the largest eigenvalues and a basis, column by column, of the spaces of their eigenvectors."""
    image = product(v)
    for number in range(rounds + 1):
        values, v, image = _rotated(v, image, v.shape[1])
        residual = image - v @ (v.T @ image)
        errors = residual[:, :count].norm(dim=0).cpu().numpy() / max(abs(values[0]), 1e-300)
        if number == rounds or errors.max() < tolerance:
            break
        new = _orthogonal(residual[:, np.flatnonzero(errors >= tolerance)], v)
        v, image = torch.cat([v, new], 1), torch.cat([image, product(new)], 1)
        values, v, image = _rotated(v, image, len(values))
    return values, v


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

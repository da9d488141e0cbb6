"""Quadratics ½wᵀHw with any spectrum, rotation and dimension."""

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import sympy
import torch

from ... import checks
from ...ops import Point, dot, is_symbolic
from ..landscape import Landscape

MAX_ORDERED_DIM = 32  # number of coordinates up to which a product with H adds its terms in a fixed order


class Quadratic(Landscape):
    """The landscape ½wᵀHw. Matrix products compute it, so that a thousand dimensions need no thousand formulas.

    The formula exists too, and is expanded on first use. In more than 32 dimensions, unless H is diagonal, the last
    bits of a product depend on the number of points: a run is then the same in every ensemble only to rounding.

    Attributes:
        matrix: the Hessian H, ``(d, d)``.

    >>> import samdyn as sd
    >>> sd.landscapes.quadratic([3.0, -1.0]).value([1.0, 1.0])
    tensor(1., dtype=torch.float64)
    """

    is_quadratic = True

    def __init__(self, matrix: np.ndarray, name: str) -> None:
        """Take the symmetric Hessian ``(d, d)`` and a name."""
        names = ["x", "y"] if len(matrix) == 2 else [f"x{i}" for i in range(len(matrix))]
        self._set_coordinates(names, None)
        self.name = name
        self.matrix = matrix

    @cached_property
    def expr(self) -> sympy.Expr:
        """The formula of ½wᵀHw."""
        w = sympy.Matrix(self.symbols)
        exact = sympy.Matrix(self.matrix.tolist()).applyfunc(lambda h: sympy.Rational(str(h)))
        return sympy.expand((w.T * exact * w)[0]) / 2

    @property
    def formula(self) -> str:
        """The name, since the formula has d² terms."""
        return self.name

    def value(self, w: Any) -> Any:
        """Return L(w): ``(d, …) -> (…)``."""
        w = self._point(w)
        return super().value(w) if is_symbolic(w) else dot(w, self._grad(w)) / 2

    def hessian(self, w: Any) -> Any:
        """Return H at every point: ``(d, …) -> (d, d, …)``."""
        w = self._point(w)
        if is_symbolic(w):
            return super().hessian(w)
        h = self._matrix_like(w)
        return h.reshape(*h.shape, *[1] * (w.ndim - 1)).expand(*h.shape, *w.shape[1:])

    def _grad(self, w: Any) -> Point:
        w = self._point(w)
        if is_symbolic(w):
            return super()._grad(w)
        h = self._matrix_like(w)
        if self._is_diagonal:
            return h.diagonal().reshape(-1, *[1] * (w.ndim - 1)) * w
        if self.dim > MAX_ORDERED_DIM:
            return torch.tensordot(h, w, dims=1)
        columns = h.reshape(*h.shape, *[1] * (w.ndim - 1)).unbind(1)
        total = columns[0] * w[0]
        for column, component in zip(columns[1:], w[1:], strict=True):
            total = torch.addcmul(total, column, component)
        return total

    def _hvp(self, w: Any, v: Any) -> Point:
        self._point(w)  # refuses a bad point, although H is the same everywhere
        return self._grad(v)

    def _matrix_like(self, w: torch.Tensor) -> torch.Tensor:
        """Return H with the dtype and on the device of w."""
        key = (w.dtype, w.device)
        if key not in self._matrices:
            self._matrices[key] = torch.as_tensor(self.matrix, dtype=w.dtype, device=w.device)
        return self._matrices[key]

    @cached_property
    def _is_diagonal(self) -> bool:
        return np.array_equal(self.matrix, np.diag(np.diag(self.matrix)))

    @cached_property
    def _matrices(self) -> dict[tuple[torch.dtype, torch.device], torch.Tensor]:
        return {}


def quadratic(
    eigenvalues: Sequence[float] = (1.0, -1.0), rotation: float | Sequence[Sequence[float]] | np.ndarray | None = None
) -> Quadratic:
    """Return ½wᵀHw with H = Q diag(eigenvalues) Qᵀ.

    Args:
        eigenvalues: d finite numbers, the spectrum of H.
        rotation: Q, an orthogonal matrix (d, d), or in the plane an angle in radians. Default: the identity. For a
            random matrix use ``scipy.stats.ortho_group.rvs(d, random_state=seed)``.

    Raises:
        InputError: no eigenvalues, or some not finite; a matrix that is not orthogonal; an angle where d is not 2.

    >>> import samdyn as sd
    >>> sd.landscapes.quadratic([2.0, -1.0, 0.5]).hessian([0.0, 0.0, 0.0]).diagonal().tolist()
    [2.0, -1.0, 0.5]
    """
    fix = "Give e.g. eigenvalues=(1, -1)"
    try:
        spectrum = np.array(eigenvalues, dtype=float)
    except (TypeError, ValueError, OverflowError):
        checks.reject("eigenvalues", eigenvalues, "must be real numbers", fix)
    if spectrum.ndim != 1 or not spectrum.size or not np.isfinite(spectrum).all():
        checks.reject("eigenvalues", eigenvalues, "must be one or more finite numbers", fix)
    q = _orthogonal(rotation, spectrum.size)
    h = np.diag(spectrum) if q is None else (q * spectrum) @ q.T
    text = ", ".join(f"{v:g}" for v in spectrum[:4]) + (", …" if spectrum.size > 4 else "")
    return Quadratic((h + h.T) / 2, f"quadratic with spectrum ({text})")


def _orthogonal(rotation: Any, dim: int) -> np.ndarray | None:
    """Return Q as a matrix, or None for the identity.

    Raises:
        InputError: it is neither an orthogonal matrix nor, in the plane, an angle.
    """
    if rotation is None:
        return None
    try:
        q = np.array(rotation, dtype=float)
    except (TypeError, ValueError, OverflowError):
        q = np.array(np.nan)
    if q.ndim == 0 and dim == 2 and math.isfinite(q):
        c, s = math.cos(q), math.sin(q)
        return np.array([[c, -s], [s, c]])
    if q.shape != (dim, dim) or not np.allclose(q @ q.T, np.eye(dim), atol=1e-10):
        fix = "Give an orthogonal matrix of that shape" + (", or an angle in radians" if dim == 2 else "")
        checks.reject("rotation", rotation, f"must be orthogonal, of shape ({dim}, {dim})", fix)
    return q

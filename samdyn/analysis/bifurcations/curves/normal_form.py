"""Computes coefficients of normal forms, by which bifurcations are classified (Kuznetsov 2004, chapter 5)."""

from dataclasses import dataclass

import numpy as np
import torch

from ..problem import Problem

Tensor = np.ndarray


@dataclass(frozen=True, eq=False)
class Critical:
    """The critical multipliers of a point on a curve, with their vectors of length 1 in scaled coordinates.

    Attributes:
        u: the scaled point, ``(D + 2,)``.
        matrix: A = ∂G/∂z, ``(D, D)``.
        value: the critical multiplier, or the eigenvalue of a flow, with imag ≥ 0.
        others: the multipliers without the critical one, or without the critical pair.
        right, left: q with Aq = aq and p with Aᵀp̄ = ap̄, where a is the eigenvalue of A, ``(D,)``.
    """

    u: np.ndarray
    matrix: np.ndarray
    value: complex
    others: np.ndarray
    right: np.ndarray
    left: np.ndarray

    @property
    def product(self) -> complex:
        """p̄·q, which is zero where the multiplier is a defective double one."""
        return complex(self.left.conj() @ self.right)


def critical_at(
    problem: Problem, u: np.ndarray, value: complex, is_pair: bool, like: "Critical | None" = None
) -> Critical:
    """Return the critical multiplier ``value`` of a point with its vectors, whose signs follow those of another."""
    matrix = problem.derivatives(u)[:, : problem.size]
    eigenvalue = value - 1 if problem.discrete else value
    left, _, right = np.linalg.svd(matrix - (eigenvalue if is_pair else eigenvalue.real) * np.eye(problem.size))
    q, p = right[-1].conj(), left[:, -1]
    if like is not None and not is_pair:
        q, p = (new if new @ old >= 0 else -new for new, old in ((q, like.right), (p, like.left)))
    others = problem.multipliers(u)
    for each in (value, value.conjugate())[: 2 if is_pair else 1]:
        others = np.delete(others, np.argmin(np.abs(others - each)))
    return Critical(u, matrix, value, others, q, p)


def forms(problem: Problem, u: np.ndarray) -> tuple[Tensor, Tensor]:
    """Return the second and third derivatives of G by z: B ``(D, D, D)`` and C ``(D, D, D, D)``."""
    size = problem.size
    i, j, k = (index.flatten() for index in torch.meshgrid(*[torch.arange(size)] * 3, indexing="ij"))
    n = torch.arange(size**3)
    copies = torch.as_tensor(u)[:, None].repeat(1, size**3).requires_grad_()
    entry = problem.residual(copies)[i, n]
    for index in (j, k):
        entry = _slope(entry, copies)[index, n]
    third = _slope(entry, copies)[:size]
    shape = (size, size, size)
    return entry.detach().reshape(shape).numpy(), third.detach().T.reshape(*shape, size).numpy()


def _slope(entries: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Return the derivatives of entries ``(n,)``, each by its own point: ``(D + 2, n)``; 0 of constants."""
    if not entries.requires_grad:
        return torch.zeros_like(points)
    (slope,) = torch.autograd.grad(entries.sum(), points, create_graph=True, materialize_grads=True)
    return slope


def quadratic(second: Tensor, at: Critical) -> float:
    """Return p·B(q, q)/2 of a real critical multiplier, which vanishes at a cusp and all along pitchforks."""
    return float(np.einsum("i,ijk,j,k", at.left, second, at.right, at.right)) / 2


def cubic(second: Tensor, third: Tensor, at: Critical, is_flip: bool) -> float:
    """Return p·C(q, q, q)/6 − p·B(q, h)/2 of a real critical multiplier, where h solves Ah = B(q, q).

    At a flip A is regular. At a multiplier 1 h is the solution orthogonal to q, and the coefficient is that of a
    pitchfork.
    """
    q, p, matrix = at.right, at.left, at.matrix
    bent = np.einsum("ijk,j,k", second, q, q)
    if not is_flip:
        matrix = np.block([[matrix, p[:, None]], [q[None], np.zeros((1, 1))]])
        bent = np.append(bent, 0.0)
    h = np.linalg.lstsq(matrix, bent, rcond=None)[0][: len(q)]
    cubed = np.einsum("i,ijkl,j,k,l", p, third, q, q, q)
    return float(cubed / 6 - np.einsum("i,ijk,j,k", p, second, q, h) / 2)


def first_lyapunov(second: Tensor, third: Tensor, at: Critical, discrete: bool) -> float:
    """Return the first Lyapunov coefficient of a pair ±iω or e^{±iθ}; NaN where p̄·q vanishes.

    It is negative where a stable cycle or closed curve emerges.
    """
    q, eye = at.right, np.eye(len(at.matrix))
    if not at.value or abs(at.product) < 1e-9:
        return float("nan")
    p = at.left / np.conj(at.product)
    twice, mixed = (np.einsum("ijk,j,k", second, q, r) for r in (q, q.conj()))
    double = (at.value**2 - 1 if discrete else 2 * at.value) * eye - at.matrix
    level = np.linalg.lstsq(-at.matrix, mixed, rcond=None)[0]
    wave = np.linalg.lstsq(double, twice, rcond=None)[0]
    total = np.einsum("ijkl,j,k,l", third, q, q, q.conj())
    total = total + 2 * np.einsum("ijk,j,k", second, q, level) + np.einsum("ijk,j,k", second, q.conj(), wave)
    return float((p.conj() @ total / (2 * (at.value if discrete else abs(at.value)))).real)

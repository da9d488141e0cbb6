"""Defines systems of equations whose solutions over two parameters are curves of one bifurcation.

The unknowns are the scaled point u = (z, p₁, p₂) and a critical vector. A = ∂G/∂z is the Jacobian of a flow, or that of
a map less the identity. Each system has one equation less than unknowns, and is regular at the bifurcations of
codimension two at which its curve goes on.
"""

from abc import ABC, abstractmethod

import numpy as np
import torch

from ..problem import RESIDUAL, Problem

NEWTON_STEPS = 12  # number of Newton steps
CONVERGED, STAGNANT = 1e-13, 1e-10  # lengths of the last step, in units of the unknowns: of no effect; due to rounding


class Defining(ABC):
    """The base class of the systems: equations R(x) = 0 of N − 1 components for N unknowns, which begin with u.

    Attributes:
        problem: the equations of the equilibria.
        unit: a norm of the derivatives near the start, in which the equations and κ are measured.
    """

    def __init__(self, problem: Problem, unit: float) -> None:
        self.problem, self.unit = problem, unit

    @abstractmethod
    def start(self, u: np.ndarray) -> np.ndarray:
        """Return a guess of the unknowns at a point near the curve."""

    @abstractmethod
    def equations(self, x: torch.Tensor) -> torch.Tensor:
        """Return R at unknowns that require gradients: ``(N, n) -> (N − 1, n)``."""

    def renewed(self, x: np.ndarray) -> tuple["Defining", np.ndarray]:
        """Return the same system with its critical vector normalised anew at a solution, and the solution in it."""
        return self, x

    def split(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return G and ∂G/∂u in units of ``unit``, ``(D, n)`` and ``(D, D + 2, n)``, and the other unknowns."""
        size = self.problem.size + 2
        value, matrix = self.problem.with_jacobian(x[:size], create_graph=True)
        return value / self.unit, matrix / self.unit, x[size:]

    def linearised(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return R ``(N − 1,)`` and its derivatives ``(N − 1, N)``."""
        n = len(x) - 1
        copies = torch.as_tensor(x)[:, None].repeat(1, n).requires_grad_()
        value = self.equations(copies)
        (rows,) = torch.autograd.grad(value, copies, torch.eye(n, dtype=value.dtype))
        return value[:, 0].detach().numpy(), rows.T.numpy()

    def correct(self, x: np.ndarray, across: np.ndarray | None) -> tuple[np.ndarray, np.ndarray] | None:
        """Solve R = 0 by Newton's method, in the plane through x across a direction, or else with the shortest steps.

        Returns:
            The solution and the derivatives there, or None if the method does not converge.
        """
        size = self.problem.size + 2
        for _ in range(NEWTON_STEPS):
            value, matrix = self.linearised(x)
            rows, rest = matrix, value
            if across is not None:
                rows, rest = np.vstack([matrix, across]), np.append(value, 0.0)
            if not (np.isfinite(rows).all() and np.isfinite(rest).all()):
                return None
            step = np.linalg.lstsq(rows, -rest, rcond=None)[0]
            if np.linalg.norm(step) <= CONVERGED * max(1.0, float(np.linalg.norm(x))):
                break
            x = x + step
            if not self.problem.allowed(x[:size]):
                return None
        else:
            if np.linalg.norm(step) > STAGNANT * max(1.0, float(np.linalg.norm(x))):
                return None
            value, matrix = self.linearised(x)
        exact = np.linalg.norm(value) <= RESIDUAL * max(1.0, float(np.linalg.norm(matrix)))
        return (x, matrix) if exact else None


class Singular(Defining):
    """G = 0, (A + s)v = 0, v·v = 1: folds with s = 0, flips with s = 2 (Moore and Spence 1980)."""

    def __init__(self, problem: Problem, unit: float, shift: float) -> None:
        super().__init__(problem, unit)
        self.shift = shift

    def start(self, u: np.ndarray) -> np.ndarray:
        size = self.problem.size
        return np.append(u, np.linalg.svd(self.problem.derivatives(u)[:, :size] + self.shift * np.eye(size))[2][-1])

    def equations(self, x: torch.Tensor) -> torch.Tensor:
        value, matrix, v = self.split(x)
        image = (matrix[:, : self.problem.size] * v).sum(1) + self.shift / self.unit * v
        return torch.cat([value, image, (v * v).sum(0, keepdim=True) - 1])


class Crossing(Defining):
    """G + βw = 0, Aᵀw = 0, w·∂G/∂p = 0, w·w = 1: branch points, whose p is the parameter of the crossing branches.

    A branch point persists over a second parameter only if symmetry or an equilibrium at a fixed place makes it. Then β
    is zero all along the curve, else it is not (Moore 1980).
    """

    def __init__(self, problem: Problem, unit: float, index: int) -> None:
        super().__init__(problem, unit)
        self.index = problem.size + index  # index of p in u

    def start(self, u: np.ndarray) -> np.ndarray:
        left = np.linalg.svd(self.problem.derivatives(u)[:, : self.problem.size])[0][:, -1]
        return np.concatenate([u, left, [0.0]])

    def equations(self, x: torch.Tensor) -> torch.Tensor:
        value, matrix, rest = self.split(x)
        w, beta = rest[:-1], rest[-1:]
        products = (w[:, None] * matrix).sum(0)
        slope = products[self.index : self.index + 1]
        return torch.cat([value + beta * w, products[: self.problem.size], slope, (w * w).sum(0, keepdim=True) - 1])


class Rotation(Defining):
    """G = 0 and a plane on which A, or I + A for a map, rotates.

    Flows: (A² + κ)v = 0, where κ = ω². Maps: (A² + κ(I + A))v = 0, where κ = 2(1 − cos θ). With v·v = 1 and c·v = 0 for
    a constant vector c the solution is unique (Roose and Hlaváček 1985).

    Attributes:
        constant: the vector c, ``(D,)``.
        strength: ‖A‖ nearby, in units of which A and √κ are; it falls by orders along a curve.
    """

    def __init__(self, problem: Problem, unit: float, constant: np.ndarray, strength: float) -> None:
        super().__init__(problem, unit)
        self.constant, self.strength = constant, strength

    def kappa(self, x: np.ndarray) -> float:
        """Return κ, in 1/t² for flows."""
        return float(x[-1]) * self.strength**2

    def start(self, u: np.ndarray) -> np.ndarray:
        size = self.problem.size
        values, vectors = np.linalg.eig(self.problem.derivatives(u)[:, :size])
        multipliers = values + (1 if self.problem.discrete else 0)
        rotating = np.where(values.imag > 0, np.abs(self.problem.beyond(multipliers)), np.inf)
        critical = int(np.argmin(rotating))
        square = 2 * (1 - multipliers[critical].real) if self.problem.discrete else values[critical].imag ** 2
        return np.concatenate([u, vectors[:, critical].real, [square / self.strength**2]])

    def equations(self, x: torch.Tensor) -> torch.Tensor:
        value, matrix, rest = self.split(x)
        a, v, kappa = matrix[:, : self.problem.size] * (self.unit / self.strength), rest[:-1], rest[-1:]
        once = (a * v).sum(1)
        middle = v + self.strength * once if self.problem.discrete else v
        image = (a * once).sum(1) + kappa * middle
        along = (torch.as_tensor(self.constant)[:, None] * v).sum(0, keepdim=True)
        return torch.cat([value, image, (v * v).sum(0, keepdim=True) - 1, along])

    def renewed(self, x: np.ndarray) -> tuple["Rotation", np.ndarray]:
        """Choose that v in the plane which A makes longest, so that v is no eigenvector where the rotation ends."""
        size = self.problem.size
        a = self.problem.derivatives(x[: size + 2])[:, :size]
        square = a @ a + self.kappa(x) * (np.eye(size) + a if self.problem.discrete else np.eye(size))
        plane = np.linalg.svd(square)[2][-2:]
        best, other = np.linalg.svd(a @ plane.T)[2] @ plane
        best = best if best @ x[size + 2 : -1] >= 0 else -best
        new = Rotation(self.problem, self.unit, other, float(np.linalg.norm(a, 2)))
        return new, np.concatenate([x[: size + 2], best, [self.kappa(x) / new.strength**2]])

"""The oscillation of a method whose F is smooth: its covariance, from staying at the edge."""

from dataclasses import dataclass

import numpy as np
import torch

from ... import checks
from .complementarity import RANK, solve
from .edge_space import EdgeSpace
from .field import SHIFT, Field, length

MARGIN = 0.03  # distance of an eigenvalue from the edge, relative to it, below which its direction is computed
FAR = 0.2  # the same above which eigenvalues are looked at every LOOK_EVERY substeps only
LOOK_EVERY = 10  # substeps
RETURN = 0.1  # share of an excess of DF over the edge that one substep takes back
MAX_START = 1.5  # largest eigenvalue of DF at a start, in units of the edge
MAX_WIDTH = 1.0  # width of an oscillation, in units of ‖w‖, that is no small one
MAX_CHANGE = 0.05  # change of a second derivative, relative to it, when the differences are ten times as far apart


@dataclass
class SmoothOscillation:
    """Σ = UXUᵀ, the covariance of the oscillation in the directions U in which DF is at the edge.

    Attributes:
        field: F.
        edge: the eigenvalue 2(1 + γ)/η of DF at which steps alternate without growth.
        directions: the largest number of directions at the edge.
        space: the eigenvectors of DF.
        sigma: the columns of a root of Σ, ``(d, k)``.
        entry: the part of the last step before its first direction came to the edge.
    """

    field: Field
    edge: float
    directions: int
    space: EdgeSpace
    sigma: torch.Tensor
    entry: float = 0.0
    _looks: int = 0
    _checked: int = 0  # number of directions whose second derivatives were checked

    @classmethod
    def at(cls, f: Field, w: torch.Tensor, edge: float, directions: int) -> "SmoothOscillation":
        """Begin at a point w ``(d,)`` at or below the edge.

        Raises:
            InputError: w is above the edge.
        """
        space = EdgeSpace(f, w, (1 - MARGIN) * edge)
        if space.values[0] > MAX_START * edge:
            rule = f"DF has there the eigenvalue {space.values[0]:.6g}, far above the edge {edge:.6g}"
            checks.reject("start", "w̄", rule, "Start near or below the edge: use a smaller lr, or another point")
        return cls(f, edge, directions, space, w.new_zeros(len(w), 0))

    def eigenvalues(self, w: torch.Tensor) -> np.ndarray:
        """Return the largest eigenvalues of DF at the point w ``(d,)`` of the last step."""
        if not self._is_near:
            self.space.update(w)
        return self.space.values[: self.directions]

    def force(self, w: torch.Tensor, free: torch.Tensor, factor: float) -> torch.Tensor:
        """Return A = F + ½D²F[Σ] for a step w ← w + free − factor·A, with the Σ that keeps DF at the edge after it.

        Raises:
            InputError: more directions are at the edge than asked for; F has no second derivative; the edge does not
                push back, so no oscillation keeps DF there.
        """
        f = self.field(w)
        self._look(w)
        k = self.space.near()
        self.sigma, self.entry, old = w.new_zeros(len(w), 0), 0.0, self.sigma
        if not k:
            return f
        if k > self.directions:
            rule = f"{k} or more eigenvalues of DF are within {MARGIN:.0%} of the edge {self.edge:.6g}"
            checks.reject("directions", self.directions, rule, "Ask for more directions, e.g. directions=10")
        u, left = self.space.spanned(k)
        bend = self.field.bend(w, u)
        if k > self._checked:
            self._check(bend, self.field.bend(w, u, 10 * SHIFT))
            self._checked = k
        turn = bend if left is u else self.field.turn(w, u, left)
        # S(X) = edge − LᵀDF(w + step)U to first order in the step, with step = free − factor (F + ½D²F[UXUᵀ]).
        at_once = left.T @ self.field.times(w, u)
        drift = torch.einsum("dij,d->ij", turn, free - factor * f)
        before = self.edge * np.eye(k) - _symmetric(at_once.cpu().numpy())
        sizes, axes = np.linalg.eigh(before)
        slack = before - (axes * ((1 - RETURN) * sizes.clip(max=0))) @ axes.T - _symmetric(drift.cpu().numpy())
        response = factor / 2 * torch.einsum("dij,dmn->ijmn", turn, bend).cpu().numpy()
        response = (response + response.transpose(1, 0, 2, 3)) / 2
        within = (u.T @ old).cpu().numpy()
        x = solve(slack, (response + response.transpose(0, 1, 3, 2)) / 2, within @ within.T)
        if x is None or np.trace(x) > (MAX_WIDTH * length(w)) ** 2:
            rule = f"has no stable motion at the edge {self.edge:.6g}: its oscillation does not lower DF's eigenvalue"
            checks.reject("method", self.field.method, rule, "Its iterates leave; stop before, or use a smaller lr")
        first, last = np.linalg.eigvalsh(before)[0], np.linalg.eigvalsh(slack)[0]
        self.entry = first / (first - last) if first > 0 > last else 0.0
        sizes, axes = np.linalg.eigh(x)
        active = sizes > RANK * max(sizes[-1], 0.0)
        self.sigma = u @ torch.as_tensor(axes[:, active] * sizes[active] ** 0.5).to(u)
        return f + torch.einsum("dij,ij->d", bend, torch.as_tensor(x).to(bend)) / 2

    def loss(self, w: torch.Tensor) -> float:
        """Return the mean loss of the oscillation, L(w) + ½ tr(HΣ)."""
        value = float(self.field.landscape.value(w))
        products = [self.field.landscape.grad.hvp(w, s) @ s for s in self.sigma.T]
        return value + float(sum(products)) / 2

    @property
    def _is_near(self) -> bool:
        return bool(self.space.values[0] > (1 - FAR) * self.edge)

    def _look(self, w: torch.Tensor) -> None:
        """Bring the eigenvectors up to date; far from the edge not at every substep."""
        self._looks += 1
        if self._is_near or self._looks % LOOK_EVERY == 0:
            self.space.update(w)

    def _check(self, near: torch.Tensor, far: torch.Tensor) -> None:
        """Refuse second derivatives that depend on the distance of the differences."""
        if not float((near - far).norm()) <= MAX_CHANGE * float(near.norm()):
            rule = "has no second derivative at the edge: its central differences do not converge"
            checks.reject("method", self.field.method, rule, "Use a smooth method on a smooth loss, e.g. tanh for relu")


def _symmetric(x: np.ndarray) -> np.ndarray:
    return (x + x.T) / 2

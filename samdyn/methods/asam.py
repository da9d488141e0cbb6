"""Adaptive SAM."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .. import checks
from ..ops import Point, is_symbolic, unit
from ..oracle import Oracle
from .blocks import Blocks
from .method import Ascent


@dataclass(frozen=True)
class ASAM(Ascent):
    """Adaptive SAM: F(w) = ∇L(w + ρ T²g/‖Tg‖), T = diag(|w| + shift), g = ∇L(w).  [A21, eq. 11 and its code]

    Two forms are in use: ``ASAM(rho)``, T = |w| for every parameter; and the authors' code,
    ``ASAM(rho, shift=0.01, weights=…)``, with T the identity on biases.
    With several ascent steps T is taken anew at every point.

    Attributes:
        shift: added to |w|, ≥ 0, in the units of w; or one per run. It breaks the invariance to rescaling.
        weights: one truth value per coordinate: whether T scales it (a weight) or leaves it (a bias); None: all. For
            networks ``samdyn.networks.weights`` tells.

    Raises:
        InputError: beside Ascent's, a shift that is negative or not finite; at the call, weights of another length.
    """

    shift: Any = 0.0
    weights: Sequence[bool] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        rule = "the shift must be a finite number >= 0"
        if not isinstance(self.weights, Blocks | None):
            object.__setattr__(self, "weights", self._truth_values(self.weights))
        fix = "Use 0, or 0.01 as the authors do"
        object.__setattr__(self, "shift", checks.number_per_run("shift", self.shift, rule, fix, lambda s: s >= 0))

    @staticmethod
    def _truth_values(weights: Any) -> tuple[bool, ...]:
        fix = "Give one per coordinate, or None for all"
        try:
            listed = np.array(weights.tolist() if torch.is_tensor(weights) else weights)
        except (TypeError, ValueError):  # as of sequences of different lengths
            checks.reject("weights", weights, "must be truth values", fix)
        if listed.ndim != 1 or not np.isin(listed, (0, 1)).all():
            checks.reject("weights", weights, "must be truth values", fix)
        return tuple(map(bool, listed))

    def direction(self, w: Point, g: Point, grad: Oracle) -> Point:
        """Return T²g/‖Tg‖."""
        t = self._scale(w)
        return t * unit(t * g)

    def _scale(self, w: Point) -> Point:
        t = abs(w) + self.shift
        if self.weights is None:
            return t
        if len(self.weights) != len(w):
            rule = f"has {len(self.weights)} entries for {len(w)} coordinates"
            checks.reject("weights", self.weights, rule, "Give one truth value per coordinate")
        if is_symbolic(w):
            return np.where(np.asarray(self.weights, dtype=bool), t, 1)
        told = self.weights
        weights = told.tensor(w.device) if isinstance(told, Blocks) else torch.tensor(told, device=w.device)
        return torch.where(weights.reshape(-1, *[1] * (w.ndim - 1)), t, 1)


@dataclass(frozen=True)
class UASAM(ASAM):
    """Unnormalised adaptive SAM: F(w) = ∇L(w + ρ T²g), T as in ASAM.

    Near a critical point its Jacobian is H(I + ρT²H), as theory 5 has it; ASAM has none there.
    """

    def direction(self, w: Point, g: Point, grad: Oracle) -> Point:
        """Return T²g."""
        return self._scale(w) ** 2 * g

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

    Two forms are in use. ``ASAM(rho)`` has T = |w| for every parameter. The authors' code is
    ``ASAM(rho, shift=0.01, weights=…)``, in which T is the identity on biases.
    With several ascent steps the method computes T at every point of the ascent.

    >>> import samdyn as sd, torch
    >>> loss, w = sd.Landscape("x**2 + 8*y**2", "x y"), torch.tensor([0.5, -0.25], dtype=torch.float64)
    >>> (sd.ASAM(rho=0.5).perturbed(w, loss.grad) - w).round(decimals=4).tolist()
    [0.1118, -0.1118]

    Attributes:
        shift: a number ≥ 0 that T adds to |w|, in the units of w, or one per run. It breaks the invariance to
            rescaling.
        weights: one truth value per coordinate: True where T scales the coordinate (a weight), False where T leaves it
            (a bias). None if T scales all. ``samdyn.networks.weights`` returns them for a network.

    Raises:
        InputError: a shift is negative or not finite, or a field of Ascent is wrong. A call raises it if the weights
            and w have different lengths.
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
            array = np.array(weights.tolist() if torch.is_tensor(weights) else weights)
        except (TypeError, ValueError):  # nested sequences have different lengths
            checks.reject("weights", weights, "must be truth values", fix)
        if array.ndim != 1 or not np.isin(array, (0, 1)).all():
            checks.reject("weights", weights, "must be truth values", fix)
        return tuple(map(bool, array))

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
        mask = self.weights
        scaled = mask.tensor(w.device) if isinstance(mask, Blocks) else torch.tensor(mask, device=w.device)
        return torch.where(scaled.reshape(-1, *[1] * (w.ndim - 1)), t, 1)


@dataclass(frozen=True)
class UASAM(ASAM):
    """Unnormalised adaptive SAM: F(w) = ∇L(w + ρ T²g), T as in ASAM.

    At a critical point its Jacobian is H(I + ρT²H) [theory 5]. ASAM has no Jacobian there.

    >>> import samdyn as sd, torch
    >>> loss, w = sd.Landscape("x**2 + 8*y**2", "x y"), torch.tensor([0.5, -0.25], dtype=torch.float64)
    >>> (sd.UASAM(rho=0.5).perturbed(w, loss.grad) - w).round(decimals=4).tolist()
    [0.125, -0.125]

    Attributes:
        shift, weights: as of ASAM.

    Raises:
        InputError: as ASAM.
    """

    def direction(self, w: Point, g: Point, grad: Oracle) -> Point:
        """Return T²g."""
        return self._scale(w) ** 2 * g

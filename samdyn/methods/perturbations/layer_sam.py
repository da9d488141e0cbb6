"""SAM that normalises the gradient of every layer by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from ... import checks
from ...ops import Point, is_symbolic, unit
from ...oracle import Oracle
from ..method import Ascent


@dataclass(frozen=True)
class LayerSAM(Ascent):
    """Layer-wise normalised SAM: F(w) = ∇L(w + ε), with ε = ρ gₗ/‖gₗ‖ in every layer l, g = ∇L(w).

    A layer is a group of neighbouring coordinates. The perturbation of each has the length ρ, so that of all √(layers)
    times ρ. (Our reading; [LS22] scales each layer by ‖wₗ‖ besides.)

    >>> import samdyn as sd, torch
    >>> loss, w = sd.Landscape("x**2 - y**2 + 3*z", "x y z"), torch.tensor([0.75, 1.0, 0.0], dtype=torch.float64)
    >>> sd.methods.LayerSAM(rho=0.5, layers=(2, 1)).perturbed(w, loss.grad).round(decimals=6).tolist()
    [1.05, 0.6, 0.5]

    Attributes:
        rho: ρ ≥ 0, in the units of w, or one per run.
        layers: how many coordinates each layer has, in order. For a network ``[p.numel() for p in
            model.parameters()]``. None for one layer, with which the method is SAM.

    Raises:
        InputError: as Ascent; a count < 1. A call raises it if the counts do not add up to the coordinates of w.
    """

    layers: Sequence[int] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.layers is not None:
            fix = "Give the number of coordinates of each layer, e.g. layers=(2, 1), or None for one layer"
            if not isinstance(self.layers, Sequence) or isinstance(self.layers, str) or not self.layers:
                checks.reject("layers", self.layers, "must be counts of coordinates", fix)
            object.__setattr__(self, "layers", tuple(checks.count("layers", n, fix) for n in self.layers))

    def direction(self, w: Point, g: Point, grad: Oracle) -> Point:
        """Return gₗ/‖gₗ‖ in every layer."""
        if self.layers is None:
            return unit(g)
        if sum(self.layers) != len(g):
            rule = f"are {sum(self.layers)} coordinates, and w has {len(g)}"
            checks.reject("layers", self.layers, rule, "Give counts that add up to the coordinates of w")
        if is_symbolic(g):
            return np.concatenate([unit(part) for part in np.split(g, np.cumsum(self.layers)[:-1])])
        return torch.cat([unit(part) for part in g.split(list(self.layers))])

"""A step that divides each coordinate by a fixed number."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import checks
from ..ops import Point, is_symbolic
from .base import Base
from .parameters import decay, weight_decay
from .weight_decay import coupled, decoupled


@dataclass(frozen=True)
class Preconditioned(Base):
    """Heavy ball divided by fixed scales: m ← βm + (1 − β)F, w ← w − η m/s.

    It is Adam whose second moments do not change. Near a critical point with Hessian H, F = Hₑ(w − w*), it is heavy
    ball on the preconditioned Hessian s⁻¹Hₑ.

    >>> import samdyn as sd
    >>> sd.bases.Adam(eps=0).frozen(4.0)
    Preconditioned(beta=0.9, scale=2.0, weight_decay=0.0, decoupled=False)

    Attributes:
        beta: β in [0, 1).
        scale: s > 0, in the units of F: a number, or a tuple of one per coordinate.
        weight_decay, decoupled: as of Adam.

    Raises:
        InputError: a parameter out of its range, or a call with another number of coordinates.
    """

    beta: Any
    scale: Any
    weight_decay: Any = 0.0
    decoupled: bool = False

    memory = ("m",)

    def __post_init__(self) -> None:
        object.__setattr__(self, "beta", decay("beta", self.beta))
        object.__setattr__(self, "weight_decay", weight_decay(self.weight_decay))
        object.__setattr__(self, "decoupled", checks.flag("decoupled", self.decoupled))
        rule, fix = "must be a finite number > 0", "Use e.g. eps=1e-8, or second moments > 0"
        values = self.scale if isinstance(self.scale, tuple) else (self.scale,)
        for value in values:
            if not checks.is_formula(value):
                checks.number("scale", value, rule, fix, lambda s: s > 0)

    @classmethod
    def of(cls, beta: Any, v: Any, eps: Any, weight_decay: Any, decoupled: bool) -> "Preconditioned":
        """Return Adam with fixed second moments v: a number, or one per coordinate.

        Raises:
            InputError: v is negative or not finite, or √v + ε = 0.
        """
        rule, fix = "second moments must be finite numbers >= 0", "Use e.g. v=1e-4, a mean of squared gradients"

        def scale(entry: Any) -> Any:
            formula = checks.is_formula(entry)
            value = entry if formula else checks.number("v", entry, rule, fix, lambda v: v >= 0)
            return value**0.5 + eps

        try:
            several = not checks.is_formula(v) and len(v)
        except TypeError:
            several = 0
        return cls(beta, tuple(map(scale, v)) if several else scale(v), weight_decay, decoupled)

    def __call__(
        self, w: Point, f: Point, memory: tuple[Point, ...], lr: Any, number: Any
    ) -> tuple[Point, tuple[Point, ...]]:
        f = coupled(self, w, f)
        m = self.beta * memory[0] + (1 - self.beta) * f
        direction = m / self._scale_of(w)
        return -lr * decoupled(self, w, direction), (m,)

    def limit(self, w: Point, f: Point) -> Point:
        """Return the direction of motion for small steps: F/s, and the decay."""
        f = coupled(self, w, f)
        direction = f / self._scale_of(w)
        return decoupled(self, w, direction)

    def _scale_of(self, w: Point) -> Any:
        if not isinstance(self.scale, tuple):
            return self.scale
        if len(self.scale) != len(w):
            rule = f"has {len(self.scale)} entries for {len(w)} coordinates"
            checks.reject("scale", self.scale, rule, "Give one number, or one per coordinate")
        if is_symbolic(w):
            return np.array(self.scale, dtype=object)
        return w.new_tensor(self.scale).reshape(-1, *[1] * (w.ndim - 1))

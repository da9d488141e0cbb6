"""Lion: the sign of a mean of gradients."""

from dataclasses import dataclass
from typing import Any

from .. import checks
from ..ops import Point, sign
from .base import Base
from .parameters import decay, weight_decay


@dataclass(frozen=True)
class Lion(Base):
    """Lion: w ← w − η(sign(β₁m + (1 − β₁)F) + δw), m ← β₂m + (1 − β₂)F from m = 0.

    Every coordinate moves by η in each step, so that no point holds it: it has no Jacobian at a critical point.

    [Chen et al. 2023, algorithm 2]

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.GD(), lr=0.01, base=sd.bases.Lion())
    >>> sd.simulate(map_, (1, 1), 1).w.values[0, -1].tolist()
    [0.99, 1.01]

    Attributes:
        beta1, beta2: β₁ and β₂ in [0, 1).
        weight_decay: δ ≥ 0, decoupled, in the units of 1/w.

    Raises:
        InputError: a parameter out of its range.
    """

    beta1: Any = 0.9
    beta2: Any = 0.99
    weight_decay: Any = 0.0

    memory = ("m",)

    def __post_init__(self) -> None:
        for name in ("beta1", "beta2"):
            object.__setattr__(self, name, decay(name, getattr(self, name)))
        object.__setattr__(self, "weight_decay", weight_decay(self.weight_decay))

    def __call__(
        self, w: Point, f: Point, memory: tuple[Point, ...], lr: Any, number: Any
    ) -> tuple[Point, tuple[Point, ...]]:
        (m,) = memory
        direction = sign(self.beta1 * m + (1 - self.beta1) * f) + self.weight_decay * w
        return -lr * direction, (self.beta2 * m + (1 - self.beta2) * f,)

    def limit(self, w: Point, f: Point) -> Point:
        """Return the direction of motion for small steps: the sign of F, and the decay."""
        return sign(f) + self.weight_decay * w

    def linearised(self) -> Base:
        """Refuse, since the step jumps where F vanishes.

        Raises:
            InputError: always.
        """
        rule = "has no Jacobian at a critical point: each coordinate moves by lr in every step"
        checks.reject("base", self, rule, "Simulate the map, or use bases.Adam, which has one with eps > 0")

"""Stochastic gradient descent and its momentum."""

from dataclasses import dataclass
from typing import Any

from .. import checks
from ..ops import Point, where
from .base import Base
from .parameters import decay, weight_decay
from .weight_decay import coupled


@dataclass(frozen=True)
class SGD(Base):
    """``torch.optim.SGD``: v ← γv + (1 − τ)(F + δw), w ← w − ηv from v = 0, where the first step has v = F + δw.

    With Nesterov's form w ← w − η(F + δw + γv). With ``decoupled`` the decay acts on w alone: w ← w − ηδw − ηv, without
    δw in v.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.SAM(0.1), lr=0.01, base=sd.bases.SGD(0.9, weight_decay=0.1))
    >>> map_.memory
    ('v',)

    Attributes:
        momentum: γ in [0, 1).
        dampening: τ in [0, 1].
        nesterov: whether momentum has Nesterov's form.
        weight_decay: δ ≥ 0, in units of L per unit of w, squared.
        decoupled: whether the decay acts on w alone.

    Raises:
        InputError: a parameter out of its range, or Nesterov's form without momentum or with dampening.
    """

    momentum: Any = 0.0
    dampening: Any = 0.0
    nesterov: bool = False
    weight_decay: Any = 0.0
    decoupled: bool = False

    memory = ("v",)

    def __post_init__(self) -> None:
        object.__setattr__(self, "momentum", checks.momentum(self.momentum))
        fix = "Use dampening=0 for torch's default, or that of the momentum for a mean"
        in_range = checks.parameter(
            "dampening", self.dampening, "must lie in [0, 1]", fix, lambda t: (t >= 0) & (t <= 1)
        )
        object.__setattr__(self, "dampening", in_range)
        for name in ("nesterov", "decoupled"):
            object.__setattr__(self, name, checks.flag(name, getattr(self, name)))
        object.__setattr__(self, "weight_decay", weight_decay(self.weight_decay))
        if self.nesterov and (_is_zero(self.momentum) or not _is_zero(self.dampening)):
            rule = "Nesterov's form needs momentum, and no dampening"
            checks.reject("nesterov", True, rule, "Use e.g. momentum=0.9 and dampening=0, or nesterov=False")

    def __call__(
        self, w: Point, f: Point, memory: tuple[Point, ...], lr: Any, number: Any
    ) -> tuple[Point, tuple[Point, ...]]:
        f = coupled(self, w, f)
        weight = 1 - self.dampening if number is None else where(number == 1, 1, 1 - self.dampening)
        v = self.momentum * memory[0] + weight * f
        change = -lr * (f + self.momentum * v if self.nesterov else v)
        return (change - lr * self.weight_decay * w if self.decoupled else change), (v,)

    def lengths(self, lr: Any) -> tuple[Any, ...]:
        """Return η/(1 − γ), the distance that a unit of velocity still covers."""
        return (lr / (1 - self.momentum),)

    def limit(self, w: Point, f: Point) -> Point:
        """Return the direction of motion for small steps, (1 − τ)(F + δw)/(1 − γ), or with ``decoupled`` δw beside."""
        factor = (1 - self.dampening) / (1 - self.momentum)
        if self.nesterov:
            factor = 1 / (1 - self.momentum)
        return factor * f + self.weight_decay * w if self.decoupled else factor * (f + self.weight_decay * w)


@dataclass(frozen=True)
class EMA(Base):
    """Heavy ball with a mean of gradients: v ← γv + (1 − γ)F, w ← w − ηv from v = 0.

    At the rate η it moves as ``SGD(γ)`` at the rate (1 − γ)η.

    >>> import samdyn as sd
    >>> saddle, method = sd.landscapes.saddle(), sd.SAM(0.1)
    >>> mean = sd.Map(saddle, method, lr=0.1, base=sd.bases.EMA(0.5))
    >>> sum_ = sd.Map(saddle, method, lr=0.05, momentum=0.5)
    >>> bool((sd.simulate(mean, (1, 1), 9).w == sd.simulate(sum_, (1, 1), 9).w).all())
    True

    Attributes:
        momentum: γ in [0, 1).

    Raises:
        InputError: the momentum is out of its range.
    """

    momentum: Any

    memory = ("v",)

    def __post_init__(self) -> None:
        object.__setattr__(self, "momentum", decay("momentum", self.momentum))

    def __call__(
        self, w: Point, f: Point, memory: tuple[Point, ...], lr: Any, number: Any
    ) -> tuple[Point, tuple[Point, ...]]:
        v = self.momentum * memory[0] + (1 - self.momentum) * f
        return -lr * v, (v,)

    def lengths(self, lr: Any) -> tuple[Any, ...]:
        """Return η/(1 − γ), the distance that a unit of velocity still covers."""
        return (lr / (1 - self.momentum),)

    def limit(self, w: Point, f: Point) -> Point:
        """Return the direction of motion for small steps: F."""
        return f


def _is_zero(value: Any) -> bool:
    return not checks.is_formula(value) and not (value.any() if hasattr(value, "any") else value)

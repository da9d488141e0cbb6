"""Adam and its relatives, which divide by a root mean square of past gradients."""

from dataclasses import dataclass
from typing import Any

from .. import checks
from ..ops import Point, sqrt
from .base import Base
from .parameters import correction, decay, weight_decay
from .preconditioned import Preconditioned
from .weight_decay import coupled, decoupled


@dataclass(frozen=True)
class Adam(Base):
    """``torch.optim.Adam``: m ← β₁m + (1 − β₁)F, v ← β₂v + (1 − β₂)F², w ← w − η m̂/(√v̂ + ε) from m = v = 0.

    m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ) at step t. Weight decay adds δw to F, or with ``decoupled`` ηδw to the step, as
    AdamW does.

    At a critical point v = 0. With ε > 0 the step has a Jacobian there, that of heavy ball at the rate η/ε; with ε = 0
    it jumps.

    [Kingma and Ba 2015, algorithm 1; Loshchilov and Hutter 2019]

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.SAM(0.1), lr=0.01, base=sd.bases.Adam())
    >>> sd.simulate(map_, (1, 1), 1).w.values[0, -1].round(6).tolist()  # the first step has the length η per coordinate
    [0.99, 1.01]

    Attributes:
        beta1, beta2: β₁ and β₂ in [0, 1).
        eps: ε ≥ 0, in the units of F.
        weight_decay: δ ≥ 0; in units of L per unit of w, squared, or with ``decoupled`` in those of 1/η.
        decoupled: whether the decay acts on w alone.

    Raises:
        InputError: a parameter out of its range.
    """

    beta1: Any = 0.9
    beta2: Any = 0.999
    eps: Any = 1e-8
    weight_decay: Any = 0.0
    decoupled: bool = False

    memory = ("m", "v")

    def __post_init__(self) -> None:
        for name in ("beta1", "beta2"):
            object.__setattr__(self, name, decay(name, getattr(self, name)))
        object.__setattr__(self, "eps", checks.size("eps", self.eps, "Use e.g. eps=1e-8"))
        object.__setattr__(self, "weight_decay", weight_decay(self.weight_decay))
        object.__setattr__(self, "decoupled", checks.flag("decoupled", self.decoupled))

    def __call__(
        self, w: Point, f: Point, memory: tuple[Point, ...], lr: Any, number: Any
    ) -> tuple[Point, tuple[Point, ...]]:
        m, v = memory
        f = coupled(self, w, f)
        m = self.beta1 * m + (1 - self.beta1) * f
        v = self.beta2 * v + (1 - self.beta2) * f * f
        direction = m / correction(self.beta1, number) / (sqrt(v / correction(self.beta2, number)) + self.eps)
        return -lr * decoupled(self, w, direction), (m, v)

    def limit(self, w: Point, f: Point) -> Point:
        """Return the direction of motion for small steps at fixed β: F/(|F| + ε), and the decay.  [Ma, Wu, E 2022]"""
        f = coupled(self, w, f)
        direction = f / (abs(f) + self.eps)
        return decoupled(self, w, direction)

    def frozen(self, v: Any) -> Preconditioned:
        """Return this base with fixed second moments v ≥ 0: a number, or one per coordinate.

        It is what remains where noise keeps v away from 0; its stability is that of the preconditioned Hessian.

        Raises:
            InputError: v is negative or not finite, or √v + ε = 0.
        """
        return Preconditioned.of(self.beta1, v, self.eps, self.weight_decay, self.decoupled)

    def linearised(self) -> Base:
        """Return the base with v = 0, heavy ball at the rate η/ε.

        Raises:
            InputError: ε = 0, with which the step jumps.
        """
        return self.frozen(0.0)


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay, ``torch.optim.AdamW``.  [Loshchilov and Hutter 2019, algorithm 2]

    >>> import samdyn as sd
    >>> sd.bases.AdamW().decoupled
    True

    Attributes:
        beta1, beta2, eps, weight_decay, decoupled: as of Adam.

    Raises:
        InputError: a parameter out of its range.
    """

    weight_decay: Any = 0.01
    decoupled: bool = True


@dataclass(frozen=True)
class RMSProp(Base):
    """``torch.optim.RMSprop``: v ← αv + (1 − α)F², w ← w − ηF/(√v + ε) from v = 0.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.GD(), lr=0.01, base=sd.bases.RMSProp(alpha=0.75))
    >>> sd.simulate(map_, (1, 1), 1).w.values[0, -1].round(6).tolist()  # a first step of η/√(1 − α)
    [0.98, 1.02]

    Attributes:
        alpha: α in [0, 1).
        eps: ε ≥ 0, in the units of F.
        weight_decay: δ ≥ 0, in units of L per unit of w, squared.

    Raises:
        InputError: a parameter out of its range.
    """

    alpha: Any = 0.99
    eps: Any = 1e-8
    weight_decay: Any = 0.0

    memory = ("v",)

    def __post_init__(self) -> None:
        object.__setattr__(self, "alpha", decay("alpha", self.alpha))
        object.__setattr__(self, "eps", checks.size("eps", self.eps, "Use e.g. eps=1e-8"))
        object.__setattr__(self, "weight_decay", weight_decay(self.weight_decay))

    def __call__(
        self, w: Point, f: Point, memory: tuple[Point, ...], lr: Any, number: Any
    ) -> tuple[Point, tuple[Point, ...]]:
        f = f + self.weight_decay * w
        v = self.alpha * memory[0] + (1 - self.alpha) * f * f
        return -lr * f / (sqrt(v) + self.eps), (v,)

    def limit(self, w: Point, f: Point) -> Point:
        """Return the direction of motion for small steps at fixed α: F/(|F| + ε)."""
        f = f + self.weight_decay * w
        return f / (abs(f) + self.eps)

    def frozen(self, v: Any) -> Preconditioned:
        """Return this base with fixed second moments v, as ``Adam.frozen`` does.

        Raises:
            InputError: v is negative or not finite, or √v + ε = 0.
        """
        return Preconditioned.of(0.0, v, self.eps, self.weight_decay, False)

    def linearised(self) -> Base:
        """Return the base with v = 0, gradient descent at the rate η/ε.

        Raises:
            InputError: ε = 0, with which the step jumps.
        """
        return self.frozen(0.0)

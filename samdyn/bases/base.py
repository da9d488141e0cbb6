"""A base optimizer turns the direction F of a method into a step."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from .. import checks
from ..ops import Point


@dataclass(frozen=True)
class Base(ABC):
    """An update rule: what an optimizer makes of the direction F(w), and what it remembers from step to step.

    A new base is a frozen dataclass that derives from Base, names the arrays that it remembers in ``memory``, and
    defines ``__call__``. If it is written in ``+ - * / abs`` and the operations of ``samdyn.ops``, maps, their
    Jacobians and the compiled engine need nothing else.

    >>> import samdyn as sd, torch
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class HeavyBall(sd.bases.Base):
    ...     momentum: float
    ...     memory = ("v",)
    ...     def __call__(self, w, f, memory, lr, number):
    ...         (v,) = memory
    ...         v = self.momentum * v + f
    ...         return -lr * v, (v,)
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.SAM(0.1), lr=0.01, base=HeavyBall(0.9))
    >>> sd.simulate(map_, (1, 1), 3).w.equals(sd.simulate(sd.Map(map_.landscape, map_.method, 0.01, 0.9), (1, 1), 3).w)
    True

    Attributes:
        memory: the names of the arrays ``(d, …)`` that the base remembers, in their order in the state.
        period: the step depends on its number modulo this; 1 if it does not depend on it, or stops to.
    """

    memory: ClassVar[tuple[str, ...]] = ()

    @property
    def period(self) -> int:
        """The number of steps after which the rule repeats."""
        return 1

    def start(self, w: Point) -> tuple[Point, ...]:
        """Return what the base remembers before the first step at w ``(d, …)``: arrays ``(d, …)``, by default zeros."""
        return tuple(0 * w for _ in self.memory)

    @abstractmethod
    def __call__(
        self, w: Point, f: Point, memory: tuple[Point, ...], lr: Any, number: Any
    ) -> tuple[Point, tuple[Point, ...]]:
        """Return the change of w in one step, and what the base remembers next.

        Args:
            w: the points ``(d, …)``.
            f: F(w), ``(d, …)``.
            memory: the arrays ``(d, …)`` that the base remembers.
            lr: the learning rate η.
            number: the number of the step, 1 for the first: an integer, or a tensor without axes. None for a step so
                late that the rule no longer depends on it.
        """

    def limit(self, w: Point, f: Point) -> Point:
        """Return the direction in which small steps move on average, ``(d, …)``: ẇ = −limit(w, F(w)) at t = kη.

        Raises:
            InputError: the base does not define it.
        """
        checks.reject("base", self, "does not say where small steps lead", "Define limit() in its class")

    def lengths(self, lr: Any) -> tuple[Any, ...]:
        """Return factors that turn the arrays of the memory into lengths, comparable with w. By default they are 1."""
        return (1.0,) * len(self.memory)

    def linearised(self) -> "Base":
        """Return the base whose Jacobian is that of this one at a critical point, where F and the memory vanish.

        Raises:
            InputError: there is none, because the step jumps there.
        """
        return self

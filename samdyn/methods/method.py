"""A method is one function of a gradient oracle."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, NoReturn

from .. import checks
from ..ops import Point
from ..oracle import Oracle


@dataclass(frozen=True)
class Method(ABC):
    """The direction F(w) that replaces the gradient: w ← w − ηF(w), or ẇ = −F(w).

    A new method is a frozen dataclass that derives from Method and defines ``__call__``, or derives from Ascent and
    defines ``direction``. If both are written in ``+ - * abs`` and the operations of ``samdyn.ops``, maps, flows,
    predictions and the conformance tests need nothing else. A radius is a field ``rho``.

    >>> import samdyn as sd, torch
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class WeightDecay(sd.Method):
    ...     rate: float
    ...     def __call__(self, w, grad):
    ...         return grad(w) + self.rate * w
    >>> WeightDecay(0.5)(torch.tensor([1.0], dtype=torch.float64), sd.Landscape("x**2", "x").grad)
    tensor([2.5000], dtype=torch.float64)

    Raises:
        InputError: a subclass has a field named ``radius``, which is a property of every method.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "radius" in inspect.get_annotations(cls):
            rule = "a field may not be named radius, which is a property of every method"
            checks.reject("method", cls, rule, "Name the field rho, which radius returns")

    memory: ClassVar[tuple[str, ...]] = ()  # names of the arrays (d, …) that the method carries from step to step
    is_random: ClassVar[bool] = False  # whether the method draws random numbers from its oracle

    @property
    def period(self) -> int:
        """The number of steps after which the method repeats; 1 if all its steps are alike."""
        return 1

    @abstractmethod
    def __call__(self, w: Point, grad: Oracle) -> Point:
        """Return F at the points w: ``(d, …) -> (d, …)``."""

    def start(self, w: Point) -> tuple[Point, ...]:
        """Return the arrays ``(d, …)`` that the method carries, before the first step at w: by default zeros."""
        return tuple(0 * w for _ in self.memory)

    def advance(
        self, w: Point, memory: tuple[Point, ...], grad: Oracle, number: Any
    ) -> tuple[Point, tuple[Point, ...]]:
        """Return F at the points w, and what the method carries next. Without memory it returns F, and no arrays.

        Args:
            w: the points ``(d, …)``.
            memory: the arrays ``(d, …)`` that the method carries.
            grad: the gradient oracle.
            number: the number of the step, 1 for the first: an integer, or a tensor without axes. None if unknown.
        """
        return self(w, grad), ()

    def perturbed(self, w: Point, grad: Oracle) -> Point:
        """Return the point wᵖ whose gradient the method follows: ``(d, …) -> (d, …)``."""
        return w

    @property
    def radius(self) -> Any:
        """The radius of the perturbation: the field ``rho``, or 0.0 if the method has no such field."""
        return getattr(self, "rho", 0.0)


@dataclass(frozen=True)
class Remembering(Method):
    """A method that carries arrays from step to step: one function of (w, memory, grad) that returns (F, memory).

    A subclass names the arrays in ``memory`` and defines ``advance``. ``Map`` carries them. Flows and diffusions have
    no place for them, and refuse the method.

    >>> import samdyn as sd
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class MeanGradient(sd.methods.Remembering):
    ...     beta: float
    ...     memory = ("mean",)
    ...     def advance(self, w, memory, grad, number):
    ...         mean = self.beta * memory[0] + (1 - self.beta) * grad(w)
    ...         return mean, (mean,)
    >>> map_ = sd.Map(sd.landscapes.saddle(), MeanGradient(0.5), lr=0.1)
    >>> sd.simulate(map_, (1, 0), 1).w.values[0, -1].round(6).tolist()
    [0.9, 0.0]

    Raises:
        InputError: a call without memory, as of a flow.
    """

    @abstractmethod
    def advance(
        self, w: Point, memory: tuple[Point, ...], grad: Oracle, number: Any
    ) -> tuple[Point, tuple[Point, ...]]:
        """Return F at the points w, and what the method carries next, as ``Method.advance``."""

    def __call__(self, w: Point, grad: Oracle) -> Point:
        """Refuse, since F depends on the memory.

        Raises:
            InputError: always.
        """
        self.refuse()

    def perturbed(self, w: Point, grad: Oracle) -> Point:
        """Refuse, since the perturbed point depends on the memory.

        Raises:
            InputError: always.
        """
        self.refuse()

    def refuse(self) -> NoReturn:
        """Refuse what has no place for the memory.

        Raises:
            InputError: always.
        """
        rule = f"carries {', '.join(self.memory)} from step to step, for which there is no place here"
        checks.reject("method", self, rule, "Use samdyn.Map and simulate, or a method without memory")


def is_stateless(method: Any) -> bool:
    """Return whether F of a method, or of a class of methods, is a function of w and the gradient oracle alone.

    >>> import samdyn as sd
    >>> is_stateless(sd.SAM(0.1)), is_stateless(sd.methods.LookSAM)
    (True, False)
    """
    return not getattr(method, "memory", ()) and not getattr(method, "is_random", False)


@dataclass(frozen=True)
class Ascent(Method):
    """A method that climbs from w and takes the gradient at the point that it reaches.

    The ascent has n steps of radius ρ/n. F is the gradient at its last point. With ``average``, F is the mean of the
    gradients at its n points (our reading of the modification that [M23] proposes).

    >>> import samdyn as sd, torch
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Downhill(sd.methods.Ascent):
    ...     def direction(self, w, g, grad):
    ...         return -g
    >>> Downhill(rho=0.25)(torch.tensor([1.0], dtype=torch.float64), sd.Landscape("x**2", "x").grad)
    tensor([1.], dtype=torch.float64)

    Attributes:
        rho: radius ρ ≥ 0, in the units of w for normalised methods and in those of w per gradient for others. A list,
            an array or a tensor gives one radius per run. In formulas it is a SymPy symbol.
        ascent_steps: n ≥ 1.
        average: whether F is the mean of the gradients at the n points.

    Raises:
        InputError: a radius is negative or not finite, or ascent_steps < 1.
    """

    rho: Any
    ascent_steps: int = field(default=1, kw_only=True)
    average: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rho", checks.radius(self.rho))
        fix = "Use ascent_steps=1 for the published methods"
        object.__setattr__(self, "ascent_steps", checks.count("ascent_steps", self.ascent_steps, fix))
        object.__setattr__(self, "average", checks.flag("average", self.average))

    @abstractmethod
    def direction(self, w: Point, g: Point, grad: Oracle) -> Point:
        """Return the direction of the ascent at w ``(d, …)``, where the gradient is g. A step is ρ/n times it."""

    def ascend(self, w: Point, grad: Oracle, g: Point | None = None) -> Iterator[tuple[Point, Point]]:
        """Yield the n points of the ascent, each with the gradient at it.

        Args:
            w: the points ``(d, …)`` from which the method climbs.
            grad: the gradient oracle.
            g: the gradient at w, if the caller computed it before.
        """
        for _ in range(self.ascent_steps):
            w = w + self.rho / self.ascent_steps * self.direction(w, grad.up(w, g), grad)
            g = grad(w)
            yield w, g

    def __call__(self, w: Point, grad: Oracle) -> Point:
        return self.climb(w, grad)

    def climb(self, w: Point, grad: Oracle, g: Point | None = None) -> Point:
        """Return the gradient at the last point of the ascent, or the mean of the gradients; g as of ``ascend``."""
        gradients = [g for _, g in self.ascend(w, grad, g)]
        return sum(gradients[1:], gradients[0]) / self.ascent_steps if self.average else gradients[-1]

    def perturbed(self, w: Point, grad: Oracle) -> Point:
        """Return the last point of the ascent: ``(d, …) -> (d, …)``."""
        return [p for p, _ in self.ascend(w, grad)][-1]

"""A method is one function of a gradient oracle."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .. import checks
from ..ops import Point
from ..oracle import Oracle


@dataclass(frozen=True)
class Method(ABC):
    """The direction F(w) that replaces the gradient: w ← w − ηF(w), or ẇ = −F(w).

    A new method is a frozen dataclass with one ``__call__`` (or, if it perturbs and then takes the gradient, a subclass
    of Ascent with one ``direction``), written in ``+ - * abs`` and the operations of ``samdyn.ops``; maps, flows and
    the conformance tests take it as it is.
    """

    @abstractmethod
    def __call__(self, w: Point, grad: Oracle) -> Point:
        """Return F at the points w: ``(d, …) -> (d, …)``."""

    def perturbed(self, w: Point, grad: Oracle) -> Point:
        """Return the point wᵖ whose gradient the method follows: ``(d, …) -> (d, …)``."""
        return w

    @property
    def radius(self) -> Any:
        """The radius of its perturbation: its ``rho``, 0.0 for a method that has none."""
        return getattr(self, "rho", 0.0)


@dataclass(frozen=True)
class Ascent(Method):
    """A method that climbs from w and takes the gradient up there.

    The ascent has n steps of radius ρ/n. F is the gradient at its last point or, averaged, the mean of the gradients at
    its n points (our reading of the modification proposed in [M23]).

    Attributes:
        rho: radius ρ ≥ 0, in the units of w for normalised methods, of w per gradient otherwise; a SymPy symbol in
            formulas; a list, an array or a tensor for one per run.
        ascent_steps: n ≥ 1.
        average: whether to average the gradients of the n points.

    Raises:
        InputError: a radius that is negative or not finite; ascent_steps < 1.
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
        """Return the way up at w, where the gradient is g; one step of the ascent goes ρ/n times this far."""

    def ascend(self, w: Point, grad: Oracle) -> Iterator[tuple[Point, Point]]:
        """Yield the n points of the ascent, each with the gradient there."""
        g = None
        for _ in range(self.ascent_steps):
            w = w + self.rho / self.ascent_steps * self.direction(w, grad.up(w, g), grad)
            g = grad(w)
            yield w, g

    def __call__(self, w: Point, grad: Oracle) -> Point:
        gradients = [g for _, g in self.ascend(w, grad)]
        return sum(gradients[1:], gradients[0]) / self.ascent_steps if self.average else gradients[-1]

    def perturbed(self, w: Point, grad: Oracle) -> Point:
        """Return the last point of the ascent: ``(d, …) -> (d, …)``."""
        return [p for p, _ in self.ascend(w, grad)][-1]

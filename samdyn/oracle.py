"""The gradient oracle: the interface through which a method sees a loss."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import checks
from .ops import Point

LAST_DRAW = 2**16 - 1  # index of the last draw of a step; those of the noise are the first


@dataclass(frozen=True)
class Oracle:
    """The gradient of a loss, and further functions that few methods need.

    Attributes:
        gradient: ∇L, ``(d, …) -> (d, …)``. A call of the oracle returns it too.
        hvp: the Hessian-vector product (w, v) ↦ H(w)v, ``(d, …), (d, …) -> (d, …)``.
        value: the loss L, ``(d, …) -> (…)``; None where methods see gradients alone, as with noise.
        draws: the random numbers of the step, a ``noise.StepDraws``; None outside a step that has any.

    >>> oracle = Oracle(lambda w: 2 * w, lambda w, v: 2 * v)
    >>> oracle(3.0), oracle.hvp(3.0, 1.0)
    (6.0, 2.0)
    """

    gradient: Callable[[Point], Point]
    hvp: Callable[[Point, Point], Point]
    value: Callable[[Point], Any] | None = field(default=None, kw_only=True)
    draws: Any = field(default=None, kw_only=True)

    def __call__(self, w: Point) -> Point:
        return self.gradient(w)

    def up(self, w: Point, gradient: Point | None = None) -> Point:
        """Return the gradient along which a method ascends at w: ``gradient`` if the caller computed it before."""
        return self(w) if gradient is None else gradient

    def full(self, w: Point) -> Point:
        """Return the full-batch gradient ∇L(w): ``(d, …) -> (d, …)``. Without noise it is the gradient itself."""
        return self.gradient(w)

    def loss(self, w: Point) -> Any:
        """Return L(w): ``(d, …) -> (…)``.

        Raises:
            InputError: there are gradients alone here, as with noise.
        """
        if self.value is None:
            rule = "needs the loss itself, and there are gradients alone here"
            checks.reject("method", "L(w)", rule, "Use a map without noise, a flow, or a method of gradients alone")
        return self.value(w)

    def normals(self, w: Point, draw: int = 0) -> Point:
        """Return standard normal numbers for the components of w ``(d, N)``, a function of (seed, run, step, draw).

        Raises:
            InputError: there are no random numbers here, as in a flow.
        """
        return self._draws().normals(LAST_DRAW - draw, len(w)).to(w)

    def uniform(self, w: Point, draw: int = 0) -> Point:
        """Return one number in (0, 1) for every run of w ``(d, N)``: ``(N,)``. It draws as ``normals`` does.

        Raises:
            InputError: there are no random numbers here, as in a flow.
        """
        # exp(−r²/2) of the radius r of two normal numbers is uniform.
        x, y = self._draws().normals(LAST_DRAW - draw, 2)
        return (-(x * x + y * y) / 2).exp()

    def _draws(self) -> Any:
        if self.draws is None:
            rule = "draws random numbers, and there are none here"
            checks.reject("method", "F", rule, "Use simulate, or map_.step(state, noise.Draws(seed, runs, step))")
        return self.draws

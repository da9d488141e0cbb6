"""The continuous-time models of a method."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import sympy
import torch

from .. import checks
from ..landscapes import Landscape
from ..methods import Method
from ..ops import Point, directional_derivative, jacobian, symbolic
from .parts import check_memoryless, check_parts


@dataclass(frozen=True)
class Flow:
    """The flow that follows the iterates w ← w − ηF(w) at t = kη.

    order 1:  ẇ = −F(w),                   global error O(η)
    order 2:  ẇ = −F(w) − (η/2) DF(w)F(w), global error O(η²), where F is differentiable  [theory 11]

    Attributes:
        landscape: the loss L.
        method: the method F.
        order: 1 or 2.
        lr: the learning rate η of the iterates that order 2 follows, in units of w, squared, per unit of L, or a SymPy
            symbol for formulas. Order 1 has none.

    Raises:
        InputError: the order is neither 1 nor 2, order 2 has no lr, or order 1 has one.

    >>> import torch, samdyn as sd
    >>> saddle = sd.Landscape("(x**2 - y**2)/2", "x y")
    >>> flow = sd.Flow(saddle, sd.GD())
    >>> flow(torch.tensor([[1.0], [2.0]])).T.tolist()
    [[-1.0, 2.0]]
    >>> flow.jacobian()
    Matrix([
    [-1, 0],
    [ 0, 1]])
    """

    landscape: Landscape
    method: Method
    order: int = 1
    lr: Any = None

    def __post_init__(self) -> None:
        check_parts(self.landscape, self.method)
        check_memoryless(self.method)
        if isinstance(self.order, bool) or not isinstance(self.order, Integral) or self.order not in (1, 2):
            checks.reject("order", self.order, "the modified equation is known to order 1 and 2", "Use order=1")
        if self.order == 1 and self.lr is not None:
            checks.reject("lr", self.lr, "the flow of order 1 does not depend on lr", "Leave lr out, or use order=2")
        if self.order == 2:
            object.__setattr__(self, "lr", checks.learning_rate(self.lr))

    def __call__(self, w: Point) -> Point:
        """Return the velocity ẇ: ``(d, …) -> (d, …)``."""

        def f(p: Point) -> Point:
            return self.method(p, self.landscape.grad)

        if self.lr is None:
            return -f(w)
        direction = f(w)
        return -direction - self.lr / 2 * directional_derivative(f, w, direction)

    def jacobian(self) -> sympy.Matrix:
        """Return ∂ẇ/∂w as formulas in the landscape's symbols, and ρ if the method's radius is a symbol: ``(d, d)``.

        The formulas hold where the field is differentiable. For normalised methods that excludes points where the
        gradient vanishes. SymPy takes seconds for multi-step methods on long formulas, which ``jacobian_at`` avoids.
        """
        return sympy.Matrix(jacobian(self, symbolic(self.landscape.symbols)))

    def jacobian_at(self, w: torch.Tensor) -> torch.Tensor:
        """Return ∂ẇ/∂w at points w, by automatic differentiation: ``(d, …) -> (d, d, …)``."""
        return jacobian(self, w)

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
from .parts import check_parts


@dataclass(frozen=True)
class Flow:
    """The flow that follows the iterates w ← w − ηF(w) at t = kη.

    order 1:  ẇ = −F(w),                   global error O(η)
    order 2:  ẇ = −F(w) − (η/2) DF(w)F(w), global error O(η²), where F is differentiable  [theory 11]

    Attributes:
        landscape: the loss.
        method: F.
        order: 1 or 2.
        lr: the learning rate η of the iterates that order 2 follows, a SymPy symbol in formulas; order 1 has none.

    Raises:
        InputError: another order; order 2 without lr, or order 1 with one.
    """

    landscape: Landscape
    method: Method
    order: int = 1
    lr: Any = None

    def __post_init__(self) -> None:
        check_parts(self.landscape, self.method)
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
        """Return ∂ẇ/∂w as formulas in the landscape's symbols (and ρ, if the method's radius is one): ``(d, d)``.

        It holds where the field is differentiable: not where the gradient vanishes, for normalised methods. Multi-step
        methods on long formulas take SymPy seconds; ``jacobian_at`` does not need the formula.
        """
        return sympy.Matrix(jacobian(self, symbolic(self.landscape.symbols)))

    def jacobian_at(self, w: torch.Tensor) -> torch.Tensor:
        """Return ∂ẇ/∂w at points, by automatic differentiation: ``(d, …) -> (d, d, …)``."""
        return jacobian(self, w)

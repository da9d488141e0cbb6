"""A loss landscape: one formula, from which value, gradient, Hessian and compiled code follow."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
import sympy
import torch

from .. import checks
from ..ops import Point, is_symbolic, symbolic
from ..oracle import Oracle
from ..portable import Portable
from .formulas.compile import Compiled, compile_torch
from .formulas.degree import degree_at_most_2
from .formulas.derivatives import Derivatives
from .formulas.parse import rational, read, symbols
from .formulas.stable import replace_long_extremes, stable, to_sympy

Box = tuple[tuple[float, float], ...]  # type of a box: (low, high) for each coordinate


class Landscape(Portable):
    """A loss L(w) of d real coordinates, given by one formula.

    A point is a torch tensor ``(d, …)`` of any floating dtype on any device, or anything that ``torch.as_tensor`` turns
    into one. It may also be a NumPy array ``(d,)`` of SymPy expressions; the same call then returns a formula.

    At kinks the derivatives of abs and relu are 0, as in deep-learning frameworks. So are those of Max and Min at ties.
    Second derivatives omit delta functions.

    Numbers come from a form of the formula that does not overflow where the loss is finite: ``log(1 + exp(x))`` is 1000
    at x = 1000.

    Attributes:
        expr: the formula, a SymPy expression in ``symbols``.
        symbols: the coordinates, real SymPy symbols.
        dim: the number d of coordinates.
        box: the part of space to look at by default, one (low, high) pair per coordinate.
        name: the name in tables and figures.
        has_formula: whether the landscape has a formula; a network has none.

    >>> import samdyn as sd
    >>> saddle = sd.Landscape("x**2 - y**2", "x y")
    >>> saddle.gradient
    (2*x, -2*y)
    >>> saddle.grad([1.0, 3.0])
    tensor([ 2., -6.], dtype=torch.float64)
    """

    has_formula = True

    def __init__(
        self,
        formula: str | sympy.Expr,
        coordinates: str | Sequence[str],
        *,
        box: Sequence[tuple[float, float]] | None = None,
        name: str | None = None,
    ) -> None:
        """Read the formula.

        Args:
            formula: a text, which samdyn parses against a whitelist and never evaluates, or a SymPy expression of
                ``sympy.Symbol(name, real=True)``.
            coordinates: the names, in the order of the components of w: ``"x y"`` or ``["x", "y"]``.
            box: one (low, high) pair per coordinate. Default: (-3, 3) for each.
            name: the name. Default: the formula.

        Raises:
            InputError: a text that is not a formula, unknown symbols or functions, a box of the wrong shape, or
                coordinates or a name that are not text.
        """
        self._set_coordinates(coordinates, box)
        self.expr = read(formula, self.symbols)
        self.name = self._check_name(name) or str(self.expr)
        self._value, self._gradient  # noqa: B018 (compiling now refuses a function that samdyn cannot compute)

    def _set_coordinates(self, coordinates: str | Sequence[str], box: Sequence[tuple[float, float]] | None) -> None:
        self.symbols = symbols(coordinates)
        self.dim = len(self.symbols)
        self.box: Box = checks.box(box if box is not None else [(-3.0, 3.0)] * self.dim, self.dim)

    @staticmethod
    def _check_name(name: str | None) -> str | None:
        if not isinstance(name, str | None):
            checks.reject("name", name, "must be text", "Leave it out: the formula is the name then")
        return name

    def __repr__(self) -> str:
        return f"Landscape({self.name!r}, {' '.join(map(str, self.symbols))!r})"

    @property
    def formula(self) -> str:
        """The formula as text, or the name of a landscape whose formula is too long to print."""
        return str(self.expr)

    @cached_property
    def gradient(self) -> tuple[sympy.Expr, ...]:
        """The d formulas of the gradient."""
        return tuple(map(to_sympy, self._symbolic.gradient))

    @cached_property
    def hessian_matrix(self) -> sympy.ImmutableDenseMatrix:
        """The formulas of the Hessian, a SymPy matrix (d, d)."""
        return sympy.ImmutableDenseMatrix(self.dim, self.dim, list(map(to_sympy, self._symbolic.hessian)))

    @cached_property
    def is_quadratic(self) -> bool:
        """Whether L is a polynomial of degree 2 or less, so that its gradient is affine."""
        return degree_at_most_2(self.expr, self.symbols)

    def restrict(self, fixed: Mapping[str, Any]) -> "Landscape":
        """Return the landscape on a slice: a function of some coordinates, with values for the others.

        A run on the slice is a run on the whole landscape only where the gradient is tangent to the slice.

        Args:
            fixed: the value of each coordinate to fix, by name.

        Raises:
            InputError: an unknown coordinate, a value that is not finite, or no free coordinate.

        >>> import samdyn as sd
        >>> sd.Landscape("x**2 - y**2 + z**2", "x y z").restrict({"z": 1})
        Landscape('x**2 - y**2 + 1', 'x y')
        """
        values, free = self._slice(fixed)
        box = [self.box[self.symbols.index(s)] for s in free]
        return Landscape(self.expr.xreplace(values), list(map(str, free)), box=box)

    def _slice(self, fixed: Mapping[str, Any]) -> tuple[dict[sympy.Symbol, sympy.Expr], list[sympy.Symbol]]:
        """Return the values of the fixed coordinates, as fractions, and the free coordinates."""
        if not isinstance(fixed, Mapping):
            checks.reject("fixed", fixed, "must be a dictionary of values by coordinate", 'Use e.g. {"z": 0.0}')
        names = {str(s): s for s in self.symbols}
        values = {}
        for name, value in fixed.items():
            checks.number(name, value, "must be a finite number", "Use e.g. 0.0")
            values[names[checks.spelled("coordinate", name, names)]] = rational(value)
        free = [s for s in self.symbols if s not in values]
        if not free:
            checks.reject("fixed", dict(fixed), "fixes every coordinate", "Leave at least one free")
        return values, free

    def value(self, w: Any) -> Any:
        """Return L(w): ``(d, …) -> (…)``."""
        w = self._point(w)
        return self._at([self.expr], w)[0] if is_symbolic(w) else self._value(*w)[0]

    @cached_property
    def grad(self) -> Oracle:
        """The gradient oracle that methods call: ``grad(w)`` and ``grad.hvp(w, v)``, both ``(d, …)``."""
        return Oracle(self._grad, self._hvp)

    def hessian(self, w: Any) -> Any:
        """Return the Hessian H(w): ``(d, …) -> (d, d, …)``."""
        w = self._point(w)
        if is_symbolic(w):
            return self._at(self.hessian_matrix, w).reshape(self.dim, self.dim)
        return torch.stack(self._hessian(*w)).reshape(self.dim, self.dim, *w.shape[1:])

    def hvp_at(self, w: Any) -> Callable[[Point], Point]:
        """Return v ↦ H(w)v at a point w ``(d,)``, for many products there."""
        return partial(self.grad.hvp, w)

    def _grad(self, w: Any) -> Point:
        w = self._point(w)
        return self._at(self.gradient, w) if is_symbolic(w) else torch.stack(self._gradient(*w))

    def _hvp(self, w: Any, v: Any) -> Point:
        return (self.hessian(w) * self._point(v)[None]).sum(1)

    def _at(self, expressions: Any, w: np.ndarray) -> np.ndarray:
        """Return expressions in the coordinates at a symbolic point."""
        here = dict(zip(self.symbols, w, strict=True))
        return symbolic(sympy.sympify(e).xreplace(here) for e in expressions)

    def _point(self, w: Any) -> Point:
        """Return a point as a floating tensor or a symbolic array.

        Raises:
            InputError: w is not numeric, or its first axis is not of length d.
        """
        if not is_symbolic(w) and not (torch.is_tensor(w) and w.is_floating_point()):
            try:
                w = torch.as_tensor(w, dtype=torch.float64)
            except (TypeError, ValueError, RuntimeError, OverflowError):
                checks.reject("w", w, "must be numbers", f"Give {self.dim} components, or an array of points")
        if not w.shape or w.shape[0] != self.dim:
            checks.reject(
                "w",
                tuple(w.shape),
                f"a point of this landscape has {self.dim} components on its first axis",
                f"Give an array of shape ({self.dim}, ...)",
            )
        return w

    @cached_property
    def _symbolic(self) -> Derivatives:
        """The derivatives that become formulas."""
        return Derivatives(replace_long_extremes(self.expr), self.symbols)

    @cached_property
    def _numeric(self) -> Derivatives:
        """The derivatives that become code, in a form that does not overflow."""
        return Derivatives(stable(self.expr), self.symbols)

    @cached_property
    def _value(self) -> Compiled:
        return compile_torch(self.symbols, [self._numeric.value])

    @cached_property
    def _gradient(self) -> Compiled:
        return compile_torch(self.symbols, self._numeric.gradient)

    @cached_property
    def _hessian(self) -> Compiled:
        return compile_torch(self.symbols, self._numeric.hessian)

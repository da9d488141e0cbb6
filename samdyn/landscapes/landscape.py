"""A loss landscape: one formula, from which value, gradient, Hessian and compiled code follow."""

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any

import numpy as np
import sympy
import torch

from .. import checks
from ..ops import Point, is_symbolic, symbolic
from ..oracle import Oracle
from ..portable import Portable
from .formulas.code import Code
from .formulas.compile import Compiled
from .formulas.degree import degree_at_most_2
from .formulas.derivatives import Derivatives
from .formulas.parse import NOT_FINITE_REAL, parameter_symbols, rational, read, symbols
from .formulas.stable import replace_long_extremes, to_sympy
from .values import exact, like, read_values, short

Box = tuple[tuple[float, float], ...]  # type of a box: (low, high) for each coordinate


class Landscape(Portable):
    """A loss L(w) of d real coordinates, given by one formula.

    A point is a torch tensor ``(d, …)`` of any floating dtype on any device, or anything that ``torch.as_tensor`` turns
    into one. It may also be a NumPy array ``(d,)`` of SymPy expressions; the same call then returns a formula.

    At kinks the derivatives of abs and relu are 0, as in deep-learning frameworks. So are those of Max and Min at ties.
    Second derivatives omit delta functions.

    Numbers come from a form of the formula that does not overflow where the loss is finite: ``log(1 + exp(x))`` is 1000
    at x = 1000.

    A formula may have parameters: further symbols with values, which ``with_parameters`` changes without new code. A
    value is a number; a list, an array or a tensor ``(N,)`` with one number per run; or a real SymPy symbol, or a
    formula in such symbols, from which formulas and conditions follow but no numbers. The sign of a parameter is not
    known: write ``log(exp(a) + exp(x))``, not ``log(a + exp(x))``, where exp(x) may overflow.

    Attributes:
        expr: the formula, a SymPy expression in ``symbols``, at the values of the parameters. A parameter with one
            number per run is a symbol in it.
        symbols: the coordinates, real SymPy symbols.
        dim: the number d of coordinates.
        box: the part of space to look at by default, one (low, high) pair per coordinate.
        name: the name in tables and figures.
        has_formula: whether the landscape has a formula; a network has none.
        parameters: the values of the parameters, by name.

    >>> import samdyn as sd
    >>> saddle = sd.Landscape("x**2 - y**2", "x y")
    >>> saddle.gradient
    (2*x, -2*y)
    >>> saddle.grad([1.0, 3.0])
    tensor([ 2., -6.], dtype=torch.float64)
    >>> fold = sd.Landscape("x**3/3 - a*x", "x", parameters={"a": 1})
    >>> fold.gradient, fold.with_parameters(a=4).grad([1.0])
    ((x**2 - 1,), tensor([-3.], dtype=torch.float64))
    """

    has_formula = True
    _values: Mapping[str, Any] = MappingProxyType({})  # the values of the parameters, by name

    def __init__(
        self,
        formula: str | sympy.Expr,
        coordinates: str | Sequence[str],
        *,
        parameters: Mapping[str, Any] | None = None,
        box: Sequence[tuple[float, float]] | None = None,
        name: str | None = None,
    ) -> None:
        """Read the formula.

        Args:
            formula: a text, which samdyn parses against a whitelist and never evaluates, or a SymPy expression of
                ``sympy.Symbol(name, real=True)``.
            coordinates: the names, in the order of the components of w: ``"x y"`` or ``["x", "y"]``.
            parameters: the value of every other symbol in the formula, by name.
            box: one (low, high) pair per coordinate. Default: (-3, 3) for each.
            name: the name. Default: the formula, with the values of its parameters.

        Raises:
            InputError: a text that is not a formula, unknown symbols or functions, a box of the wrong shape, or
                coordinates or a name that are not text; a parameter that is not in the formula, has the name of a
                coordinate, a function or a setting such as rho, or a value that is not a finite number.
        """
        self._set_coordinates(coordinates, box)
        values = read_values({} if parameters is None else parameters, self.symbols)
        own = parameter_symbols(list(values), self.symbols)
        self._code = Code(read(formula, self.symbols, own), self.symbols, own)
        self._check_use(self._code.expr, own)
        self._name = self._check_name(name)
        if values:
            self._values = dict(zip(map(str, own), values.values(), strict=True))
        self._check_values()
        self._code.value, self._code.gradient  # noqa: B018 (compiling now refuses what samdyn cannot compute)

    @staticmethod
    def _check_use(formula: sympy.Expr, own: Sequence[sympy.Symbol]) -> None:
        """Refuse a parameter that is not in the formula."""
        if unused := [s for s in own if not formula.has(s)]:
            rule = "is not in the formula"
            checks.reject("parameters", unused[0].name, rule, "Leave it out, or correct its name")

    def _describe(self) -> str:
        """Return what the name is by default, without the values of the parameters."""
        return str(self._code.expr)

    def _check_values(self) -> None:
        """Refuse values at which the formula has no value, and put the others into the default name.

        Raises:
            InputError: a division by zero, or a root or logarithm of a negative number.
        """
        if self._at_values().has(*NOT_FINITE_REAL):
            rule = f"the formula {self._code.expr} has no finite real value at these"
            checks.reject("parameters", self.parameters, rule, "Check divisions by 0, roots and logarithms")
        values = {name: short(value, 6) for name, value in self._values.items()}
        entries = [f"{name} = {value}" for name, value in values.items() if value != name]
        self.name = self._name or ", ".join([self._describe(), *entries])

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
        coordinates = " ".join(map(str, self.symbols))
        if not self._values:
            return f"Landscape({self.name!r}, {coordinates!r})"
        values = ", ".join(f"{name!r}: {short(value)}" for name, value in self._values.items())
        return f"Landscape({self._name or self._describe()!r}, {coordinates!r}, parameters={{{values}}})"

    @cached_property
    def expr(self) -> sympy.Expr:
        """The formula at the values of the parameters."""
        return self._at_values()

    @property
    def _own(self) -> tuple[sympy.Symbol, ...]:
        """The symbols of the parameters."""
        return self._code.parameters

    def _at_values(self) -> sympy.Expr:
        """Return the formula that the code is of, at the values of the parameters."""
        pairs = zip(self._own, self._values.values(), strict=True)
        return self._code.expr.xreplace({symbol: exact(symbol, value) for symbol, value in pairs})

    @property
    def parameters(self) -> dict[str, Any]:
        """The values of the parameters, by name: numbers, tensors with one number per run, or SymPy formulas."""
        return dict(self._values)

    def with_parameters(self, **values: Any) -> "Landscape":
        """Return the landscape with other values of some parameters. It shares the compiled code.

        Args:
            values: the new value of each parameter, by name.

        Raises:
            InputError: no parameter has this name, or a value is not a finite number, one per run, or a real formula.

        >>> import samdyn as sd
        >>> valley = sd.Landscape("(x**2 + a*y**2)/2", "x y", parameters={"a": 1})
        >>> valley.with_parameters(a=0.1)
        Landscape('a*y**2/2 + x**2/2', 'x y', parameters={'a': 0.1})
        >>> valley.with_parameters(a=[1, 10]).value([0.0, 1.0])  # one per run
        tensor([0.5000, 5.0000], dtype=torch.float64)
        """
        if values and not self._values:
            fix = 'Use Landscape("a*x**2", "x", parameters={"a": 1.0})'
            checks.reject("parameter", next(iter(values)), f"{self} has no parameters", fix)
        values = {checks.spelled("parameter", name, self._values): value for name, value in values.items()}
        new = self.filled(read_values(values, self.symbols))
        new._check_values()
        return new

    def filled(self, values: Mapping[str, Any]) -> "Landscape":
        """Return the landscape with other values of some parameters, which are not checked.

        While a step is traced they are expressions, which have no numbers to check.
        """
        new = copy.copy(self)
        new._values = {**self._values, **values}
        return new

    def is_family_of(self, other: "Landscape") -> bool:
        """Return whether another landscape is this one, or differs from it in the values of its parameters alone."""
        if self is other or not (self._values and other._values):
            return self is other
        mine, others = ((one._code.expr, one._code.symbols, one._code.parameters, one.box) for one in (self, other))
        return mine == others

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

        Its parameters are those that remain in its formula.

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
        if not self._values:
            return Landscape(self.expr.xreplace(values), list(map(str, free)), box=box)
        expr = self._code.expr.xreplace(values)
        pairs = zip(self._code.parameters, self._values.items(), strict=True)
        parameters = {name: value for symbol, (name, value) in pairs if expr.has(symbol)}
        return Landscape(expr, list(map(str, free)), parameters=parameters, box=box)

    def _slice(self, fixed: Mapping[str, Any]) -> tuple[dict[sympy.Symbol, sympy.Expr], list[sympy.Symbol]]:
        """Return the values of the fixed coordinates, as fractions, and the free coordinates."""
        if not isinstance(fixed, Mapping):
            checks.reject("fixed", fixed, "must be a dictionary of values by coordinate", 'Use e.g. {"z": 0.0}')
        names = {str(s): s for s in self.symbols}
        values = {}
        for name, value in fixed.items():
            if name in self._values:
                fix = f"Use with_parameters({name}=…)"
                checks.reject("fixed", name, "is a parameter; a slice fixes coordinates", fix)
            checks.number(name, value, "must be a finite number", "Use e.g. 0.0")
            values[names[checks.spelled("coordinate", name, names)]] = rational(value)
        free = [s for s in self.symbols if s not in values]
        if not free:
            checks.reject("fixed", dict(fixed), "fixes every coordinate", "Leave at least one free")
        return values, free

    def value(self, w: Any) -> Any:
        """Return L(w): ``(d, …) -> (…)``."""
        w = self._point(w)
        return self._at([self.expr], w)[0] if is_symbolic(w) else self._numbers(self._value, w)[0]

    @cached_property
    def grad(self) -> Oracle:
        """The gradient oracle that methods call: ``grad(w)`` and ``grad.hvp(w, v)``, both ``(d, …)``."""
        return Oracle(self._grad, self._hvp, value=self.value)

    def hessian(self, w: Any) -> Any:
        """Return the Hessian H(w): ``(d, …) -> (d, d, …)``."""
        w = self._point(w)
        if is_symbolic(w):
            return self._at(self.hessian_matrix, w).reshape(self.dim, self.dim)
        entries = torch.stack(self._numbers(self._hessian, w))
        return entries.reshape(self.dim, self.dim, *entries.shape[1:])

    def hvp_at(self, w: Any) -> Callable[[Point], Point]:
        """Return v ↦ H(w)v at a point w ``(d,)``, for many products there."""
        return partial(self.grad.hvp, w)

    def _grad(self, w: Any) -> Point:
        w = self._point(w)
        return self._at(self.gradient, w) if is_symbolic(w) else torch.stack(self._numbers(self._gradient, w))

    def _hvp(self, w: Any, v: Any) -> Point:
        return (self.hessian(w) * self._point(v)[None]).sum(1)

    def _numbers(self, function: Compiled, w: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return what compiled code returns at points w ``(d, …)``, and at the values of the parameters.

        Raises:
            InputError: a parameter is a formula, or has one number per run for another number of runs than w has.
        """
        if not self._values:
            return function(*w)
        values = [like(name, value, w) for name, value in self._values.items()]
        try:
            shape = torch.broadcast_shapes(w.shape[1:], *(value.shape for value in values))
        except RuntimeError:
            name, value = next((n, v) for n, v in self._values.items() if torch.is_tensor(v) and v.ndim)
            rule = f"has {value.shape[-1]} numbers, one per run, and w has the shape {tuple(w.shape)}"
            checks.reject(name, value.tolist(), rule, "Give as many points on the last axis, or one number")
        entries = function(*w, *values)
        # An entry without coordinates, or with one point for all runs, has another shape.
        return tuple(entry if entry.shape == shape else entry.expand(shape) for entry in entries)

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
    def _value(self) -> Compiled:
        return self._code.value

    @cached_property
    def _gradient(self) -> Compiled:
        return self._code.gradient

    @cached_property
    def _hessian(self) -> Compiled:
        return self._code.hessian

"""Compiles SymPy expressions to one function of torch tensors."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import sympy
import torch
from sympy.core.function import Application
from sympy.printing.codeprinter import PrintMethodNotImplementedError
from sympy.printing.pycode import PythonCodePrinter

from ...checks import reject
from .functions import REPLACEMENTS, TORCH
from .stable import mask_steps

MAX_TERMS = 32  # number of terms that one nest of calls adds; Python's parser accepts 200 nested parentheses

Compiled = Callable[..., tuple[torch.Tensor, ...]]


class _TorchPrinter(PythonCodePrinter):  # type: ignore[misc]  # SymPy is not annotated
    """Prints an expression as code that calls TORCH and REPLACEMENTS.

    SymPy's own torch printer calls torch.max on numbers and writes constants as torch.sqrt(2); neither of them runs.
    """

    _operators: dict[str, str] = {}  # noqa: RUF012 (overrides a class attribute of SymPy's)

    def _print(self, expr: Any, **options: Any) -> str:
        if isinstance(expr, sympy.Expr) and expr.is_number:
            return f"({_real(expr)!r})"  # every constant expression becomes one literal
        if isinstance(
            expr, Application
        ):  # functions, Max and Min, which the base class prints as math.exp and the like
            return self._print_call(expr)
        return super()._print(expr, **options)

    def _print_Pow(self, expr: sympy.Pow, rational: bool = False) -> str:
        base, exponent = expr.args
        if exponent == sympy.Rational(1, 2):
            return f"sqrt({self._print(base)})"
        if exponent == sympy.Rational(-1, 2):
            return f"(1.0/sqrt({self._print(base)}))"
        return f"power({self._print(base)}, {self._print(exponent)})"

    def _print_Add(self, expr: sympy.Add, order: Any = None) -> str:
        """Print a sum with few operations. torch adds a multiple of a term or of a product in one operation."""
        number, rest = expr.as_coeff_Add()
        parts = [term.as_coeff_Mul() for term in sympy.Add.make_args(rest)]
        parts.sort(key=lambda part: part[0] != 1)  # a term with the factor 1 comes first
        total = self._sum(parts)
        return total if number == 0 else f"({total} + {_real(number)!r})"

    def _sum(self, parts: Sequence[tuple[sympy.Expr, sympy.Expr]]) -> str:
        if len(parts) > MAX_TERMS:
            middle = len(parts) // 2
            return f"({self._sum(parts[:middle])} + {self._sum(parts[middle:])})"
        total = self._print(sympy.Mul(*parts[0]))
        for factor, term in parts[1:]:
            if isinstance(term, sympy.Mul):
                a, b = (self._print(f) for f in (term.args[0], sympy.Mul(*term.args[1:])))
                total = f"addcmul({total}, {a}, {b}, value={_real(factor)!r})"
            else:
                total = f"add({total}, {self._print(term)}, alpha={_real(factor)!r})"
        return total

    def _print_call(self, expr: Application) -> str:
        name = type(expr).__name__
        if name not in TORCH and name not in REPLACEMENTS:
            raise PrintMethodNotImplementedError(name)
        return f"{name}({', '.join(map(self._print, expr.args))})"


class _NotReal(Exception):
    """A constant is not a finite real number."""


def _real(number: sympy.Expr) -> float:
    """Return a constant as a float.

    Raises:
        _NotReal: it is not a finite real number.
    """
    try:
        value = float(number)
    except (TypeError, OverflowError):
        value = math.nan
    if not math.isfinite(value):
        raise _NotReal(str(number))
    return value


def _fold(expr: sympy.Expr) -> sympy.Expr:
    """Return an expression in which every constant part is one number.

    Raises:
        _NotReal: such a part is not real.
    """

    def literal(number: sympy.Expr) -> sympy.Expr:
        value = number.evalf(30)
        if not isinstance(value, sympy.Float | sympy.Rational):
            raise _NotReal(str(number))
        return value

    return expr.replace(lambda e: e.is_number and not isinstance(e, sympy.Float | sympy.Rational), literal)


def _name_shared(expressions: Any, **options: Any) -> Any:
    """Return the common subexpressions with names, and the expressions in terms of them, as ``sympy.cse`` does.

    Multiples of a symbol get no name, because a sum computes them at no cost.
    """
    named: dict[sympy.Symbol, sympy.Expr] = {}
    multiples: dict[sympy.Symbol, sympy.Expr] = {}
    replacements, reduced = sympy.cse(expressions, **options)
    for name, e in replacements:
        e = e.xreplace(multiples)
        (multiples if e.as_coeff_Mul()[1].is_Symbol or e.is_number else named)[name] = e
    return list(named.items()), [e.xreplace(multiples) for e in reduced]


def compile_torch(arguments: Sequence[sympy.Symbol], expressions: Sequence[sympy.Expr]) -> Compiled:
    """Return a function from one tensor per argument, all of one shape, to one tensor of that shape per expression.

    The function computes a common subexpression once. Its code contains no name that a user chose: it renames the
    arguments, and it calls only functions in TORCH and REPLACEMENTS.

    Raises:
        InputError: an expression uses a function that samdyn cannot compute.

    >>> import torch
    >>> x, y = sympy.symbols("x y", real=True)
    >>> compile_torch((x, y), [x * y, sympy.exp(x)])(torch.tensor([0.0, 1.0]), torch.tensor([2.0, 3.0]))[0]
    tensor([0., 3.])
    """
    # The names are real symbols like the coordinates. With SymPy's complex dummies tanh(tanh(…)) takes minutes.
    names = [sympy.Symbol(f"w{i}", real=True) for i in range(len(arguments))]
    renamed = dict(zip(arguments, names, strict=True))
    try:
        # Constants are folded first: as common subexpressions they would be arguments of torch.sqrt.
        folded = [mask_steps(_fold(sympy.sympify(e).xreplace(renamed))) for e in expressions]
        modules = [{**TORCH, **REPLACEMENTS}]
        function = sympy.lambdify(names, folded, modules=modules, printer=_TorchPrinter, cse=_name_shared)
    except PrintMethodNotImplementedError as error:
        reject("formula", str(error), "samdyn cannot compute this function", f"Known: {', '.join(TORCH)}")
    except (RecursionError, SyntaxError, MemoryError):
        reject("formula", expressions[0], "is nested too deeply", "Write it with fewer parentheses")
    except _NotReal as error:
        reject("formula", str(error), "is no finite real number", "Check divisions by 0, roots and logarithms")

    def evaluate(*components: torch.Tensor) -> tuple[torch.Tensor, ...]:
        # The code returns a constant entry as a Python number.
        return tuple(
            entry if torch.is_tensor(entry) else torch.full_like(components[0], entry)
            for entry in function(*components)
        )

    return evaluate

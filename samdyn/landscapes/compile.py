"""From SymPy expressions to one function on torch tensors."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import sympy
import torch
from sympy.core.function import Application
from sympy.printing.codeprinter import PrintMethodNotImplementedError
from sympy.printing.pycode import PythonCodePrinter

from ..checks import reject
from .functions import OURS, TORCH
from .stable import masked

LONGEST_SUM = 32  # terms in one nest of calls; Python reads parentheses 200 deep

Compiled = Callable[..., tuple[torch.Tensor, ...]]


class _TorchPrinter(PythonCodePrinter):  # type: ignore[misc]  # SymPy is not annotated
    """SymPy's torch printer calls torch.max on numbers and leaves constants to torch.sqrt(2); this one does neither."""

    _operators: dict[str, str] = {}  # noqa: RUF012 (overrides a class attribute of SymPy's)

    def _print(self, expr: Any, **options: Any) -> str:
        if isinstance(expr, sympy.Expr) and expr.is_number:
            return f"({_real(expr)!r})"  # every constant, however composed, becomes one literal
        if isinstance(expr, Application):  # functions, Max and Min; the base class would print them as math.exp
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
        """Print a sum with few operations: torch adds multiples, and multiples of products, in one."""
        number, rest = expr.as_coeff_Add()
        parts = [term.as_coeff_Mul() for term in sympy.Add.make_args(rest)]
        parts.sort(key=lambda part: part[0] != 1)  # begin with one that is no multiple
        total = self._sum(parts)
        return total if number == 0 else f"({total} + {_real(number)!r})"

    def _sum(self, parts: Sequence[tuple[sympy.Expr, sympy.Expr]]) -> str:
        if len(parts) > LONGEST_SUM:
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
        if name not in TORCH and name not in OURS:
            raise PrintMethodNotImplementedError(name)
        return f"{name}({', '.join(map(self._print, expr.args))})"


class _NotReal(Exception):
    """A constant that is no finite real number."""


def _real(number: sympy.Expr) -> float:
    try:
        value = float(number)
    except (TypeError, OverflowError):
        value = math.nan
    if not math.isfinite(value):
        raise _NotReal(str(number))
    return value


def _fold(expr: sympy.Expr) -> sympy.Expr:
    def literal(number: sympy.Expr) -> sympy.Expr:
        value = number.evalf(30)
        if not isinstance(value, sympy.Float | sympy.Rational):
            raise _NotReal(str(number))
        return value

    return expr.replace(lambda e: e.is_number and not isinstance(e, sympy.Float | sympy.Rational), literal)


def _shared(expressions: Any, **options: Any) -> Any:
    """Name common subexpressions, but not multiples of a symbol, which sums take up at no cost."""
    named: dict[sympy.Symbol, sympy.Expr] = {}
    multiples: dict[sympy.Symbol, sympy.Expr] = {}
    replacements, reduced = sympy.cse(expressions, **options)
    for name, e in replacements:
        e = e.xreplace(multiples)
        (multiples if e.as_coeff_Mul()[1].is_Symbol or e.is_number else named)[name] = e
    return list(named.items()), [e.xreplace(multiples) for e in reduced]


def compile_torch(arguments: Sequence[sympy.Symbol], expressions: Sequence[sympy.Expr]) -> Compiled:
    """Return a function of one tensor per argument, all of one shape, giving one tensor of that shape per expression.

    Common subexpressions are computed once. The code contains no name from outside: arguments are renamed, and a
    function that is not in TORCH is refused.

    Raises:
        InputError: an expression uses a function that samdyn cannot compute.
    """
    # Names of our own, real like the coordinates: SymPy's dummies are complex, which makes tanh(tanh(…)) take minutes.
    names = [sympy.Symbol(f"w{i}", real=True) for i in range(len(arguments))]
    renamed = dict(zip(arguments, names, strict=True))
    try:
        # Constants first, or they would become common subexpressions, and sqrt be called with a number.
        folded = [masked(_fold(sympy.sympify(e).xreplace(renamed))) for e in expressions]
        function = sympy.lambdify(names, folded, modules=[{**TORCH, **OURS}], printer=_TorchPrinter, cse=_shared)
    except PrintMethodNotImplementedError as error:
        reject("formula", str(error), "samdyn cannot compute this function", f"Known: {', '.join(TORCH)}")
    except (RecursionError, SyntaxError, MemoryError):
        reject("formula", expressions[0], "is nested too deeply", "Write it with fewer parentheses")
    except _NotReal as error:
        reject("formula", str(error), "is no finite real number", "Check divisions by 0, roots and logarithms")

    def evaluate(*components: torch.Tensor) -> tuple[torch.Tensor, ...]:
        # Constant entries come back as Python numbers.
        return tuple(
            entry if torch.is_tensor(entry) else torch.full_like(components[0], entry)
            for entry in function(*components)
        )

    return evaluate

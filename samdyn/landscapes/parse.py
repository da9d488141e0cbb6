"""Formulas typed by a user, read against a whitelist and never evaluated as Python."""

import ast
import keyword
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import sympy

from ..checks import InputError, reject

LONGEST_FORMULA = 4000  # characters; nothing a person types is longer, and the parser's memory stays small

FUNCTIONS: dict[str, Callable[..., sympy.Expr]] = {
    **{
        name: getattr(sympy, name)
        for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "atan", "sign", "Max", "Min")
    },
    "abs": sympy.Abs,
    "relu": lambda u: sympy.Max(0, u),
}
ANY_NUMBER_OF_ARGUMENTS = {"Max", "Min"}
CONSTANTS = {"pi": sympy.pi}
OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def symbols(names: str | Sequence[str]) -> tuple[sympy.Symbol, ...]:
    """Return real SymPy symbols for names like ``"x y"`` or ``["x", "y"]``.

    Raises:
        InputError: no name, a name twice, a name that is no identifier, or one that a function or constant has.
    """
    listed = names.replace(",", " ").split() if isinstance(names, str) else list(names)
    fix = 'Name the coordinates like "x y"'
    if not listed:
        reject("symbols", names, "at least one coordinate is needed", fix)
    if len(set(listed)) < len(listed):
        reject("symbols", names, "every coordinate needs a name of its own", fix)
    for name in listed:
        if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name) or name.startswith("__"):
            reject("symbols", name, "a coordinate's name must be a plain identifier", fix)
        if name in FUNCTIONS or name in CONSTANTS:
            reject("symbols", name, "this name is taken by a function or constant", "Choose another")
    return tuple(sympy.Symbol(name, real=True) for name in listed)


def parse(formula: str, coordinates: Sequence[sympy.Symbol]) -> sympy.Expr:
    """Return the SymPy expression that ``formula`` spells in the given coordinates.

    Numbers, coordinates, ``pi``, ``+ - * / **``, parentheses and the functions in FUNCTIONS are all it may contain.
    Decimals are read exactly (1.5 is 3/2).

    Raises:
        InputError: anything else, with the offending part.
    """
    if len(formula) > LONGEST_FORMULA:
        reject("formula", formula, f"has {len(formula)} characters, more than {LONGEST_FORMULA}", "Write a shorter one")
    try:
        tree = ast.parse(formula.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reject("formula", formula, f"cannot be read as a formula ({error})", 'Write it like "x**2 - y**2"')
    try:
        result = _Reader(formula.strip(), {s.name: s for s in coordinates}).read(tree.body)
    except RecursionError:
        reject("formula", formula, "is nested too deeply", "Write it with fewer parentheses")
    if result.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo, sympy.I):
        reject("formula", formula, f"has the value {result}, which is no finite real function", "Check divisions by 0")
    return result


class _Reader:
    def __init__(self, formula: str, coordinates: dict[str, sympy.Symbol]) -> None:
        self.formula = formula
        self.names = {**CONSTANTS, **coordinates}
        self.coordinates = ", ".join(coordinates)

    def read(self, node: ast.expr) -> sympy.Expr:
        match node:
            case ast.Constant(value=value) if isinstance(value, int | float) and not isinstance(value, bool):
                return self.number(node, value)
            case ast.Name(id=name):
                if name in self.names:
                    return self.names[name]
                known = f"known are the coordinates {self.coordinates}, pi and the functions {', '.join(FUNCTIONS)}"
                raise self.error(node, f"is an unknown symbol; {known}", "Use those, or add it to the coordinates")
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.read(operand)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.read(operand)
            case ast.BinOp(op=ast.BitXor()):
                raise self.error(node, "uses ^, which is not a power", "Write ** for powers")
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return self.power(node, self.read(left), self.read(right))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                return OPERATORS[type(op)](self.read(left), self.read(right))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
                if not args or (len(args) > 1 and name not in ANY_NUMBER_OF_ARGUMENTS):
                    raise self.error(node, f"calls {name} with {len(args)} arguments", "Give it one")
                return FUNCTIONS[name](*map(self.read, args))
        allowed = "only numbers, coordinates, + - * / **, parentheses and known functions may stand in a formula"
        raise self.error(node, f"is not allowed: {allowed}", f"Functions: {', '.join(FUNCTIONS)}")

    def number(self, node: ast.expr, value: float) -> sympy.Expr:
        # The digits as typed, so that 0.1 is 1/10 and not the nearest binary fraction.
        if not math.isfinite(value) or abs(value) > 1e300:
            raise self.error(node, "is outside the floating-point range", "Use a smaller number")
        return sympy.Rational(str(value))

    def power(self, node: ast.expr, base: sympy.Expr, exponent: sympy.Expr) -> sympy.Expr:
        # SymPy evaluates powers of numbers exactly, so 9**9**9 would fill the memory: bound them before it starts.
        if exponent.is_number and abs(exponent) > 64:
            raise self.error(node, f"has the exponent {exponent}, larger than 64", "Use exp(...) or a smaller power")
        if base.is_number and exponent.is_number and base != 0:
            size = float(abs(sympy.log(abs(base)))) * abs(float(exponent))
            if size > math.log(1e300):
                raise self.error(node, "is outside the floating-point range", "Use smaller numbers")
        return base**exponent

    def error(self, node: ast.expr, rule: str, fix: str) -> InputError:
        part = ast.get_source_segment(self.formula, node) or self.formula
        return InputError(f"formula {self.formula!r}: {part!r} {rule}. {fix}")

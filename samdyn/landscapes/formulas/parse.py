"""Reads the formula that a user types, against a whitelist. Python never evaluates the text."""

import ast
import keyword
import math
import operator
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from ...checks import InputError, reject, spelling

MAX_LENGTH = 4000  # characters of a formula; people type less, and the parser needs little memory
MAX_DEPTH = 100  # nested operations; SymPy recurses once or more for each
MAX_COMPARED_TERMS = 4  # terms of Max and Min up to which SymPy may compare all pairs, in a tenth of a second each
LARGEST_NUMBER = 1e300  # absolute value of a number in a formula, and of a constant part of it
LARGEST_EXPONENT = 64  # absolute value of an exponent
MAX_EXACT_BITS = 2000  # bits of a power of a number up to which it is exact


def _extreme(kind: Any, terms: Sequence[sympy.Expr]) -> sympy.Expr:
    """Return the Max or Min of some terms. SymPy simplifies it only if the terms are few."""
    numbers = [u for u in terms if u.is_number]
    rest = [u for u in terms if not u.is_number] + ([kind(*numbers)] if numbers else [])
    return kind(*rest, evaluate=len(rest) <= MAX_COMPARED_TERMS)


@dataclass(frozen=True)
class Function:
    """A function that a formula may call.

    Attributes:
        of_symbols: the function on SymPy expressions.
        of_numbers: the function on floats.
        variadic: whether it takes more than one argument.
    """

    of_symbols: Callable[..., sympy.Expr]
    of_numbers: Callable[..., float]
    variadic: bool = False


FUNCTIONS = {
    **{
        name: Function(getattr(sympy, name), getattr(math, name))
        for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "atan")
    },
    "sign": Function(sympy.sign, lambda u: math.copysign(1, u) if u else 0),
    "abs": Function(sympy.Abs, abs),
    "relu": Function(lambda u: sympy.Max(0, u), lambda u: max(0, u)),
    "Max": Function(lambda *u: _extreme(sympy.Max, u), lambda *u: max(u), variadic=True),
    "Min": Function(lambda *u: _extreme(sympy.Min, u), lambda *u: min(u), variadic=True),
}
CONSTANTS = {"pi": sympy.pi}
# Names of settings of methods, maps and noise, and of eigenvalues of the Hessian, in formulas and calls.
TAKEN = {"rho", "ρ", "eta", "η", "lr", "gamma", "γ", "momentum", "λ", "ascent_steps", "batch_size"}
NOT_FINITE_REAL = (sympy.nan, sympy.zoo, sympy.oo, -sympy.oo, sympy.I)
OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def rational(expr: Any) -> sympy.Expr:
    """Return an expression, or a number, in which fractions replace floats: 0.1 becomes 1/10, as Python prints it.

    >>> rational(0.1 * sympy.Symbol("x"))
    x/10
    """

    def exact(number: sympy.Float) -> sympy.Rational:
        short = float(number)
        return (
            sympy.Rational(repr(short)) if sympy.Rational(short) == sympy.Rational(number) else sympy.Rational(number)
        )

    return sympy.sympify(expr).replace(lambda e: isinstance(e, sympy.Float), exact)


def symbols(names: str | Sequence[str]) -> tuple[sympy.Symbol, ...]:
    """Return real SymPy symbols for names like ``"x y"`` or ``["x", "y"]``.

    Raises:
        InputError: no name, the same name twice, a name that is not an identifier, or the name of a function or
            constant.

    >>> symbols("x y")
    (x, y)
    """
    fix = 'Name the coordinates like "x y"'
    try:
        coordinates = names.replace(",", " ").split() if isinstance(names, str) else list(names)
    except TypeError:  # list() of an array without axes raises it
        reject("symbols", names, "must be names", fix)
    if not coordinates:
        reject("symbols", names, "at least one coordinate is needed", fix)
    return _real_symbols("coordinate", coordinates, "symbols", fix)


def parameter_symbols(names: Sequence[str], coordinates: Sequence[sympy.Symbol]) -> tuple[sympy.Symbol, ...]:
    """Return real SymPy symbols for the names of a landscape's parameters.

    Raises:
        InputError: a name that cannot name a coordinate, or that is one, or that stands for a setting such as rho.

    >>> parameter_symbols(["a"], symbols("x y"))
    (a,)
    """
    found = _real_symbols("parameter", names, "parameters", 'Use e.g. parameters={"a": 1.0}')
    for symbol in found:
        if symbol in coordinates:
            reject("parameters", symbol.name, "is a coordinate and a parameter", "Choose different names")
        if symbol.name in TAKEN:
            rule = "this name is taken by a setting of the method, the map or the noise, or by an eigenvalue"
            reject("parameters", symbol.name, rule, "Choose another, e.g. a")
    return found


def _real_symbols(kind: str, names: Sequence[Any], argument: str, fix: str) -> tuple[sympy.Symbol, ...]:
    """Return real SymPy symbols for the names of coordinates or parameters."""
    # Python normalises names in formulas (the micro sign is the Greek letter), so these are normalised too.
    names = [spelling(n) if isinstance(n, str) and n.isidentifier() else n for n in names]
    if len(set(names)) < len(names):
        reject(argument, " ".join(map(str, names)), f"every {kind} needs a name of its own", fix)
    for name in names:
        plain = isinstance(name, str) and name.isidentifier() and not name.startswith("__") and name.strip("_")
        if not plain or keyword.iskeyword(name):
            reject(argument, name, f"a {kind}'s name must be a plain identifier", fix)
        if name in FUNCTIONS or name in CONSTANTS:
            reject(argument, name, "this name is taken by a function or constant", "Choose another")
    return tuple(sympy.Symbol(name, real=True) for name in names)


def read(
    formula: str | sympy.Expr, coordinates: Sequence[sympy.Symbol], parameters: Sequence[sympy.Symbol] = ()
) -> sympy.Expr:
    """Return a formula as a SymPy expression; ``parse`` reads it if it is a text.

    Raises:
        InputError: a text that is not a formula; symbols that are neither coordinates nor parameters; numbers that are
            not finite and real.
    """
    if not isinstance(formula, sympy.Expr):
        return parse(formula, coordinates, parameters)
    if _depth(formula) > MAX_DEPTH:
        reject("formula", formula, "is nested too deeply", "Write it in fewer steps")
    by_name = {s.name: s for s in (*coordinates, *parameters)}
    expr = formula.xreplace({s: by_name.get(spelling(s.name), s) for s in formula.free_symbols if s.is_real})
    if expr.has(*NOT_FINITE_REAL):
        rule = "contains something that is no finite real number"
        reject("formula", expr, rule, "Use real numbers and real symbols")
    unknown = ", ".join(sorted(map(str, expr.free_symbols - set(by_name.values()))))
    if unknown:
        reject("formula", expr, f"unknown symbols {unknown}", "Add them to the coordinates or the parameters")
    return expr


def parse(formula: str, coordinates: Sequence[sympy.Symbol], parameters: Sequence[sympy.Symbol] = ()) -> sympy.Expr:
    """Return the SymPy expression of a text in the coordinates and the parameters.

    The text may contain numbers, coordinates, parameters, ``pi``, ``+ - * / **``, parentheses and the functions in
    FUNCTIONS. A decimal becomes an exact fraction.

    Raises:
        InputError: anything else. The message quotes the part of the text that is at fault.

    >>> parse("1.5*x + relu(y)", symbols("x y"))
    3*x/2 + Max(0, y)
    """
    if not isinstance(formula, str):
        reject("formula", formula, "must be text", 'Write it like "x**2 - y**2"')
    if len(formula) > MAX_LENGTH:
        reject("formula", formula, f"has {len(formula)} characters, more than {MAX_LENGTH}", "Write a shorter one")
    text = formula.strip()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # Python warns about code, and a formula is no code
            tree = ast.parse(text, mode="eval")
        result = _Reader(text, coordinates, parameters).read(tree.body)
    except InputError:
        raise
    except (RecursionError, MemoryError):
        reject("formula", formula, "is nested too deeply", "Write it with fewer parentheses")
    except (SyntaxError, ValueError) as error:
        reject("formula", formula, f"cannot be read as a formula ({error})", 'Write it like "x**2 - y**2"')
    if _depth(result) > MAX_DEPTH:
        reject("formula", formula, "is nested too deeply", "Write it with fewer parentheses")
    return result


class _Reader:
    """Reads a formula node by node.

    Beside SymPy's exact numbers it computes floats, and checks their size first. SymPy would evaluate 9**9**9 or
    sin(exp(exp(100))) to the last digit and fill the memory.

    Attributes:
        formula: the text, for messages.
        names: the expression of each constant, coordinate and parameter, by name.
        values: the float of each expression without coordinates and parameters.
        known: the coordinates and the parameters, for messages.
    """

    def __init__(
        self, formula: str, coordinates: Sequence[sympy.Symbol], parameters: Sequence[sympy.Symbol] = ()
    ) -> None:
        self.formula = formula
        self.names = {**CONSTANTS, **{s.name: s for s in (*coordinates, *parameters)}}
        self.values: dict[sympy.Expr, float] = {c: float(c) for c in CONSTANTS.values()}
        self.known = f"the coordinates {', '.join(s.name for s in coordinates)}"
        if parameters:
            self.known += f", the parameters {', '.join(s.name for s in parameters)}"

    def read(self, node: ast.expr) -> sympy.Expr:
        """Return the expression of a node.

        Raises:
            InputError: the node, or a part of it, may not stand in a formula.
        """
        match node:
            case ast.Constant(value=value) if type(value) in (int, float):
                return self.number(node, value)
            case ast.Name(id=name):
                if name in self.names:
                    return self.names[name]
                names = f"known are {self.known}, pi and the functions {', '.join(FUNCTIONS)}"
                fix = "Use those, or add it to the coordinates or the parameters"
                raise self.error(node, f"is an unknown symbol; {names}", fix)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.apply(node, operator.neg, operator.neg, self.read(operand))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.read(operand)
            case ast.BinOp(op=ast.BitXor()):
                raise self.error(node, "uses ^, which is not a power", "Write ** for powers")
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return self.power(node, self.read(left), self.read(right))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                combine = OPERATORS[type(op)]
                return self.apply(node, combine, combine, self.read(left), self.read(right))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
                function = FUNCTIONS[name]
                if not args or (len(args) > 1 and not function.variadic):
                    raise self.error(node, f"calls {name} with {len(args)} arguments", "Give it one")
                return self.apply(node, function.of_symbols, function.of_numbers, *map(self.read, args))
        rule = "only numbers, coordinates, + - * / **, parentheses and known functions may stand in a formula"
        raise self.error(node, f"is not allowed: {rule}", f"Functions: {', '.join(FUNCTIONS)}")

    def number(self, node: ast.Constant, value: Any) -> sympy.Expr:
        """Return a number in the text as an exact one."""
        # The digits that the user typed: 0.1 is 1/10 and not the nearest binary fraction.
        digits = (ast.get_source_segment(self.formula, node) or repr(value)).replace("_", "")
        exact = sympy.Integer(value) if isinstance(value, int) else None
        if abs(value) > LARGEST_NUMBER or (not value and any(d in "123456789" for d in digits.lower().split("e")[0])):
            raise self.error(node, "is outside the floating-point range", "Use a smaller number, or 0")
        exact = sympy.Rational(digits) if exact is None else exact
        self.values[exact] = float(value)
        return exact

    def power(self, node: ast.expr, base: sympy.Expr, exponent: sympy.Expr) -> sympy.Expr:
        """Return a power, whose exponent must be small if it is a number."""
        power, size = self.values.get(exponent), self.values.get(base)
        if power is not None and abs(power) > LARGEST_EXPONENT:
            rule = f"has the exponent {power:g}, larger than {LARGEST_EXPONENT}"
            raise self.error(node, rule, "Use exp(...) or a smaller power")
        if power is None and size is not None and size <= 0:
            raise self.error(node, "has no real value at every exponent", "Use a base > 0")
        if power is not None and isinstance(base, sympy.Rational):
            bits = abs(power) * max(int(base.p).bit_length(), int(base.q).bit_length())
            base = base if bits <= MAX_EXACT_BITS else sympy.Float(self.values.get(base, float(base)))
            self.values[base] = float(base)
        result = self.apply(node, operator.pow, operator.pow, base, exponent)
        total = result.as_base_exp()[1]  # SymPy turns a power of a power into one power
        if total.is_number and abs(float(total)) > LARGEST_EXPONENT and not result.is_number:
            rule = f"has in all the exponent {float(total):g}, larger than {LARGEST_EXPONENT}"
            raise self.error(node, rule, "Use exp(...) or a smaller power")
        return result

    def apply(
        self, node: ast.expr, of_symbols: Callable[..., Any], of_numbers: Callable[..., Any], *terms: sympy.Expr
    ) -> sympy.Expr:
        """Return a function of some terms, and store its float if it has no coordinates."""
        numbers = [self.values[term] for term in terms if term in self.values]
        try:
            value = of_numbers(*numbers) if len(numbers) == len(terms) else None
            if value is not None and abs(value) > LARGEST_NUMBER:
                raise OverflowError
            result = None if isinstance(value, complex) else of_symbols(*terms)
            if result is not None and value is None and result.is_number:
                value = float(result)  # the coordinates cancelled
        except OverflowError:
            raise self.error(node, "is outside the floating-point range", "Use smaller numbers") from None
        except (ZeroDivisionError, ValueError, TypeError):
            result = None
        if result is None or result.has(*NOT_FINITE_REAL):
            raise self.error(node, "has no finite real value", "Check divisions by 0, roots and logarithms")
        if value is not None:  # SymPy's value is exact where it is a fraction: sin(pi) is 0
            self.values[result] = float(result) if isinstance(result, sympy.Rational) else float(value)
        return result

    def error(self, node: ast.expr, rule: str, fix: str) -> InputError:
        """Return the error that quotes a node of the formula."""
        part = ast.get_source_segment(self.formula, node) or self.formula
        return InputError(f"formula {_short(self.formula)!r}: {_short(part)!r} {rule}. {fix}")


def _short(text: str) -> str:
    return text if len(text) <= 120 else text[:117] + "..."


def _depth(expr: sympy.Expr) -> int:
    """Return how deeply an expression is nested, without recursion."""
    deepest, stack = 0, [(expr, 1)]
    while stack:
        part, depth = stack.pop()
        deepest = max(deepest, depth)
        stack.extend((arg, depth + 1) for arg in part.args)
    return deepest

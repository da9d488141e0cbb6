"""The symbols of formulas, and formulas as text."""

from collections.abc import Callable

import sympy
from sympy.printing.latex import LatexPrinter
from sympy.printing.pretty.pretty_symbology import pretty_symbol
from sympy.printing.str import StrPrinter

from ..arguments import checked

RHO = sympy.Symbol("rho", nonnegative=True)  # radius ρ
ETA = sympy.Symbol("eta", positive=True)  # learning rate η
GAMMA = sympy.Symbol("gamma", nonnegative=True)  # momentum γ
LAMBDA = sympy.Symbol("lambda", real=True)  # eigenvalue λ of the Hessian
X = sympy.Symbol("x", positive=True)  # distance from a critical point, in the units of w
S, Z = sympy.symbols("s z")  # variables of characteristic polynomials: s of flows, z of maps

LONGEST = 8  # largest count of characters of an exact number; longer ones are shown as six digits


class _Printer(StrPrinter):  # type: ignore[misc]  # SymPy is not annotated
    def _print_Symbol(self, expr: sympy.Symbol) -> str:
        return pretty_symbol(expr.name)

    def _print_Float(self, expr: sympy.Float) -> str:
        return f"{float(expr):.6g}"


class _LatexPrinter(LatexPrinter):  # type: ignore[misc]
    def _print_Float(self, expr: sympy.Float) -> str:
        return str(super()._print_Float(sympy.Float(expr, 6)))


def distinct(expr: sympy.Basic) -> sympy.Basic:
    """Return a formula in which a parameter is a word if a coordinate has the name of its symbol."""
    words = {RHO: "radius", ETA: "lr", GAMMA: "momentum", LAMBDA: "eigenvalue"}
    others = {pretty_symbol(s.name) for s in expr.free_symbols - set(words)}
    new = {}
    for symbol, word in words.items():
        if pretty_symbol(symbol.name) in others:
            while word in others:
                word += "'"
            new[symbol] = sympy.Symbol(word, **symbol.assumptions0)
    return expr.xreplace(new)


def text(expr: sympy.Basic) -> str:
    """Return a formula as one line of text with Greek letters: ``λ*(λ*ρ + 1)``."""
    line = _Printer().doprint(distinct(expr))
    if isinstance(expr, sympy.Expr) and expr.is_number and len(line) > LONGEST:
        return f"{float(expr):.6g}"
    return line


def latex(expr: sympy.Basic) -> str:
    """Return a formula as LaTeX (math mode), with numbers as ``text`` writes them.

    >>> latex(LAMBDA * (1 + LAMBDA * RHO))
    '\\\\lambda \\\\left(\\\\lambda \\\\rho + 1\\\\right)'
    """
    if isinstance(expr, sympy.Expr) and expr.is_number and len(_Printer().doprint(expr)) > LONGEST:
        expr = sympy.Float(float(expr))
    return str(_LatexPrinter({"full_prec": False}).doprint(distinct(expr)))


@checked
def radii_text(radii: sympy.Set) -> str:
    """Return a set of radii as text: ``4/111 < ρ < 2``, ``always``, ``never``.

    >>> import samdyn as sd
    >>> sd.symbolic.radii_text(sd.stability(sd.Flow(sd.landscapes.beale(), sd.USAM(rho=0.1)), (0, 1)).condition)
    'ρ > 4/111'

    Args:
        radii: a set of ρ ≥ 0, as ``Stability.condition``.
    """
    return _radii(radii, text, str)


def radii_latex(radii: sympy.Set) -> str:
    """Return a set of radii as LaTeX (math mode).

    >>> radii_latex(sympy.Interval.open(sympy.Rational(4, 111), 2))
    '\\\\frac{4}{111} < \\\\rho < 2'
    """
    return _radii(radii, latex, lambda words: rf"\text{{{words}}}")


def _radii(radii: sympy.Set, write: Callable[[sympy.Basic], str], word: Callable[[str], str]) -> str:
    if radii in (sympy.S.UniversalSet, sympy.Interval(0, sympy.oo)):
        return word("always")
    if radii is sympy.S.EmptySet:
        return word("never")
    if isinstance(radii, sympy.ConditionSet):
        return write(radii.condition)
    if isinstance(radii, sympy.FiniteSet):
        return f"{write(RHO)} = {', '.join(map(write, radii))}"
    parts = radii.args if isinstance(radii, sympy.Union) else [radii]
    return word(" or ").join(_interval(part, write) for part in parts)


def _interval(interval: sympy.Interval, write: Callable[[sympy.Basic], str]) -> str:
    rho, low, high = write(RHO), write(interval.start), write(interval.end)
    if interval.end is sympy.oo:
        return f"{rho} > {low}"
    is_first = interval.contains(0) == True  # noqa: E712 (SymPy's True)
    return f"{rho} < {high}" if is_first else f"{low} < {rho} < {high}"

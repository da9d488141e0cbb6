"""The symbols of formulas, and formulas as text."""

import sympy
from sympy.printing.pretty.pretty_symbology import pretty_symbol
from sympy.printing.str import StrPrinter

from ..arguments import checked

# The radius ρ, the learning rate η, the momentum γ and an eigenvalue λ of the Hessian.
RHO = sympy.Symbol("rho", nonnegative=True)
ETA = sympy.Symbol("eta", positive=True)
GAMMA = sympy.Symbol("gamma", nonnegative=True)
LAMBDA = sympy.Symbol("lambda", real=True)
X = sympy.Symbol("x", positive=True)  # distance from a critical point, in the units of w
S, Z = sympy.symbols("s z")  # variables of characteristic polynomials: s of flows, z of maps

LONGEST = 8  # largest count of characters of an exact number; longer ones are shown as six digits


class _Printer(StrPrinter):  # type: ignore[misc]  # SymPy is not annotated
    def _print_Symbol(self, expr: sympy.Symbol) -> str:
        return pretty_symbol(expr.name)

    def _print_Float(self, expr: sympy.Float) -> str:
        return f"{float(expr):.6g}"


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


@checked
def radii_text(radii: sympy.Set) -> str:
    """Return a set of radii as text: ``4/111 < ρ < 2``, ``always``, ``never``.

    >>> import samdyn as sd
    >>> sd.symbolic.radii_text(sd.stability(sd.Flow(sd.landscapes.beale(), sd.USAM(rho=0.1)), (0, 1)).condition)
    'ρ > 4/111'

    Args:
        radii: a set of ρ ≥ 0, as ``Stability.condition``.
    """
    if radii in (sympy.S.UniversalSet, sympy.Interval(0, sympy.oo)):
        return "always"
    if radii is sympy.S.EmptySet:
        return "never"
    if isinstance(radii, sympy.ConditionSet):
        return text(radii.condition)
    if isinstance(radii, sympy.FiniteSet):
        return f"ρ = {', '.join(map(text, radii))}"
    return " or ".join(_interval_text(part) for part in (radii.args if isinstance(radii, sympy.Union) else [radii]))


def _interval_text(interval: sympy.Interval) -> str:
    low, high = text(interval.start), text(interval.end)
    if interval.end is sympy.oo:
        return f"ρ > {low}"
    return f"ρ < {high}" if interval.contains(0) == True else f"{low} < ρ < {high}"  # noqa: E712 (SymPy's True)

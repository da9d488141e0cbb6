"""The symbols that a landscape's parameters leave open, and numbers in their place where a test needs numbers."""

from collections.abc import Iterable, Sequence

import sympy

from ... import checks
from ...landscapes import Landscape

# Sizes of the numbers that stand for symbols; the first at which the point is real counts. None is a special number.
SIZES = [sympy.Rational(s) for s in ("1.375", "0.3125", "6.625", "0.0546875", "41.75")]
STEP = sympy.Rational("0.3125")  # relative distance of the numbers for two symbols


def unknowns(landscape: Landscape) -> tuple[sympy.Symbol, ...]:
    """Return the symbols in the values of a landscape's parameters, by name.

    Raises:
        InputError: a parameter has one number per run.
    """
    symbols: set[sympy.Symbol] = set()
    for name, value in landscape.parameters.items():
        if checks.is_formula(value):
            symbols |= value.free_symbols
        elif not isinstance(value, float):
            fix = "Ask for every value by itself, or put a symbol there"
            checks.reject(name, value.tolist(), "must be one number, or a symbol", fix)
    return tuple(sorted(symbols, key=lambda s: s.name))


def example(symbols: Sequence[sympy.Symbol], expressions: Iterable[sympy.Expr]) -> dict[sympy.Symbol, sympy.Rational]:
    """Return numbers for some symbols that fit what is known of their signs, and at which the expressions are real.

    Raises:
        InputError: there are none among those that are tried.
    """
    if not symbols:
        return {}
    expressions = list(expressions)
    for side in (1, -1):
        for size in SIZES:
            values = {s: side * size * (1 + i * STEP) for i, s in enumerate(symbols)}
            values = {s: -v if (s.is_positive and v < 0) or (s.is_negative and v > 0) else v for s, v in values.items()}
            if all(e.subs(values).is_real for e in expressions):
                return values
    rule = "is real at none of the values that are tried for the symbols"
    return checks.reject("point", tuple(expressions), rule, "Check its signs, and give numbers instead of symbols")

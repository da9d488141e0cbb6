"""The degree of polynomials that are too long to write out."""

import random
from collections.abc import Mapping, Sequence

import sympy

PRIME = 2**61 - 1
LINES = 3


def degree_at_most_2(expr: sympy.Expr, symbols: Sequence[sympy.Symbol]) -> bool:
    """Whether an expression is a polynomial of degree 2 or less in some of its symbols.

    Its third differences along lines are computed modulo a prime, numbers that are no fractions and other symbols
    standing for any numbers: ``((x + 1)**64)**64`` has 4097 terms, and these are four powers. Where they are not zero
    the degree is larger, and where they are zero along three random lines it is 2 or less: the chance that it is larger
    all the same is below 1e-40 for degrees below 10,000.
    """
    generator = random.Random(0)
    known: dict[sympy.Basic, int] = {}  # what does not depend on the symbols
    for _ in range(LINES):
        start, way = ([generator.randrange(PRIME) for _ in symbols] for _ in range(2))
        points = [{s: (a + k * b) % PRIME for s, a, b in zip(symbols, start, way, strict=True)} for k in range(4)]
        values = [_modulo(expr, point, known, generator) for point in points]
        if any(v is None for v in values) or (values[3] - 3 * values[2] + 3 * values[1] - values[0]) % PRIME:  # type: ignore[operator]
            return False
    return True


def _modulo(
    expr: sympy.Expr, point: Mapping[sympy.Symbol, int], known: dict[sympy.Basic, int], generator: random.Random
) -> int | None:
    """Return a polynomial's value modulo the prime; None if the expression is none."""
    done: dict[sympy.Basic, int | None] = dict(point)

    def value(e: sympy.Basic) -> int | None:
        if e not in done:
            done[e] = computed(e)
        return done[e]

    def computed(e: sympy.Basic) -> int | None:
        if isinstance(e, sympy.Rational):
            return int(e.p) * pow(int(e.q), -1, PRIME) % PRIME
        if not e.free_symbols & point.keys():
            return known.setdefault(e, generator.randrange(PRIME))
        if isinstance(e, sympy.Pow):
            base, exponent = e.args
            of_base = value(base) if exponent.is_Integer and exponent > 0 else None
            return None if of_base is None else pow(of_base, int(exponent), PRIME)
        if not isinstance(e, sympy.Add | sympy.Mul):
            return None
        total = 0 if isinstance(e, sympy.Add) else 1
        for arg in e.args:
            part = value(arg)
            if part is None:
                return None
            total = (total + part if isinstance(e, sympy.Add) else total * part) % PRIME
        return total

    return value(expr)

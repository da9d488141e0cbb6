"""Real roots of polynomials, against roots that the test chooses."""

import pytest
import sympy

from samdyn.symbolic.criteria.radii import real_roots
from samdyn.symbolic.notation import RHO

NEAR_REAL = (RHO - 5) ** 2 + sympy.Rational(1, 10**30)  # a complex pair this near the axis is no double root


@pytest.mark.parametrize(
    "roots",
    [
        (0, sympy.Rational(1, 3), -2, 7, sympy.sqrt(2)),
        (sympy.Rational(1, 10**12), sympy.Rational(2, 10**12), 1, 10**9, -sympy.sqrt(3)),
    ],
    ids=["of one size", "of many sizes"],
)
def test_roots_of_exact_polynomials_have_forty_digits(roots: tuple[sympy.Expr, ...]) -> None:
    factors = [RHO**2 - r**2 if r.has(sympy.sqrt(2), sympy.sqrt(3)) else RHO - r for r in map(sympy.sympify, roots)]
    expected = set(roots) | {-r for r, f in zip(roots, factors, strict=True) if sympy.degree(f, RHO) == 2}
    polynomial = sympy.Poly(sympy.Mul(*factors, RHO**2 + 1, NEAR_REAL), RHO)
    computed = sorted(real_roots(polynomial))
    assert len(computed) == len(expected)
    for root, exact in zip(computed, sorted(expected), strict=True):
        assert abs(root - sympy.N(exact, 60)) <= abs(exact) * sympy.Rational(1, 10**38)


def test_a_double_root_that_rounding_makes_complex_still_counts() -> None:
    rounded = sympy.Poly(((RHO - 1) ** 2 + sympy.Rational(1, 10**52)) * (RHO**4 + 1), RHO)
    assert [round(float(root), 12) for root in real_roots(rounded, rounded=True)] == [1.0]
    assert real_roots(rounded) == []

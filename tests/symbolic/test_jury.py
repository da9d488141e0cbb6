"""The criteria against the roots themselves."""

import numpy as np
import pytest
import sympy

from samdyn.symbolic.criteria.jury import _interpolated_determinant, hurwitz, jury

X, A, B = sympy.symbols("x a b")


def random_polynomial(rng: np.random.Generator, degree: int, near_circle: bool) -> np.ndarray:
    """Return a real polynomial of leading coefficient 1 with roots around the unit circle."""
    modulus = rng.choice([1 - 1e-6, 1 + 1e-6], degree) if near_circle else rng.uniform(0.3, 1.15, degree)
    roots: list[complex] = []
    while len(roots) < degree:
        z = modulus[len(roots)] * np.exp(1j * rng.uniform(0, np.pi))
        roots += (
            [z, z.conjugate()] if len(roots) + 2 <= degree and rng.random() < 0.7 else [z.real * abs(z) / abs(z.real)]
        )
    return np.poly(roots).real


def holds(expressions: tuple[sympy.Expr, ...]) -> bool:
    return all(e > 0 for e in expressions)


def exact(coefficients: np.ndarray) -> sympy.Expr:
    # Rounding is exact arithmetic's problem no more: the roots that are compared are those of the same numbers.
    return sympy.Poly([sympy.Rational(float(c)) for c in coefficients], X).as_expr()


@pytest.mark.parametrize("near_circle", [False, True])
@pytest.mark.parametrize("degree", range(1, 8))
def test_jury_sees_what_the_roots_show(degree: int, near_circle: bool) -> None:
    rng = np.random.default_rng(degree)
    seen = set()
    for _ in range(25):
        coefficients = random_polynomial(rng, degree, near_circle)
        inside = bool(abs(np.roots(coefficients)).max() < 1)
        if abs(abs(np.roots(coefficients)) - 1).min() > 1e-9:
            assert holds(jury(exact(coefficients), X)) == inside
            seen.add(inside)
    assert seen == {True, False} or near_circle or degree > 5


@pytest.mark.parametrize("degree", range(1, 8))
def test_hurwitz_sees_what_the_roots_show(degree: int) -> None:
    rng = np.random.default_rng(degree)
    seen = set()
    for _ in range(25):
        # The roots of the circle's polynomials, taken to the half-plane.
        z = np.roots(random_polynomial(rng, degree, near_circle=False))
        coefficients = np.poly((z - 1) / (z + 1)).real
        left = bool(np.roots(coefficients).real.max() < 0)
        assert holds(hurwitz(exact(coefficients), X)) == left
        seen.add(left)
    assert len(seen) == 2 or degree > 5


@pytest.mark.parametrize(
    "polynomial",
    [
        X - 1,
        X + 1,
        (X + 1) * (X - sympy.Rational(1, 2)),
        X**2 + 1,
        X**2 - 1,
        (X**2 + X + 1) * (X - sympy.Rational(1, 3)),
        (X + 1) ** 2 * X**2,
        (X**2 - X + 1) * (X**2 + sympy.Rational(1, 4)),
    ],
)
def test_roots_on_the_circle_are_not_inside(polynomial: sympy.Expr) -> None:
    assert not holds(jury(polynomial, X))
    # Just inside, the same polynomial passes: it was the circle that failed it.
    r = sympy.Rational(999, 1000)
    shrunk = sympy.expand(r ** sympy.degree(polynomial, X) * polynomial.subs(X, X / r))
    assert holds(jury(shrunk, X))


@pytest.mark.parametrize("polynomial", [X, X**2 + 1, X * (X + 1), (X**2 + 2) * (X + 1), (X**2 + 1) ** 2])
def test_roots_on_the_axis_are_not_left(polynomial: sympy.Expr) -> None:
    assert not holds(hurwitz(polynomial, X))
    assert holds(hurwitz(sympy.expand(polynomial.subs(X, X + sympy.Rational(1, 1000))), X))


def test_quadratic_in_symbols() -> None:
    """|roots| < 1 iff 1 + a + b > 0, 1 − b > 0, 1 − a + b > 0."""
    assert set(jury(X**2 + A * X + B, X)) == {1 + A + B, 1 - B, 1 - A + B}
    assert hurwitz(X**2 + A * X + B, X) == (B, A, 1)


def test_cubic_in_symbols() -> None:
    assert hurwitz(X**3 + A * X**2 + B * X + 1, X)[-1] == A * B - 1


def test_determinants_of_polynomials_by_their_values() -> None:
    entries = sympy.Matrix(4, 4, lambda i, j: A ** ((i * j) % 4) * (i + 2) / 3 - (j - i) * A + int(i == j))
    assert sympy.expand(_interpolated_determinant(entries, A) - entries.det(method="berkowitz")) == 0


def test_many_roots_with_one_symbol() -> None:
    """At rational values of the symbol the criterion is that of the numbers."""
    polynomial = sympy.expand((X**2 - X * A / 3 + sympy.Rational(1, 4)) ** 2 * (X - A / 5) * (X + sympy.Rational(1, 2)))
    rules = jury(polynomial, X)
    for value in (0, 1, sympy.Rational(7, 2), 4, -6):
        assert all(rule.subs(A, value) > 0 for rule in rules) == holds(jury(polynomial.subs(A, value), X))

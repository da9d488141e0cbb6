"""Conditions for all roots of a polynomial to lie left of the imaginary axis, or inside the unit circle."""

import sympy
from sympy import QQ
from sympy.polys.matrices import DomainMatrix


def hurwitz(polynomial: sympy.Expr, s: sympy.Symbol) -> tuple[sympy.Expr, ...]:
    """Return expressions that are all positive if and only if every root in s has a negative real part.

    They are the coefficients and every other Hurwitz determinant, divided by positive numbers.

    Args:
        polynomial: a polynomial in s of degree ≥ 1 with a positive leading coefficient. Coefficients may hold symbols.
        s: the variable.

    Source: Liénard and Chipart's form of the Routh–Hurwitz criterion [Gantmacher, The Theory of Matrices II, XV.13].
    """
    return _positive(sympy.Poly(polynomial, s).all_coeffs()[::-1])


def jury(polynomial: sympy.Expr, z: sympy.Symbol) -> tuple[sympy.Expr, ...]:
    """Return expressions that are all positive if and only if every root in z has a modulus below 1.

    The substitution z = (1 + s)/(1 − s) maps the circle to the half-plane, where ``hurwitz``'s criterion applies. It
    moves a root at z = −1 to infinity and makes the leading coefficient 0, which is not positive, so that the criterion
    is right at the boundary too. The first expression is p(1) times a positive number.

    Args:
        polynomial: a polynomial in z of degree ≥ 1 with leading coefficient 1. The others may hold symbols.
        z: the variable.

    Source: Jury's criterion, by way of the bilinear transformation.
    """
    coefficients = sympy.Poly(polynomial, z).all_coeffs()[::-1]
    degree = len(coefficients) - 1
    s = sympy.Dummy("s")
    transformed = [sympy.Integer(0)] * (degree + 1)
    for power, coefficient in enumerate(coefficients):
        shape = sympy.Poly((1 + s) ** power * (1 - s) ** (degree - power), s).all_coeffs()[::-1]
        for i, share in enumerate(shape):
            transformed[i] += coefficient * share
    return _positive([sympy.expand(c) for c in transformed])


def _positive(q: list[sympy.Expr]) -> tuple[sympy.Expr, ...]:
    degree = len(q) - 1
    # Δₘ has entries q_{N+1+i−2j}. Its order is even if the degree is odd, and odd if it is even. Δ₁ is a coefficient.
    determinants = [_hurwitz_determinant(q, order) for order in range(degree - 1, 1, -2)]
    return tuple(e.as_content_primitive()[1] for e in (*q, *determinants))  # divided by positive numbers


def _hurwitz_determinant(q: list[sympy.Expr], order: int) -> sympy.Expr:
    def entry(i: int, j: int) -> sympy.Expr:
        k = len(q) - 1 - (2 * (j + 1) - (i + 1))
        return q[k] if 0 <= k < len(q) else sympy.Integer(0)

    entries = sympy.Matrix(order, order, entry)
    if len(entries.free_symbols) == 1 and order > 3:
        return _interpolated_determinant(entries, entries.free_symbols.pop())
    matrix = DomainMatrix.from_Matrix(entries)
    # Berkowitz's algorithm needs no division, so that the entries may be polynomials.
    last = matrix.domain.to_sympy(matrix.charpoly()[-1])
    return sympy.expand((-1) ** order * last)


def _interpolated_determinant(entries: sympy.Matrix, symbol: sympy.Symbol) -> sympy.Expr:
    """Return the determinant of a matrix of polynomials in one symbol.

    Newton's divided differences interpolate its values at integers. A direct computation has large intermediate terms.
    """
    polynomials = [[sympy.Poly(e, symbol) for e in row] for row in entries.tolist()]
    degree = sum(max(max(p.degree(), 0) for p in column) for column in zip(*polynomials, strict=True))
    at = [QQ(i // 2 + 1 if i % 2 else -(i // 2)) for i in range(degree + 1)]
    coefficients = []
    for x in at:
        values = [[QQ.from_sympy(p.eval(x)) for p in row] for row in polynomials]
        coefficients.append(DomainMatrix(values, entries.shape, QQ).det())
    for step in range(1, degree + 1):
        for i in range(degree, step - 1, -1):
            coefficients[i] = (coefficients[i] - coefficients[i - 1]) / (at[i] - at[i - step])
    determinant = sympy.Poly(0, symbol, domain=QQ)
    for x, coefficient in zip(reversed(at), reversed(coefficients), strict=True):
        determinant = determinant * sympy.Poly([1, -x], symbol, domain=QQ) + sympy.Poly(
            [coefficient], symbol, domain=QQ
        )
    return determinant.as_expr()

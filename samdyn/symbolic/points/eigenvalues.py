"""The eigenvalues of a Hessian, exact where they can be written down."""

import mpmath  # type: ignore[import-untyped]  # SymPy's own arithmetic
import numpy as np
import sympy

from ..criteria.linearised import DIGITS, high_precision
from ..notation import S

LARGEST_DENOMINATOR = 10**9  # of a number that somebody wrote; others are the digits of a floating-point number
ROUNDING = 1e-14  # relative to the largest: eigenvalues below this are 0
ROUGH = 1e-9  # the same, where the Hessian itself is known in floating point


def is_precise(entry: sympy.Expr) -> bool:
    """Say whether an entry of the Hessian is more than the digits of a floating-point number."""
    return not entry.is_Rational or entry.q <= LARGEST_DENOMINATOR


def hessian_eigenvalues(hessian: sympy.Matrix, precise: bool) -> tuple[sympy.Expr, ...]:
    """Return the eigenvalues, ascending: exact ones where they are entries or square roots, or else rounded."""
    d = hessian.rows
    if not precise:
        rounded = np.linalg.eigvalsh(np.array(hessian.evalf(), dtype=float))
        return tuple(
            sympy.Float(v, 17) if abs(v) > ROUGH * abs(rounded).max() else sympy.Integer(0) for v in rounded.tolist()
        )
    if hessian.is_diagonal():
        found = list(hessian.diagonal())
    elif d == 2:
        (a, b), (_, c) = hessian.tolist()
        root = sympy.sqrt(sympy.expand((a - c) ** 2 + 4 * b**2))
        found = [sympy.radsimp((a + c + sign * root) / 2) for sign in (-1, 1)]
    elif all(e.is_Rational for e in hessian):
        found = []
        for factor, multiplicity in hessian.charpoly(S).factor_list()[1]:
            exactly = factor.degree() <= 2
            roots = factor.real_roots() if exactly else [sympy.Float(sympy.re(r), 17) for r in factor.nroots(n=DIGITS)]
            found += roots * multiplicity
    else:
        with mpmath.workdps(DIGITS):
            values = mpmath.eigsy(high_precision(hessian), eigvals_only=True)
            found = [sympy.Float(str(v), 17) for v in values]
    largest = max(abs(sympy.N(v, DIGITS)) for v in found)
    found = [v if abs(sympy.N(v, DIGITS)) > ROUNDING * largest else sympy.Integer(0) for v in found]
    return tuple(sorted(found, key=sympy.N))

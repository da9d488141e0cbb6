"""The eigenvalues of a Hessian, exact if they are rational numbers or square roots."""

from collections.abc import Mapping

import mpmath  # type: ignore[import-untyped]  # SymPy's own arithmetic
import numpy as np
import sympy

from ..criteria.linearised import DIGITS, high_precision
from ..notation import S

LARGEST_DENOMINATOR = 10**9  # largest denominator of an exact entry; others are floating-point numbers
ROUNDING = 1e-14  # eigenvalue over the largest one, below which it counts as 0
ROUGH = 1e-9  # the same ratio for a Hessian of floating-point numbers


def is_precise(entry: sympy.Expr) -> bool:
    """Return whether an entry of the Hessian is an exact number rather than a floating-point one."""
    return not entry.is_Rational or entry.q <= LARGEST_DENOMINATOR


def symbolic_eigenvalues(
    hessian: sympy.Matrix, values: Mapping[sympy.Symbol, sympy.Rational]
) -> tuple[sympy.Expr, ...] | None:
    """Return the eigenvalues of a Hessian of formulas, in ascending order at some values of the symbols.

    They are None unless the coordinates fall into groups of one or two that do not interact.
    """
    found: list[sympy.Expr] = []
    for group in hessian.connected_components():
        if len(group) > 2:
            return None
        if len(group) == 1:
            found.append(hessian[group[0], group[0]])
            continue
        (a, b), (_, c) = hessian.extract(group, group).tolist()
        root = sympy.sqrt(sympy.factor((a - c) ** 2 + 4 * b**2))
        found += [sympy.simplify((a + c + sign * root) / 2) for sign in (-1, 1)]
    return tuple(sorted(found, key=lambda v: sympy.N(v.subs(values))))


def hessian_eigenvalues(hessian: sympy.Matrix, precise: bool) -> tuple[sympy.Expr, ...]:
    """Return the eigenvalues in ascending order: exact if they are entries or square roots, else rounded."""
    d = hessian.rows
    if not precise:
        rounded = np.linalg.eigvalsh(np.array(hessian.evalf(), dtype=float))
        return tuple(
            sympy.Float(v, 17) if abs(v) > ROUGH * abs(rounded).max() else sympy.Integer(0) for v in rounded.tolist()
        )
    if hessian.is_diagonal():
        values = list(hessian.diagonal())
    elif d == 2:
        (a, b), (_, c) = hessian.tolist()
        root = sympy.sqrt(sympy.expand((a - c) ** 2 + 4 * b**2))
        values = [sympy.radsimp((a + c + sign * root) / 2) for sign in (-1, 1)]
    elif all(e.is_Rational for e in hessian):
        values = []
        for factor, multiplicity in hessian.charpoly(S).factor_list()[1]:
            exactly = factor.degree() <= 2
            roots = factor.real_roots() if exactly else [sympy.Float(sympy.re(r), 17) for r in factor.nroots(n=DIGITS)]
            values += roots * multiplicity
    else:
        with mpmath.workdps(DIGITS):
            values = [sympy.Float(str(v), 17) for v in mpmath.eigsy(high_precision(hessian), eigvals_only=True)]
    largest = max(abs(sympy.N(v, DIGITS)) for v in values)
    values = [v if abs(sympy.N(v, DIGITS)) > ROUNDING * largest else sympy.Integer(0) for v in values]
    return tuple(sorted(values, key=sympy.N))

"""The effective eigenvalue λₑ of a method for an eigenvalue λ of the Hessian, derived on a quadratic."""

from typing import Any

import numpy as np
import sympy

from ... import checks
from ...arguments import checked
from ...methods import Method
from ..notation import LAMBDA, RHO
from .differentiable import has_jacobian
from .matrix import effective_matrix
from .quadratic import ELSEWHERE, NO_FORMULAS, SOMEWHERE, takes_symbols, with_radius

PLAIN = (bool, int, float, str, tuple, type(None), sympy.Expr)  # immutable types, by which the cache compares methods
DERIVED: dict[Any, sympy.Expr | None] = {}  # cache of λₑ, which takes hundredths of a second to derive, by method
TURNED = sympy.Matrix([[-1, sympy.Rational(1, 2)], [sympy.Rational(1, 2), 2]])  # a Hessian without symmetry
NO_JACOBIAN = "its field has no Jacobian at a critical point"
NOT_OF_EIGENVALUES = (
    "what it makes of the Hessian is no function of its eigenvalues, or depends on where the critical point is"
)


@checked
def effective_hessian(method: Method, lam: sympy.Expr | float = LAMBDA) -> sympy.Expr:
    """Return λₑ(λ), the eigenvalue of Hₑ for an eigenvalue λ of the Hessian H, where ẇ = −Hₑ(w − w*) near w*.

    The function applies the method to ½λ‖w‖². The radius is the symbol ρ, whatever the method's own.

    >>> import samdyn as sd
    >>> sd.symbolic.effective_hessian(sd.USAM(0.1))
    lambda*(lambda*rho + 1)

    Args:
        method: a method whose field has a Jacobian at critical points and does not depend on their place.
        lam: λ, a symbol or a number, in the units of the loss per w².

    Returns:
        A formula in λ and ρ, in the units of the loss per w².

    Raises:
        InputError: the method has no Jacobian at critical points (SAM), Hₑ is not a function of H alone (UASAM), or the
            method is not written in ``samdyn.ops``.

    Source: [K23, Theorem 1] for USAM, [theory 4] for n steps; derived for others.
    """
    if not checks.is_formula(lam):
        checks.number("lam", lam, "must be finite and real, or a formula", "Use e.g. lam=-1.0")
    if not takes_symbols(method):
        checks.reject("method", method, NO_FORMULAS, "Write it in + - * abs and the operations of samdyn.ops")
    if not has_jacobian(with_radius(method, sympy.Integer(1)), sympy.diag(-1, 2), SOMEWHERE):
        checks.reject("method", method, NO_JACOBIAN, "samdyn.stability says what is true instead")
    formula = function_of_eigenvalues(with_radius(method, RHO))
    if formula is None:
        checks.reject("method", method, NOT_OF_EIGENVALUES, "Ask samdyn.stability at a point")
    return formula.subs(LAMBDA, lam)


def effective_curvature(method: Method) -> sympy.Expr | None:
    """Return λₑ in λ and ρ. At the radius 0, where normalised methods have one too, it is in λ alone.

    It is None if the field has no Jacobian, if Hₑ is not a function of H alone, or if the method does not accept
    formulas.
    """
    without = isinstance(method.radius, int | float) and method.radius == 0
    # The formula holds ρ as a symbol, so that it is the same for a tensor of radii.
    method = with_radius(method, RHO)
    attributes = vars(method)
    if not all(isinstance(value, PLAIN) for value in attributes.values()):
        return _derive(method, without)
    key = (type(method), without, *attributes.items())
    if key not in DERIVED:
        DERIVED[key] = _derive(method, without)
    return DERIVED[key]


def _derive(method: Method, without: bool) -> sympy.Expr | None:
    """Return ``effective_curvature`` of a method whose radius is the symbol ρ, or 0 if ``without``."""
    if not takes_symbols(method):
        return None
    if has_jacobian(with_radius(method, sympy.Integer(1)), sympy.diag(-1, 2), SOMEWHERE):
        return function_of_eigenvalues(method)
    method = with_radius(method, sympy.Integer(0))
    return function_of_eigenvalues(method) if without and has_jacobian(method, sympy.diag(-1, 2), SOMEWHERE) else None


def function_of_eigenvalues(method: Method) -> sympy.Expr | None:
    """Return λₑ(λ) if Hₑ = λₑ(H) for every Hessian H and every place of the critical point; otherwise None."""
    formula = scalar_formula(method, SOMEWHERE)
    if formula is None:
        return None
    return formula if is_function_of_hessian(formula, effective_matrix(method, TURNED, ELSEWHERE), TURNED) else None


def scalar_formula(method: Method, center: np.ndarray) -> sympy.Expr | None:
    """Return λₑ as a factored function of λ if Hₑ = λₑ(λ)·I for H = λI; otherwise None."""
    d = len(center)
    matrix = effective_matrix(method, LAMBDA * sympy.eye(d), center)
    formula = matrix[0, 0]
    return sympy.factor(formula) if all(map(_is_zero, matrix - formula * sympy.eye(d))) else None


def _is_zero(expr: sympy.Expr) -> bool:
    expr = sympy.expand(expr)
    return expr == 0 or (not expr.is_polynomial() and sympy.simplify(expr) == 0)


def is_function_of_hessian(formula: sympy.Expr, matrix: sympy.Matrix, hessian: sympy.Matrix) -> bool:
    """Return whether Hₑ equals the formula of λ applied to H, at three radii, to rounding."""
    h = np.array(hessian.evalf(), dtype=float)
    lam, basis = np.linalg.eigh(h)
    scale = 1 / max(np.abs(lam).max(), 1e-300)
    values, entries = sympy.lambdify((LAMBDA, RHO), formula), sympy.lambdify(RHO, matrix)
    for rho in (0.0, 0.7 * scale, 3.1 * scale):
        expected = (basis * np.array([float(values(v, rho)) for v in lam])) @ basis.T
        if not np.allclose(
            np.array(entries(rho), dtype=float), expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max()
        ):
            return False
    return True

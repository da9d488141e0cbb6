"""The trap of a saddle: the region that runs of a method without a Jacobian there do not leave."""

from collections.abc import Mapping

import numpy as np
import sympy

from ..dynamics import Flow, Map
from ..methods import SAM, Method
from ..ops import symbolic
from .fields.quadratic import field_on_quadratic, with_radius
from .notation import RHO, text

NO_JACOBIAN = "The field has no Jacobian here: its perturbation does not shrink with the distance"
DIGITS, SAME = 50, 1e-40  # digits in which fields are compared, and the largest difference of equal ones
LOCAL = "on the quadratic with this Hessian, so as long as the landscape is close to it within ρ of the runs"


def sam_trap(
    system: Map | Flow,
    point: tuple[sympy.Expr, ...],
    hessian: sympy.Matrix,
    eigenvalues: tuple[sympy.Expr, ...],
    example: Mapping[sympy.Symbol, sympy.Expr],
) -> tuple[sympy.Basic | None, str]:
    """Return the trap, if the field is that of normalised SAM, and a note about it.

    With g = H(w − w*), ½‖g‖² falls along SAM's flow by Σ λᵢ(1 + ρλᵢ/‖g‖) gᵢ², all of whose terms are positive if
    ‖g‖ < ρ|λ*|, λ* the negative eigenvalue nearest 0: the region is never left, and g → 0. A step multiplies gᵢ by
    1 − ηλᵢ(1 + ρλᵢ/‖g‖). It stays in the region if ηλᵢ² ≤ |λ*| for all i and ηλᵢ(λᵢ + |λ*|) ≤ 2|λ*| for the positive
    λᵢ. Then runs of the map do not leave the region either, though none comes to rest at the point.

    Args:
        system: the map or flow.
        point: w*, ``(d,)``.
        hessian: H, ``(d, d)``.
        eigenvalues: those of H.
        example: numbers for the symbols in H and w*.

    Returns:
        ‖H(w − w*)‖ < ρ|λ*| in the landscape's coordinates and the symbol ρ, or None; and a note.

    Source: derived; the condition is that of [C23].
    """
    method, landscape = system.method, system.landscape
    quadratic = landscape.has_formula and not landscape.hessian_matrix.free_symbols & set(landscape.symbols)
    local = "" if quadratic else f"; this holds {LOCAL}"
    here = tuple(c.subs(example) for c in point)
    if not moves_as_sam(method, hessian.subs(example), here) or (isinstance(system, Flow) and system.order > 1):
        return None, f"{NO_JACOBIAN}. What holds runs near it is not known in closed form: measure it"
    if isinstance(system, Map) and (system.has_velocity or system.base is not None):
        return (
            None,
            f"{NO_JACOBIAN}. With momentum or a base optimizer the trap is not known in closed form: measure it",
        )
    if hessian.free_symbols and (isinstance(system, Map) or not _signs_are_known(eigenvalues)):
        return None, f"{NO_JACOBIAN}. The trap does not follow from what is known of the symbols: give numbers"
    if 0 in eigenvalues:
        return None, f"{NO_JACOBIAN}. The Hessian is singular: what happens, higher derivatives decide"
    negative = [lam for lam in eigenvalues if lam.is_negative]
    if not negative:
        ends = "flows end there" if isinstance(system, Flow) else "small steps end within O(ηρ) of it"
        return None, f"{NO_JACOBIAN}. No direction leads away: {ends}{local}"
    nearest = abs(max(negative, key=sympy.N))
    if isinstance(system, Map) and not _step_keeps_trap(sympy.Rational(str(system.lr)), eigenvalues, nearest):
        rule = f"max ηλ² ≤ |λ*| = {text(nearest)}, and ηλ(λ + |λ*|) ≤ 2|λ*| where λ > 0"
        return None, f"{NO_JACOBIAN}. η is too large for the closed form of the trap, which needs {rule}"
    gradient = hessian * (sympy.Matrix(landscape.symbols) - sympy.Matrix(point))
    # The norm stays factored, since near the point expanded squares would cancel.
    norm = sympy.sqrt(sympy.factor_terms(gradient.dot(gradient)))
    behaviour = "reach the point" if isinstance(system, Flow) else "stay that near, though not at rest"
    note = f"{NO_JACOBIAN}. At every ρ runs with ‖H(w − w*)‖ < ρ|λ*| {behaviour}{local}"
    return sympy.StrictLessThan(norm, RHO * nearest), note


def _signs_are_known(eigenvalues: tuple[sympy.Expr, ...]) -> bool:
    """Return whether there are eigenvalues, the sign of each is known, and at most one of them is negative."""
    known = all(lam.is_positive or lam.is_negative or lam.is_zero for lam in eigenvalues)
    return bool(eigenvalues) and known and sum(bool(lam.is_negative) for lam in eigenvalues) <= 1


def _step_keeps_trap(lr: sympy.Rational, eigenvalues: tuple[sympy.Expr, ...], nearest: sympy.Expr) -> bool:
    def at_most(a: sympy.Expr, b: sympy.Expr) -> bool:
        return bool(sympy.N(a) <= sympy.N(b))

    small = all(at_most(lr * lam**2, nearest) for lam in eigenvalues)
    return small and all(at_most(lr * lam * (lam + nearest), 2 * nearest) for lam in eigenvalues if lam.is_positive)


def moves_as_sam(method: Method, hessian: sympy.Matrix, point: tuple[sympy.Expr, ...]) -> bool:
    """Return whether a method's field on ½(w−c)ᵀH(w−c) is that of normalised SAM, at every w and ρ."""
    center, h = symbolic(point), sympy.Matrix(hessian)
    w = symbolic(sympy.symbols(f"w:{len(point)}", real=True))

    def difference(w: np.ndarray, rho: sympy.Expr) -> np.ndarray:
        fields = [field_on_quadratic(m, h, center)(w) for m in (with_radius(method, rho), SAM(rho))]
        return fields[0] - fields[1]

    somewhere = center + symbolic(sympy.Rational(2 * j + 3, 7 - 2 * (j % 2)) for j in range(len(point)))
    if any(abs(sympy.N(e, DIGITS)) > SAME for e in difference(somewhere, sympy.Rational(2, 3))):
        return False  # the test at one point avoids long formulas
    return all(sympy.simplify(e) == 0 for e in difference(w, RHO))

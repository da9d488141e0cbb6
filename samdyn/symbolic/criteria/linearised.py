"""The linearisation of a map or flow at a critical point: its Jacobian, characteristic polynomial and spectrum."""

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from typing import Any

import mpmath  # type: ignore[import-untyped]  # SymPy's own arithmetic
import numpy as np
import sympy
import torch
from sympy.polys.matrices import DomainMatrix

from ...dynamics import Flow, Map
from ...landscapes import Landscape
from ...ops import Point
from ..notation import ETA, GAMMA, S, Z
from .jury import hurwitz, jury
from .rates import base_in_symbols, own_rates

DIGITS = 50  # digits of the arithmetic for eigenvalues

# Kinds of critical points.
ATTRACTOR, SADDLE, REPELLER, NOT_HYPERBOLIC = "attractor", "saddle", "repeller", "not hyperbolic"


def linearised(system: Map | Flow, effective: sympy.Matrix) -> sympy.Matrix:
    """Return the Jacobian, in η and γ, of the linear system whose field is Hₑw.

    That of a map with a base optimizer is in the symbols of its numbers too. Where the rule of the steps repeats after
    several, it is the Jacobian of them all.

    Raises:
        InputError: the base has no Jacobian at a critical point.
    """
    h = np.array(effective.tolist(), dtype=object)

    def linear(w: Point, grad: Any) -> Point:
        return (h * w[None, :]).sum(1)

    names = [f"u{i}" for i in range(len(h))]
    anywhere = Landscape("+".join(f"{name}**2" for name in names), names)
    parts: dict[str, Any] = {"landscape": anywhere, "method": linear}
    if system.lr is not None:
        parts["lr"] = ETA
    if isinstance(system, Map) and system.has_velocity:
        parts["momentum"] = GAMMA
    if isinstance(system, Map) and system.base is not None:
        parts["base"], _ = base_in_symbols(system.base)
    linear_system = replace(system, **parts)
    if isinstance(linear_system, Flow):
        return linear_system.jacobian()
    return reduce(lambda product, one: one * product, map(linear_system.jacobian, linear_system.late_numbers))


def characteristic_polynomial(system: Map | Flow, effective: sympy.Matrix) -> sympy.Expr:
    """Return the characteristic polynomial in z for maps and in s for flows, with η and γ as symbols."""
    matrix = DomainMatrix.from_Matrix(linearised(system, effective))
    coefficients = [matrix.domain.to_sympy(c) for c in matrix.charpoly()]
    return sympy.Poly(coefficients, Z if isinstance(system, Map) else S).as_expr()


def criterion(system: Map | Flow) -> Callable[[sympy.Expr], tuple[sympy.Expr, ...]]:
    """Return the function from a characteristic polynomial to the expressions that are positive if it is stable."""
    return (lambda p: jury(p, Z)) if isinstance(system, Map) else (lambda p: hurwitz(p, S))


def at_own_rates(system: Map | Flow, expr: Any) -> Any:
    """Return a formula at the system's η and γ, which count as the decimals in which they are written."""
    return expr.subs(own_rates(system))


def spectrum(system: Map | Flow, effective: sympy.Matrix, neutral: float) -> tuple[np.ndarray, str]:
    """Return the eigenvalues of the Jacobian and the kind of point. Rates below ``neutral`` count as 0."""
    jacobian = at_own_rates(system, linearised(system, effective))
    with mpmath.workdps(DIGITS):
        roots = eigenvalues(jacobian)
        if isinstance(system, Map):
            neutral *= _per_curvature(system)
            rates = [float(abs(z) - 1) for z in roots]
        else:
            rates = [float(mpmath.re(s)) for s in roots]
        real = [bool(abs(mpmath.im(z)) <= 1e-30 * abs(z)) for z in roots]
        values = [complex(mpmath.re(z)) if r else complex(z) for z, r in zip(roots, real, strict=True)]
    spectrum = np.array(sorted(values, key=lambda z: (z.real, z.imag)))
    spectrum = spectrum.real if all(real) else spectrum
    if any(abs(rate) <= neutral for rate in rates):
        return spectrum, NOT_HYPERBOLIC
    if all(rate < 0 for rate in rates):
        return spectrum, ATTRACTOR
    return spectrum, REPELLER if all(rate > 0 for rate in rates) else SADDLE


def _per_curvature(map_: Map) -> float:
    """Return the change of a multiplier per unit of λₑ, to its size: |z| − 1 = ηλₑ/(1−γ) in one step of momentum."""
    if map_.base is None:
        return float(map_.lr / (1 - map_.momentum))
    ones = torch.ones(map_.landscape.dim, 1, dtype=torch.float64)
    return float(map_.lr * map_.period * map_.base.linearised().limit(0 * ones, ones).max())


def eigenvalues(matrix: sympy.Matrix) -> Any:
    """Return the eigenvalues of a matrix of numbers, in mpmath's current precision."""
    numbers = high_precision(matrix)
    # For one row mpmath returns eigenvectors even if they are switched off.
    return mpmath.eig(numbers, left=False, right=False) if numbers.rows > 1 else [numbers[0]]


def high_precision(matrix: sympy.Matrix) -> Any:
    """Return an mpmath matrix in mpmath's current precision."""
    entries = [[mpmath.mpf(str(sympy.N(e, mpmath.mp.dps))) for e in row] for row in matrix.tolist()]
    return mpmath.matrix(entries)

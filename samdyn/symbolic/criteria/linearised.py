"""The linearisation of a map or flow at a critical point: its Jacobian, characteristic polynomial and spectrum."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import mpmath  # type: ignore[import-untyped]  # SymPy's own arithmetic
import numpy as np
import sympy
from sympy.polys.matrices import DomainMatrix

from ...dynamics import Flow, Map
from ...landscapes import Landscape
from ...ops import Point
from ..notation import ETA, GAMMA, S, Z
from .jury import hurwitz, jury

DIGITS = 50

ATTRACTOR, SADDLE, REPELLER, NOT_HYPERBOLIC = "attractor", "saddle", "repeller", "not hyperbolic"


def linearised(system: Map | Flow, effective: sympy.Matrix) -> sympy.Matrix:
    """Return the Jacobian of the system whose method's field is Hₑw, in η and γ: it is its own linearisation."""
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
    return replace(system, **parts).jacobian()


def characteristic_polynomial(system: Map | Flow, effective: sympy.Matrix) -> sympy.Expr:
    """Return it in z for maps and s for flows, in η and γ."""
    matrix = DomainMatrix.from_Matrix(linearised(system, effective))
    coefficients = [matrix.domain.to_sympy(c) for c in matrix.charpoly()]
    return sympy.Poly(coefficients, Z if isinstance(system, Map) else S).as_expr()


def criterion(system: Map | Flow) -> Callable[[sympy.Expr], tuple[sympy.Expr, ...]]:
    """Return what says, by expressions that have to be positive, that a characteristic polynomial is stable."""
    return (lambda p: jury(p, Z)) if isinstance(system, Map) else (lambda p: hurwitz(p, S))


def at_own_rates(system: Map | Flow, expr: Any) -> Any:
    """Return a formula at the system's η and γ, taken for the decimals they are written as."""
    rates = {ETA: system.lr, GAMMA: getattr(system, "momentum", None)}
    return expr.subs({symbol: sympy.Rational(str(value)) for symbol, value in rates.items() if value is not None})


def spectrum(system: Map | Flow, effective: sympy.Matrix, neutral: float) -> tuple[np.ndarray, str]:
    """Return the eigenvalues of the Jacobian and the kind of point; rates below ``neutral`` are none."""
    jacobian = at_own_rates(system, linearised(system, effective))
    with mpmath.workdps(DIGITS):
        matrix = high_precision(jacobian)
        # Of one number mpmath returns the eigenvectors whether asked to or not.
        roots = mpmath.eig(matrix, left=False, right=False) if matrix.rows > 1 else [matrix[0]]
        if isinstance(system, Map):
            # A multiplier z changes distances by |z| − 1 = ηλₑ/(1−γ) or so a step.
            neutral *= system.lr / (1 - system.momentum)
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


def high_precision(matrix: sympy.Matrix) -> Any:
    """Return an mpmath matrix, in the digits mpmath works in."""
    entries = [[mpmath.mpf(str(sympy.N(e, mpmath.mp.dps))) for e in row] for row in matrix.tolist()]
    return mpmath.matrix(entries)

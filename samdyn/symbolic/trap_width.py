"""The half-width of a saddle's trap along its escape direction, for methods without a Jacobian there."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import sympy
import torch

from .. import checks
from ..dynamics import Map
from ..landscapes.entries.quadratics import quadratic
from .criteria.radii import real_roots
from .fields.along import Piece, pieces
from .fields.formula import formula_along, inward_up_to, scale_of
from .minimum import stable_end
from .notation import X

BESIDE = 1e-5  # deviation from the bounce that a step must shrink, in units of the bounce


def trap_half_width(map_: Map, eigenvalues: Sequence[float]) -> float | None:
    """Return the distance w within which starts along the one escape direction stay within w of the saddle.

    The landscape is the quadratic with these eigenvalues. Along the escape direction the field leads inward at
    distances below w and outward beyond. w is 0 if the field leads outward everywhere, or if runs that bounce along the
    largest curvature leave. It is inf if the field leads inward everywhere.

    Returns:
        w, in the units of w. None if there is no formula: with momentum, with more than one escape direction, if
        ``pieces`` returns None, or if a step is longer than w.
    """
    escaping = [lam for lam in eigenvalues if lam < 0]
    numbers = not any(checks.is_formula(p) or torch.is_tensor(p) for p in (map_.lr, map_.method.radius))
    if len(escaping) != 1 or map_.has_velocity or not numbers:
        return None
    lr, lam = sympy.Rational(str(map_.lr)), sympy.Rational(escaping[0])
    field = pieces(map_.method, lam)
    if field is None:
        return _width_in_numbers(map_, escaping[0], max(eigenvalues))
    inside = [i for i, piece in enumerate(field) if piece.leads_inward]
    if not inside:
        return 0.0
    trap = field[inside[0] :]
    width = trap[0].high
    if not all(_stays(piece, lr, width) for piece in trap):  # or rounding moved its edge, of a parameter beside ρ
        return _width_in_numbers(map_, escaping[0], max(eigenvalues))
    sharpest = max(eigenvalues)
    if sharpest > 0:
        returns = _bounce_returns(map_, lr, sympy.Rational(sharpest), lam)
        if not returns:
            return None if returns is None else 0.0
    return math.inf if width is sympy.oo else float(width)


def _width_in_numbers(map_: Map, lam: float, sharpest: float) -> float | None:
    """Return the half-width for a field that is no quotient of polynomials, from its zeros in numbers."""
    field, scale = formula_along(map_.method, lam, anywhere=True), scale_of(map_.method)
    if field is None:
        return None
    width = inward_up_to(field, scale)
    if width in (0.0, math.inf):
        return width
    x = np.linspace(0, width, 2001)[1:]
    if np.any(np.abs(x - map_.lr * field(x)) > width * (1 + 1e-9)):
        return None
    across = formula_along(map_.method, sharpest, anywhere=True) if sharpest > 0 else None
    end = None if across is None else stable_end(across, map_.lr, scale)
    if sharpest > 0 and end is None:
        return None
    if end is None or not end[1]:
        return width
    return width if _shrinks_beside(map_, sharpest, lam, end[0]) else 0.0


def _stays(piece: Piece, lr: sympy.Rational, width: sympy.Expr) -> bool:
    """Return whether every step from a piece ends within the distance ``width`` of the critical point."""
    if width is sympy.oo:
        return True
    to = sympy.cancel(X - lr * piece.field)
    slope = sympy.fraction(sympy.together(sympy.diff(to, X)))[0]
    turns = [root for root in real_roots(sympy.Poly(slope, X)) if piece.low < root < piece.high] if slope.has(X) else []
    # At the edge the field is 0, and a step goes nowhere.
    return all(abs(to.subs(X, at)) <= width for at in (piece.low, *turns, piece.high))


def _bounce_returns(map_: Map, lr: sympy.Rational, sharpest: sympy.Rational, lam: sympy.Rational) -> bool | None:
    """Return whether runs that bounce along the largest curvature return along λ, or None if they may not bounce.

    They bounce between x and −x with F(x) = 2x/η. A step from there multiplies a deviation along λ by 1 − η∂F/∂y.
    """
    field_across = pieces(map_.method, sharpest)
    if field_across is None:
        return None
    nearest = field_across[-1]
    start = sympy.limit(nearest.field, X, 0)
    if start == 0:
        return True  # without a jump of the field there is no bounce
    meets = sympy.fraction(sympy.together(lr * nearest.field - 2 * X))[0]
    ends = [x for x in real_roots(sympy.Poly(meets, X)) if 0 < x < nearest.high]
    if not ends or abs(1 - lr * sympy.diff(nearest.field, X).subs(X, ends[0])) >= 1:
        return None
    return _shrinks_beside(map_, float(sharpest), float(lam), float(ends[0]))


def _shrinks_beside(map_: Map, sharpest: float, lam: float, x: float) -> bool:
    """Return whether a step from the end x of the bounce brings a deviation along λ nearer.

    The quotient is one across the deviation, so that a jump towards the bounce counts as a large pull.
    """
    beside = BESIDE * x
    there = torch.tensor([[x, x], [beside, -beside]], dtype=torch.float64)
    to = replace(map_, landscape=quadratic([sharpest, lam])).flat_step(there)[1]
    # A factor below −1 turns the deviation over, and the jump along λ then brings it back.
    return bool(float(to[0] - to[1]) < 2 * beside)

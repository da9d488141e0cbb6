"""How far along its one direction of escape a saddle holds runs of a method that has no Jacobian there."""

import math
from collections.abc import Sequence

import sympy
import torch

from .. import checks
from ..dynamics import Map
from ..ops import symbolic
from .criteria.radii import real_roots
from .fields.along import Piece, pieces
from .fields.differentiable import linear_part
from .fields.quadratic import SOMEWHERE, field_on_quadratic
from .notation import X


def trap_half_width(map_: Map, eigenvalues: Sequence[float]) -> float | None:
    """Return the distance w up to which starts along the one direction of escape stay within w of the saddle.

    On the quadratic with these eigenvalues, from the map's field along the direction, in which it leads inward below w
    and outward beyond. 0 where it leads outward throughout, or where the bounce that runs end on across the direction,
    along the largest curvature, lets them go; inf where it leads inward from everywhere.

    Returns:
        w; None where it is not known: with momentum, with more than one direction of escape, of fields that
        ``pieces`` does not give, and where steps are too long to stay.
    """
    escaping = [lam for lam in eigenvalues if lam < 0]
    numbers = not any(checks.is_formula(p) or torch.is_tensor(p) for p in (map_.lr, map_.method.radius))
    if len(escaping) != 1 or map_.has_velocity or not numbers:
        return None
    lr, lam = sympy.Rational(str(map_.lr)), sympy.Rational(escaping[0])
    found = pieces(map_.method, lam)
    if found is None:
        return None
    inside = [i for i, piece in enumerate(found) if piece.leads_inward]
    if not inside:
        return 0.0
    held = found[inside[0] :]
    width = held[0].high
    if not all(_stays(piece, lr, width) for piece in held):
        return None
    sharpest = max(eigenvalues)
    if sharpest > 0:
        kept = _bounce_keeps(map_, lr, sympy.Rational(sharpest), lam)
        if not kept:
            return None if kept is None else 0.0
    return math.inf if width is sympy.oo else float(width)


def _stays(piece: Piece, lr: sympy.Rational, width: sympy.Expr) -> bool:
    """Say whether a step from anywhere in a piece ends within a distance of the critical point."""
    if width is sympy.oo:
        return True
    to = sympy.cancel(X - lr * piece.field)
    slope = sympy.fraction(sympy.together(sympy.diff(to, X)))[0]
    turns = [root for root in real_roots(sympy.Poly(slope, X)) if piece.low < root < piece.high] if slope.has(X) else []
    # At the edge the field is 0, and a step goes nowhere.
    return all(abs(to.subs(X, at)) <= width for at in (piece.low, *turns, piece.high))


def _bounce_keeps(map_: Map, lr: sympy.Rational, sharpest: sympy.Rational, lam: sympy.Rational) -> bool | None:
    """Say whether runs that bounce along the largest curvature come back along λ; None where they may not bounce so.

    They bounce between x and −x, F(x) = 2x/η. A step from there multiplies a deviation along λ by 1 − η∂F/∂y.
    """
    found = pieces(map_.method, sharpest)
    if found is None:
        return None
    nearest = found[-1]
    start = sympy.limit(nearest.field, X, 0)
    if start == 0:
        return True  # there is no jump to bounce on
    meets = sympy.fraction(sympy.together(lr * nearest.field - 2 * X))[0]
    ends = [x for x in real_roots(sympy.Poly(meets, X)) if 0 < x < nearest.high]
    if not ends or abs(1 - lr * sympy.diff(nearest.field, X).subs(X, ends[0])) >= 1:
        return None
    # At the own radius to the digits of a floating-point number, as the method takes it.
    field = field_on_quadratic(map_.method, sympy.diag(sharpest, lam), SOMEWHERE)
    jacobian = linear_part(field, SOMEWHERE + symbolic([ends[0], 0]))
    # Below −1 it turns over what has left the bounce, which the jump along λ then brings back.
    return None if jacobian is None else bool(1 - lr * jacobian[1, 1] < 1)

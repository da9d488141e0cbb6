"""A method's field along one eigendirection of a quadratic. Without a Jacobian it consists of pieces."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy

from ... import checks
from ...arguments import checked
from ...methods import Method
from ...ops import Point, symbolic
from ..criteria.radii import real_roots
from ..notation import RHO, X
from .quadratic import ELSEWHERE, NO_FORMULAS, SOMEWHERE, field_on_quadratic, own_radius, takes_symbols, with_radius

ACROSS = sympy.Integer(3)  # curvature of the other direction; the field along the first must not depend on it
MOST_PIECES = 100  # largest count of pieces
DIGITS = 40  # digits of the ends of pieces
CLOSE = sympy.Rational(1, 2**20)  # relative distance of the first sample of a piece from the end of the last piece


@dataclass(frozen=True)
class Piece:
    """The field between two distances from the critical point.

    Attributes:
        low, high: the distances, 0 ≤ low < high ≤ ∞, in the units of w.
        field: F(x), a quotient of polynomials in x without a zero or pole between them. As ẋ = −F, a positive field
            leads inward.
    """

    low: sympy.Expr
    high: sympy.Expr
    field: sympy.Expr

    @property
    def leads_inward(self) -> bool:
        """Whether the distance from the critical point decreases."""
        middle = 2 * self.low + 1 if self.high is sympy.oo else (self.low + self.high) / 2
        return bool(self.field.subs(X, middle) > 0)


@checked
def field_along(method: Method, lam: sympy.Expr | float) -> sympy.Expr:
    """Return F(x), a method's field at the distance x > 0 along an eigendirection of a quadratic, so that ẋ = −F(x).

    The radius is the method's own. The distance is the symbol ``sympy.Symbol("x", positive=True)``.

    >>> import samdyn as sd
    >>> sd.symbolic.field_along(sd.SAM(0.1), -2.0)
    1/5 - 2*x
    >>> sd.symbolic.field_along(sd.USAM(0.1), -2.0)
    -8*x/5

    Args:
        method: a method whose field stays in the direction and does not depend on the place of the critical point.
        lam: the eigenvalue λ of the direction, a number or a real symbol, in the units of the loss per w².

    Returns:
        F, in the units of the gradient.

    Raises:
        InputError: the field leaves the direction or depends on the place, or the method does not accept symbols.
    """
    fix = "Measure with samdyn.analysis instead"
    if not takes_symbols(method):
        checks.reject("method", method, NO_FORMULAS, fix)
    lam = lam if checks.is_formula(lam) else sympy.Rational(lam)
    fields = [on_first_axis(method, lam, center, lambda p: p) for center in (SOMEWHERE, ELSEWHERE)]
    if fields[0] is None or fields[0] != fields[1]:
        checks.reject(
            "method", method, "its field leaves the direction, or depends on where the critical point is", fix
        )
    return fields[0]


def pieces(method: Method, lam: sympy.Rational) -> tuple[Piece, ...] | None:
    """Return the field along an eigendirection of eigenvalue λ, from the farthest piece to the nearest.

    It is None if the field leaves the direction, depends on the place of the critical point, differs between x and −x,
    or does not consist of quotients of polynomials.

    Args:
        method: a method whose radius is a number.
        lam: λ, a fraction.
    """
    if not takes_symbols(method):
        return None
    field_pieces: list[Piece] = []
    high: sympy.Expr = sympy.oo
    at: sympy.Expr = sympy.Integer(1)
    while high > 0 and len(field_pieces) < MOST_PIECES:
        branch = _branch(method, lam, at)
        if branch is None:
            return None
        field, ends = branch
        # The sample must lie between the piece's end farther out and all others.
        beyond = [end for end in ends if at <= end < high]
        if beyond:
            at = 2 * max(beyond) + 1 if high is sympy.oo else (max(beyond) + high) / 2
            continue
        low = max((end for end in ends if end < at), default=sympy.Integer(0))
        field_pieces.append(Piece(low, high, field))
        high, at = low, low * (1 - CLOSE)
    return tuple(field_pieces) if high == 0 else None


def _branch(method: Method, lam: sympy.Rational, at: sympy.Expr) -> tuple[sympy.Expr, list[sympy.Expr]] | None:
    """Return the field around x = ``at``, and the fractions x > 0 at which its formula may change."""
    switches: list[sympy.Expr] = []

    def signed(argument: sympy.Expr) -> sympy.Expr:
        switches.append(argument)
        return argument if argument.subs(X, at) > 0 else -argument

    def choose(entries: Point) -> Point:
        entries = (e.replace(sympy.Pow, _square_root) for e in entries)
        return symbolic(sympy.cancel(e.replace(sympy.Abs, signed)) for e in entries)

    fields = [on_first_axis(method, lam, center, choose) for center in (SOMEWHERE, ELSEWHERE)]
    fields.append(on_first_axis(method, lam, SOMEWHERE, choose, side=-1))
    if any(f is None or f != fields[0] for f in fields):
        return None
    field = fields[0]
    ends: list[sympy.Expr] = []
    for expression in (*switches, field):
        for part in sympy.fraction(sympy.together(expression)):
            if not part.is_polynomial(X):
                return None
            ends += real_roots(sympy.Poly(part, X)) if part.has(X) else []
    return field, [sympy.Rational(sympy.N(end, DIGITS)) if not end.is_Rational else end for end in ends if end > 0]


def _square_root(base: sympy.Expr, power: sympy.Expr) -> sympy.Expr:
    """Return a power. The root of a square becomes an absolute value."""
    return base**power if power.is_Integer else sympy.factor(base) ** power


def on_first_axis(
    method: Method, lam: sympy.Expr, center: np.ndarray, simplify: Callable[[Point], Point], side: int = 1
) -> sympy.Expr | None:
    """Return ±F at ±x along the first axis, or None if the field has a part along the second or no value."""
    own = own_radius(
        method
    )  # it replaces the symbol ρ afterwards, since methods turn a number into a floating-point one
    exact = {} if own is None else {RHO: own}

    def at_own_radius(entries: Point) -> Point:
        return simplify(symbolic(e.subs(exact) for e in entries))

    field = field_on_quadratic(
        with_radius(method, RHO) if exact else method, sympy.diag(lam, ACROSS), center, at_own_radius
    )
    along, across = at_own_radius(field(center + symbolic([side * X, 0])))
    along, across = sympy.expand(side * along), sympy.simplify(across)
    return None if across != 0 or along.has(sympy.nan, sympy.zoo) else along

"""What a method does at a minimum, and along a valley: derived from its field."""

from dataclasses import dataclass

import numpy as np
import sympy

from .. import checks
from ..arguments import checked
from ..dynamics import Map
from ..methods import Method
from ..ops import Point, dot, symbolic
from ..oracle import Oracle
from .fields.formula import Field, formula_along, scale_of, zeros

DIGITS = 60  # digits of the arithmetic in which the drift is a difference quotient
SLOPE = sympy.Float("1e-25", DIGITS)  # λ′ of that quotient
ROUNDING = 1e-30  # drift up to which it counts as none
TINY = 1e-7  # distances at which a field is tested for a jump at the critical point, in units of the radius


@dataclass(frozen=True)
class AtMinimum:
    """Where runs of a map end at a minimum, along one direction.

    Attributes:
        distance: the distance from the minimum, in the units of w; 0 where runs converge to it.
        bounces: whether runs end on a 2-cycle across the minimum, and not at rest.
        drift: the change of the place along a valley in a step, over the slope λ′ of its curvature along it, for small
            λ′: in the units of w² over those of λ.

    >>> import samdyn as sd
    >>> found = sd.symbolic.at_minimum(sd.Map(sd.landscapes.ravine(), sd.SAM(0.1), lr=0.5), 2.0)
    >>> isinstance(found, sd.symbolic.AtMinimum), found.bounces, round(found.distance, 12)
    (True, True, 0.1)
    """

    distance: float
    bounces: bool
    drift: float


@checked
def at_minimum(map_: Map, lam: float) -> AtMinimum | None:
    """Return where runs end at a minimum of curvature λ, and how they drift along the valley ½λ(z)y².

    Along y a step is y ← y − ηF(y). A run ends at a zero of F, or on a 2-cycle, where ηF(y) = 2y, if a step there
    shrinks deviations. The drift is −η∂F_z/∂λ′, the mean over the ends of the bounce. The minimum is at the origin,
    which matters to adaptive methods.

    >>> import samdyn as sd
    >>> sgd = sd.Map(sd.landscapes.ravine(), sd.USAM(0.1), lr=0.05)
    >>> sd.symbolic.at_minimum(sgd, 2.0)
    AtMinimum(distance=0.0, bounces=False, drift=0.0)

    Args:
        map_: the map, without momentum and noise. Its numbers are used, and its landscape is not.
        lam: λ > 0, in the units of the loss per w².

    Returns:
        What is derived. None if there is no formula: with momentum, if the field along the direction has no formula, or
        if not exactly one end of runs is stable.

    Raises:
        InputError: λ is not positive, or a number of the map is a symbol or one per run.

    Source: [B22] for SAM; derived for others.
    """
    lam = checks.positive("lam", lam, "Use the curvature of a minimum, e.g. lam=2.0")
    checks.numeric(map_)
    field = None if map_.has_velocity else formula_along(map_.method, lam)
    end = None if field is None else stable_end(field, float(map_.lr), scale_of(map_.method))
    if end is None:
        return None
    distance, bounces = end
    drifts = [_drift(map_.method, lam, side * distance) for side in ((1, -1) if bounces else (1,))]
    drift = -float(map_.lr) * sum(drifts) / len(drifts)
    return AtMinimum(distance, bounces, drift if abs(drift) > ROUNDING else 0.0)


def stable_end(field: Field, lr: float, scale: float) -> tuple[float, bool] | None:
    """Return the distance at which runs along a direction end, and whether they bounce; None unless it is one."""

    def slope(at: float) -> float:
        low, high = field(at * np.array([1 - 1e-6, 1 + 1e-6]))
        return float(high - low) / (2e-6 * at)

    def is_stable(at: float) -> bool:
        return abs(1 - lr * slope(at)) < 1

    near, nearer = field(scale * TINY * np.array([1.0, 0.1]))
    ends = [(0.0, False)] if abs(near - 10 * nearer) <= 1e-3 * abs(near) and is_stable(scale * TINY) else []
    ends += [(at, False) for at in zeros(field, scale) if is_stable(at)]
    ends += [(at, True) for at in zeros(lambda x: lr * field(x) - 2 * x, scale) if is_stable(at)]
    return ends[0] if len(ends) == 1 else None


def _drift(method: Method, lam: float, y: float) -> float:
    """Return ∂F_z/∂λ′ at λ′ = 0 of the field on ½(λ + λ′z)y², at (y, 0)."""
    curvature = sympy.Float(lam, DIGITS)

    def gradient(w: Point) -> Point:
        return symbolic([(curvature + SLOPE * w[1]) * w[0], SLOPE * w[0] ** 2 / 2])

    def product(w: Point, v: Point) -> Point:
        across = SLOPE * w[0]
        return symbolic([(curvature + SLOPE * w[1]) * v[0] + across * v[1], across * v[0]])

    oracle = Oracle(gradient, product, value=lambda w: dot(gradient(w), symbolic([w[0] / 2, 0])))
    return float(method(symbolic([sympy.Float(y, DIGITS), sympy.Float(0, DIGITS)]), oracle)[1] / SLOPE)

"""How far a critical point holds runs along one direction, and how fast they leave: derived from the method's field."""

import math
from dataclasses import replace

import numpy as np

from .. import checks
from ..arguments import checked
from ..dynamics import Map
from .fields.formula import formula_along, inward_up_to, scale_of

LEAST_RADIUS = 1e-3  # the least radius that is tried, over the highest
NEAR = 1e-7  # distance that counts as near, over the highest radius: small beside any trap
RESOLUTION = 1e-5  # relative width of the interval in which the least radius lies


@checked
def trap_edge(map_: Map, lam: float) -> float | None:
    """Return the distance along a direction of curvature λ up to which a method's field leads inward.

    A run that rests farther than 2ρ from the critical point counts as not held by it.

    Unlike ``predicted_boundary`` the edge has a value for adaptive methods too, whose field depends on the place, and
    it does not ask what the bounce along other directions does.

    >>> import samdyn as sd
    >>> asam = sd.ASAM(rho=0.5, shift=0.1)  # F = λ(x − ρ(x + shift))
    >>> round(sd.symbolic.trap_edge(sd.Map(sd.landscapes.saddle(), asam, lr=0.01), -2.0), 9)
    0.1

    Args:
        map_: the map, without momentum and noise. Its method is used, and its landscape is not.
        lam: λ, in the units of the loss per w². The critical point is at the origin, which matters to adaptive methods.

    Returns:
        The distance, in the units of w: 0 if the field leads outward everywhere, inf if inward far out. None if there
        is no formula: with momentum, or if the field along the direction has none.

    Raises:
        InputError: a number of the map is a symbol or one per run.

    Source: derived.
    """
    checks.numeric(map_)
    field = None if map_.has_velocity else formula_along(map_.method, lam)
    return None if field is None else inward_up_to(field, scale_of(map_.method))


@checked
def holding_radius(map_: Map, lam: float, highest: float) -> float | None:
    """Return the least radius with which a method's field leads inward near the critical point, along a direction.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.ASAM(rho=0.5), lr=0.01)  # F = λ(1 − ρ)x at the origin
    >>> round(sd.symbolic.holding_radius(map_, -2.0, highest=4.0), 4)
    1.0

    Args:
        map_, lam: as of ``trap_edge``. This function fills the field ``rho`` of the method.
        highest: the highest radius of interest, in the units of the radius.

    Returns:
        The radius; 0 if the field leads inward even at a thousandth of the highest radius, inf if it does not at the
        highest, or if the method has no radius and leads outward. None if there is no formula.

    Raises:
        InputError: ``highest`` is not positive, or as ``trap_edge``.

    Source: derived.
    """
    highest = checks.positive("highest", highest, "Use e.g. highest=4.0")
    checks.numeric(map_)

    def leads_inward(rho: float) -> bool | None:
        has_radius = hasattr(map_.method, "rho")
        method = replace(map_.method, rho=rho) if has_radius else map_.method  # type: ignore[call-arg]
        field = None if map_.has_velocity else formula_along(method, lam)
        return None if field is None else bool(field(np.array([NEAR * highest]))[0] > 0)

    low, high = LEAST_RADIUS * highest, highest
    ends = leads_inward(low), leads_inward(high)
    if None in ends:
        return None
    if ends[0] or not ends[1]:
        return 0.0 if ends[0] else math.inf
    while high - low > RESOLUTION * high:
        middle = (low + high) / 2
        low, high = (low, middle) if leads_inward(middle) else (middle, high)
    return high


@checked
def passage_time(map_: Map, lam: float, low: float, high: float) -> float | None:
    """Return the time t = kη in which a run moves from a distance to a larger one along a direction of curvature λ.

    It is ∫ dx/(−F − ½ηF′F), the time of the modified equation, which follows the map to O(η²).

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.SAM(0.1), lr=1e-4)
    >>> round(sd.symbolic.passage_time(map_, -2.0, 1.0, 2.0), 3)  # ½ ln((2 − ρ)/(1 − ρ))
    0.374

    Args:
        map_: the map, without momentum and noise. Its numbers are used, and its landscape is not.
        lam: λ, in the units of the loss per w². The critical point is at the origin, which matters to adaptive methods.
        low, high: 0 < low < high, in the units of w.

    Returns:
        t; inf if the field leads inward in between. None if there is no formula: with momentum, or if the field along
        the direction has none.

    Raises:
        InputError: distances that are not 0 < low < high, or a number of the map that is a symbol or one per run.

    Source: derived.
    """
    from scipy.integrate import quad

    low = checks.positive("low", low, "Use e.g. low=1.0")
    rule, fix = f"must be a finite number above low = {low:g}", "Use e.g. twice as much"
    high = checks.number("high", high, rule, fix, lambda x: low < x < math.inf)
    checks.numeric(map_)
    field = None if map_.has_velocity else formula_along(map_.method, lam)
    if field is None:
        return None
    if np.any(field(np.linspace(low, high, 1001)) >= 0):
        return math.inf

    def inverse_speed(x: float) -> float:
        before, here, after = field(x * np.array([1 - 1e-5, 1, 1 + 1e-5]))
        slope = (after - before) / (2e-5 * x)
        return float(1 / -(here * (1 + map_.lr * slope / 2)))

    return float(quad(inverse_speed, low, high, limit=200)[0])

"""The multipliers of a step at a critical point, for any base optimizer and any method with memory."""

from dataclasses import replace
from typing import Any

import mpmath  # type: ignore[import-untyped]  # SymPy's own arithmetic
import numpy as np
import sympy

from .. import checks
from ..arguments import checked, for_any_map
from ..dynamics import Map
from ..ops import Point, symbolic
from .criteria.linearised import DIGITS, eigenvalues
from .fields.differentiable import linear_part
from .points.exact import exact_point

CRITICAL = 1e-9  # change of the state in a step, up to which a point in floating-point numbers counts as critical


@checked
@for_any_map
def multipliers(map_: Map, point: Any) -> np.ndarray:
    """Return the multipliers of one period of a map's steps at a critical point, over w and all that the map remembers.

    The state is w with the memory of the base optimizer and of the method. It rests at the point: the memory is then
    that of a start there. A base whose steps have no Jacobian there counts as its linear form, as Adam with v = 0. The
    point attracts if all multipliers are inside the unit circle.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.USAM(0.6), lr=0.01, base=sd.bases.Lookahead(every=5, alpha=0.5))
    >>> abs(sd.symbolic.multipliers(map_, (0, 0))).round(3).tolist()  # the saddle attracts, as 0.6 > 1/2
    [0.0, 0.0, 0.0, 0.0, 0.899, 0.99]

    Args:
        map_: the map, whose parameters are numbers.
        point: a critical point: d numbers or SymPy expressions, or one of ``critical_points``.

    Returns:
        The D multipliers, complex or real, in the order of their size. D is the length of the state.

    Raises:
        InputError: the point is not critical, or the map does not rest there; the step has no Jacobian there; a number
            of the map is a schedule, a symbol or one per run; the method draws random numbers.

    Source: derived, by difference quotients in arithmetic of 120 digits.
    """
    checks.numeric(map_)
    map_.refuse_schedules()
    if map_.is_random:
        checks.reject("map_", map_, "its steps draw random numbers", "Ask it of a map without noise")
    if map_.base is not None:
        map_ = replace(map_, base=map_.base.linearised())
    where, _ = exact_point(map_.landscape, point)
    start = map_.flat_start(symbolic(where))

    def steps(z: Point) -> Point:
        for number in map_.late_numbers:
            z = map_.flat_step(z, number=number)
        return z

    moved = max(abs(sympy.N(e, DIGITS)) for e in steps(start) - start)
    if moved > CRITICAL:
        rule = "is critical for the landscape, but the map does not rest there"
        checks.reject("point", tuple(map(float, where)), rule, "Use weight_decay=0, or a point where the map rests")
    matrix = linear_part(steps, start)
    if matrix is None:
        rule = "has no Jacobian at this point"
        checks.reject("map_", map_, rule, "Simulate the map; sd.stability says what is true of SAM")
    with mpmath.workdps(DIGITS):
        values = np.array(sorted(map(complex, eigenvalues(sympy.Matrix(matrix))), key=abs))
    return values.real if np.all(np.abs(values.imag) <= 1e-15 * np.abs(values)) else values

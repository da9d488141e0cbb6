"""Where capture by a saddle begins, derived from what the method does on the quadratic there."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import sympy

from ..arguments import checked
from ..dynamics import Boundary, Map
from ..landscapes import Landscape
from ..methods import GD
from .criteria.conditions import conditions_on_eigenvalues
from .fields.effective import effective_curvature
from .fields.quadratic import own_radius, with_radius
from .trap_width import trap_half_width

ANYWHERE = Landscape("x**2", "x")  # where λₑ is given the landscape does not count
LEAST_RADII: dict[Any, float | None] = {}  # what settings that differ in ρ alone share


@checked
def predicted_boundary(map_: Map, eigenvalues: Iterable[float]) -> Boundary | None:
    """Say where capture by a saddle with these Hessian eigenvalues begins; None where there is no formula.

    Of a method with a Jacobian there it is the least ρ at which its effective Hessian makes the saddle attract. Of one
    without, as normalised SAM, it is the half-width of the trap; with ρ = 0 that is gradient descent, which has none.

    >>> import samdyn as sd
    >>> saddle = sd.landscapes.saddle()
    >>> print(sd.symbolic.predicted_boundary(sd.Map(saddle, sd.USAM(rho=0.1), lr=0.01), [-2.0, 2.0]))
    ρ>0.5
    >>> print(sd.symbolic.predicted_boundary(sd.Map(saddle, sd.SAM(rho=0.1), lr=0.01), [-2.0, 2.0]))
    w<0.1

    Args:
        map_: the iterates; lr, momentum and the radius are numbers.
        eigenvalues: of the Hessian, in the units of the loss per w².
    """
    formula, spectrum = effective_curvature(map_.method), [float(lam) for lam in eigenvalues]
    if formula is None:
        width = trap_half_width(map_, spectrum)
        return None if width is None else Boundary("width", width, width)
    somewhat = with_radius(map_.method, 1.0)
    if somewhat is not map_.method and own_radius(map_.method) == 0 and effective_curvature(somewhat) is None:
        return Boundary("width", 0.0, 0.0)
    key = formula, map_.lr, map_.momentum, map_.nesterov, tuple(spectrum)
    if key not in LEAST_RADII:
        LEAST_RADII[key] = _least_radius(*key)
    threshold = LEAST_RADII[key]
    return None if threshold is None else Boundary("rho", threshold, threshold)


def _least_radius(
    formula: sympy.Expr, lr: float, momentum: float, nesterov: bool, spectrum: Sequence[float]
) -> float | None:
    """Return the least ρ at which a map of this λₑ attracts, inf if there is none; None where it cannot be solved."""
    rates = Map(ANYWHERE, GD(), lr=lr, momentum=momentum, nesterov=nesterov)
    radii = conditions_on_eigenvalues(rates, formula, tuple(sympy.Float(lam, 17) for lam in spectrum))[-1]
    if isinstance(radii, sympy.ConditionSet):
        return None
    return math.inf if radii is sympy.S.EmptySet else float(radii.inf)

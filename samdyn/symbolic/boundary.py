"""The boundary of capture by a saddle, derived from the method's field on the quadratic there."""

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

ANYWHERE = Landscape("x**2", "x")  # a placeholder: conditions on λₑ do not use the landscape
LEAST_RADII: dict[Any, float | None] = {}  # cache of thresholds in ρ, by λₑ, η, γ and eigenvalues


@checked
def predicted_boundary(map_: Map, eigenvalues: Iterable[float]) -> Boundary | None:
    """Return the boundary of capture by a saddle with these Hessian eigenvalues, or None if there is no formula.

    For a method with a Jacobian at the saddle, it is the least ρ at which the effective Hessian makes the saddle
    attract. For a method without one, as normalised SAM, it is the half-width of the trap, which is 0 at ρ = 0.

    >>> import samdyn as sd
    >>> saddle = sd.landscapes.saddle()
    >>> print(sd.symbolic.predicted_boundary(sd.Map(saddle, sd.USAM(rho=0.1), lr=0.01), [-2.0, 2.0]))
    ρ>0.5
    >>> print(sd.symbolic.predicted_boundary(sd.Map(saddle, sd.SAM(rho=0.1), lr=0.01), [-2.0, 2.0]))
    w<0.1

    Args:
        map_: the iterates. lr, momentum and the radius are numbers.
        eigenvalues: those of the Hessian, in the units of the loss per w².

    Source: [K23, Theorem 1] for USAM; derived for others [theory 2].
    """
    formula, spectrum = effective_curvature(map_.method), [float(lam) for lam in eigenvalues]
    if formula is None:
        width = trap_half_width(map_, spectrum)
        return None if width is None else Boundary("width", width, width)
    unit_method = with_radius(map_.method, 1.0)
    if unit_method is not map_.method and own_radius(map_.method) == 0 and effective_curvature(unit_method) is None:
        return Boundary("width", 0.0, 0.0)
    key = formula, map_.lr, map_.momentum, map_.nesterov, tuple(spectrum)
    if key not in LEAST_RADII:
        LEAST_RADII[key] = _least_radius(*key)
    threshold = LEAST_RADII[key]
    return None if threshold is None else Boundary("rho", threshold, threshold)


def _least_radius(
    formula: sympy.Expr, lr: float, momentum: float, nesterov: bool, spectrum: Sequence[float]
) -> float | None:
    """Return the least ρ at which a map with this λₑ attracts: inf if it never does, None if unsolved."""
    rates = Map(ANYWHERE, GD(), lr=lr, momentum=momentum, nesterov=nesterov)
    radii = conditions_on_eigenvalues(rates, formula, tuple(sympy.Float(lam, 17) for lam in spectrum))[-1]
    if isinstance(radii, sympy.ConditionSet):
        return None
    return math.inf if radii is sympy.S.EmptySet else float(radii.inf)

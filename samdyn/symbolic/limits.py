"""The largest learning rate and the largest curvature at which steps are stable, derived from the step's Jacobian."""

import math

import sympy
import torch

from ..arguments import checked
from ..dynamics import Map
from .criteria.linearised import at_own_rates, characteristic_polynomial, criterion
from .criteria.radii import real_roots
from .fields.effective import effective_curvature
from .fields.quadratic import own_radius
from .growth import effective_curvatures
from .notation import ETA, LAMBDA, RHO, X


@checked
def largest_lr(map_: Map, lam: float) -> float | None:
    """Return the learning rate above which steps along a direction of curvature λ grow, or inf if λₑ ≤ 0.

    At this rate a multiplier passes −1: at ηλₑ = 2(1+γ) with heavy ball, at 2(1+γ)/(1+2γ) in Nesterov's form.

    >>> import samdyn as sd
    >>> sd.symbolic.largest_lr(sd.Map(sd.landscapes.saddle(), sd.GD(), lr=0.01, momentum=0.5), 2.0)
    1.5

    Args:
        map_: the function uses its momentum and its method, but not its lr.
        lam: λ, an eigenvalue of the Hessian, in the units of the loss per w².

    Returns:
        η, in the units of 1/λ. None if the method has no Jacobian at critical points or none that is a function of λ.

    Source: [K23, Theorem 1] with heavy ball; derived.
    """
    curvature = effective_curvatures(map_.method, torch.tensor(lam, dtype=torch.float64))
    if curvature is None:
        return None
    return float(_largest_pull(map_)) / float(curvature) if curvature > 0 else math.inf


@checked
def edge_of_stability(map_: Map) -> float | None:
    """Return the least curvature λ > 0 along whose eigenvector steps grow, or inf if none does.

    For USAM it solves λ + ρλ² = 2/η. [L23; others derived]

    >>> import samdyn as sd
    >>> sd.symbolic.edge_of_stability(sd.Map(sd.landscapes.saddle(), sd.USAM(0.5), lr=0.5))
    2.0

    Returns:
        λ, in the units of the loss per w². None if the method has no Jacobian at critical points, or λₑ is not a
        polynomial in λ.
    """
    formula, own = effective_curvature(map_.method), own_radius(map_.method)
    if formula is None or own is None:
        return None
    curvature = formula.subs(RHO, own)
    if not curvature.is_polynomial(LAMBDA):
        return None
    excess = sympy.Poly(sympy.Rational(str(map_.lr)) * curvature - _largest_pull(map_), LAMBDA)
    return min((float(root) for root in real_roots(excess) if root > 0), default=math.inf)


def _largest_pull(map_: Map) -> sympy.Rational:
    """Return the value of ηλₑ up to which steps along a direction shrink."""
    effective = sympy.Symbol("lambda_e", real=True)
    # The polynomial depends on η and λₑ through their product only.
    rules = criterion(map_)(characteristic_polynomial(map_, sympy.Matrix([[effective]])).subs({ETA: 1, effective: X}))
    own = [at_own_rates(map_, rule) for rule in rules]
    return min(root for rule in own if rule.has(X) for root in real_roots(sympy.Poly(rule, X)) if root > 0)

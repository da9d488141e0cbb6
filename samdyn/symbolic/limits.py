"""The largest learning rate and the largest curvature at which steps are stable, derived from the step's Jacobian."""

import math
from typing import Any

import numpy as np
import sympy
import torch

from .. import checks
from ..arguments import checked
from ..dynamics import Map
from .criteria.linearised import at_own_rates, characteristic_polynomial, criterion
from .criteria.radii import real_roots
from .fields.along import field_along
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


@checked
def edge_at_gradient(map_: Map, gradient_norm: Any) -> np.ndarray:
    """Return the least curvature λ along whose eigenvector steps grow where ∇L has a given norm and lies along it.

    At the distance x along the eigenvector ‖∇L‖ = λx. A step without momentum multiplies x by 1 − ηF(x)/x. The edge is
    the least λ > 0 at which ηF(x)/x is 2, or 2(1+γ) with heavy ball. F(x)/x is λ for GD, λ + ρλ² for USAM and
    λ + ρλ²/‖∇L‖ for SAM. [L23; others derived] Unlike ``edge_of_stability`` it has a value for methods without a
    Jacobian at critical points.

    >>> import samdyn as sd
    >>> sd.symbolic.edge_at_gradient(sd.Map(sd.landscapes.saddle(), sd.SAM(0.5), lr=0.5), [0.5, 1.0, 1.5]).round(3)
    array([1.562, 2.   , 2.275])

    Args:
        map_: the iterates, whose lr, momentum and radius are numbers.
        gradient_norm: ‖∇L‖, ``(…)``, in the units of the loss per w.

    Returns:
        λ, ``(…)``, in the units of the loss per w². It is inf if no curvature is too large, and nan where ‖∇L‖ is not
        a finite number > 0.

    Raises:
        InputError: norms that are no numbers or negative; a method whose field along an eigenvector has no formula, or
            one that is no polynomial in λ.
    """
    lam, norm = sympy.symbols("lambda g", positive=True)
    curvature = sympy.expand((field_along(map_.method, lam) / X).subs(X, norm / lam))
    if not curvature.is_polynomial(lam):
        rule = f"has the curvature {curvature} along its gradient, which is no polynomial in λ"
        checks.reject("method", map_.method, rule, "Solve for its edge in numbers")
    excess = sympy.Poly(sympy.Rational(str(map_.lr)) * curvature - _largest_pull(map_), lam)
    coefficients = sympy.lambdify(norm, excess.all_coeffs())
    try:
        norms = np.asarray(gradient_norm, dtype=float)
    except (TypeError, ValueError):
        checks.reject("gradient_norm", gradient_norm, "must be numbers", "Use e.g. gradient_norm=[0.1, 1.0]")
    if (norms < 0).any():
        checks.reject("gradient_norm", norms.tolist(), "must not be negative", "Use e.g. gradient_norm=[0.1, 1.0]")
    edges = np.full(norms.shape, np.nan)
    for place in np.argwhere(np.isfinite(norms) & (norms > 0)):
        roots = np.roots(coefficients(norms[*place]))
        edges[*place] = min((root.real for root in roots if root.real > 0 and root.imag == 0), default=np.inf)
    return edges


def _largest_pull(map_: Map) -> sympy.Rational:
    """Return the value of ηλₑ up to which steps along a direction shrink."""
    effective = sympy.Symbol("lambda_e", real=True)
    # The polynomial depends on η and λₑ through their product only.
    rules = criterion(map_)(characteristic_polynomial(map_, sympy.Matrix([[effective]])).subs({ETA: 1, effective: X}))
    own = [at_own_rates(map_, rule) for rule in rules]
    return min(root for rule in own if rule.has(X) for root in real_roots(sympy.Poly(rule, X)) if root > 0)

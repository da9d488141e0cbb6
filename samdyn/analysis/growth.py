"""How fast runs leave a critical point, or return to it."""

import math
from dataclasses import replace
from typing import Any

import torch

from .. import checks
from ..dynamics import Map
from ..methods import Ascent
from ..simulate.threads import threads_for
from .critical_points import CriticalPoint

BLOCK = 10  # steps between rescalings
CUTS = 32  # of an interval of radii, at once


def growth_rate(map_: Map, point: CriticalPoint, *, distance: float = 1e-7, steps: int = 1000) -> float:
    """Return the growth rate of one map; see ``growth_rates``."""
    return float(growth_rates(map_, point, distance=distance, steps=steps))


def growth_rates(map_: Map, point: CriticalPoint, *, distance: float = 1e-7, steps: int = 1000) -> torch.Tensor:
    """Measure the rate, per unit of t = kη, at which distances from a critical point grow along the fastest direction.

    Runs start at ``distance`` from the point, along every eigenvector of the Hessian, and are followed for ``steps``
    steps. Every BLOCK steps their deviation (position and velocity) is scaled back to where it started, which keeps
    them close (Benettin's method); the rate is the mean logarithmic growth over the second half, when what decays has
    decayed. It is negative where every direction returns.

    Args:
        map_: the iterates; where lr, momentum or the radius are tensors ``(n,)``, n settings are measured at once.
        point: a critical point of their landscape.
        distance: where to measure, in the units of w, relative to max(1, ‖w‖∞). For methods with a Jacobian at the
            point it does not matter.
        steps: how many.

    Returns:
        The rates, in 1/t, ``(n,)`` or ``()``; inf if a run left the floating-point range.
    """
    settings = torch.broadcast_shapes(*(p.shape for p in _parameters(map_) if torch.is_tensor(p)))
    one_each = [1] * len(settings)
    center = torch.as_tensor(point.w).reshape(-1, 1, *one_each)
    scale = distance * max(1.0, float(center.abs().max()))
    coasting = map_.lr / (1 - map_.momentum)  # makes v a length, like w
    directions = torch.as_tensor(point.eigenvectors).reshape(*point.eigenvectors.shape, *one_each)
    state = map_.start(center + scale * directions.expand(*point.eigenvectors.shape, *settings))
    blocks = max(2, steps // BLOCK)
    total = torch.zeros(len(center), *settings, dtype=center.dtype)
    with torch.no_grad(), threads_for(state[0].numel()):
        for block in range(blocks):
            for _ in range(BLOCK):
                state = map_.step(state)
            w, *velocity = state
            growth = torch.cat([w - center, *(coasting * v for v in velocity)]).norm(dim=0) / scale
            if block >= blocks // 2:
                total += growth.log()
            # A run that has arrived exactly stays: it has no direction left to follow.
            shrink = torch.where(growth > 0, growth, 1)
            state = (center + (w - center) / shrink, *(v / shrink for v in velocity))
    rates = total / ((blocks - blocks // 2) * BLOCK * map_.lr)
    return torch.where(rates.isnan(), torch.inf, rates).amax(0)


def _parameters(map_: Map) -> tuple[Any, ...]:
    return map_.lr, map_.momentum, getattr(map_.method, "rho", 0.0)


def trapping_threshold(map_: Map, point: CriticalPoint, *, rtol: float = 1e-4) -> float:
    """Measure the radius ρ above which runs near a critical point return to it, where the growth changes sign.

    The method's own ρ is not used. The search goes up from a thousandth of 1/‖H‖, by factors of 2^¼, until runs return.

    Args:
        map_: the iterates, of any method whose growth rate does not depend on the distance.
        point: a critical point of their landscape.
        rtol: how closely to bracket the threshold.

    Returns:
        ρ*; 0 if runs return at the smallest radius tried, inf if they do at none of those tried, up to a thousand times
        1/‖H‖, or if the method has no radius and they do not return.

    Raises:
        InputError: a method that is not linear at the point, like normalised SAM: it has no threshold.
    """
    method = map_.method
    if not isinstance(method, Ascent):
        return math.inf if growth_rate(map_, point) > 0 else 0.0
    smallest = 1e-3 / float(abs(point.eigenvalues).max())
    if not is_linear(replace(map_, method=replace(method, rho=smallest)), point):
        rule = "near a critical point its growth depends on the distance, so no radius separates capture from escape"
        checks.reject("method", method, rule, "Measure trap_half_width instead")
    # All radii at once, then those between the two where runs begin to return.
    radii, below = smallest * 2 ** (torch.arange(81, dtype=torch.float64) / 4), 0.0
    while True:
        rates = growth_rates(replace(map_, method=replace(method, rho=radii)), point)
        returning = (rates < 0).nonzero()
        if not len(returning):
            return math.inf
        first = int(returning[0])
        if first == 0:  # at the smallest radius of all; or at one where they just did not, to rounding
            return below
        below, above = radii[first - 1].item(), radii[first].item()
        if above - below <= rtol * below:
            break
        radii = torch.linspace(below, above, CUTS + 1, dtype=torch.float64)
    before, after = rates[first - 1].item(), rates[first].item()
    return below + (above - below) * (before / (before - after) if math.isfinite(before) else 1.0)


def is_linear(map_: Map, point: CriticalPoint) -> bool:
    """Say whether runs near a critical point grow or shrink at a rate that does not depend on their distance from it.

    Methods with a Jacobian there do; normalised SAM, whose perturbation has length ρ however near the point, does not.
    The rates at distances 1e-7 and 1e-8 are compared, to a thousandth of ‖H‖.
    """
    far, near = (growth_rate(map_, point, distance=distance) for distance in (1e-7, 1e-8))
    return far == near or abs(far - near) <= 1e-3 * float(abs(point.eigenvalues).max())

"""How fast runs leave a critical point, or return to it."""

import math
from dataclasses import replace
from typing import Any

import torch

from ... import checks
from ...arguments import checked
from ...dynamics import Map
from ...methods import Ascent
from ...simulation.threads import threads_for
from ..parameters import with_parameters
from ..points.critical_points import CriticalPoint

BLOCK, FAR = 10, 100.0  # at most so many steps, and so large a change of distances, between rescalings
PER_DOUBLING = 4  # radii at which growth is measured first
PIECES = 8  # of an interval of radii in which runs might return, at once
PROBE = 1e-5  # relative step of the differences that give a rate's slope in the radius
SAFETY = 2.0  # how much more a slope may change between two radii than it does from one to the other


@checked
def growth_rate(map_: Map, point: CriticalPoint, *, distance: float = 1e-7, steps: int = 1000) -> float:
    """Return the growth rate of one map; see ``growth_rates``."""
    return float(growth_rates(map_, point, distance=distance, steps=steps))


@checked
def growth_rates(map_: Map, point: CriticalPoint, *, distance: float = 1e-7, steps: int = 1000) -> torch.Tensor:
    """Measure the rate, per unit of t = kη, at which distances from a critical point grow along the fastest direction.

    Runs start at ``distance`` from the point, along every eigenvector of the Hessian, and are followed for ``steps``
    steps. Every few steps, or every step where they grow fast, their deviation (position and velocity) is scaled back
    to where it started, which keeps them close (Benettin's method); the rate is the mean logarithmic growth over the
    second half, when what decays has decayed. It is negative where every direction returns.

    Args:
        map_: the iterates; where lr, momentum or the radius are tensors ``(n,)``, n settings are measured at once.
        point: a critical point of their landscape.
        distance: where to measure, in the units of w, relative to max(1, ‖w‖∞). For methods with a Jacobian at the
            point it does not matter.
        steps: how many.

    Returns:
        The rates, in 1/t, ``(n,)`` or ``()``; inf if a run left the floating-point range.

    Raises:
        InputError: a distance that is not finite and > 0, or steps < 1.
    """
    distance = checks.positive("distance", distance, "Use e.g. distance=1e-7")
    steps = checks.count("steps", steps, "Use e.g. steps=1000")
    settings = torch.broadcast_shapes(*(p.shape for p in _parameters(map_) if torch.is_tensor(p)))
    one_each = [1] * len(settings)
    center = torch.as_tensor(point.w).reshape(-1, 1, *one_each)
    scale = distance * max(1.0, float(center.abs().max()))
    coasting = map_.lr / (1 - map_.momentum)  # makes v a length, like w
    directions = torch.as_tensor(point.eigenvectors).reshape(*point.eigenvectors.shape, *one_each)
    state = map_.start(center + scale * directions.expand(*point.eigenvectors.shape, *settings))
    total = torch.zeros(len(center), *settings, dtype=center.dtype)
    half, step, block = steps // 2, 0, 1
    with torch.no_grad(), threads_for(state[0].numel()):
        while step < steps:
            block = min(block, (half if step < half else steps) - step)
            for _ in range(block):
                state = map_.step(state)
            w, *velocity = state
            growth = torch.cat([w - center, *(coasting * v for v in velocity)]).norm(dim=0) / scale
            if step >= half:
                total += growth.log()
            # A run that has arrived exactly stays: it has no direction left to follow.
            shrink = torch.where(growth > 0, growth, 1)
            state = (center + (w - center) / shrink, *(v / shrink for v in velocity))
            step += block
            per_step = float(shrink.log().abs().max()) / block
            block = int(min(BLOCK, max(1.0, math.log(FAR) / per_step))) if per_step > 0 else BLOCK
    rates = total / ((steps - half) * map_.lr)
    return torch.where(rates.isnan(), torch.inf, rates).amax(0)


def _parameters(map_: Map) -> tuple[Any, ...]:
    return map_.lr, map_.momentum, map_.radius


@checked
def trapping_threshold(map_: Map, point: CriticalPoint, *, rtol: float = 1e-4) -> float:
    """Measure the radius ρ above which runs near a critical point return to it, where the growth changes sign.

    The method's own ρ is not used. Growth is measured from a thousandth of 1/‖H‖ on, at radii 2^¼ apart. Between two at
    which runs leave, their growth is measured again, closer together, until its slopes say that it stays above zero, or
    the radii are as close as ``rtol``: a window of capture that is narrower may be missed.

    Args:
        map_: the iterates, of any method whose growth rate does not depend on the distance.
        point: a critical point of their landscape.
        rtol: how closely to bracket the threshold, in [1e-9, 1).

    Returns:
        ρ*; 0 if runs return at the smallest radius tried, inf if they do at none of those tried, up to a thousand times
        1/‖H‖, or if the method has no radius and they do not return.

    Raises:
        InputError: a method that is not linear at the point, like normalised SAM: it has no threshold; rtol outside of
            its range.
    """
    rtol = checks.number("rtol", rtol, "must lie in [1e-9, 1)", "Use e.g. rtol=1e-4", lambda r: 1e-9 <= r < 1)
    method = map_.method
    if not isinstance(method, Ascent):
        return math.inf if growth_rate(map_, point) > 0 else 0.0
    smallest = 1e-3 / float(abs(point.eigenvalues).max())
    if not is_linear(replace(map_, method=replace(method, rho=smallest)), point):
        rule = "near a critical point its growth depends on the distance, so no radius separates capture from escape"
        checks.reject("method", method, rule, "Measure trap_half_width instead")
    added = smallest * 2 ** (torch.arange(20 * PER_DOUBLING + 1, dtype=torch.float64) / PER_DOUBLING)
    radii = rates = slopes = added[:0]
    while len(added):
        found = _rates_and_slopes(map_, point, added)
        order = torch.cat([radii, added]).argsort()
        radii, rates, slopes = (
            torch.cat(pair)[order] for pair in zip((radii, rates, slopes), (added, *found), strict=True)
        )
        if rates[0] < 0:
            return 0.0
        # What lies above the first radius at which runs return does not matter.
        returning = (rates < 0).nonzero()[:1, 0]
        last = int(returning[0]) + 1 if len(returning) else len(radii)
        radii, rates, slopes = radii[:last], rates[:last], slopes[:last]
        added = _between(radii, rates, slopes, rtol)
    if not rates[-1] < 0:
        return math.inf
    below, above = radii[-2].item(), radii[-1].item()
    before, after = rates[-2].item(), rates[-1].item()
    return below + (above - below) * (before / (before - after) if math.isfinite(before - after) else 1.0)


def _rates_and_slopes(map_: Map, point: CriticalPoint, radii: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return growth rates at radii ``(n,)``, and their derivatives with respect to ln ρ."""
    around = torch.cat([radii, radii * (1 - PROBE), radii * (1 + PROBE)])
    rates, lower, upper = growth_rates(with_parameters(map_, {"rho": around}), point).chunk(3)
    return rates, (upper - lower) / (2 * PROBE)


def _between(radii: torch.Tensor, rates: torch.Tensor, slopes: torch.Tensor, rtol: float) -> torch.Tensor:
    """Return radii at which growth has yet to be measured, between those at which it has been."""
    logs = radii.log()
    width = logs.diff()
    chord = rates.diff() / width
    change = SAFETY * torch.maximum((slopes[:-1] - chord).abs(), (slopes[1:] - chord).abs())
    least = torch.minimum(rates[:-1], rates[1:])
    # Growth beyond the floating-point range is far above zero, and so is what lies between two such radii.
    sure = (least > change * width / 2) | torch.isinf(least) & (least > 0)
    open_ = ~sure & (width > math.log1p(rtol))
    shares = torch.arange(1, PIECES, dtype=radii.dtype) / PIECES
    return (logs[:-1, None] + shares * width[:, None])[open_].exp().flatten()


@checked
def is_linear(map_: Map, point: CriticalPoint) -> bool:
    """Say whether runs near a critical point grow or shrink at a rate that does not depend on their distance from it.

    Methods with a Jacobian there do; normalised SAM, whose perturbation has length ρ however near the point, does not.
    The rates at distances 1e-7 and 1e-8 are compared, to a thousandth of ‖H‖.
    """
    far, near = (growth_rate(map_, point, distance=distance) for distance in (1e-7, 1e-8))
    return far == near or abs(far - near) <= 1e-3 * float(abs(point.eigenvalues).max())

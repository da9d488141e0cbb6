"""Measures the rate at which runs leave a critical point or return to it."""

import math
from dataclasses import replace

import torch

from ... import checks
from ...arguments import checked
from ...dynamics import Map
from ...dynamics.settings import filled, per_run
from ...methods import Ascent
from ...simulation.iterates.iterate import Iterates
from ...simulation.iterates.stepping import Steps
from ..parameters import with_parameters
from ..points.critical_points import CriticalPoint

MAX_BLOCK = 10  # number of steps between two rescalings
MAX_GROWTH = 100.0  # factor by which a distance may change between two rescalings
RADII_PER_DOUBLING = 4  # number of radii per doubling at which growth is measured first
PIECES = 8  # number of parts of an interval of radii in which runs might return
PROBE = 1e-5  # relative step in ρ of the differences that give the slope of a rate
SAFETY = 2.0  # change of a slope within an interval of radii over its change from end to chord; assumed at most this


@checked
def growth_rate(map_: Map, point: CriticalPoint, *, distance: float = 1e-7, steps: int = 1000) -> float:
    """Measure the growth rate of one map near a critical point, in 1/t; see ``growth_rates``.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.GD(), lr=0.1)
    >>> (point,) = sd.critical_points(map_.landscape)
    >>> round(sd.analysis.growth_rate(map_, point, steps=100), 6)  # ln(1 + 0.1·2)/0.1
    1.823216
    """
    return float(growth_rates(map_, point, distance=distance, steps=steps))


@checked
def growth_rates(map_: Map, point: CriticalPoint, *, distance: float = 1e-7, steps: int = 1000) -> torch.Tensor:
    """Measure the rate, per unit of t = kη, at which distances from a critical point grow along the fastest direction.

    Runs start at ``distance`` from the point, along every eigenvector of the Hessian. Every few steps, or every step
    where they grow fast, their deviation (position and velocity) is scaled back to its first length, which keeps them
    close (Benettin's method). The rate is the mean logarithmic growth over the second half of the run, after decaying
    directions have decayed. It is negative if runs return along every direction.

    Args:
        map_: the iterates. If lr, momentum or the radius are tensors ``(n,)``, the runs measure n settings at once.
        point: a critical point of their landscape.
        distance: the distance at which growth is measured, in the units of w, relative to max(1, ‖w‖∞). The rate of a
            method with a Jacobian at the point does not depend on it.
        steps: the number of steps of each run.

    Returns:
        The rates, in 1/t, ``(n,)`` or ``()``; inf if a run left the floating-point range.

    Raises:
        InputError: the distance is not finite and > 0, steps < 1, or the map has noise.

    >>> import torch
    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.USAM(rho=torch.tensor([0.1, 1.0])), lr=0.1)
    >>> (point,) = sd.critical_points(map_.landscape)
    >>> sd.analysis.growth_rates(map_, point, steps=100).numpy().round(3)
    array([ 1.484, -2.231])
    """
    distance = checks.positive("distance", distance, "Use e.g. distance=1e-7")
    steps = checks.count("steps", steps, "Use e.g. steps=1000")
    map_.refuse_noise()
    varied = per_run(map_)
    settings = torch.broadcast_shapes(*(values.shape for values in varied.values()))
    center, directions = torch.as_tensor(point.w)[:, None], torch.as_tensor(point.eigenvectors)
    number = math.prod(settings)  # number of runs along each direction
    spread = {path: values.expand(settings).flatten().repeat(len(center)) for path, values in varied.items()}
    map_ = filled(map_, spread)
    scale = distance * max(1.0, float(center.abs().max()))
    factors = map_.lengths()
    start = center + scale * directions.repeat_interleave(number, 1)
    total = torch.zeros(start.shape[1], dtype=center.dtype)
    half, block = steps // 2, 1
    with Iterates(Steps(map_, None), start, number=steps) as runs:
        while (step := runs.done) < steps:
            block = min(block, (half if step < half else steps) - step)
            runs.advance(block)
            w, *velocity = runs.parts
            lengths = [factor * v for factor, v in zip(factors, velocity, strict=True)]
            growth = torch.cat([w - center, *lengths]).norm(dim=0) / scale
            if step >= half:
                total += growth.log()
            # A run that reached the point exactly stays there: its deviation of 0 has no direction.
            shrink = torch.where(growth > 0, growth, 1)
            runs.place(center + (w - center) / shrink, *(v / shrink for v in velocity))
            per_step = float(shrink.log().abs().max()) / block
            block = int(min(MAX_BLOCK, max(1.0, math.log(MAX_GROWTH) / per_step))) if per_step > 0 else MAX_BLOCK
        rates = total / ((steps - half) * map_.lr)
        rates = torch.where(rates.isnan() | ~runs.running, torch.inf, rates)
    return rates.reshape(len(center), *settings).amax(0)


@checked
def trapping_threshold(map_: Map, point: CriticalPoint, *, rtol: float = 1e-4) -> float:
    """Measure the radius ρ above which runs near a critical point return to it, where the growth rate changes sign.

    The measurement does not use the method's own ρ. It starts with radii from 10⁻³/‖H‖ to 10³/‖H‖, at ratios of 2^¼.
    Between two neighbouring radii at which runs leave, it adds radii until the slopes of the rate say that the rate
    stays above zero, or until the radii are as close as ``rtol``: a narrower window of capture may be missed.

    Args:
        map_: the iterates, of any method whose growth rate does not depend on the distance.
        point: a critical point of their landscape.
        rtol: the relative width of the bracket of the threshold, in [1e-9, 1).

    Returns:
        ρ*, in the units of w. It is 0 if runs return at the smallest radius. It is inf if runs return at no radius, or
        if the method has no radius and runs leave.

    Raises:
        InputError: the method is not linear at the point and so has no threshold, like normalised SAM; rtol is out of
            its range.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.Landscape("-x**2", "x"), sd.USAM(rho=0.1), lr=0.1)
    >>> (point,) = sd.critical_points(map_.landscape)
    >>> round(sd.analysis.trapping_threshold(map_, point, rtol=0.1), 3)  # 1/|λ|
    0.5
    """
    rtol = checks.number("rtol", rtol, "must lie in [1e-9, 1)", "Use e.g. rtol=1e-4", lambda r: 1e-9 <= r < 1)
    method = map_.method
    if not isinstance(method, Ascent):
        return math.inf if growth_rate(map_, point) > 0 else 0.0
    smallest = 1e-3 / float(abs(point.eigenvalues).max())
    if not is_linear(replace(map_, method=replace(method, rho=smallest)), point):
        rule = "near a critical point its growth depends on the distance, so no radius separates capture from escape"
        checks.reject("method", method, rule, "Measure held_set instead")
    new_radii = smallest * 2 ** (torch.arange(20 * RADII_PER_DOUBLING + 1, dtype=torch.float64) / RADII_PER_DOUBLING)
    radii = rates = slopes = new_radii[:0]
    while len(new_radii):
        new = _rates_and_slopes(map_, point, new_radii)
        order = torch.cat([radii, new_radii]).argsort()
        radii, rates, slopes = (
            torch.cat(pair)[order] for pair in zip((radii, rates, slopes), (new_radii, *new), strict=True)
        )
        if rates[0] < 0:
            return 0.0
        # The threshold is the first radius at which runs return; larger radii do not matter.
        returning = (rates < 0).nonzero()[:1, 0]
        last = int(returning[0]) + 1 if len(returning) else len(radii)
        radii, rates, slopes = radii[:last], rates[:last], slopes[:last]
        new_radii = _between(radii, rates, slopes, rtol)
    if not rates[-1] < 0:
        return math.inf
    below, above = radii[-2].item(), radii[-1].item()
    before, after = rates[-2].item(), rates[-1].item()
    return below + (above - below) * (before / (before - after) if math.isfinite(before - after) else 1.0)


def _rates_and_slopes(map_: Map, point: CriticalPoint, radii: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return growth rates at radii ``(n,)``, in 1/t, and their derivatives with respect to ln ρ: ``(n,)`` each."""
    around = torch.cat([radii, radii * (1 - PROBE), radii * (1 + PROBE)])
    rates, lower, upper = growth_rates(with_parameters(map_, {"rho": around}), point).chunk(3)
    return rates, (upper - lower) / (2 * PROBE)


def _between(radii: torch.Tensor, rates: torch.Tensor, slopes: torch.Tensor, rtol: float) -> torch.Tensor:
    """Return further radii at which growth must be measured, between the radii ``(n,)`` with their rates and slopes."""
    logs = radii.log()
    width = logs.diff()
    chord = rates.diff() / width
    change = SAFETY * torch.maximum((slopes[:-1] - chord).abs(), (slopes[1:] - chord).abs())
    least = torch.minimum(rates[:-1], rates[1:])
    # An infinite rate is far above zero, and so are the rates between two radii with infinite rates.
    sure = (least > change * width / 2) | torch.isinf(least) & (least > 0)
    open_ = ~sure & (width > math.log1p(rtol))
    shares = torch.arange(1, PIECES, dtype=radii.dtype) / PIECES
    return (logs[:-1, None] + shares * width[:, None])[open_].exp().flatten()


@checked
def is_linear(map_: Map, point: CriticalPoint) -> bool:
    """Return whether the growth rate near a critical point does not depend on the distance from it.

    This is so for methods with a Jacobian there. It is not so for normalised SAM, whose perturbation has length ρ at
    any distance. The function compares the rates at distances 1e-7 and 1e-8, to a thousandth of ‖H‖.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.Landscape("-x**2", "x"), sd.USAM(rho=0.5), lr=0.1)
    >>> (point,) = sd.critical_points(map_.landscape)
    >>> sd.analysis.is_linear(map_, point)
    True
    """
    far, near = (growth_rate(map_, point, distance=distance) for distance in (1e-7, 1e-8))
    return far == near or abs(far - near) <= 1e-3 * float(abs(point.eigenvalues).max())

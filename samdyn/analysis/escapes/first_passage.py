"""Computes the mean time in which a diffusion on a line leaves an interval, by quadrature."""

import math
from collections.abc import Callable

import numpy as np
import torch

from ... import checks
from ...arguments import checked
from ...dynamics import Diffusion

COARSEST, FINEST = 2**10, 2**20  # numbers of parts of the interval, first and last
RTOL = 1e-8  # relative change of T between two extrapolations at which the quadrature stops
# Shift of an end in units of √(D dt): an end that is checked every dt acts like one farther out by this distance. It is
# −ζ(½)/√(2π) for normal steps. Source: Broadie, Glasserman & Kou (1997), Math. Finance 7, 325; Siegmund (1979).
MONITORING = 0.5825971579390106

Function = Callable[[np.ndarray], np.ndarray]


@checked
def first_passage_time(drift: Function, diffusion: Function, x0: float, low: float, high: float) -> float:
    """Return the mean time T(x0) at which dX = b(X) dt + √D(X) dW, X(0) = x0, first leaves (low, high).

    T solves ½D T″ + b T′ = −1, T = 0 at both ends. (The drift of theory 18 has the opposite sign, dX = −b dt + √D dW.)
    With the scale S′ = exp(Φ), Φ = −∫ 2b/D, and the speed m = 2/(D S′),

        T = [S(x0, high) ∫ S(low, y) m(y) dy over (low, x0) + S(low, x0) ∫ S(y, high) m(y) dy over (x0, high)]
            / S(low, high),

    a sum of positive terms. The function adds their logarithms, so that the result is accurate for wells of any depth;
    it is inf beyond 1e308. It halves the trapezoids and extrapolates until T changes by less than 1e-8 of itself.

    A process in steps of dt that is checked once a step leaves later. Up to O(dt) it does so as if the ends were
    MONITORING · √(D dt) farther out: move the ends there to compare.

    Args:
        drift, diffusion: functions that return b and D at points ``(n,)``, in the units of x per time and of x² per
            time; D > 0 within the interval. A jump of either costs accuracy unless it is at x0.
        x0: the start.
        low, high: the ends of the interval.

    Returns:
        T(x0), in units of time.

    Raises:
        InputError: low >= high, x0 lies outside the interval, D is not positive, b or D is not finite, or T does not
            converge.

    >>> import samdyn as sd
    >>> round(sd.analysis.first_passage_time(lambda x: 0 * x, lambda x: 1 + 0 * x, 0.0, -1.0, 1.0), 6)  # 1/D
    1.0
    """
    fix = "Use e.g. low=-1, high=1"
    low, high = (checks.number(n, v, "must be a finite number", fix) for n, v in (("low", low), ("high", high)))
    if low >= high:
        checks.reject("low", low, f"must be below high = {high:g}", fix)
    x0 = checks.number("x0", x0, f"must lie in [{low:g}, {high:g}]", "Start inside", lambda x: low <= x <= high)
    if x0 in (low, high):
        return 0.0
    parts, coarse = COARSEST, _log_time(drift, diffusion, x0, low, high, COARSEST)
    best, before = coarse, math.inf
    while abs(best - before) > RTOL:
        if parts == FINEST:
            rule = f"the time does not settle with {FINEST} parts of the interval"
            checks.reject("drift", drift, rule, "Use a drift and a diffusion without jumps")
        parts *= 2
        fine = _log_time(drift, diffusion, x0, low, high, parts)
        before, best, coarse = best, fine + (fine - coarse) / 3, fine
    return math.exp(best) if best < math.log(np.finfo(float).max) else math.inf


@checked
def mean_exit_time(sde: Diffusion, x0: float, low: float, high: float) -> float:
    """Return the mean time t = kη at which a diffusion on a line first leaves (low, high), from x0.

    Args:
        sde: a diffusion with one coordinate and no momentum.
        x0, low, high: as in ``first_passage_time``.

    Raises:
        InputError: the diffusion has several coordinates or momentum, or ``first_passage_time`` refuses the interval.

    >>> import samdyn as sd
    >>> sde = sd.Diffusion(sd.Landscape("-x**2/2", "x"), sd.SAM(rho=0.3), sd.noise.Gaussian(0.0625), lr=0.01)
    >>> round(sd.analysis.mean_exit_time(sde, 0.0, -0.6, 0.6), 2)
    34.23
    """
    if sde.landscape.dim != 1 or sde.momentum:
        rule = f"has {sde.landscape.dim} coordinate(s) and momentum {sde.momentum:g}"
        checks.reject("sde", sde, rule, "Give a diffusion on a line without momentum, or use exit_times of a scheme")

    def law(x: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        return sde.law(torch.as_tensor(x)[None])

    def drift(x: np.ndarray) -> np.ndarray:
        return -law(x)[0][0].numpy()

    def diffusion(x: np.ndarray) -> np.ndarray:
        return float(sde.lr) * law(x)[1][0, 0].numpy()

    return first_passage_time(drift, diffusion, x0, low, high)


def _log_time(drift: Function, diffusion: Function, x0: float, low: float, high: float, parts: int) -> float:
    """Return log T by the trapezoid rule, with this many parts on either side of x0."""
    scales, times = [], []
    for end in (low, high):
        y = np.linspace(x0, end, parts + 1)
        b, d = (np.broadcast_to(np.asarray(f(y), dtype=float), y.shape) for f in (drift, diffusion))
        for name, values, good in (("drift", b, np.isfinite(b)), ("diffusion", d, np.isfinite(d) & (d > 0))):
            if not good.all():
                rule = f"is {values[~good][0]:g} at x = {y[~good][0]:g}"
                needs = "finite" if name == "drift" else "finite and > 0"
                checks.reject(name, values[~good][0].item(), rule, f"It must be {needs} in [{low:g}, {high:g}]")
        step = y[1] - y[0]  # negative towards the lower end
        slope = -2 * b / d
        potential = np.concatenate([[0.0], np.cumsum(step * (slope[1:] + slope[:-1]) / 2)])
        cells = math.log(abs(step) / 2) + np.logaddexp(potential[1:], potential[:-1])
        from_end = np.concatenate([np.logaddexp.accumulate(cells[::-1])[::-1], [-np.inf]])  # log ∫ S′ from y to the end
        weighted = from_end + math.log(2) - np.log(d) - potential
        scales.append(from_end[0])
        times.append(math.log(abs(step) / 2) + np.logaddexp.reduce(np.logaddexp(weighted[1:], weighted[:-1])))
    lower, upper = scales
    return float(np.logaddexp(upper + times[0], lower + times[1]) - np.logaddexp(lower, upper))

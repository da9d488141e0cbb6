"""Measures the radius above which normalised SAM's noisy runs return to a saddle on average."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from ... import checks
from ...arguments import checked
from ...dynamics import Map
from ...methods import GD, SAM
from ...noise import Draws
from ...simulation import simulate
from ..points.critical_points import CriticalPoint

START_SIZE = 0.1  # ‖Hw‖ at the start, relative to the noise's standard deviation along the same direction
# Shift of ρ*, relative to ρ*, per unit of START_SIZE² + η|λ|/(1 − γ): the largest that was measured, at η|λ| from 0.01
# to 0.05 in one and two dimensions.
RELATIVE_SHIFT = 0.25
SAMPLES = 4096  # number of samples of the noise that give its standard deviation
MAX_DOUBLINGS = 30  # number of doublings of the radius in search of a change of sign
RELATIVE_RADII = (0.9, 1.0, 1.1)  # radii of the regression, relative to the first estimate of ρ*


@dataclass(frozen=True)
class NoisyGrowth:
    """The growth rate of the mean of noisy runs near a critical point.

    Attributes:
        rate: the rate, in 1/t. It is −inf if the last mean does not differ from 0: the mean returns faster than the
            runs can resolve.
        error: its standard error, in 1/t.

    >>> import samdyn as sd
    >>> noise = sd.noise.Gaussian(1.0)
    >>> map_ = sd.Map(sd.Landscape("-x**2/2", "x", box=[(-3, 3)]), sd.SAM(rho=0.1), lr=0.1, noise=noise)
    >>> (point,) = sd.critical_points(map_.landscape)
    >>> growth = sd.analysis.noisy_growth(map_, point, runs=100)
    >>> growth.rate > 0, growth.error < 0.1
    (True, True)
    """

    rate: float
    error: float

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the rate, in 1/t."""
        return self.rate - 1.96 * self.error, self.rate + 1.96 * self.error


@dataclass(frozen=True)
class NoiseThreshold:
    """The radius ρ* at which the growth rate of the mean changes its sign.

    Attributes:
        rho: ρ*, in the units of w.
        error: its standard error, in the units of w.
        shift: the largest difference between ρ* and the threshold of infinitesimal steps and distances, in the units of
            w. It is ρ*/4 times (‖Hw‖/s)² at the start plus the runs' own spread, η|λ|/(1 − γ), an empirical bound for
            noise of about equal size in all directions. The shift is larger if the noise is weak along a stiff
            direction: a measurement at half the learning rate shows it.
        radii: the radii ρ of the regression, in the units of w, ``(m,)``.
        growths: the growth rates at these radii.

    >>> import numpy as np
    >>> import samdyn as sd
    >>> threshold = sd.analysis.NoiseThreshold(rho=0.8, error=0.01, shift=0.02, radii=np.array([0.7, 0.9]), growths=())
    >>> [round(end, 3) for end in threshold.interval]
    [0.76, 0.84]
    """

    rho: float
    error: float
    shift: float
    radii: np.ndarray
    growths: tuple[NoisyGrowth, ...]

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of ρ*, extended by the shift to both sides, in the units of w."""
        half = 1.96 * self.error + self.shift
        return self.rho - half, self.rho + half


@checked
def noisy_growth(
    map_: Map,
    point: CriticalPoint,
    *,
    runs: int = 4000,
    seed: int = 0,
    first_run: int = 0,
    device: str = "auto",
) -> NoisyGrowth:
    """Measure the growth rate of the mean of noisy runs near a saddle, while they are close to it.

    Runs start in pairs at w* ± w₀, w₀ along an unstable direction, and both runs of a pair draw the same noise. Half of
    their difference has the mean of a run's own displacement and a fraction of its variance. The rate is the
    logarithmic growth of the mean difference from the middle of the run to its end. A run lasts 1/|λ| in t, one
    e-folding without a perturbation (with momentum 1 − γ times as long, plus the time in which the velocity settles).
    Other directions decay during its first half. The differences are projected on the direction that grows most. With
    several unstable directions pairs start along each, and the rate is that of their fastest combination.

    The mean step is linear where ‖Hw‖ ≪ s, the noise's standard deviation. The bias is of the order of (‖Hw‖/s)²: 0.1²
    from the starts, and η|λ|/(1 − γ) from the runs' own spread.

    Args:
        map_: the iterates, with noise of shared or independent coupling.
        point: a saddle or maximum.
        runs: the number of pairs.
        seed, first_run, device: as in ``simulate``.

    Raises:
        InputError: the map has no noise or a clean ascent, the point has no unstable direction, the noise vanishes
            along one, or runs < 2.

    >>> import samdyn as sd
    >>> noise = sd.noise.Gaussian(1.0)
    >>> map_ = sd.Map(sd.Landscape("-x**2/2", "x", box=[(-3, 3)]), sd.SAM(rho=0.1), lr=0.1, noise=noise)
    >>> (point,) = sd.critical_points(map_.landscape)
    >>> round(sd.analysis.noisy_growth(map_, point, runs=100).rate, 3)
    0.883
    """
    checks.numeric(map_)
    _check(map_, point)
    if checks.count("runs", runs, "Use e.g. runs=4000") < 2:
        checks.reject("runs", runs, "a standard error takes two runs", "Use e.g. runs=4000")
    unstable = point.eigenvalues < 0
    lam, directions = point.eigenvalues[unstable], point.eigenvectors[:, unstable]
    starts = START_SIZE * directions * _deviations(map_, point, directions) / abs(lam)
    fastest = abs(lam).max()
    settle = math.ceil(4 / (1 - map_.momentum)) if map_.has_velocity else 0
    half = max(1, settle, math.ceil((1 - map_.momentum) / (2 * fastest * map_.lr)))

    def halfway_and_end(start: np.ndarray) -> np.ndarray:
        """Return half the pairs' differences in the middle and at the end, from one start: ``(2, d, runs)``."""
        plus, minus = (
            simulate(
                map_, np.tile(point.w + side * start, (runs, 1)), 2 * half, save_every=half, seed=seed,
                first_run=first_run, device=device, progress=False,
            ).w.values[:, 1:]
            for side in (1, -1)
        )  # fmt: skip
        return (plus - minus).transpose(1, 2, 0) / 2

    differences = np.stack([halfway_and_end(start) for start in starts.T], axis=2)  # (2, d, m, runs)
    middle, end = differences.mean(-1)
    weights = _fastest(middle, end)
    direction = end @ weights / np.linalg.norm(end @ weights)
    components = np.einsum("i,tijn,j->tn", direction, differences, weights)
    means = components.mean(1)
    if not (means > 0).all():
        return NoisyGrowth(-math.inf, math.inf)
    relative = components[1] / means[1] - components[0] / means[0]
    time = half * map_.lr
    return NoisyGrowth(math.log(means[1] / means[0]) / time, float(relative.std(ddof=1)) / math.sqrt(runs) / time)


@checked
def noise_threshold(
    map_: Map, point: CriticalPoint, *, runs: int = 4000, seed: int = 0, device: str = "auto"
) -> NoiseThreshold:
    """Measure the radius ρ* above which the mean of normalised SAM's noisy runs returns to a saddle.

    The measurement does not use the method's own ρ. It doubles the radius until the growth rate of the mean changes its
    sign. A regression of growth rates on ρ, from independent runs at three radii around the crossing, gives ρ*.

    Args:
        map_: the iterates of normalised SAM, with noise of shared or independent coupling.
        point: a saddle or maximum.
        runs: the number of pairs of runs at every radius.
        seed, device: as in ``simulate``.

    Raises:
        InputError: the method is not normalised SAM, ``noisy_growth`` refuses the arguments, or the growth rate changes
            its sign at no radius.

    >>> import samdyn as sd
    >>> noise = sd.noise.Gaussian(1.0)
    >>> map_ = sd.Map(sd.Landscape("-x**2/2", "x", box=[(-3, 3)]), sd.SAM(rho=0.1), lr=0.1, noise=noise)
    >>> (point,) = sd.critical_points(map_.landscape)
    >>> threshold = sd.analysis.noise_threshold(map_, point, runs=200)
    >>> low, high = threshold.interval
    >>> bool(low < 1.25 < high)  # √(π/2) s/|λ|
    True
    """
    method = map_.method
    if not isinstance(method, SAM):
        rule = "only normalised SAM has a threshold that the noise makes"
        checks.reject("method", method, rule, "Use SAM, or measure trapping_threshold without noise")
    _check(map_, point)
    first_run = 0

    def growth(rho: float, runs: int) -> NoisyGrowth:
        nonlocal first_run
        rate = noisy_growth(
            replace(map_, method=replace(method, rho=rho)),
            point,
            runs=runs,
            seed=seed,
            first_run=first_run,
            device=device,
        )
        first_run += runs
        return rate

    few = max(2, runs // 4)  # a rough bracket is enough
    rho = 0.1 * float(_deviations(map_, point, point.eigenvectors).max() / abs(point.eigenvalues).max())
    below, above = rho, rho
    last = now = growth(rho, few)
    for _ in range(MAX_DOUBLINGS):
        if now.rate < 0:
            break
        below, last, above = above, now, 2 * above
        now = growth(above, few)
    if not last.rate >= 0 > now.rate:
        rule = f"the mean of the runs grows, or returns, at every radius from {rho:.3g} to {above:.3g}"
        checks.reject("map", map_, rule, "Use a smaller lr, or more runs")
    share = 0.5 if math.isinf(now.rate) else last.rate / (last.rate - now.rate)
    radii = (below + share * (above - below)) * np.array(RELATIVE_RADII)
    growths = tuple(growth(float(r), runs) for r in radii)
    rates, errors = (np.array([getattr(g, name) for g in growths]) for name in ("rate", "error"))
    if not np.isfinite(rates).all():
        checks.reject("runs", runs, "are too few to tell the mean from 0 near the threshold", "Use more")
    rho, error = _crossing(radii, rates, errors)
    spread = map_.lr * float(abs(point.eigenvalues[point.eigenvalues < 0]).max()) / (1 - map_.momentum)
    return NoiseThreshold(rho, error, RELATIVE_SHIFT * (START_SIZE**2 + spread) * rho, radii, growths)


def _check(map_: Map, point: CriticalPoint) -> None:
    """Check that the noise of a map can make a threshold at a point.

    Raises:
        InputError: there is no noise, a clean ascent, no unstable direction, or no noise along one.
    """
    if map_.noise is None:
        checks.reject("noise", None, "without noise normalised SAM has no threshold", "Measure held_set instead")
    if map_.noise.coupling == "clean":
        rule = "a clean ascent has a perturbation of length ρ however near the saddle: there is no threshold"
        checks.reject("coupling", "clean", rule, 'Use "shared" or "independent"')
    if not (point.eigenvalues < 0).any():
        checks.reject("point", point.kind, "no direction leads away, and there is nothing to hold", "Give a saddle")
    lengths = _deviations(map_, point, point.eigenvectors)
    if not (lengths[point.eigenvalues < 0] > 1e-6 * lengths.max()).all():
        rule = "has no noise along a direction that leads away, where the mean step is then not linear"
        checks.reject("noise", map_.noise, rule, "Use noise along all directions")


def _deviations(map_: Map, point: CriticalPoint, directions: np.ndarray) -> np.ndarray:
    """Return the standard deviation of samples of the gradient's noise along directions ``(d, m)``: ``(m,)``."""
    sgd = replace(map_, method=GD(), lr=1.0, momentum=0.0, nesterov=False)
    at = torch.as_tensor(point.w)[:, None].expand(-1, SAMPLES)
    (stepped,) = sgd.step((at,), Draws(0, torch.arange(SAMPLES), 0))
    return (directions.T @ (stepped - at).numpy()).std(1)


def _fastest(middle: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the weights ``(m,)`` of the starts whose mean difference, ``(d, m)`` at both times, grows most."""
    from scipy.linalg import eigh

    if middle.shape[1] == 1:
        return np.ones(1)
    return eigh(end.T @ end, middle.T @ middle)[1][:, -1]


def _crossing(radii: np.ndarray, rates: np.ndarray, errors: np.ndarray) -> tuple[float, float]:
    """Return the radius at which the regression line of the rates is 0, and its standard error.

    All rates have the same weight, and the root mean square of their errors. A rate that is low by chance has a larger
    error, relative to its smaller mean, so that weights by error would shift the crossing up.
    """
    center, error = radii.mean(), float(np.sqrt((errors**2).mean()))
    (slope, at_center), covariance = np.polyfit(radii - center, rates, 1, cov="unscaled")
    offset = -at_center / slope
    gradient = np.array([offset, 1.0]) / slope
    return float(center + offset), error * float(np.sqrt(gradient @ covariance @ gradient))

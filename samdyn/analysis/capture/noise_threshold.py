"""The radius above which normalised SAM's noisy runs return to a saddle on average, measured from simulated runs."""

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

DISTANCE = 0.1  # ‖Hw‖ at the start, relative to the noise's standard deviation along the same direction
SHIFT = (
    0.25  # of ρ*, per unit of what is not infinitesimal: measured at η|λ| from 0.01 to 0.05 in one and two dimensions
)
SAMPLES = 4096  # of the noise, for its size
DOUBLINGS = 30
AROUND = (0.9, 1.0, 1.1)  # radii at which rates are measured, relative to the first estimate of ρ*


@dataclass(frozen=True)
class NoisyGrowth:
    """The rate at which the mean of noisy runs leaves a critical point, in 1/t, and its standard error.

    −inf if the mean was no longer told from 0 at the end: it returns faster than the runs can show.
    """

    rate: float
    error: float


@dataclass(frozen=True)
class NoiseThreshold:
    """Where the growth of the mean changes its sign.

    Attributes:
        rho: ρ*, in the units of w.
        error: its standard error.
        shift: how far ρ* may lie off the threshold of infinitesimal steps and distances, in the units of w: a quarter
            of (‖Hw‖/s)² at the start plus the runs' own spread, η|λ|/(1 − γ), as large as was seen where noise is
            about equal along all directions. Where it is weak along a stiff one the shift is larger: measure at half
            the learning rate to see it.
        radii, growths: what it was regressed from: ρ and the growth rates there, 1/t, with their standard errors.
    """

    rho: float
    error: float
    shift: float
    radii: np.ndarray
    growths: tuple[NoisyGrowth, ...]

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of ρ*, wider by the shift to both sides."""
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
    """Measure how fast the mean of noisy runs grows near a saddle, before they have gone far.

    Runs start in pairs at w* ± w₀, w₀ along an unstable direction, and both of a pair see the same noise: half their
    difference has the mean of the runs' own displacement and a fraction of its variance. The rate is the logarithmic
    growth of the mean difference from the first half of the run to its end. The run is one e-folding without a
    perturbation, 1/|λ| in t (1 − γ times as long with momentum, plus what the velocity takes to settle); its first half
    lets other directions decay, and the differences are projected on the direction that grows most. With several
    unstable directions pairs start along each, and the combination that grows most is followed.

    The mean step is linear where ‖Hw‖ ≪ s, the noise's standard deviation. What is left of a bias is of the order of
    (‖Hw‖/s)², which the start makes 0.1² and the runs' own spread η|λ|/(1 − γ).

    Args:
        map_: the iterates; noise shared or independent.
        point: a saddle or maximum.
        runs: how many pairs.
        seed, first_run, device: as in ``simulate``.

    Raises:
        InputError: a map without noise or with a clean ascent, a point without an unstable direction, no noise along
            it, runs < 2.
    """
    checks.numeric(map_)
    _check(map_, point)
    if checks.count("runs", runs, "Use e.g. runs=4000") < 2:
        checks.reject("runs", runs, "a standard error takes two runs", "Use e.g. runs=4000")
    unstable = point.eigenvalues < 0
    lam, directions = point.eigenvalues[unstable], point.eigenvectors[:, unstable]
    starts = DISTANCE * directions * _deviations(map_, point, directions) / abs(lam)
    fastest = abs(lam).max()
    settle = math.ceil(4 / (1 - map_.momentum)) if map_.has_velocity else 0
    half = max(1, settle, math.ceil((1 - map_.momentum) / (2 * fastest * map_.lr)))

    def halfway_and_end(start: np.ndarray) -> np.ndarray:
        """Return half the pairs' differences from one start: ``(2, d, runs)``."""
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
    followed = np.einsum("i,tijn,j->tn", direction, differences, weights)
    means = followed.mean(1)
    if not (means > 0).all():
        return NoisyGrowth(-math.inf, math.inf)
    relative = followed[1] / means[1] - followed[0] / means[0]
    time = half * map_.lr
    return NoisyGrowth(math.log(means[1] / means[0]) / time, float(relative.std(ddof=1)) / math.sqrt(runs) / time)


@checked
def noise_threshold(
    map_: Map, point: CriticalPoint, *, runs: int = 4000, seed: int = 0, device: str = "auto"
) -> NoiseThreshold:
    """Measure the radius ρ* above which noise lets a saddle hold normalised SAM's runs near it.

    The method's own ρ is not used. The radius is doubled until the growth of the mean changes its sign; growth rates
    around the crossing, from independent runs, are then regressed on ρ.

    Args:
        map_: the iterates of normalised SAM, with noise shared or independent.
        point: a saddle or maximum.
        runs: how many pairs of runs at every radius.
        seed, device: as in ``simulate``.

    Raises:
        InputError: another method; what ``noisy_growth`` refuses; no threshold found.
    """
    method = map_.method
    if not isinstance(method, SAM):
        rule = "only normalised SAM has a threshold that the noise makes"
        checks.reject("method", method, rule, "Use SAM, or measure trapping_threshold without noise")
    _check(map_, point)
    used = 0

    def growth(rho: float, runs: int) -> NoisyGrowth:
        nonlocal used
        found = noisy_growth(
            replace(map_, method=replace(method, rho=rho)), point, runs=runs, seed=seed, first_run=used, device=device
        )
        used += runs
        return found

    few = max(2, runs // 4)  # where to look more closely need not be known closely
    rho = 0.1 * float(_deviations(map_, point, point.eigenvectors).max() / abs(point.eigenvalues).max())
    below, above = rho, rho
    last = now = growth(rho, few)
    for _ in range(DOUBLINGS):
        if now.rate < 0:
            break
        below, last, above = above, now, 2 * above
        now = growth(above, few)
    if not last.rate >= 0 > now.rate:
        rule = f"the mean of the runs grows, or returns, at every radius from {rho:.3g} to {above:.3g}"
        checks.reject("map", map_, rule, "Use a smaller lr, or more runs")
    share = 0.5 if math.isinf(now.rate) else last.rate / (last.rate - now.rate)
    radii = (below + share * (above - below)) * np.array(AROUND)
    growths = tuple(growth(float(r), runs) for r in radii)
    rates, errors = (np.array([getattr(g, name) for g in growths]) for name in ("rate", "error"))
    if not np.isfinite(rates).all():
        checks.reject("runs", runs, "are too few to tell the mean from 0 near the threshold", "Use more")
    rho, error = _crossing(radii, rates, errors)
    spread = map_.lr * float(abs(point.eigenvalues[point.eigenvalues < 0]).max()) / (1 - map_.momentum)
    return NoiseThreshold(rho, error, SHIFT * (DISTANCE**2 + spread) * rho, radii, growths)


def _check(map_: Map, point: CriticalPoint) -> None:
    if map_.noise is None:
        checks.reject("noise", None, "without noise normalised SAM has no threshold", "Measure trap_half_width instead")
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
    """Return the standard deviation of the gradient's noise along directions ``(d, m)``, from samples: ``(m,)``."""
    sgd = replace(map_, method=GD(), lr=1.0, momentum=0.0, nesterov=False)
    at = torch.as_tensor(point.w)[:, None].expand(-1, SAMPLES)
    (stepped,) = sgd.step((at,), Draws(0, torch.arange(SAMPLES), 0))
    return (directions.T @ (stepped - at).numpy()).std(1)


def _fastest(middle: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the combination of starts ``(m,)`` of which the mean, ``(d, m)`` at both times, grows most."""
    from scipy.linalg import eigh

    if middle.shape[1] == 1:
        return np.ones(1)
    return eigh(end.T @ end, middle.T @ middle)[1][:, -1]


def _crossing(radii: np.ndarray, rates: np.ndarray, errors: np.ndarray) -> tuple[float, float]:
    """Return where the line through the rates is 0, and the standard error of that.

    All rates count alike, with their errors' root mean square: a rate that came out low by chance has a larger error,
    relative to its smaller mean, and to weigh it less would shift the crossing up.
    """
    center, error = radii.mean(), float(np.sqrt((errors**2).mean()))
    (slope, at_center), covariance = np.polyfit(radii - center, rates, 1, cov="unscaled")
    offset = -at_center / slope
    gradient = np.array([offset, 1.0]) / slope
    return float(center + offset), error * float(np.sqrt(gradient @ covariance @ gradient))

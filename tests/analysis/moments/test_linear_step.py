"""Exact moments: against closed forms of one coordinate, and against simulated ensembles."""

from typing import Any

import numpy as np
import pytest

import samdyn as sd
from samdyn.analysis import linear_step

UNIT = sd.Landscape("x**2/2 - y**2/2", "x y", box=((-3, 3), (-3, 3)), name="unit saddle")
TILTED = sd.Landscape("x**2 + x*y + y**2 - x", "x y", box=((-3, 3), (-3, 3)), name="tilted bowl")
LR, RHO, BATCH, STEPS = 0.01, 0.5, 16, 100


@pytest.mark.parametrize(
    ("method", "coupling", "drift", "noise", "told"),
    [
        (sd.GD(), "shared", 1.0, 1.0, 1.97e-3),
        (sd.USAM(RHO), "shared", 0.5, 0.25, 2.67e-4),
        (sd.USAM(RHO), "independent", 0.5, 1.25, 1.34e-3),
        (sd.USAM(RHO), "clean", 0.5, 1.0, 1.07e-3),
    ],
)
def test_closed_forms(method: sd.Method, coupling: str, drift: float, noise: float, told: float) -> None:
    """theory 13, at λ = −1: drift λ(1 + ρλ), and the noise of each coupling."""
    map_ = sd.Map(UNIT, method, lr=LR, noise=sd.noise.Fisher((0, 0), BATCH, coupling=coupling))
    mean, covariance = linear_step(map_).moments((0.2, 0.1), STEPS)
    q = 1 + LR * drift
    assert mean[:, 1] == pytest.approx(0.1 * q ** np.arange(STEPS + 1), rel=1e-12)
    expected = LR**2 * noise / BATCH * (q ** (2 * np.arange(STEPS + 1)) - 1) / (q**2 - 1)
    assert covariance[:, 1, 1] == pytest.approx(expected, rel=1e-10)
    assert covariance[-1, 1, 1] == pytest.approx(told, rel=0.01)
    assert (covariance[:, 0, 1] == 0).all()


@pytest.mark.parametrize("lam", [0.5, 2.0])
def test_stationary_variance_of_shared_usam(lam: float) -> None:
    """ηC(1 + ρλ)/(λ(2 − ηλ(1 + ρλ)))  [theory 17]."""
    landscape = sd.landscapes.quadratic([lam])
    map_ = sd.Map(landscape, sd.USAM(0.3), lr=0.1, noise=sd.noise.Gaussian(0.7))
    factor = 1 + 0.3 * lam
    mean, covariance = linear_step(map_).stationary()
    assert covariance[0, 0] == pytest.approx(0.1 * 0.7 * factor / (lam * (2 - 0.1 * lam * factor)), rel=1e-12)
    assert mean == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("coupling", ["shared", "independent", "clean"])
@pytest.mark.parametrize(
    "options", [{}, {"momentum": 0.8}, {"momentum": 0.8, "nesterov": True}], ids=["plain", "heavy ball", "Nesterov"]
)
@pytest.mark.parametrize(
    "method", [sd.USAM(0.2), sd.USAM(0.4, ascent_steps=2, average=True), sd.ExactSAM(0.2)], ids=["1", "2", "exact"]
)
def test_as_simulated(method: sd.Method, options: dict[str, Any], coupling: str) -> None:
    covariance = [[0.5, 0.3], [0.3, 0.4]]
    map_ = sd.Map(TILTED, method, lr=0.05, noise=sd.noise.Gaussian(covariance, coupling=coupling), **options)
    start, count = (1.0, -0.5), 20_000
    exact_mean, exact = (m[-1] for m in linear_step(map_).moments(start, 30))
    w = sd.simulate(map_, [start] * count, 30).w.values[:, -1]
    sd_mean = np.sqrt(np.diag(exact) / count)
    assert (np.abs(w.mean(0) - exact_mean) < 4.5 * sd_mean).all()
    # The variance of a sample covariance of normal numbers: (PᵢᵢPⱼⱼ + Pᵢⱼ²)/n.
    error = np.sqrt((np.outer(np.diag(exact), np.diag(exact)) + exact**2) / count)
    assert (np.abs(np.cov(w.T) - exact) < 4.5 * error).all()


def test_stationary_is_what_the_recursion_tends_to() -> None:
    map_ = sd.Map(TILTED, sd.USAM(0.1), lr=0.1, momentum=0.5, noise=sd.noise.Gaussian(1.0))
    step = linear_step(map_)
    for long, rest in zip(step.moments((3, 3), 2000), step.stationary(), strict=True):
        np.testing.assert_allclose(long[-1], rest, rtol=1e-9)


LINES = sd.SampleLandscape("p*x**2/2 + q*x*y + y**2 - s*y", "x y", {"p": [1.0, 3.0], "q": [0.5, -0.2], "s": [1, -2.0]})


@pytest.mark.parametrize("momentum", [0.0, 0.6])
@pytest.mark.parametrize(
    "noise",
    [
        sd.noise.FiniteSum(2),
        sd.noise.FiniteSum(1, replacement=False, coupling="independent"),
        sd.noise.FiniteSum(4, micro_batch=2),
    ],
    ids=["shared", "independent", "micro"],
)
def test_mini_batches_as_simulated(noise: sd.noise.Noise, momentum: float) -> None:
    """Their matrices are random too: multiplicative noise."""
    map_ = sd.Map(LINES, sd.USAM(0.2), lr=0.1, momentum=momentum, noise=noise)
    start, count = (1.0, -0.5), 40_000
    exact_mean, exact = (m[-1] for m in linear_step(map_).moments(start, 20))
    w = sd.simulate(map_, [start] * count, 20).w.values[:, -1]
    off = w - w.mean(0)
    assert (np.abs(w.mean(0) - exact_mean) < 4.5 * off.std(0) / np.sqrt(count)).all()
    products = off[:, :, None] * off[:, None]
    assert (np.abs(products.mean(0) - exact) < 4.5 * products.std(0) / np.sqrt(count)).all()
    step = linear_step(map_)
    for long, rest in zip(step.moments(start, 2000), step.stationary(), strict=True):
        np.testing.assert_allclose(long[-1], rest, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("micro_batch", [1, 4, 16])
def test_micro_batches_change_nothing_on_a_quadratic(micro_batch: int) -> None:
    """USAM's step is linear in the noise, whose mean over micro-batches is the batch's."""
    of = {}
    for m in (None, micro_batch):
        noise = sd.noise.Fisher((0, 0), 16, micro_batch=m)
        of[m] = linear_step(sd.Map(UNIT, sd.USAM(RHO), lr=LR, noise=noise)).moments((0, 0), STEPS)[1][-1]
    np.testing.assert_allclose(of[micro_batch], of[None], rtol=1e-12)


def bound(map_: sd.Map) -> float:
    with pytest.raises(sd.InputError, match="the moments diverge") as raised:
        linear_step(map_).stationary()
    return float(str(raised.value).split("Use lr < ")[1])


def test_the_message_has_the_bound_in_lr() -> None:
    """η < 2(1 + γ)/λₑ; with random curvatures p the second moment needs η < 2 E p/E p²."""
    bowl = sd.landscapes.quadratic([2.0])
    for momentum in (0.0, 0.5):
        map_ = sd.Map(bowl, sd.USAM(0.5), lr=3.0, momentum=momentum, noise=sd.noise.Gaussian(1.0))
        assert bound(map_) == pytest.approx(2 * (1 + momentum) / 4, rel=1e-5)
    random = sd.SampleLandscape("p*x**2/2", "x", {"p": [1.0, 3.0]})
    assert bound(sd.Map(random, sd.GD(), lr=0.9, noise=sd.noise.FiniteSum(1))) == pytest.approx(2 * 2 / 5, rel=1e-5)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: linear_step(sd.Map(UNIT, sd.GD(), lr=0.1)), "without noise"),
        (lambda: linear_step(sd.Map(UNIT, sd.SAM(0.1), lr=0.1, noise=sd.noise.Gaussian(1.0))), "is not linear"),
        (
            lambda: linear_step(sd.Map(sd.landscapes.beale(), sd.GD(), lr=0.1, noise=sd.noise.Gaussian(1.0))),
            "is not linear",
        ),
        (
            lambda: linear_step(sd.Map(UNIT, sd.GD(), lr=0.1, noise=sd.noise.Gaussian(1.0))).stationary(),
            "multiplies second moments by up to 1.21, which must be < 1. At no lr",
        ),
        (lambda: linear_step(sd.Map(UNIT, sd.GD(), lr=0.1, noise=sd.noise.Gaussian(1.0))).moments((1,), 3), "2 finite"),
        (lambda: linear_step(sd.Map(UNIT, sd.GD(), lr=0.1, noise=sd.noise.Gaussian(1.0))).moments((1, 1), 0), "steps"),
    ],
)
def test_bad_input(wrong: Any, message: str) -> None:
    with pytest.raises(sd.InputError, match=message):
        wrong()


@pytest.mark.parametrize("steps", [1, 2, 3, 1000])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_many_steps_at_once_are_the_recursion(momentum: float, steps: int) -> None:
    """Rounding grows with the moments, by some units per doubling."""
    landscape = sd.landscapes.quadratic([-1.0, 2.0], rotation=0.3)
    map_ = sd.Map(landscape, sd.USAM(0.3), lr=0.01, momentum=momentum, noise=sd.noise.Gaussian(1.0))
    step = linear_step(map_)
    mean, covariance = step.moments([0.1, 0.2], steps)
    m, c = np.zeros(step.b.shape[1]), np.zeros((step.b.shape[1],) * 2)
    m[:2] = 0.1, 0.2
    for k in range(steps + 1):
        np.testing.assert_allclose(mean[k], m[:2], rtol=0, atol=1e-12 * np.abs(m).max())
        np.testing.assert_allclose(covariance[k], c[:2, :2], rtol=0, atol=1e-12 * np.abs(c).max())
        m, c = step._next(m, c)


def test_moments_beyond_the_floating_point_range() -> None:
    map_ = sd.Map(sd.landscapes.quadratic([-9.0, 1.0]), sd.GD(), lr=1.0, noise=sd.noise.Gaussian(1.0))
    with np.errstate(over="ignore", invalid="ignore"):
        mean, _ = linear_step(map_).moments([1.0, 1.0], 400)
    assert np.isfinite(mean[:308]).all()
    assert mean[300, 0] == pytest.approx(1e300)

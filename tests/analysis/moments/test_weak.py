"""Exact expectations, and what they say of the diffusions in the literature."""

from functools import cache
from typing import Any

import numpy as np
import pytest
import sympy

import samdyn as sd
from samdyn.analysis import expected

DATA = {
    "p": [1.0, 2.0, 0.5], "q": [0.6, 1.5, 2.0], "r": [0.3, -0.4, 0.2], "s": [-1.0, -0.5, -1.5], "t": [1.0, 0.4, 1.2]
}  # fmt: skip
# In the box the gradient of no sample vanishes, so that SAM's directions are smooth.
CURVED = sd.SampleLandscape("p*a**2/2 + q*b**2/2 + r*a*b + a**3/12 - s*a + t*b", "a b", DATA)
BOX = ((-0.9, 1.6), (-1.0, 1.3))
START, TIME = (1.2, 0.9), 0.5
NOISE = sd.noise.FiniteSum(1)
TESTS = (
    lambda w: w[0],
    lambda w: w[1] ** 2,
    lambda w: w[0] * w[1],
    lambda w: np.exp(w[0] / 2),
    lambda w: np.sin(w[1]),
)


@cache
def iterates(method: sd.Method, lr: float) -> np.ndarray:
    return expected(sd.Map(CURVED, method, lr=lr, noise=NOISE), TESTS, START, TIME, BOX).values


@cache
def diffusion(method: sd.Method, model: str, lr: float) -> np.ndarray:
    return expected(sd.Diffusion(CURVED, method, NOISE, lr=lr, model=model), TESTS, START, TIME, BOX).values


@cache
def of_sgd(lr: float) -> np.ndarray:
    """Of the diffusion of SGD, which knows no ρ."""
    return expected(sd.Diffusion(CURVED, sd.GD(), NOISE, lr=lr), TESTS, START, TIME, BOX).values


def errors(method: sd.Method, model: str, lr: float) -> np.ndarray:
    """|E φ(wₖ) − E φ(X)| for the test functions; model "gd": SGD's diffusion."""
    return np.abs(iterates(method, lr) - (of_sgd(lr) if model == "gd" else diffusion(method, model, lr)))


def slopes(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.polyfit(np.log(x), np.log(y), 1)[0]


@pytest.mark.slow
@pytest.mark.parametrize("model", ["taylor", "moments"])
@pytest.mark.parametrize("method", [sd.USAM, sd.DNSAM, sd.SAM])
def test_the_diffusions_of_c23_are_of_weak_order_1_in_lr(method: Any, model: str) -> None:
    """At ρ = √η/2; SGD's diffusion, for the same iterates, is of order ½."""
    rates = np.array([0.01, 0.0025])
    found = slopes(rates, np.array([errors(method(lr**0.5 / 2), model, lr) for lr in rates]))
    assert found == pytest.approx(np.ones(5), abs=0.2)
    rival = slopes(rates, np.array([errors(method(lr**0.5 / 2), "gd", lr) for lr in rates]))
    assert (rival < 0.75).all()


@pytest.mark.parametrize("method", [sd.USAM, sd.DNSAM, sd.SAM])
def test_taylor_is_of_order_2_in_rho(method: Any) -> None:
    """Against "moments", which the test above holds against the iterates: what the expansion leaves out is ρ²."""
    radii = np.array([0.01, 0.0025])

    def off(rho: float) -> np.ndarray:
        return np.abs(diffusion(method(rho), "taylor", 0.002) - diffusion(method(rho), "moments", 0.002))

    assert slopes(radii, np.array([off(rho) for rho in radii])) == pytest.approx(2 * np.ones(5), abs=0.2)


@pytest.mark.parametrize("rho", [0.0, 0.3])
def test_moments_need_no_small_radius(rho: float) -> None:
    """At a radius that does not shrink with η, "moments" keeps its order, and "taylor" has none: its mean of w₀."""
    rates = np.array([0.01, 0.0025])

    def order(model: str) -> np.ndarray:
        return slopes(rates, np.array([errors(sd.SAM(rho), model, lr) for lr in rates]))

    assert order("moments") == pytest.approx(np.ones(5), abs=0.2)
    if rho == 0.3:
        assert order("taylor")[0] < 0.5


def test_as_simulated() -> None:
    map_ = sd.Map(CURVED, sd.SAM(0.2), lr=0.02, noise=NOISE)
    exact = expected(map_, TESTS, START, TIME, BOX).values
    w = sd.simulate(map_, [START] * 40_000, 25).w.values[:, -1].T
    for value, test in zip(exact, TESTS, strict=True):
        assert abs(test(w).mean() - value) < 4.5 * test(w).std() / 200 + 1e-5


def test_against_the_exact_moments_of_a_quadratic() -> None:
    quadratic = sd.landscapes.quadratic([1.0, -0.5], rotation=0.3)
    noise = sd.noise.Gaussian([[0.3, 0.1], [0.1, 0.2]])
    tests = (lambda w: w[0], lambda w: w[0] ** 2, lambda w: w[0] * w[1])
    sde = sd.Diffusion(quadratic, sd.USAM(0.2), noise, lr=0.1)
    map_ = sd.Map(quadratic, sd.USAM(0.2), lr=0.1, noise=noise)
    box = ((-2, 2), (-2, 2))
    for system, (mean, covariance) in (
        (sde, [m[-1] for m in sd.analysis.linear_diffusion(sde).moments((0.5, 0.2), [1.0])]),
        (map_, [m[-1] for m in sd.analysis.linear_step(map_).moments((0.5, 0.2), 10)]),
    ):
        squares = covariance + np.outer(mean, mean)
        got = expected(system, tests, (0.5, 0.2), 1.0, box, nodes=6).values
        assert got == pytest.approx([mean[0], squares[0, 0], squares[0, 1]], rel=1e-9)


SPREADING = sd.SampleLandscape("c*x**2/2", "x", {"c": [-1.0, 3.0]})  # E xⁿ grows as exp((η·2n(n−1) − n)t)


@pytest.mark.parametrize("half", [2.0, 4.0, 20.0])
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_high_moments_that_grow_spoil_no_low_ones(half: float, n: int) -> None:
    """More nodes hold higher moments, whose rounding grows by up to e³⁰ here: the grid is chosen by its error."""
    sde = sd.Diffusion(SPREADING, sd.GD(), NOISE, lr=0.2)
    found = expected(sde, [lambda w: w[0] ** n], (0.8,), 1.0, ((-half, half),))
    exact = 0.8**n * np.exp(0.2 * 2 * n * (n - 1) - n)
    # Rounding is relative to the function's largest value in the box.
    assert found.values[0] == pytest.approx(exact, abs=1e-10 * half**n)
    assert abs(found.values[0] - exact) <= found.errors[0] <= 1e-6 * half**n


def test_what_no_grid_resolves_is_refused() -> None:
    sde = sd.Diffusion(SPREADING, sd.GD(), NOISE, lr=0.2)
    with pytest.raises(sd.InputError, match="E φ is not resolved: the error of test function 0 is about"):
        expected(sde, [lambda w: w[0] ** 2], (0.8,), 1.0, ((-4, 4),), nodes=16)
    with pytest.raises(sd.InputError, match="is not resolved: the error of test function 1"):
        expected(sde, [lambda w: w[0], lambda w: np.sign(w[0] - 0.3)], (0.3,), 1.0, ((-4, 4),))


@pytest.mark.parametrize(("rho", "steps"), [(0.05, 5), (0.2, 5), (0.1, 3)])
def test_jumps_cost_digits_and_the_error_says_so(rho: float, steps: int) -> None:
    """A step of normalised SAM on a line jumps where a sample's gradient vanishes; all 3ᵏ paths are summed beside."""
    centres = np.array([-0.3, 0.4, 0.1])
    line = sd.SampleLandscape("(x - a)**2/2", "x", {"a": centres.tolist()})
    map_ = sd.Map(line, sd.SAM(rho), lr=0.1, noise=NOISE)
    found = expected(map_, [lambda w: w[0], lambda w: w[0] ** 2], (0.7,), 0.1 * steps, ((-1.2, 1.2),))
    paths = np.array([0.7])
    for _ in range(steps):
        shifted = paths[:, None] - centres
        paths = (paths[:, None] - 0.1 * (shifted + rho * np.sign(shifted))).ravel()
    exact = np.array([paths.mean(), (paths**2).mean()])
    assert (np.abs(found.values - exact) <= found.errors).all()
    assert ((found.errors > 1e-6) & (found.errors < 1e-2)).all()


@pytest.mark.parametrize("solver", [sd.EulerMaruyama, sd.Milstein, sd.Platen])
def test_in_one_dimension(solver: Any) -> None:
    line = sd.SampleLandscape("p*x**2/2", "x", {"p": [1.0, 3.0]})
    sde = sd.Diffusion(line, sd.GD(), sd.noise.FiniteSum(1), lr=0.1)
    square = (lambda w: w[0] ** 2,)
    got, exact = (expected(s, square, (1.0,), 0.5, ((0.1, 2),)).values[0] for s in (solver(sde, dt=0.005), sde))
    assert exact == pytest.approx(np.exp((-4 + 0.1) * 0.5), rel=1e-9)  # d E x²/dt = (−2·2 + η Var p) E x²
    assert got == pytest.approx(exact, rel=0.02)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"system": sd.Map(CURVED, sd.GD(), lr=0.1, momentum=0.5, noise=NOISE)}, "momentum = 0.5"),
        ({"system": sd.Map(CURVED, sd.GD(), lr=0.1)}, "without noise"),
        ({"w0": (5, 0)}, "outside of the box"),
        ({"time": 0.123}, "no multiple"),
        ({"time": 0.01}, "Use e.g. 0.1"),
        ({"nodes": 100}, r"nodes\*\*2 at most 2500"),
        ({"nodes": 1}, "must be at least 2"),
        ({"tests": []}, "at least one function"),
        ({"system": sd.Map(CURVED, sd.GD(), lr=sympy.Symbol("eta"), noise=NOISE)}, "needs a number"),
    ],
)
def test_bad_input(options: dict[str, Any], message: str) -> None:
    usual = {"system": sd.Map(CURVED, sd.GD(), lr=0.1, noise=NOISE), "tests": TESTS, "w0": START, "time": 0.5}
    with pytest.raises(sd.InputError, match=message):
        expected(**{**usual, "box": BOX, **options})

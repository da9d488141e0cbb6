"""Maps with noise: how the gradients of a step share it, and that a run is its own."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import ortho_group

import samdyn as sd

SADDLE = sd.Landscape("x**2/2 - y**2/2", "x y", box=((-3, 3), (-3, 3)), name="unit saddle")
COUPLINGS = ("shared", "independent", "clean")
LR, RHO, BATCH, STEPS, RUNS = 0.01, 0.5, 16, 100, 100_000


def simulated(method: sd.Method, coupling: str, **options: Any) -> np.ndarray:
    noise = sd.noise.Fisher((0, 0), BATCH, coupling=coupling)
    map_ = sd.Map(SADDLE, method, lr=LR, noise=noise)
    runs = sd.simulate(map_, np.zeros((RUNS, 2)), STEPS, **options)
    return runs.w.values[:, -1]


def exact(drift: float, noise: float) -> float:
    """The variance of w ← (1 − ηa)w − ηξ after STEPS steps from 0, Var ξ = noise/B (|λ| = 1)."""
    q = (1 - LR * drift) ** 2
    return LR**2 * noise / BATCH * (1 - q**STEPS) / (1 - q)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("coupling", "noise", "told"),
    # USAM's step is λ(1 + ρλ)w + (1 + ρλ)ξ, with two noises ξ₂ + ρλξ₁, with a clean ascent ξ  (theory 13).
    [("shared", lambda a: (1 + a) ** 2, 2.67e-4), ("independent", lambda a: 1 + a**2, 1.34e-3),
     ("clean", lambda a: 1.0, 1.07e-3)],
)  # fmt: skip
def test_variances_of_usam(coupling: str, noise: Any, told: float) -> None:
    w = simulated(sd.USAM(RHO), coupling)
    for coordinate, lam in enumerate((1.0, -1.0)):
        expected = exact(lam * (1 + RHO * lam), noise(RHO * lam))
        # The variance of a normal sample's variance is 2σ⁴/n.
        assert abs(w[:, coordinate].var() - expected) < 4 * expected * np.sqrt(2 / RUNS)
        assert abs(w[:, coordinate].mean()) < 4 * np.sqrt(expected / RUNS)
    assert exact(-(1 - RHO), noise(-RHO)) == pytest.approx(told, rel=0.01)  # the numbers


def test_variance_of_sgd() -> None:
    expected = exact(-1.0, 1.0)
    assert abs(simulated(sd.GD(), "shared")[:, 1].var() - expected) < 4 * expected * np.sqrt(2 / RUNS)
    assert expected == pytest.approx(1.97e-3, rel=0.01)  # the number


@pytest.mark.parametrize(("coupling", "power"), [("shared", 4), ("clean", 2)])
def test_exact_sam_has_the_drift_of_theorem_2_but_less_noise(coupling: str, power: int) -> None:
    """[K23, Theorem 2] has drift λ(1 + ρλ)², exact SAM's, and noise |λ|/B, as if it were not pulled through I + ρH."""
    a = 1 - RHO
    expected = exact(-(a**2), a**power)
    assert abs(simulated(sd.ExactSAM(RHO), coupling)[:, 1].var() - expected) < 4 * expected * np.sqrt(2 / RUNS)
    assert exact(-(a**2), 1.0) == pytest.approx(8.11e-4, rel=0.01)  # Theorem 2
    assert expected < 0.3 * exact(-(a**2), 1.0)


@pytest.mark.parametrize("coupling", COUPLINGS)
@pytest.mark.parametrize(
    "method", [sd.SAM(0.3), sd.USAM(0.3, ascent_steps=2), sd.ExactSAM(0.1), sd.DNSAM(0.3)], ids=str
)
def test_a_run_is_the_same_alone_and_in_company(method: sd.Method, coupling: str) -> None:
    noise = sd.noise.Gaussian([[0.5, 0.2], [0.2, 0.3]], coupling=coupling)
    map_ = sd.Map(sd.landscapes.himmelblau(), method, lr=1e-3, momentum=0.5, noise=noise)
    starts = np.random.default_rng(0).uniform(-1, 1, (50, 2))
    together = sd.simulate(map_, starts, 20, seed=3).w.values
    for part in (slice(0, 1), slice(7, 8), slice(10, 43)):
        alone = sd.simulate(map_, starts[part], 20, seed=3, first_run=part.start)
        np.testing.assert_array_equal(alone.w.values, together[part])
        assert alone.run.values.tolist() == list(range(50))[part]
    assert not (sd.simulate(map_, starts, 20, seed=4).w.values == together).any()


@pytest.mark.parametrize("momentum", [0.0, 0.8])
def test_a_run_that_is_resumed_is_the_same(momentum: float) -> None:
    """From its last point and velocity, on with the steps that were left: to the bit."""
    noise = sd.noise.Gaussian([[0.5, 0.2], [0.2, 0.3]])
    map_ = sd.Map(sd.landscapes.himmelblau(), sd.SAM(0.2), lr=1e-3, momentum=momentum, noise=noise)
    scheme = sd.EulerMaruyama(sd.Diffusion(SADDLE, sd.USAM(0.2), noise, lr=0.01, momentum=momentum))
    starts = np.random.default_rng(0).uniform(-1, 1, (20, 2))
    for system in (map_, scheme):
        whole = sd.simulate(system, starts, 30, save_every=10, seed=3)
        first = sd.simulate(system, starts, 10, seed=3)
        options = {"v0": first.v} if momentum else {}
        rest = sd.simulate(system, first.w[:, -1], 20, save_every=10, seed=3, first_step=10, **options)
        np.testing.assert_array_equal(rest.w.values, whole.w.values[:, 1:])
        np.testing.assert_array_equal(rest.time, whole.time[1:])
        assert rest.step.values.tolist() == [10, 20, 30]
        assert (rest.end == 30).all()
        assert not (sd.simulate(system, first.w[:, -1], 20, seed=3, **options).w[:, -1] == whole.w[:, -1]).any()


@pytest.mark.parametrize("method", [sd.SAM(0.3), sd.ExactSAM(0.1)], ids=str)
@pytest.mark.parametrize("d", [5, 20, 40])
def test_many_coordinates_too(method: sd.Method, d: int) -> None:
    """Sums over coordinates are taken in one order, whatever the number of runs; by matrix products, of H = diag."""
    rotation = None if d > 32 else ortho_group.rvs(d, random_state=0)
    quadratic = sd.landscapes.quadratic(np.linspace(-1, 1, d), rotation=rotation)
    map_ = sd.Map(quadratic, method, lr=0.1, noise=sd.noise.Gaussian(0.1))
    starts = np.random.default_rng(0).uniform(-1, 1, (50, d))
    together = sd.simulate(map_, starts, 10).w.values
    for part in (slice(0, 1), slice(7, 8), slice(10, 43)):
        alone = sd.simulate(map_, starts[part], 10, first_run=part.start).w.values
        np.testing.assert_array_equal(alone, together[part])


def test_one_ascent_step_more_draws_no_other_noise() -> None:
    """A shared batch is one draw a step: with ρ = 0 every coupling and method is SGD with its own draws."""
    ends = {}
    for coupling in COUPLINGS:
        for method in (sd.GD(), sd.USAM(0.0), sd.USAM(0.0, ascent_steps=3)):
            map_ = sd.Map(SADDLE, method, lr=0.1, noise=sd.noise.Gaussian(1.0, coupling=coupling))
            ends[coupling, str(method)] = sd.simulate(map_, [[0.0, 0.0]], 5).w.values
    shared = ends["shared", str(sd.GD())]
    assert all((end == shared).all() for (coupling, _), end in ends.items() if coupling != "independent")
    assert (ends["independent", str(sd.GD())] == shared).all()
    assert not (ends["independent", str(sd.USAM(0.0))] == shared).any()


def by_hand(name: str, coupling: str, w: np.ndarray, xi: list[np.ndarray]) -> np.ndarray:
    """F on x²/2 − y²/2, H = diag(1, −1), with the noises of a step in the order drawn."""
    h = np.array([1.0, -1.0])
    up = h * w + (0 if coupling == "clean" else xi[0])
    length = {"USAM": 1.0, "SAM": np.linalg.norm(up), "DNSAM": np.linalg.norm(h * w)}[name]
    return h * (w + RHO * up / length) + xi[1 if coupling == "independent" else 0]


@pytest.mark.parametrize("coupling", COUPLINGS)
@pytest.mark.parametrize("name", ["USAM", "SAM", "DNSAM"])
def test_one_step_by_hand(name: str, coupling: str) -> None:
    """DNSAM divides by the full batch's norm whatever the coupling  [C23]."""
    noise = sd.noise.Gaussian(np.diag([0.25, 4.0]), coupling=coupling)
    map_ = sd.Map(SADDLE, getattr(sd, name)(RHO), lr=0.1, noise=noise)
    w = np.array([1.0, 0.3])
    one = sd.simulate(map_, w, 1, seed=5, first_run=8).w.values[0, -1]
    run = torch.tensor([8])
    xi = [np.array([0.5, 2.0]) * sd.noise.normals(5, run, 1, draw, 2)[:, 0].numpy() for draw in (0, 1)]
    np.testing.assert_allclose(one, w - 0.1 * by_hand(name, coupling, w, xi), rtol=1e-13)


@pytest.mark.parametrize(
    ("coupling", "told"),
    # By hand, of 10 steps w ← qw − η(ξ₂ + ρλξ₁), q = 1 − ηλ(1 + ρλ), at λ = ±2: η²(1 − q²⁰)/(1 − q²), times 1 + ρ²λ²
    # where ξ₁ and ξ₂ are two draws, and times 1 where the ascent is clean.
    [("Independent", (0.01227882, 0.04931644)), ("CLEAN", (0.0074871, 0.0300710))],
)
def test_couplings_are_named_in_any_case(coupling: str, told: tuple[float, float]) -> None:
    noise = sd.noise.Gaussian(1.0, coupling=coupling)
    assert noise.coupling == coupling.lower()
    map_ = sd.Map(sd.landscapes.saddle(), sd.USAM(0.4), lr=0.05, noise=noise)
    q = 1 - 0.05 * np.array([2 * 1.8, -2 * 0.2])
    by_hand = 0.05**2 * (1 - q**20) / (1 - q**2) * (1.64 if coupling == "Independent" else 1)
    np.testing.assert_allclose(by_hand, told, rtol=1e-5)  # the digits written out above
    of_law = sd.analysis.linear_step(map_).moments((0, 0), steps=10)[1][-1].diagonal()
    np.testing.assert_allclose(of_law, by_hand, rtol=1e-12)
    runs = sd.simulate(map_, np.zeros((20_000, 2)), 10).w.values[:, -1]
    # A variance of 20,000 normal numbers is off by 5 % at five standard errors.
    np.testing.assert_allclose(runs.var(0), by_hand, rtol=0.05)


def test_singular_covariances() -> None:
    rounded = sd.noise.Gaussian(np.diag([1.0, -1e-13]))  # singular, but for rounding
    assert not sd.simulate(sd.Map(SADDLE, sd.GD(), lr=0.1, noise=rounded), (0, 0), 3).w[:, :, 1].any()
    map_ = sd.Map(SADDLE, sd.GD(), lr=0.1, noise=sd.noise.Gaussian([[1.0, 1.0], [1.0, 1.0]]))
    w = sd.simulate(map_, np.zeros((1000, 2)), 1).w.values[:, -1]
    np.testing.assert_allclose(w[:, 0], w[:, 1], atol=1e-15)
    assert w[:, 0].std() == pytest.approx(0.1, rel=0.1)  # 4 standard errors are 9 %


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: sd.noise.Gaussian([[1, 2], [2, 1]]), "smallest eigenvalue is -1"),
        (lambda: sd.noise.Gaussian([[1, 2], [0, 1]]), "is not symmetric"),
        (lambda: sd.noise.Gaussian(-1.0), "smallest eigenvalue is -1"),
        (lambda: sd.noise.Gaussian("much"), "finite entries"),
        (lambda: sd.Map(SADDLE, sd.GD(), lr=1, noise=3), "noise = 3: is no noise model"),
        (lambda: sd.simulate(sd.Flow(SADDLE, sd.GD()), (0, 0), 1), "must be a Map or a Scheme"),
        (lambda: sd.simulate(None, (0, 0), 1), "map_ = None: must be a Map or a Scheme"),
        (lambda: sd.simulate(sd.Map(SADDLE, sd.GD(), lr=1), (1, 1), 1, first_step=-1), "first_step = -1"),
        (lambda: sd.simulate(sd.Map(SADDLE, sd.GD(), lr=1), (1, 1), 1, v0=(1, 1)), "without momentum has none"),
        (
            lambda: sd.simulate(sd.Map(SADDLE, sd.GD(), lr=1, momentum=0.5), (1, 1), 1, v0=[(1, 1), (2, 2)]),
            r"is for 2 run\(s\), w0 for 1",
        ),
        (lambda: sd.simulate(sd.Map(SADDLE, sd.GD(), lr=1, momentum=0.5), (1, 1), 1, v0="fast"), "v0 = "),
        (lambda: sd.noise.Gaussian(1.0, coupling="sharde"), "Did you mean 'shared'"),
        (lambda: sd.noise.Fisher((0, 0), 0), "batch_size = 0: must be an integer >= 1"),
        (lambda: sd.Map(SADDLE, sd.GD(), lr=1, noise=sd.noise.Fisher((1, 0), 4)), "is not critical"),
        (lambda: sd.Map(SADDLE, sd.GD(), lr=1, noise=sd.noise.Fisher((0,), 4)), "2 finite coordinates"),
        (lambda: sd.Map(SADDLE, sd.GD(), lr=1, noise=sd.noise.Gaussian(np.eye(3))), r"Give a matrix \(2, 2\)"),
        (lambda: sd.simulate(sd.Map(SADDLE, sd.GD(), lr=1), (1, 1), 1, seed=-1), r"seed = -1: must be an integer in"),
        (lambda: sd.simulate(sd.Map(SADDLE, sd.GD(), lr=1), (1, 1), 1, first_run=2**32), "first_run"),
    ],
)
def test_bad_input(wrong: Any, message: str) -> None:
    with pytest.raises(sd.InputError, match=message):
        wrong()


def test_analysis_refuses_noise() -> None:
    map_ = sd.Map(SADDLE, sd.SAM(0.1), lr=0.1, noise=sd.noise.Gaussian(1.0))
    with pytest.raises(sd.InputError, match="noise=None"):
        sd.attractors(map_, starts=4)
    assert sd.attractors(dataclasses.replace(map_, noise=None), starts=4) is not None

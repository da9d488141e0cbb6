"""Solvers of diffusions: the orders they state, other people's solvers, and that runs are their own."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn.analysis import expected, linear_diffusion
from samdyn.catalogues import is_published
from samdyn.simulation import schemes

DATA = {
    "p": [1.0, 2.0, 0.5], "q": [0.6, 1.5, 2.0], "r": [0.3, -0.4, 0.2], "s": [-1.0, -0.5, -1.5], "t": [1.0, 0.4, 1.2]
}  # fmt: skip
CURVED = sd.SampleLandscape("p*a**2/2 + q*b**2/2 + r*a*b + a**3/12 - s*a + t*b", "a b", DATA)
TESTS = (
    lambda w: w[0],
    lambda w: w[1] ** 2,
    lambda w: w[0] * w[1],
    lambda w: np.exp(w[0] / 2),
    lambda w: np.sin(w[1]),
)
# p and q are uncorrelated, and so are the noises of x and y: dX = −mX dt + √η s|X| dW for both.
LOGNORMAL = sd.SampleLandscape(
    "p*x**2/2 + q*y**2/2", "x y", {"p": [2.0, 0.0, 2.0, 0.0], "q": [3.0, 3.0, 1.0, 1.0]}, box=((0.5, 2), (0.5, 2))
)
MEAN, SPREAD = np.array([1.0, 2.0]), 1.0  # of p and q


def along(scheme: Any, w: torch.Tensor, increments: torch.Tensor) -> torch.Tensor:
    """Return where the scheme leads from w ``(d, N)`` with Brownian increments ``(steps, d, N)``."""
    state, generator = scheme.start(w), torch.Generator().manual_seed(2)
    for dw in increments:
        coins = torch.randn(dw.shape, generator=generator, dtype=dw.dtype)  # of what a scheme draws beside, the signs
        state = scheme.step(state, sd.noise.Given(numbers=[dw / scheme.dt**0.5, coins]))
    return state[0]


NOT_COMMUTING = CURVED, 2, ((-0.9, 1.6), (-1.0, 1.3))
DIAGONAL = LOGNORMAL, 1, ((0.1, 2.0), (0.05, 2.0))


# Every scheme of samdyn (tests may define others): a new file is tested without an edit here.
SCHEMES = [cls for cls in schemes.catalogue().values() if is_published(cls)]


def diffusion(solver: Any, method: sd.Method) -> tuple[sd.Diffusion, Any]:
    """Return a diffusion whose noise does not commute, or one with diagonal noise where the scheme refuses that."""
    for (landscape, batch_size, box), one in ((NOT_COMMUTING, method), (DIAGONAL, sd.USAM(0.1))):
        sde = sd.Diffusion(landscape, one, sd.noise.FiniteSum(batch_size), lr=0.2)
        try:
            solver(sde)
        except sd.InputError:
            assert solver.strong > 0.5  # only for such an order must noise commute
        else:
            return sde, box
    raise AssertionError


@pytest.mark.parametrize(
    ("solver", "method"), [*((solver, sd.SAM(0.1)) for solver in SCHEMES), (sd.EulerMaruyama, sd.USAM(0.1))]
)
def test_weak_order(solver: Any, method: sd.Method) -> None:
    """Errors of the means of five functions, without sampling error."""
    sde, box = diffusion(solver, method)
    exact = expected(sde, TESTS, (1.2, 0.9), 0.4, box, nodes=12).values
    steps = np.array([0.05, 0.0125])  # of three steps with equal ratios the one between has no weight in the slope
    found = np.array([expected(solver(sde, dt=dt), TESTS, (1.2, 0.9), 0.4, box, nodes=12).values for dt in steps])
    errors = np.abs(found - exact)
    slope = np.polyfit(np.log(steps), np.log(np.linalg.norm(errors, axis=1)), 1)[0]
    assert solver.weak - 0.15 < slope < solver.weak + 0.5  # terms of the next order may still be seen
    if solver in (sd.EulerMaruyama, sd.Milstein, sd.Platen):  # whose errors of no function change their sign on the way
        assert np.polyfit(np.log(steps), np.log(errors), 1)[0] == pytest.approx(solver.weak, abs=0.15)


class Crossed(sd.Diffusion):
    """dx = y dW₁, dy = x dW₂: E xy stays, E x² is x₀² cosh t + y₀² sinh t. Its two noises do not commute at all."""

    def coefficients(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        zero = torch.zeros_like(z[0])
        return 0 * z, torch.stack([torch.stack([z[1], zero]), torch.stack([zero, z[0]])])


def test_platens_scheme_knows_the_area_between_two_noises() -> None:
    steps, exact = np.array([0.1, 0.05, 0.025]), np.cosh(0.4) + 0.25 * np.sinh(0.4)
    found = []
    for dt in steps:
        crossed = Crossed(sd.landscapes.quadratic([1.0, 1.0]), sd.GD(), sd.noise.Gaussian(1.0), lr=0.1)
        scheme = sd.Platen(crossed, dt=dt)
        tests = (lambda w: w[0] ** 2, lambda w: w[0] * w[1])
        found.append(expected(scheme, tests, (1.0, 0.5), 0.4, ((-2, 2), (-2, 2)), nodes=4).values)
    squares, product = np.array(found).T
    assert np.polyfit(np.log(steps), np.log(np.abs(squares - exact)), 1)[0] == pytest.approx(2, abs=0.15)
    assert product == pytest.approx(0.5, rel=1e-9)


@pytest.mark.parametrize("solver", SCHEMES)
def test_strong_order(solver: Any) -> None:
    """Against the exact paths X = X₀ exp((−m − σ²/2)t + σW) of both coordinates."""
    runs, finest, time = 1000, 128, 1.0
    sde = sd.Diffusion(LOGNORMAL, sd.GD(), sd.noise.FiniteSum(1), lr=0.8)
    sigma = 0.8**0.5 * SPREAD
    dw = torch.randn(finest, 2, runs, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    dw = dw * (time / finest) ** 0.5
    start = torch.ones(2, runs, dtype=torch.float64)
    w = dw.sum(0).numpy()
    exact = np.exp((-MEAN - sigma**2 / 2)[:, None] * time + sigma * w)
    steps = np.array([16, 32, 64, 128])
    squares = []
    for number in steps:
        coarse = dw.unflatten(0, (number, finest // number)).sum(1)
        end = along(solver(sde, dt=time / number), start, coarse).numpy()
        squares.append(((end - exact) ** 2).sum(0))
    errors = np.sqrt(np.reshape(squares, (len(steps), 8, -1)).mean(-1))  # eight groups of paths, for the fit's interval
    slopes = -np.polyfit(np.log(steps), np.log(errors), 1)[0]
    error = np.std(slopes, ddof=1) / np.sqrt(len(slopes))
    assert 2 * error < 0.15
    assert np.mean(slopes) > solver.strong - 0.15
    orders = {sd.EulerMaruyama: 0.5, sd.Milstein: 1.0}  # here; others may do better on diagonal noise than they state
    assert np.mean(slopes) == pytest.approx(orders.get(solver, np.mean(slopes)), abs=0.15)
    assert solver.strong == orders.get(solver, solver.strong)


def test_strong_order_of_eulers_scheme_is_1_where_the_noise_is_constant() -> None:
    bowl = sd.Landscape("x**2/2 + y**4/4 + y**2", "x y")
    sde = sd.Diffusion(bowl, sd.GD(), sd.noise.Gaussian(1.0), lr=0.5)
    dw = torch.randn(1024, 2, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) / 32
    start = torch.ones(2, 50, dtype=torch.float64)

    def end(number: int) -> torch.Tensor:
        return along(sd.EulerMaruyama(sde, dt=1 / number), start, dw.unflatten(0, (number, -1)).sum(1))

    steps = np.array([16, 32, 64])
    errors = [float((end(n) - end(1024)).norm()) for n in steps]
    assert -np.polyfit(np.log(steps), np.log(errors), 1)[0] == pytest.approx(1.0, abs=0.15)


def test_as_torchsde() -> None:
    """The same Brownian paths: Euler's scheme to rounding, Milstein's, theirs with derivatives, to O(dt)."""
    torchsde = pytest.importorskip("torchsde")
    sde = sd.Diffusion(LOGNORMAL, sd.USAM(0.1), sd.noise.FiniteSum(1), lr=0.8)

    class Theirs(torch.nn.Module):
        noise_type, sde_type = "diagonal", "ito"

        def f(self, t: Any, y: torch.Tensor) -> torch.Tensor:
            return sde.coefficients(y.T)[0].T

        def g(self, t: Any, y: torch.Tensor) -> torch.Tensor:
            return sde.coefficients(y.T)[1].diagonal().T.T

    times = torch.linspace(0, 1, 257, dtype=torch.float64)
    y0 = torch.ones(20, 2, dtype=torch.float64)
    brownian = torchsde.BrownianInterval(t0=0.0, t1=1.0, size=(20, 2), dtype=torch.float64, entropy=1)
    dw = torch.stack([brownian(a, b).T for a, b in itertools.pairwise(times)])
    for solver, name, tolerance in ((sd.EulerMaruyama, "euler", 1e-12), (sd.Milstein, "milstein", 0.01)):
        theirs = torchsde.sdeint(Theirs(), y0, times, bm=brownian, method=name, dt=1 / 256)[-1].T
        ours = along(solver(sde, dt=1 / 256), y0.T, dw)
        torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)


def test_as_diffrax() -> None:
    """Noise that does not commute, in its general form; underdamped."""
    diffrax = pytest.importorskip("diffrax")
    import jax

    jax.config.update("jax_enable_x64", True)
    quadratic = sd.landscapes.quadratic([1.0, -1.0], rotation=0.4)
    noise = sd.noise.Gaussian([[0.5, 0.2], [0.2, 0.3]])
    sde = sd.Diffusion(quadratic, sd.USAM(0.3), noise, lr=0.1, momentum=0.5)
    law = linear_diffusion(sde)
    root = sde.coefficients(torch.zeros(4, 1, dtype=torch.float64))[1][..., 0].numpy()
    brownian = diffrax.VirtualBrownianTree(0.0, 1.0, 1e-4, (2,), jax.random.PRNGKey(0))
    terms = diffrax.MultiTerm(
        diffrax.ODETerm(lambda t, y, _: law.a @ y + law.b), diffrax.ControlTerm(lambda t, y, _: root, brownian)
    )
    start = np.array([0.5, 0.2, 0.0, 0.0])
    theirs = diffrax.diffeqsolve(terms, diffrax.Euler(), 0.0, 1.0, 1 / 64, start).ys[-1]
    times = np.linspace(0, 1, 65)
    dw = np.array(jax.vmap(brownian.evaluate)(times[:-1], times[1:]))
    ours = along(sd.EulerMaruyama(sde, dt=1 / 64), torch.tensor(start[:2, None]), torch.tensor(dw)[..., None])
    np.testing.assert_allclose(ours[:, 0], theirs[:2], rtol=1e-10)


@pytest.mark.parametrize("solver", SCHEMES)
@pytest.mark.parametrize("momentum", [0.0, 0.6])
def test_a_run_is_the_same_alone_and_in_company(solver: Any, momentum: float) -> None:
    scheme = solver(sd.Diffusion(LOGNORMAL, sd.USAM(0.1), sd.noise.FiniteSum(2), lr=0.1, momentum=momentum), dt=0.05)
    starts = np.random.default_rng(0).uniform(1, 2, (30, 2))
    together = sd.simulate(scheme, starts, 10, seed=3).w.values
    for part in (slice(0, 1), slice(7, 8), slice(10, 23)):
        alone = sd.simulate(scheme, starts[part], 10, seed=3, first_run=part.start).w.values
        np.testing.assert_array_equal(alone, together[part])


@pytest.mark.parametrize("solver", SCHEMES)
@pytest.mark.parametrize("momentum", [0.0, 0.7])
def test_moments_on_a_quadratic(solver: Any, momentum: float) -> None:
    """Simulated, against the exact law; steps so short that their error is a third of the sampling error."""
    quadratic = sd.landscapes.quadratic([1.0, -1.0], rotation=0.4)
    sde = sd.Diffusion(quadratic, sd.USAM(0.3), sd.noise.Gaussian([[0.5, 0.2], [0.2, 0.3]]), lr=0.1, momentum=momentum)
    count, dt = 5000, 0.05 if solver.weak >= 2 else 0.005
    (mean,), (covariance,) = linear_diffusion(sde).moments((0.5, 0.2), [1.0])
    runs = sd.simulate(solver(sde, dt=dt), [(0.5, 0.2)] * count, round(1 / dt))
    assert float(runs.time[-1]) == pytest.approx(1.0)
    w = runs.w.values[:, -1]
    assert (np.abs(w.mean(0) - mean) < 4.5 * np.sqrt(np.diag(covariance) / count)).all()
    error = np.sqrt((np.outer(np.diag(covariance), np.diag(covariance)) + covariance**2) / count)
    assert (np.abs(np.cov(w.T) - covariance) < 4.5 * error).all()


def test_results_say_what_made_them() -> None:
    sde = sd.Diffusion(LOGNORMAL, sd.GD(), sd.noise.FiniteSum(2), lr=0.1, model="taylor")
    runs = sd.simulate(sd.Platen(sde, dt=0.05), [[1.0, 1.0]], 4, save_every=2)
    assert runs.attrs["solver"] == "Platen"
    assert runs.attrs["model"] == "taylor"
    assert runs.attrs["dt"] == 0.05
    assert runs.time.values.tolist() == [0.0, 0.1, 0.2]
    assert runs.status.values.tolist() == ["undecided"]
    assert sd.EulerMaruyama(sde).dt == 0.1


def test_bad_input() -> None:
    curved = sd.Diffusion(CURVED, sd.USAM(0.1), sd.noise.FiniteSum(2), lr=0.1)
    with pytest.raises(sd.InputError, match="dt = 0"):
        sd.EulerMaruyama(curved, dt=0)
    with pytest.raises(sd.InputError, match="does not commute"):
        sd.Milstein(curved)
    in_space = sd.SampleLandscape(
        "p*x**2 + q*y**2 + p*q*x*y + q*z**2", "x y z", {"p": [1, 2, -1, 0.3], "q": [0, 1, 1, 2]}
    )
    with pytest.raises(sd.InputError, match="does not commute"):
        sd.Milstein(sd.Diffusion(in_space, sd.GD(), sd.noise.FiniteSum(2), lr=0.1))
    for wrong in (None, sd.Map(CURVED, sd.GD(), lr=0.1)):
        with pytest.raises(sd.InputError, match="is no diffusion"):
            sd.EulerMaruyama(wrong)  # type: ignore[arg-type]
    with pytest.raises(sd.InputError, match="must be a Map or a Scheme"):
        sd.simulate(curved, (0, 0), 1)  # type: ignore[arg-type]


def test_the_catalogue_of_schemes() -> None:
    assert {"EulerMaruyama", "Milstein", "Platen"} <= set(schemes.catalogue())
    assert "Scheme" not in schemes.catalogue()
    assert schemes.named("platen") is sd.Platen is schemes.Platen
    with pytest.raises(sd.InputError, match="Did you mean 'Milstein'"):
        schemes.named("Milstien")
    with pytest.raises(AttributeError, match=r"no attribute 'Heun'; known: .*EulerMaruyama"):
        _ = schemes.Heun

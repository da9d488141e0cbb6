"""Variants of SAM: formulas written out by hand, algorithms written out step by step, known answers, bad input."""

import re
from typing import Any

import numpy as np
import pytest
import sympy
import torch

import samdyn as sd
from samdyn import methods
from samdyn.checks import InputError
from samdyn.noise import Draws
from samdyn.ops import softmax
from samdyn.oracle import Oracle
from samdyn.symbolic import LAMBDA

LOSS = sd.Landscape("x**4/4 - x**2/2 + x*y/2 + y**2", "x y")
POINT = np.array([0.8, -0.6])
W = torch.tensor(POINT)
RHO, LR = 0.2, 0.02


def g(w: Any) -> Any:
    x, y = w
    return np.array([x**3 - x + y / 2, x / 2 + 2 * y])


def norm(v: Any) -> Any:
    return np.linalg.norm(v)


G = g(POINT)
CLIMBED = g(POINT + RHO * G / norm(G))


def close(actual: Any, expected: Any, rtol: float = 1e-13) -> None:
    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=rtol, atol=rtol)


def run(method: sd.Method, steps: int = 25, **options: Any) -> np.ndarray:
    """Return the iterates, (step, coord)."""
    return sd.simulate(sd.Map(LOSS, method, LR, **options), POINT, steps, save_every=1, seed=5).w.values[0]


# Written out by hand.


def by_hand() -> dict[str, tuple[sd.Method, Any]]:
    across = G - (G @ CLIMBED) / (CLIMBED @ CLIMBED) * CLIMBED
    metric = np.diag(1 + 0.7 * G**2)
    inverse = np.linalg.inv(metric) @ G
    x = POINT[0]
    u = G / norm(G)
    a, b = POINT + RHO * u
    rate = (a**4 / 4 - a**2 / 2 + a * b / 2 + b**2 + 3.0 - RHO * u @ CLIMBED) / (CLIMBED @ CLIMBED)
    return {
        "GSAM": (methods.GSAM(RHO, alpha=0.6), CLIMBED - 0.6 * across),
        "WSAM": (methods.WSAM(RHO, gamma=0.8), (1 - 1.6) / 0.2 * G + 0.8 / 0.2 * CLIMBED),  # as in the paper
        "StableSAM": (methods.StableSAM(RHO), norm(G) / norm(CLIMBED) * CLIMBED),
        "LinfSAM": (methods.LinfSAM(RHO), g(POINT + RHO * np.sign(G))),
        "LayerSAM": (methods.LayerSAM(RHO, layers=(1, 1)), g(POINT + RHO * np.sign(G))),
        "FisherSAM": (methods.FisherSAM(RHO, weight=0.7), g(POINT + RHO * inverse / np.sqrt(G @ inverse))),
        "GaussianSmoothing": (
            methods.GaussianSmoothing(RHO),
            G + np.array([3 * RHO**2 * x, 0]),
        ),  # E(x + ρξ)³ = x³ + 3ρ²x
        "PolyakSAM": (methods.PolyakSAM(RHO, least=-3.0), rate * CLIMBED),
    }


@pytest.mark.parametrize("name", by_hand())
def test_by_hand(name: str) -> None:
    method, expected = by_hand()[name]
    close(method(W, LOSS.grad), expected)


@pytest.mark.parametrize(
    ("method", "other"),
    [
        (methods.GSAM(RHO, alpha=0), sd.SAM(RHO)),
        (methods.GSAM(RHO, alpha=0, ascent_steps=2, average=True), sd.SAM(RHO, ascent_steps=2, average=True)),
        (methods.WSAM(RHO, gamma=0.5), sd.SAM(RHO)),
        (methods.WSAM(RHO, gamma=0), sd.GD()),
        (methods.LayerSAM(RHO), sd.SAM(RHO)),
        (methods.FisherSAM(RHO, weight=0), sd.SAM(RHO)),
        (methods.FullFriendlySAM(RHO, sigma=0), sd.SAM(RHO)),
        (methods.FullFriendlySAM(RHO), sd.GD()),
        (methods.FriendlySAM(RHO, sigma=0), sd.SAM(RHO)),
        (methods.MomentumSAM(0.0), sd.GD()),
        (methods.StochasticSAM(0.0), sd.GD()),
        (methods.TiltedSAM(RHO, tilt=0.0), methods.GaussianSmoothing(RHO)),
    ],
    ids=str,
)
def test_special_cases(method: sd.Method, other: sd.Method) -> None:
    close(run(method), run(other))


def test_layers_of_several_coordinates() -> None:
    loss = sd.Landscape("x**2 + 2*x*y + 3*y**2 + z**3 - z*x", "x y z")
    w = torch.tensor([0.3, -0.4, 0.9], dtype=torch.float64)
    gradient = loss.grad(w).numpy()
    expected = w.numpy() + RHO * np.concatenate([gradient[:2] / norm(gradient[:2]), np.sign(gradient[2:])])
    close(methods.LayerSAM(RHO, layers=(2, 1)).perturbed(w, loss.grad), expected)


# Algorithms with memory, written out.


@pytest.mark.parametrize("backend", ["eager", "compiled"])
def test_friendly_sam_as_published(backend: str) -> None:
    w, mean, path = POINT, np.zeros(2), [POINT]
    for step in range(25):
        gradient = g(w)
        d = gradient - 0.7 * mean
        mean = gradient if step == 0 else 0.8 * mean + 0.2 * gradient
        w = w - LR * g(w + RHO * d / norm(d))
        path.append(w)
    method = methods.FriendlySAM(RHO, sigma=0.7, decay=0.8)
    found = sd.simulate(sd.Map(LOSS, method, LR), POINT, 25, save_every=1, backend=backend).w.values[0]
    close(found, path, rtol=1e-12)


@pytest.mark.parametrize("backend", ["eager", "compiled"])
def test_momentum_sam_as_published(backend: str) -> None:
    w, v, path = POINT, np.zeros(2), [POINT]
    for _ in range(25):
        v = 0.9 * v + g(w - RHO * v / norm(v) if v.any() else w)
        w = w - LR * v
        path.append(w)
    map_ = sd.Map(LOSS, methods.MomentumSAM(RHO), LR, momentum=0.9)
    runs = sd.simulate(map_, POINT, 25, save_every=1, backend=backend)
    close(runs.w.values[0], path, rtol=1e-12)
    close(runs.velocity.values[0, -1], runs.v.values[0, -1], rtol=1e-12)  # the method's is that of the steps


def test_friendly_sam_climbs_along_the_noise() -> None:
    xi = np.array([0.3, -0.1])

    class Noisy(Oracle):
        def full(self, w: Any) -> Any:
            return self.gradient(w) - torch.tensor(xi)

    oracle = Noisy(lambda w: LOSS.grad(w) + torch.tensor(xi), LOSS.grad.hvp)
    for sigma in (1.0, 0.4):
        d = g(POINT) + xi - sigma * g(POINT)
        close(methods.FullFriendlySAM(RHO, sigma=sigma)(W, oracle), g(POINT + RHO * d / norm(d)) + xi)


# Averages over perturbations.


def test_the_mean_of_random_perturbations_is_the_smoothed_gradient() -> None:
    """To four standard errors; and a step's perturbation is a function of seed, run and step."""
    runs = 20_000
    map_ = sd.Map(LOSS, methods.StochasticSAM(RHO), LR)
    (ends,) = map_.step((W[:, None].expand(2, runs),), Draws(3, torch.arange(runs), 1))
    moves = (W[:, None] - ends) / LR
    error = moves.std(1) / runs**0.5
    smoothed, plain = methods.GaussianSmoothing(RHO)(W, LOSS.grad), LOSS.grad(W)
    assert ((moves.mean(1) - smoothed).abs() < 4 * error).all()
    assert (moves.mean(1) - plain)[0] > 4 * error[0]
    alone = sd.simulate(map_, POINT, 1, seed=3, first_run=7).w.values[0, -1]
    close(alone, ends[:, 7], rtol=1e-15)


@pytest.mark.parametrize("nodes", [2, 3, 4, 5])
def test_nodes_are_exact_to_their_degree(nodes: int) -> None:
    """E(w + ρξ)ⁿ for the gradient of a monomial of degree n + 1, n = 2·nodes − 1, and not for the next odd degree."""
    w = sympy.Symbol("w", real=True)
    for degree, is_exact in ((2 * nodes - 1, True), (2 * nodes + 1, False)):
        loss = sd.Landscape(f"x**{degree + 1}/{degree + 1}", "x")
        exact = sum(
            sympy.binomial(degree, k) * w ** (degree - k) * sympy.factorial2(k - 1) * sympy.Rational(7, 10) ** k
            for k in range(0, degree + 1, 2)
        )
        found = methods.GaussianSmoothing(0.7, nodes=nodes)(torch.tensor([1.3], dtype=torch.float64), loss.grad)
        assert bool(abs(float(exact.subs(w, 1.3)) / float(found) - 1) < 1e-13) == is_exact


@pytest.mark.parametrize("nodes", [2, 3, 4, 5])
def test_tilted_sam_on_a_quadratic(nodes: int) -> None:
    """λw/(1 − tρ²λ): with n nodes up to the order n in tρ²λ, on minima and maxima."""
    for lam in (3.0, -3.0):
        loss, w, errors = sd.landscapes.quadratic([lam]), torch.tensor([1e-3], dtype=torch.float64), []
        for tilt in (0.2, 0.1):
            found = float(methods.TiltedSAM(0.5, tilt=tilt, nodes=nodes)(w, loss.grad)) / 1e-3
            errors.append(abs(found - lam / (1 - tilt * 0.25 * lam)))
        slope = np.log2(errors[0] / errors[1])
        assert nodes - 0.35 < slope < nodes + 1, (slope, errors)


def test_large_exponents_of_tilted_sam_do_not_overflow() -> None:
    loss = sd.landscapes.quadratic([2.0])
    found = methods.TiltedSAM(1.0, tilt=1e4)(torch.tensor([3.0], dtype=torch.float64), loss.grad)
    assert float(found) == 8.0  # the gradient at the worst node, 3 + 1
    weights = softmax([torch.tensor(1e308, dtype=torch.float64), torch.tensor(0.0, dtype=torch.float64)])
    assert [float(weight) for weight in weights] == [1.0, 0.0]


# Predictions.


def test_smoothing_has_the_hessian_of_the_loss_on_quadratics() -> None:
    assert sd.symbolic.effective_hessian(methods.GaussianSmoothing(0.1)) == LAMBDA
    flow = sd.Flow(sd.landscapes.quadratic([1.0, -2.0]), methods.GaussianSmoothing(0.1))
    close(flow.jacobian_at(W), -np.diag([1.0, -2.0]))


def test_two_nodes_of_tilted_sam_have_a_formula() -> None:
    """λ(1 + tρ²λ), the start of λ/(1 − tρ²λ), at the method's own ρ. It makes an attractor of a saddle."""
    flow = sd.Flow(sd.landscapes.quadratic([2.0, -1.0]), methods.TiltedSAM(0.5, tilt=0.5))
    verdict = sd.stability(flow, (0, 0))
    assert sympy.simplify(verdict.formula - LAMBDA * (1 + LAMBDA / 8)) == 0
    assert verdict.kind == "saddle"
    flow = sd.Flow(flow.landscape, methods.TiltedSAM(0.5, tilt=4.5))
    assert sd.stability(flow, (0, 0)).kind == "attractor"


def test_stable_sam_attracts_at_an_isotropic_saddle() -> None:
    """Where all |λ| are equal its field is |λ|w close to the saddle, of which the stability speaks."""
    verdict = sd.stability(sd.Flow(sd.landscapes.saddle(), methods.StableSAM(0.1)), (0, 0))
    assert verdict.kind == "attractor"
    near = torch.tensor([[1e-9], [2e-9]], dtype=torch.float64)
    field = methods.StableSAM(0.1)(near, sd.landscapes.saddle().grad)
    close(field / 1e-9, 2 * near / 1e-9, rtol=1e-7)  # up to the distance over ρ, 2e-8


@pytest.mark.parametrize("name", ["GSAM", "WSAM", "LinfSAM", "LayerSAM", "FisherSAM", "PolyakSAM"])
def test_they_have_no_jacobian_at_critical_points(name: str) -> None:
    with pytest.raises(InputError, match="no Jacobian at a critical point"):
        sd.symbolic.effective_hessian(getattr(methods, name)(0.1))


@pytest.mark.parametrize(
    "method", [methods.GSAM(0.2), methods.TiltedSAM(0.2), methods.FisherSAM(0.2), methods.StableSAM(0.2)], ids=str
)
def test_flows_follow_maps(method: sd.Method) -> None:
    """The distance at t = 0.4 falls with η, away from critical points."""
    errors, rates = [], (0.4 / 50, 0.4 / 200)
    path = sd.integrate(sd.Flow(LOSS, method), POINT, 0.4, rtol=1e-10, atol=1e-12).w.values[0, -1]
    for lr in rates:
        end = sd.simulate(sd.Map(LOSS, method, lr), POINT, round(0.4 / lr)).w.values[0, -1]
        errors.append(norm(end - path))
    assert abs(np.log(errors[0] / errors[1]) / np.log(4) - 1) < 0.1
    assert errors[1] > 1e-6


# Numbers per run, noise and networks.


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("GSAM", {"rho": [0.1, 0.3], "alpha": [0.2, 0.9]}),
        ("WSAM", {"rho": [0.1, 0.3], "gamma": [0.2, 0.9]}),
        ("FisherSAM", {"rho": [0.1, 0.3], "weight": [0.2, 0.9]}),
        ("FriendlySAM", {"rho": [0.1, 0.3], "sigma": [0.2, 0.9], "decay": [0.5, 0.9]}),
        ("MomentumSAM", {"rho": [0.1, 0.3], "gamma": [0.2, 0.9]}),
        ("PolyakSAM", {"rho": [0.1, 0.3], "least": [-1.0, -2.0]}),
        ("GaussianSmoothing", {"rho": [0.1, 0.3]}),
        ("TiltedSAM", {"rho": [0.1, 0.3], "tilt": [0.2, 0.9]}),
        ("StochasticSAM", {"rho": [0.1, 0.3]}),
    ],
)
def test_a_number_per_run(name: str, values: dict[str, list[float]]) -> None:
    kind = getattr(methods, name)
    together = sd.simulate(sd.Map(LOSS, kind(**values), LR), [POINT, POINT], 10, seed=2)
    for i in range(2):
        alone = sd.simulate(
            sd.Map(LOSS, kind(**{n: v[i] for n, v in values.items()}), LR), POINT, 10, seed=2, first_run=i
        )
        close(together.w.values[i, -1], alone.w.values[0, -1], rtol=1e-12)


@pytest.mark.parametrize("method", [methods.TiltedSAM(0.1), methods.PolyakSAM(0.1)])
def test_noise_has_no_loss(method: sd.Method) -> None:
    noisy = sd.Map(LOSS, method, LR, noise=sd.noise.Gaussian(1.0))
    with pytest.raises(InputError, match="needs the loss itself, and there are gradients alone here"):
        sd.simulate(noisy, POINT, 3)
    with pytest.raises(InputError, match="needs the loss itself"):
        method(W, Oracle(LOSS.grad.gradient, LOSS.grad.hvp))


def test_gradients_of_a_step_are_drawn_once() -> None:
    """A combination takes the gradient at w once: with independent noise it draws two batches, as SAM does."""
    for method in (methods.GSAM(0.1), methods.WSAM(0.1), methods.StableSAM(0.1), sd.SAM(0.1)):
        points: list[torch.Tensor] = []

        def gradient(w: torch.Tensor, points: list[torch.Tensor] = points) -> torch.Tensor:
            points.append(w)
            return LOSS.grad(w)

        method(W, Oracle(gradient, LOSS.grad.hvp))
        assert len(points) == 2


def test_moments_of_a_combination_are_those_of_its_draws() -> None:
    """Quadrature of a normalised combination, beside a hundred thousand draws, to 4.5 standard errors."""
    landscape, noise, runs = sd.landscapes.double_well(), sd.noise.Gaussian(0.5), 100_000
    w = torch.tensor([[0.9], [-0.4]], dtype=torch.float64)
    for method in (methods.StableSAM(RHO), methods.GSAM(RHO)):
        mean, covariance = sd.Diffusion(landscape, method, noise, lr=0.01).law(w)
        (end,) = sd.Map(landscape, method, lr=1.0, noise=noise).step(
            (w.expand(2, runs),), Draws(1, torch.arange(runs), 1)
        )
        f = w - end
        assert ((mean[:, 0] - f.mean(1)).abs() < 4.5 * f.std(1) / runs**0.5).all()
        close(covariance[:, :, 0], torch.cov(f), rtol=4.5 * (2 / runs) ** 0.5)


# Bad input.


@pytest.mark.parametrize(
    ("name", "field", "value", "rule"),
    [
        ("GSAM", "alpha", -0.1, ">= 0"),
        ("GSAM", "rho", -0.1, ">= 0"),
        ("WSAM", "gamma", 1.0, "[0, 1)"),
        ("WSAM", "gamma", -0.1, "[0, 1)"),
        ("FisherSAM", "weight", float("nan"), ">= 0"),
        ("FriendlySAM", "sigma", -1, ">= 0"),
        ("FriendlySAM", "decay", 1, "[0, 1)"),
        ("FriendlySAM", "rho", "0.1", ">= 0"),
        ("FullFriendlySAM", "sigma", None, ">= 0"),
        ("MomentumSAM", "gamma", 1.5, "[0, 1)"),
        ("MomentumSAM", "rho", float("inf"), ">= 0"),
        ("PolyakSAM", "least", float("inf"), "a finite number"),
        ("PolyakSAM", "rho", -1, ">= 0"),
        ("StochasticSAM", "rho", True, ">= 0"),
        ("GaussianSmoothing", "rho", -1, ">= 0"),
        ("GaussianSmoothing", "nodes", 1, "between 2 and 5"),
        ("GaussianSmoothing", "nodes", 6, "between 2 and 5"),
        ("GaussianSmoothing", "nodes", 2.0, "an integer"),
        ("TiltedSAM", "tilt", -1, ">= 0"),
        ("TiltedSAM", "nodes", True, "an integer"),
        ("LayerSAM", "layers", (), "counts of coordinates"),
        ("LayerSAM", "layers", (1, 0), "an integer >= 1"),
        ("LayerSAM", "layers", "11", "counts of coordinates"),
        ("LayerSAM", "layers", 2, "counts of coordinates"),
    ],
)
def test_bad_input(name: str, field: str, value: Any, rule: str) -> None:
    with pytest.raises(InputError, match=rf"^{field} = .*{re.escape(rule)}.*(Use|Give) "):
        getattr(methods, name)(**{"rho": 0.1, field: value})


def test_bad_shapes() -> None:
    with pytest.raises(InputError, match=r"layers = \(2, 1\): are 3 coordinates, and w has 2"):
        methods.LayerSAM(0.1, layers=(2, 1))(W, LOSS.grad)
    with pytest.raises(InputError, match="nodes = 3: 3 nodes in each of 6 coordinates are more than 243"):
        methods.GaussianSmoothing(0.1)(torch.zeros(6), sd.landscapes.quadratic([1.0] * 6).grad)

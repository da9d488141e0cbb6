"""The flow along a manifold of minima, against closed forms and against the iterates that it describes."""

import numpy as np
import pytest
import torch
from torch.nn.functional import mse_loss

import samdyn as sd
from samdyn.networks import Network, models

VALLEY = sd.Landscape("(1 + z**2/2)*y**2/2", "y z")  # λ(z) = 1 + z²/2
FACTORS = sd.Landscape("(a*b + c*d - 1)**2/2", "a b c d")  # λ_max = ‖w‖² at the minima
Z, LAM, SLOPE = 0.8, 1.32, 0.8  # λ and λ′ at z = 0.8
CURVATURES, SLOPES = np.array([1.6, 1.3, 1.1, 1.0]), np.array([1.0, -0.5, 0.6, 0.3])


def four_directions() -> sd.SampleLandscape:
    """Return the valley along z of four samples, whose losses 4 F_k(z) x_k² have one direction each."""
    terms = [f"a{k}*({f} + {s}*z)*x{k}**2" for k, (f, s) in enumerate(zip(CURVATURES, SLOPES, strict=True))]
    data = {f"a{k}": np.eye(4)[k].tolist() for k in range(4)}
    return sd.SampleLandscape(f"4*({' + '.join(terms)})", "x0 x1 x2 x3 z", data)


def interpolating(width: int) -> tuple[Network, np.ndarray]:
    """Return a network that fits two samples exactly: hidden units of spread weights, and outputs solved for."""
    x, y = torch.tensor([[-1.0], [1.2]]).double(), torch.tensor([[0.5], [-0.4]]).double()
    net = Network(models.mlp((1, width, 1), activation="tanh"), mse_loss, x, y)
    spread = torch.linspace(-1, 1, width, dtype=torch.float64)
    hidden = torch.tanh(x * (1.2 + spread) + spread / 2)
    outputs = torch.linalg.lstsq(hidden, y).solution[:, 0]
    return net, torch.cat([1.2 + spread, spread / 2, outputs, torch.zeros(1)]).numpy()


def along(landscape: sd.Landscape, w: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Return the part of a gradient along the manifold, from all eigenvectors of the Hessian."""
    values, vectors = np.linalg.eigh(landscape.hessian(w).numpy())
    normal = vectors[:, values > 1e-8 * values[-1]]
    return gradient - normal @ (normal.T @ gradient)


def top_gradient(landscape: sd.Landscape, w: np.ndarray) -> tuple[float, np.ndarray]:
    """Return λ_max, and its gradient ∇³L[u, u] along the manifold."""
    values, vectors = np.linalg.eigh(landscape.hessian(w).numpy())
    u = torch.tensor(vectors[:, -1])
    point = torch.tensor(w, requires_grad=True)
    (gradient,) = torch.autograd.grad(u @ landscape.hessian(point) @ u, point)
    return float(values[-1]), along(landscape, w, gradient.numpy())


def end_of_iterates(map_: sd.Map, start: np.ndarray, steps: int) -> np.ndarray:
    """Return the mean of the last two iterates, which are on both sides of the bounce."""
    last = sd.simulate(map_, start + 1e-6, steps, progress=False).w.values[0, -1]
    (following,) = map_.step((torch.as_tensor(last),))
    return (last + following.numpy()) / 2


@pytest.mark.parametrize("lr", [None, 0.1, 1 / LAM, 1.95 / LAM])
def test_drift_in_a_valley(lr: float | None) -> None:
    velocity = sd.ManifoldFlow(VALLEY, sd.SAM(0.05), lr=lr).velocity([0.0, Z])
    expected = -SLOPE / 2 * (2 / (2 - (lr or 0.0) * LAM)) ** 2
    np.testing.assert_allclose(velocity, [0, expected], rtol=1e-4, atol=1e-9)


def test_momentum_bounces_less_far_and_drifts_faster() -> None:
    gamma, h = 0.6, LAM
    velocity = sd.ManifoldFlow(VALLEY, sd.SAM(0.05), lr=1.0, momentum=gamma).velocity([0.0, Z])[1]
    reach = 2 * (1 + gamma) / (2 * (1 + gamma) - h)  # (x + ρ)/ρ on the cycle of heavy ball
    assert velocity == pytest.approx(-SLOPE / 2 * reach**2 / (1 - gamma), rel=1e-4)


def test_other_methods_follow_their_own_bounce() -> None:
    h = 0.5 * LAM
    two = sd.SAM(0.05, ascent_steps=2, average=True)  # gradients at x + ρ/2 and at x + ρ
    x = 0.75 * h / (2 - h)
    velocity = sd.ManifoldFlow(VALLEY, two, lr=0.5).velocity([0.0, Z])[1]
    assert velocity == pytest.approx(-SLOPE / 4 * ((x + 0.5) ** 2 + (x + 1) ** 2), rel=1e-4)
    asam = sd.ASAM(0.05, shift=0.1)  # T = 0.1 across the valley: a bounce a tenth as long
    velocity = sd.ManifoldFlow(VALLEY, asam, lr=0.5).velocity([0.0, Z])[1]
    assert velocity == pytest.approx(-SLOPE / 2 * 0.01 * (2 / (2 - h)) ** 2, rel=1e-2)


def test_random_perturbations_descend_the_trace() -> None:
    """With y = x + ρξ and x ← x − ηλy the mean of y² is 2ρ²/(2 − ηλ)."""
    velocity = sd.ManifoldFlow(VALLEY, sd.methods.StochasticSAM(0.05), lr=0.3).velocity([0.0, Z])[1]
    assert velocity == pytest.approx(-SLOPE / 2 * 2 / (2 - 0.3 * LAM), rel=0.015)


@pytest.mark.parametrize("landscape", [FACTORS, sd.Landscape("(x*y*z - 1)**2/2", "x y z")])
def test_drift_on_curved_manifolds(landscape: sd.Landscape) -> None:
    flow = sd.ManifoldFlow(landscape, sd.SAM(0.05), lr=0.2)
    w = flow.project([1.2, 0.5, 1.5, 0.9][: landscape.dim])
    lam, gradient = top_gradient(landscape, w)
    np.testing.assert_allclose(flow.velocity(w), -gradient / 2 * (2 / (2 - 0.2 * lam)) ** 2, rtol=1e-3)


def test_path_follows_the_iterates() -> None:
    lr, rho = 0.1, 0.03
    flow = sd.ManifoldFlow(FACTORS, sd.SAM(rho), lr=lr)
    start = flow.project([1.2, 0.5, 0.6, 0.9])
    path = flow.path(start, time=0.5, steps=5)
    mean = end_of_iterates(sd.Map(FACTORS, sd.SAM(rho), lr=lr), start, round(float(path.step[-1])))
    moved = np.linalg.norm(path.w[-1] - start)
    assert np.linalg.norm(flow.project(mean) - path.w.values[-1]) < 2e-3 * moved
    assert moved > 0.2
    np.testing.assert_allclose(path.eigenvalue, (path.w**2).sum("coord"), rtol=1e-9)
    np.testing.assert_allclose(path.trace, path.eigenvalue, rtol=1e-9)
    assert float(path.loss.max()) < 1e-20
    assert path.end == "the time is over"


@pytest.mark.parametrize(
    ("batch", "iterates", "limit"),
    [(1, -1.447, -1.4), (2, -0.865, -0.848), (3, -0.673, -0.664), (4, -1.010, -1.0)],
)
def test_batches_of_any_size(batch: int, iterates: float, limit: float) -> None:
    noise = sd.noise.FiniteSum(batch, replacement=False) if batch < 4 else None
    for lr, expected in ((0.003, iterates), (None, limit)):
        flow = sd.ManifoldFlow(four_directions(), sd.SAM(0.01), lr=lr, noise=noise, runs=2048)
        assert flow.velocity(np.zeros(5))[-1] == pytest.approx(expected, rel=0.015)


@pytest.mark.slow
def test_standard_error_of_batches() -> None:
    """The velocities of twelve seeds differ by as much as the standard error says."""
    noise = sd.noise.FiniteSum(2, replacement=False)
    flows = [sd.ManifoldFlow(four_directions(), sd.SAM(0.01), 0.003, noise=noise, runs=64, seed=i) for i in range(12)]
    spread = np.std([flow.velocity(np.zeros(5))[-1] for flow in flows], ddof=1)
    stated = float(flows[0].path(np.zeros(5), time=1e-6, steps=1).velocity_error[0])
    assert 0.5 < spread / stated < 2


@pytest.mark.parametrize("width", [4, 100])
def test_networks_by_products_alone(width: int) -> None:
    """With 301 parameters eigenvalues come from Lanczos's method, and the trace from random vectors."""
    net, w = interpolating(width)
    lam, gradient = top_gradient(net, w)
    flow = sd.ManifoldFlow(net, sd.SAM(0.05), lr=0.5 / lam)
    start = flow.path(w, time=1e-9, steps=1).isel(time=0)
    expected = -gradient / 2 * (2 / 1.5) ** 2
    assert np.linalg.norm(start.velocity - expected) < 1e-3 * np.linalg.norm(expected)
    assert float(start.eigenvalue) == pytest.approx(lam, rel=1e-5)
    trace = float(net.hessian(w).trace())
    assert float(start.trace) == pytest.approx(trace, abs=4 * float(start.trace_error) + 1e-9)
    assert float(start.trace_error) < 0.2 * trace
    assert (float(start.trace_error) > 0) == (width == 100)


@pytest.mark.slow
def test_network_drifts_as_predicted() -> None:
    net, w = interpolating(4)
    lr = 0.3 / top_gradient(net, w)[0]
    flow = sd.ManifoldFlow(net, sd.SAM(0.1), lr=lr)
    time = 0.05 / float(np.linalg.norm(flow.velocity(w)))  # the path is about 0.05 long
    end = flow.path(w, time, steps=1).w.values[-1]
    rho = 0.05
    mean = end_of_iterates(sd.Map(net, sd.SAM(rho), lr=lr), w, round(time / (lr * rho**2)))
    assert np.linalg.norm(flow.project(mean) - end) < 0.01 * np.linalg.norm(end - w)


def test_path_ends_where_eigenvalues_meet() -> None:
    landscape = sd.Landscape("(1 + z)*x**2/2 + (1.2 - z)*y**2/2", "x y z")  # they meet at z = 0.1
    path = sd.ManifoldFlow(landscape, sd.SAM(0.05), lr=0.1).path([0, 0, 0], time=1.0, steps=20)
    assert path.end.startswith(("the two largest eigenvalues meet", "eigenvalues ="))
    assert 0.05 < float(path.w[-1, 2]) < 0.1
    assert path.sizes["time"] < 10


def reject(landscape: sd.Landscape, start: list[float], match: str, method: object = None, **how: object) -> None:
    with pytest.raises(sd.InputError, match=match):
        sd.ManifoldFlow(landscape, method or sd.SAM(0.05), **{"lr": 0.1, **how}).velocity(start)


def test_bad_points() -> None:
    reject(VALLEY, [0.3, 0.8], "distance 0.3")
    reject(sd.landscapes.quadratic([2.0, 1.0]), [0, 0], "isolated minimum")
    reject(sd.Landscape("x**2 - y**2", "x y"), [0, 0], "is no minimum")
    reject(sd.Landscape("(x**2 + y**2)*(1 + z)", "x y z"), [0, 0, 0], "are equal, so that λ_max has no gradient")
    reject(VALLEY, [0.0, 0.8, 1.0], "one finite point")
    with pytest.raises(sd.InputError, match="no minimum is reached"):
        sd.ManifoldFlow(sd.Landscape("exp(x) + 0*y", "x y"), sd.SAM(0.05)).project([0.0, 0.0])


def test_products_that_do_not_suffice(monkeypatch: pytest.MonkeyPatch) -> None:
    net, w = interpolating(4)
    monkeypatch.setattr(sd.minima.manifold, "PRODUCTS", 1)
    reject(net, w.tolist(), "1 products with its Hessian do not separate tangent from normal directions", lr=0.05)


def test_bad_methods() -> None:
    for method in (sd.USAM(0.05), sd.ExactSAM(0.05), sd.methods.StableSAM(0.05), sd.ASAM(0.05)):
        reject(VALLEY, [0, Z], "comes to rest on the manifold", method)
    reject(VALLEY, [0, Z], "has no radius", sd.GD())
    reject(VALLEY, [0, Z], "rho = 0", sd.SAM(0.0))
    reject(VALLEY, [0, Z], "rho", sd.SAM([0.1, 0.2]))
    reject(VALLEY, [0, Z], "bounce across the manifold grows", lr=2.1 / LAM)


def test_bad_noise() -> None:
    reject(VALLEY, [0, Z], "moves iterates at every minimum", noise=sd.noise.Gaussian(0.1))
    off = sd.SampleLandscape("(x - b)**2/2 + 0*z", "x z", {"b": [-1, 1]})  # each sample has its own minimum
    reject(off, [0, 0], "sample 0 has a gradient of length 1", noise=sd.noise.FiniteSum(1))
    reject(four_directions(), [0] * 5, "runs = 8", noise=sd.noise.FiniteSum(1), runs=8)

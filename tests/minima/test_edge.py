"""Effective curvatures along runs, against their closed forms, and what an edge says and does not say."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

import samdyn as sd
from samdyn import minima, symbolic

LAM, RHO, LR = 3.0, 0.2, 0.1
BOWL = sd.landscapes.quadratic([LAM, 1.0, 0.4])
POINTS = np.array([[0.5, 0.4, -1.0], [0.02, 0.3, 2.0]])  # of one run
NORMS = np.linalg.norm(POINTS * [LAM, 1.0, 0.4], axis=1)


def runs(points: np.ndarray) -> xr.Dataset:
    return xr.Dataset({"w": (("run", "step", "coord"), points[None])}, coords={"step": np.arange(len(points))})


@pytest.mark.parametrize(
    ("method", "effective"),
    [
        (sd.GD(), LAM),
        (sd.USAM(RHO), LAM * (1 + RHO * LAM)),
        (sd.ExactSAM(RHO), LAM * (1 + RHO * LAM) ** 2),
        (sd.USAM(RHO, ascent_steps=3), LAM * (1 + RHO * LAM / 3) ** 3),
        (sd.USAM(RHO, ascent_steps=2, average=True), (LAM * (1 + RHO * LAM / 2) + LAM * (1 + RHO * LAM / 2) ** 2) / 2),
        (sd.SAM(RHO), LAM + RHO * LAM**2 / NORMS),
    ],
)
def test_effective_curvature(method: sd.Method, effective: float | np.ndarray) -> None:
    map_ = sd.Map(BOWL, method, lr=LR)
    data = minima.edge_along(map_, runs(POINTS)).isel(run=0)
    np.testing.assert_allclose(data.effective, np.broadcast_to(effective, 2), rtol=1e-9)
    np.testing.assert_allclose(data.gradient_norm, NORMS)
    np.testing.assert_allclose(data.ratio, data.effective * LR / 2)
    edge = symbolic.edge_at_gradient(map_, NORMS) if method == sd.SAM(RHO) else symbolic.edge_of_stability(map_)
    np.testing.assert_allclose(data.edge, np.broadcast_to(edge, 2), rtol=1e-8)


def test_gradient_without_a_part_along_the_eigenvector() -> None:
    points = np.array([[0.0, 0.4, -1.0]])
    data = minima.edge_along(sd.Map(BOWL, sd.SAM(RHO), lr=LR), runs(points))
    norm = np.hypot(0.4, 0.4)
    assert data.effective.item() == pytest.approx(LAM + RHO * LAM**2 / norm, rel=1e-5)
    assert data.share.item() == 0
    rest = minima.edge_along(sd.Map(BOWL, sd.SAM(RHO), lr=LR), runs(0 * points))
    assert (rest.eigenvalue.item(), np.isnan(rest.effective.item())) == (LAM, True)
    rest = minima.edge_along(sd.Map(BOWL, sd.USAM(RHO), lr=LR), runs(0 * points))
    assert rest.effective.item() == pytest.approx(LAM * (1 + RHO * LAM))


@pytest.mark.parametrize(("momentum", "nesterov", "limit"), [(0.0, False, 20.0), (0.5, False, 30.0), (0.5, True, 15.0)])
def test_limit(momentum: float, nesterov: bool, limit: float) -> None:
    map_ = sd.Map(BOWL, sd.SAM(RHO), lr=LR, momentum=momentum, nesterov=nesterov)
    assert float(minima.edge_along(map_, runs(POINTS)).limit) == pytest.approx(limit)


@pytest.mark.parametrize("momentum", [0.0, 0.5])
@pytest.mark.parametrize(
    "method", [sd.SAM(RHO), sd.SAM(RHO, ascent_steps=3), sd.SAM(RHO, ascent_steps=2, average=True)]
)
def test_edge_of_normalised_methods_is_the_equation_of_their_cycle(method: sd.Method, momentum: float) -> None:
    """On a quadratic no curvature moves, and yet the method is at its edge: ηF = 2(1+γ)x on the cycle ±x."""
    lam = 15.0 if momentum else 3.0  # with momentum small ηλ have other cycles, too
    map_ = sd.Map(sd.landscapes.quadratic([lam, 0.3]), method, lr=LR, momentum=momentum)
    data = minima.edge_along(map_, sd.simulate(map_, (RHO / 10, RHO / 10), 598, save_every=299))
    assert data.ratio.values[0, -1] == pytest.approx(1, abs=1e-6)
    assert data.edge.values[0, -1] == pytest.approx(lam, rel=1e-6)
    assert data.settled.values[0] == 299


def test_gd_is_at_its_edge_only_where_the_curvature_moved_there() -> None:
    """On ½(1 + z²)y² the curvature falls to 2/η; SAM is at its edge at once, while its curvature goes on falling."""
    valley = sd.Landscape("(1 + z**2)*y**2/2", "y z")
    lr, start = 0.5, (0.001, 1.8)  # λ = 4.24, and 2/η = 4
    gd = sd.Map(valley, sd.GD(), lr=lr)
    data = minima.edge_along(gd, sd.simulate(gd, start, 400, save_every=99)).isel(run=0)
    assert data.first == 0
    assert data.ratio[0] == pytest.approx(4.24 / 4, rel=1e-2)
    assert 0.9 < data.ratio[-1] < 1
    below = minima.edge_along(gd, sd.simulate(gd, (0.05, 0.5), 400, save_every=99)).isel(run=0)
    assert np.isnan(below["first"])
    assert below.ratio[-1] == pytest.approx(1.25 / 4, rel=1e-2)
    sam = sd.Map(valley, sd.SAM(0.02), lr=lr)
    data = minima.edge_along(sam, sd.simulate(sam, (0.02, 1.5), 999, save_every=37)).isel(run=0)
    np.testing.assert_allclose(data.ratio[1:], 1, atol=1e-2)
    assert data.eigenvalue[1] > 1.5 * data.eigenvalue[-1]


def test_first_passage_is_interpolated() -> None:
    """λ = 1 + z² passes 2/η = 4 at z = √3, between the saves at z = 1 and 2."""
    landscape = sd.Landscape("(1 + z**2)*y**2/2", "y z")
    points = np.array([[1e-6, 0.0], [1e-6, 1.0], [1e-6, 2.0]])
    data = minima.edge_along(sd.Map(landscape, sd.GD(), lr=0.5), runs(points))
    assert float(data["first"][0]) == pytest.approx(1 + 2 / 3)  # λ = 2, then 5
    assert np.isnan(data.settled[0])


def test_networks() -> None:
    x = torch.linspace(-1, 1, 8, dtype=torch.float64)[:, None]
    net = sd.networks.Network(sd.networks.models.mlp((1, 3, 1), activation="tanh"), torch.nn.functional.mse_loss, x, x)
    w = np.linspace(-1, 1, net.dim)
    map_ = sd.Map(net, sd.SAM(0.05), lr=0.1)
    data = minima.edge_along(map_, runs(w[None])).isel(run=0, step=0)
    lam = float(np.linalg.eigvalsh(net.hessian(w).numpy())[-1])
    norm = float(net.grad(w).norm())
    assert float(data.effective) == pytest.approx(lam + 0.05 * lam**2 / norm, rel=1e-9)
    assert float(data.edge) == pytest.approx(norm / 0.1 * (np.sqrt(1 + 8 * 0.05 / (0.1 * norm)) - 1), rel=1e-8)


def test_bad_input() -> None:
    map_ = sd.Map(BOWL, sd.SAM(RHO), lr=LR)
    samples = sd.SampleLandscape("(x - b)**2/2", "x", {"b": [-1, 1]})
    noisy = sd.Map(samples, sd.SAM(RHO), lr=LR, noise=sd.noise.FiniteSum(1))
    cases = [
        (lambda: minima.edge_along(map_, xr.Dataset()), "has no w"),
        (lambda: minima.edge_along(map_, runs(POINTS[:, :2])), "are of 2 coordinates"),
        (lambda: minima.edge_along(map_, runs(POINTS), within=1.5), "must lie in"),
        (lambda: minima.edge_along(noisy, runs(POINTS[:, :1])), "without noise"),
        (lambda: minima.edge_along(replace(map_, method=sd.methods.StochasticSAM(0.1)), runs(POINTS)), "random"),
    ]
    for call, match in cases:
        with pytest.raises(sd.InputError, match=match):
            call()

"""Central flows against closed forms and against iterates."""

from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

import samdyn as sd
from samdyn import networks

PUSH = 0.01  # force along the valley of the toys, in the units of L per unit of z
VALLEY = sd.Landscape(f"(1 + z**2)*y**2/2 - {PUSH}*z", "y z")  # curvature 1 + z² across


def iterates(map_: sd.Map, start: Any, steps: int) -> np.ndarray:
    return sd.simulate(map_, start, steps, save_every=1).w.values[0]


def averaged(w: np.ndarray) -> np.ndarray:
    """Return the averages of three steps, in which what alternates cancels; of steps 1, 2, …"""
    return (w[:-2] + 2 * w[1:-1] + w[2:]) / 4


@pytest.mark.parametrize("momentum", [0.0, 0.6])
@pytest.mark.parametrize("rho", [0.0, 0.2])
def test_a_smooth_method_stays_at_its_edge(rho: float, momentum: float) -> None:
    """At the edge λₑ(z) = 2(1 + γ)/η, and the push balances A = ½⟨D²F[d, d]⟩ along z, so the iterates rest on ±d."""
    lr, method = 0.8, sd.USAM(rho) if rho else sd.GD()
    lam = (np.sqrt(1 + 8 * rho * (1 + momentum) / lr) - 1) / (2 * rho) if rho else 2 * (1 + momentum) / lr
    z = np.sqrt(lam - 1)
    runs = sd.CentralFlow(VALLEY, method, lr, momentum).run((0.0, z - 0.05), 50, save_every=25)
    assert runs.attrs["closure"] == "smooth"
    np.testing.assert_allclose(runs.w.values[-1], [0, z], atol=2e-3)
    np.testing.assert_allclose(runs.eigenvalue.values[-1, 0], runs.attrs["edge"], rtol=1e-6)
    d = np.linalg.norm(runs.sigma.values[-1, 0])
    start = np.array([[d, z]])
    w = iterates(sd.Map(VALLEY, method, lr, momentum), start, 20)
    if not momentum:  # with it, the first steps gather velocity
        assert abs(w[-1] - start[0]).max() < 2e-3
        other = sd.simulate(sd.Map(VALLEY, method, lr), [[1.1 * d, z]], 20).w.values[0, -1]
        assert abs(other - start[0]).max() > 5e-3
    # The loss of the iterates ±d is that at the mean and ½λd².
    mean = float(VALLEY.value(torch.tensor([d, z])))
    assert float(runs.mean_loss[-1]) == pytest.approx(mean, rel=1e-2)
    assert float(runs.mean_loss[-1] - runs.loss[-1]) == pytest.approx(lam * d * d / 2, rel=1e-2)


def test_when_the_edge_is_entered_and_left() -> None:
    """Where the push is along z alone, z = ½ + kt until 1 + z² = 2/η; the edge is left where the push turns."""
    flow = sd.CentralFlow(VALLEY, sd.GD(), 0.8)
    runs = flow.run((0.0, 1.0), 40, save_every=20)
    entry = (np.sqrt(1.5) - 1) / PUSH
    assert runs.event_active.values.tolist() == [1]
    assert float(runs.event_time[0]) == pytest.approx(entry, abs=0.02)
    scene = sd.Landscape("(1 + z**2)*y**2/2 - 0.02*sin(3*v)*z - 0.09*v", "y z v")
    runs = sd.CentralFlow(scene, sd.GD(), 0.8).run((0.0, 1.22, 0.3), 60)
    assert runs.event_active.values.tolist() == [1, 0]
    # It leaves where the push along z changes its sign, at 3v = π.
    v = float(np.interp(float(runs.event_time[1]), runs.time, runs.w.sel(coord="v")))
    assert v == pytest.approx(np.pi / 3, abs=0.02)


@pytest.mark.parametrize("lr", [0.1, 0.3, 0.8])
def test_the_drift_of_sam(lr: float) -> None:
    """On ½λ(z)y² the half-width is ηρλ/(2 − ηλ), and z moves by −η·2ρ²λ′/(2 − ηλ)² a step. [B22]"""
    scene, rho = sd.Landscape("(1 + z**2)*y**2/2", "y z"), 0.01
    runs = sd.CentralFlow(scene, sd.SAM(rho), lr).run((0.0, 0.5), 4)
    lam, slope = 1.25, 1.0
    assert runs.attrs["closure"] == "bounce"
    speeds = np.diff(runs.w.values[:, 1]) / (-2 * lr * rho**2 * slope / (2 - lr * lam) ** 2)
    np.testing.assert_allclose(speeds, 1, rtol=5e-3)
    width = np.linalg.norm(runs.sigma.values[1, 0])
    assert width == pytest.approx(lr * rho * lam / (2 - lr * lam), rel=1e-3)


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_sam_over_a_long_run(momentum: float) -> None:
    """From a start with large gradients to rest: the plain flow misses where the push is balanced by the bounce."""
    flow = sd.CentralFlow(VALLEY, sd.SAM(0.05), 0.4, momentum)
    runs = flow.run((0.0, 0.9), 200, save_every=40)
    w = averaged(iterates(sd.Map(VALLEY, sd.SAM(0.05), 0.4, momentum), (0.02, 0.9), 201))[::40]
    np.testing.assert_allclose(runs.w.values[3:5, 1], w[3:5, 1], rtol=3e-3)
    plain = 0.9 + PUSH * 0.4 * 160 / (1 - momentum)
    assert plain - w[4, 1] > 100 * abs(runs.w.values[4, 1] - w[4, 1])


def test_the_error_falls_with_the_learning_rate() -> None:
    """On SAM's bounce, whose drift is of order η, the error is of order η² at a fixed time."""
    scene, errors = sd.Landscape("(1 + z**2)*y**2/2 + cos(z)/200", "y z"), []
    rates = (0.4, 0.2)
    for lr in rates:
        steps = round(12 / lr)
        runs = sd.CentralFlow(scene, sd.SAM(0.1), lr).run((0.0, 0.8), steps, save_every=steps)
        start = (np.linalg.norm(runs.sigma.values[0]), 0.8)
        w = averaged(iterates(sd.Map(scene, sd.SAM(0.1), lr), start, steps + 1))[-1]
        errors.append(np.linalg.norm(runs.w.values[-1] - w))
        assert errors[-1] < 0.02 * abs(w[1] - 0.8)
    assert np.polyfit(np.log(rates), np.log(errors), 1)[0] > 1.5


def test_three_directions_at_once() -> None:
    """Three valleys with the same edge: each oscillates with d² = push/z, and Σ has rank 3."""
    terms = " + ".join(f"(1 + z{i}**2)*y{i}**2/2 - {PUSH * i}*z{i}" for i in (1, 2, 3))
    scene = sd.Landscape(terms, "y1 y2 y3 z1 z2 z3")
    z = np.sqrt(1.5)
    runs = sd.CentralFlow(scene, sd.GD(), 0.8).run(
        (0, 0, 0, z - 0.05, z - 0.05, z - 0.05), 30, save_every=30, directions=3
    )
    assert runs.event_active.values.tolist() == [1, 2, 3]
    root = runs.sigma.values[-1]
    np.testing.assert_allclose((root.T @ root)[:3, :3], np.diag([1, 2, 3]) * PUSH / z, atol=2e-4)
    np.testing.assert_allclose(runs.w.values[-1], [0, 0, 0, z, z, z], atol=1e-3)


def test_the_hyperbola_of_minima() -> None:
    """GD on ½(xy − 1)² pushed along its minima stays where DF is at 2/η, and its iterates average to the same."""
    scene = sd.Landscape("(x*y - 1)**2/2 - 0.002*x", "x y")
    runs = sd.CentralFlow(scene, sd.GD(), 0.2).run((3.135, 1 / 3.135), 150, save_every=50)
    w = runs.w.values[-1]
    assert float(runs.active[-1]) == 1
    assert np.linalg.eigvalsh(scene.hessian(w).numpy())[-1] == pytest.approx(10, rel=1e-5)
    assert (w**2).sum() == pytest.approx(10, rel=2e-3)


def small_network() -> tuple[networks.Network, np.ndarray]:
    net = networks.classifier(networks.digits(), (4,), samples=40, activation="tanh", loss="squared")
    return net, net.vector(networks.models.mlp((64, 4, 10), activation="tanh", seed=0)).numpy()


def test_a_network_by_products() -> None:
    """The block of eigenvectors, and the flow's step, agree with the whole DF."""
    net, w = small_network()
    for method in (sd.GD(), sd.USAM(0.1)):
        runs = sd.CentralFlow(net, method, 0.09).run(w, 2)
        for k in (0, 2):
            point = torch.tensor(runs.w.values[k])
            exact = np.sort(np.linalg.eigvals(sd.ops.jacobian(lambda p, m=method: m(p, net.grad), point).numpy()).real)
            assert runs.eigenvalue.values[k, 0] == pytest.approx(exact[-1], rel=2e-2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": -1.0}, "lr = -1.0: must be a finite number > 0"),
        ({"lr": [0.1, 0.2]}, "must be a finite number > 0"),
        ({"momentum": 1.0}, "must be one number in [0, 1)"),
        ({"method": sd.methods.LookSAM(0.1)}, "from step to step"),
        ({"method": sd.SAM([0.1, 0.2])}, "a simulation needs a number"),
        ({"start": (0.0, np.nan)}, "must be finite"),
        ({"start": (0.0,)}, r"Give an array of shape (2,)"),
        ({"start": (0.0, 4.0)}, "far above the edge"),
        ({"steps": 0}, "must be an integer >= 1"),
        (
            {"landscape": sd.Landscape("(1 + z**2)*y**2/2 + Max(y, 0)**2.5 - 0.01*z", "y z"), "start": (0.0, 1.2)},
            "has no second",
        ),
        ({"landscape": sd.Landscape("y**2 - 0.01*z", "y z"), "lr": 1.05, "start": (0.0, 0.0)}, "does not lower"),
    ],
)
def test_bad_input(change: dict[str, Any], message: str) -> None:
    setting = {"landscape": VALLEY, "method": sd.GD(), "lr": 0.8, "momentum": 0.0, "start": (0.0, 0.5), "steps": 20}
    setting |= change
    start, steps = setting.pop("start"), setting.pop("steps")
    with pytest.raises(sd.InputError) as error:
        sd.CentralFlow(**setting).run(start, steps)
    assert message in str(error.value)


def test_more_directions_than_asked_for() -> None:
    scene = sd.Landscape("(1 + z**2)*(x**2 + y**2)/2 - 0.01*z", "x y z")
    with pytest.raises(sd.InputError, match="2 or more eigenvalues"):
        sd.CentralFlow(scene, sd.GD(), 0.8).run((0.0, 0.0, 1.2), 30, directions=1)


def test_a_network_too_large() -> None:
    net, w = small_network()
    with pytest.raises(sd.InputError, match="numbers at once"):
        sd.CentralFlow(net, sd.GD(), 0.1).run(w, 10**6)


def test_the_result() -> None:
    runs = sd.CentralFlow(VALLEY, sd.GD(), 0.8).run((0.0, 0.5), 20, save_every=10, directions=2)
    assert isinstance(runs, xr.Dataset)
    assert runs.w.shape == (3, 2)
    assert runs.sigma.shape == (3, 2, 2)
    assert runs.time.values.tolist() == [0, 8, 16]
    assert np.isnan(runs.sigma.values).all()
    assert all(variable.attrs.get("units") for variable in runs.data_vars.values())

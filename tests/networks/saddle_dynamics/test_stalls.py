"""Networks that start beside the saddle at zero weights: who escapes, who is held, and from which radius."""

import pickle

import numpy as np
import pytest
import torch
import xarray as xr

import samdyn as sd
from samdyn.checks import InputError
from samdyn.networks import saddle_dynamics, saddles
from samdyn.networks.saddle_dynamics import ZeroWeights


@pytest.fixture(scope="module")
def place() -> ZeroWeights:
    return ZeroWeights(hidden=2)


def test_the_escape_directions_of_the_saddle(place: ZeroWeights) -> None:
    lams, escaping = map(torch.as_tensor, saddles.ways_out(place.point))
    hessian = place.exact.hessian(torch.as_tensor(place.point.w))
    np.testing.assert_allclose(hessian @ escaping, escaping * lams, atol=1e-12)
    assert place.point.eigenvalues[len(lams)] > -1e-9
    assert lams[0] == pytest.approx(-0.6412, abs=1e-4)


@pytest.mark.parametrize("coupling", ["shared", "independent"])
def test_batches_go_by_the_start_alone(place: ZeroWeights, coupling: str) -> None:
    starts = place.starts(2, scale=0.1)
    assert starts[1].equal(place.starts(1, scale=0.1, seed=1)[0])
    data = place.follow(starts, coupling, 32, np.array([0.02, 0.5]), np.array([1, 1]), lr=0.2, steps=20, device="cpu")
    for rho, one in zip((0.02, 0.5), data.loss.values, strict=True):
        map_ = sd.Map(place.network, sd.SAM(rho), lr=0.2, noise=sd.noise.FiniteSum(32, coupling=coupling))
        runs = sd.simulate(map_, starts[1:], 20, first_run=1, dtype="float32", device="cpu", progress=False)
        w = torch.as_tensor(runs.w.values[0, -1], dtype=torch.float64)
        assert one == pytest.approx(float(place.exact.value(w)), rel=1e-5)  # float32


@pytest.mark.slow
def test_networks_are_held_above_a_radius_between_which_the_mean_step_says(place: ZeroWeights) -> None:
    starts, radii = place.starts(2, scale=0.1), [0.02, 0.8]
    rho, start = np.repeat(radii, 2), np.tile([0, 1], 2)
    data = place.follow(starts, "shared", 32, rho, start, lr=0.2, steps=150, device="cpu")
    outcome = saddle_dynamics.outcomes(data)
    assert outcome.values.tolist() == ["escaped"] * 2 + ["held"] * 2
    # Along the escape directions the gradient is reversed where networks are held, and not over all.
    assert (data.cosine[2:] < -0.5).all()
    look = place.look(torch.as_tensor(data.w.values[2]), 32, 0.8)
    assert look["escape_cosine"] == pytest.approx(float(data.cosine[2]), abs=1e-4)  # w is float32
    assert look["escape_cosine"] < look["cosine"]
    coords = {"batch_size": [32], "rho": radii, "start": [0, 1]}
    w = xr.DataArray(data.w.values.reshape(1, 2, 2, -1), coords, (*coords, "coord"))
    assert place.look_again(w, 32, 0.8, 0) == look
    drop = 0.01 * float(data.start_loss.mean())
    predicted = place.predicted_stalls(starts, 32, 400, drop=drop, lr=0.2, steps=150)
    shared = predicted.mean_step.sel(coupling="shared")
    assert radii[0] < float(shared.min())
    assert float(shared.max()) < radii[1]
    # A batch's own Hessian adds its variance to H²: the radius is lower, and not that of added noise.
    assert float(shared.median()) < 0.6 * float(predicted.additive)


def test_other_processes_can_have_it(place: ZeroWeights) -> None:
    other = pickle.loads(pickle.dumps(place.follow)).__self__
    assert other.starts(1, scale=0.1).equal(place.starts(1, scale=0.1))


def test_the_full_batch_has_no_noise(place: ZeroWeights) -> None:
    starts = place.starts(1, scale=0.1)
    one, other = (
        place.follow(starts, "shared", 1438, np.array([0.1]), np.array([0]), lr=0.2, steps=2, seed=seed, device="cpu")
        for seed in (0, 1)
    )
    assert one.identical(other)
    assert place.look(starts[0], 1438, 0.1)["noise_norm"] == 0


def test_outcomes_by_loss_and_distance() -> None:
    moments = xr.DataArray([[1.0, 0.5, 0.2], [1.0, 0.5, 0.2], [1.0, 1.0, 2.0], [1.0, np.nan, np.nan]])
    data = xr.Dataset({"start_loss": ("run", np.full(4, 2.0)), "loss": ("run", [1.9, 1.99, 1.99, np.nan])})
    data["distance"] = moments.rename(dim_0="run", dim_1="moment").assign_coords(moment=["start", "half", "end"])
    assert saddle_dynamics.outcomes(data).values.tolist() == ["escaped", "held", "stalled", "stalled"]
    assert saddle_dynamics.outcomes(data, tolerance=0.06).values.tolist() == ["held", "held", "stalled", "stalled"]
    with pytest.raises(InputError, match="must lie in"):
        saddle_dynamics.outcomes(data, tolerance=1.0)


def test_a_network_stalls_from_the_first_radius_at_which_it_does() -> None:
    rho = [0.1, 0.2, 0.4]
    rows = [["escaped", "stalled", "escaped"], ["held", "held", "held"], ["escaped", "escaped", "escaped"]]
    radii = saddle_dynamics.stall_radii(xr.DataArray(rows, dims=("start", "rho"), coords={"rho": rho}))
    assert radii.radius.values.tolist() == [0.2, 0.1, np.inf]
    assert radii.before.values.tolist() == [0.1, 0.0, 0.4]
    with pytest.raises(InputError, match="must be ascending radii"):
        saddle_dynamics.stall_radii(xr.DataArray(rows[0], dims="rho", coords={"rho": rho[::-1]}))


def test_settings_are_those_from_which_all_are_held() -> None:
    rows = [[["escaped"] * 2, ["held", "escaped"], ["held"] * 2], [["stalled"] * 2, ["escaped"] * 2, ["stalled"] * 2]]
    outcome = xr.DataArray(rows, dims=("batch_size", "rho", "start"))
    outcome = outcome.assign_coords(batch_size=[32, 8], rho=[0.1, 0.2, 0.4])
    assert saddle_dynamics.held_settings(outcome) == [(8, 0.4), (32, 0.4)]
    outcome[0, 1, 1] = "held"
    assert saddle_dynamics.held_settings(outcome) == [(8, 0.4), (32, 0.2), (32, 0.4)]


def test_what_has_no_way_out_is_refused() -> None:
    scene = sd.landscapes.quadratic([2.0, 1.0])
    (point,) = sd.critical_points(scene)
    with pytest.raises(InputError, match="has no negative eigenvalue"):
        saddle_dynamics.follow(sd.Map(scene, sd.GD(), lr=0.1), point, [[0.1, 0.1]], steps=4)
    with pytest.raises(InputError, match="must be at least 2"):
        saddle_dynamics.follow(sd.Map(scene, sd.GD(), lr=0.1), point, [[0.1, 0.1]], steps=1)

"""The experiment on stalls beside a saddle, as a user runs it, with smaller networks and fewer radii."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
import xarray as xr
from PIL import Image

import samdyn as sd

SMALL = ["--hidden", "2", "--batch-sizes", "32", "--scale", "0.1"]
SMALL += ["--steps", "150", "--seeds", "2", "--batches", "400"]
SMALL += ["--processes", "1"]
DATASETS = ("stalls", "thresholds", "looks")


@pytest.fixture(scope="module")
def script(experiment: Callable[[str], ModuleType]) -> ModuleType:
    return experiment("network_stalls")


@pytest.fixture
def run(script: ModuleType, run_here: Callable[..., int]) -> Callable[..., int]:
    return partial(run_here, script, *SMALL)


@pytest.fixture(scope="module")
def result(script: ModuleType, finished: Callable[..., tuple[Path, str]]) -> tuple[Path, str]:
    return finished(script, *SMALL, RADII=np.array([0.02, 0.8]), PARTS=2, LOOKED=1)


@pytest.fixture(scope="module")
def data(result: tuple[Path, str]) -> dict[str, xr.Dataset]:
    return {name: xr.open_zarr(result[0] / f"{name}.zarr", consolidated=False).load() for name in DATASETS}


@pytest.mark.slow
def test_the_tables_and_the_figure(result: tuple[Path, str]) -> None:
    folder, told = result
    assert max(map(len, told.splitlines())) <= 100
    rows = [line.split() for line in told.splitlines()]
    assert [row[:2] for row in rows if row[:1] in (["shared"], ["independent"])] == [
        ["shared", "32"],
        ["independent", "32"],
    ]
    assert sum(row[:2] == ["full", "0.800"] for row in rows) == 1
    with Image.open(folder / "stalls.png") as image:
        assert min(image.size) > 400
    assert json.loads((folder / "provenance.json").read_text())["experiment"] == "network_stalls"


@pytest.mark.slow
def test_networks_are_held_above_a_radius_and_leave_below(data: dict[str, xr.Dataset]) -> None:
    stalls, found = data["stalls"], data["thresholds"]
    assert stalls.outcome.dims == ("coupling", "batch_size", "rho", "start")
    assert stalls.batch_size.values.tolist() == [32, 1438]
    shared = stalls.sel(coupling="shared", batch_size=32)
    assert (shared.outcome.sel(rho=0.02) == "left").all()
    assert (shared.outcome.sel(rho=0.8) == "held").all()
    assert (shared.along.sel(moment="end", rho=0.8) < shared.along.sel(moment="start", rho=0.8)).all()
    assert stalls.attrs["lam_min"] == pytest.approx(-0.6412, abs=1e-4)
    ours = found.isel(setting=found.coupling.values.tolist().index("shared"))
    assert float(ours.below) < float(ours.mean_step) < float(ours.above)
    # A batch's own Hessian adds its variance to H²: the threshold is lower, and not that of added noise.
    assert float(ours.mean_step) < 0.6 * float(ours.additive)


@pytest.mark.slow
def test_batches_go_by_the_start_alone(script: ModuleType, data: dict[str, xr.Dataset]) -> None:
    digits = sd.networks.digits()
    network = sd.networks.Network(
        script.tanh(2, 0.0), torch.nn.functional.cross_entropy, digits.train_inputs, digits.train_targets
    )
    for coupling in ("shared", "independent"):
        map_ = sd.Map(network, sd.SAM(0.02), lr=0.2, noise=sd.noise.FiniteSum(32, coupling=coupling))
        start = network.vector(script.tanh(2, 0.1, 1))
        runs = sd.simulate(map_, start, 150, first_run=1, dtype="float32", device="cpu", progress=False)
        w = torch.as_tensor(runs.w.values[0, -1], dtype=torch.float64)
        one = data["stalls"].sel(coupling=coupling, batch_size=32, rho=0.02).isel(start=1)
        assert float(one.loss) == pytest.approx(float(network.value(w)), rel=1e-5)  # float32


@pytest.mark.slow
def test_where_networks_are_held_the_gradient_is_reversed_in_escaping_directions(
    script: ModuleType, data: dict[str, xr.Dataset]
) -> None:
    network = script.on_digits(sd.networks.digits(), 2)
    saddle = script.critical_point(network, script.without_weights(network))
    lams, escaping = map(torch.as_tensor, script.ways_out(saddle))
    np.testing.assert_allclose(network.hessian(torch.as_tensor(saddle.w)) @ escaping, escaping * lams, atol=1e-12)
    assert saddle.eigenvalues[len(lams)] > -1e-9
    held = data["stalls"].sel(coupling="shared", batch_size=32, rho=0.8).isel(start=0)
    look = script.look_at(network, torch.as_tensor(held.w.values).double(), 0.8, escaping, 32, 20, 0)
    assert look.escaping < -0.5
    assert look.escaping < look.cosine


def test_the_noise_at_the_saddle_is_that_of_the_biases(script: ModuleType) -> None:
    data = sd.networks.digits()
    step = script.mean_step(data, 16, 400, 0)
    shares = np.bincount(data.train_targets, minlength=10) / len(data.train_targets)
    variances = shares * (1 - shares) / 16
    assert step.noise == pytest.approx(np.sqrt(variances.sum()), rel=0.05)  # 400 batches
    assert 8 < script.effective_dim(step.samples) < 9.2
    assert step.inverse > 1 / step.noise


def test_a_batch_at_the_saddle_is_the_mean_of_its_samples(script: ModuleType) -> None:
    data = sd.networks.digits()
    network, w, gradients, hessians = script.at_samples(data)
    chosen = np.array([3, 700, 700])
    batch = sd.networks.Network(
        network.model, network.criterion, data.train_inputs[chosen].double(), data.train_targets[chosen]
    )
    torch.testing.assert_close(gradients[chosen].mean(0), batch.grad(w), rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(hessians[chosen].mean(0), batch.hessian(w), rtol=1e-12, atol=1e-14)


def test_a_network_stalls_from_the_first_radius_at_which_it_does(script: ModuleType) -> None:
    radii = script.RADII
    stalled = np.arange(len(radii)) >= 4
    assert script.bracket(stalled) == (radii[3], radii[4])
    assert script.bracket(np.ones(len(radii), dtype=bool)) == (0.0, radii[0])
    assert script.bracket(~stalled & stalled) == (radii[-1], np.inf)


def test_a_mean_step_slows_down_from_where_its_growth_says(script: ModuleType) -> None:
    setup = script.Training(1, 0.01, 0.1, 100, 1, 0.01, 0, "cpu")
    hessian, start = np.diag([-1.0]), np.array([[0.01]])
    # ½w² = 0.02 by t = 10 if w grows twentyfold: at a rate of 0.3 per t, λ(1+ρλ) = −0.304 with steps.
    radius = script.slow_from(hessian, hessian**2, start, 0.02, setup)
    assert radius == pytest.approx(1 - (20**0.01 - 1) / 0.1, rel=0.04)  # the grid's step


def test_hidden_units_are_cut_out_of_the_vector(script: ModuleType) -> None:
    model = script.tanh(3, 1.0)
    w = script.on_digits(sd.networks.digits(), 3).vector(model)[None]
    units = script.hidden_units(w, 3)
    np.testing.assert_array_equal(units[:64].T, model[0].weight.detach().double())
    np.testing.assert_array_equal(units[64], model[0].bias.detach().double())
    np.testing.assert_array_equal(units[65:], model[2].weight.detach().double())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--hidden", "0"], "must be an integer >= 1"),
        (["--batch-sizes", "8,2.5"], "must be integers >= 1"),
        (["--batch-sizes", "0"], "must be integers >= 1"),
        (["--batch-sizes", "8,1438"], "below the full batch, 1438"),
        (["--scale", "0"], "must be a finite number > 0"),
        (["--lr=-1"], "lr = -1.0: must be a finite number > 0"),
        (["--steps", "1"], "--steps = 1: must be at least 2"),
        (["--seeds", "0"], "must be an integer >= 1"),
        (["--tolerance", "1"], "must lie in (0, 1)"),
        (["--batches", "1"], "--batches = 1: must be at least 16"),
        (["--seed=-1"], "must be an integer in [0, 2**32)"),
        (["--processes", "0"], "--processes = 0: must be an integer >= 1"),
        (["--device", "tpu"], "no such device"),
    ],
)
def test_bad_input(run: Callable[..., int], refused: Callable[[int], str], arguments: list[str], message: str) -> None:
    assert message in refused(run(*arguments))

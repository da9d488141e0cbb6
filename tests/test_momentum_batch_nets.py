"""The experiment on momentum and batch size on networks, as a user runs it, with tiny networks and one epoch."""

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
from torch.nn.functional import cross_entropy

import samdyn as sd
from samdyn import networks
from samdyn.statistics import median_interval

SMALL = ["--width", "2", "--seeds", "2", "--epochs", "1", "--rho", "0.5", "--momentum", "0.8", "--processes", "1"]
SMALL += ["--batch-sizes", "64,256", "--lr", "0.1"]
EQUAL, LOW, HIGH = "equal η", "equal η/(1−γ), small", "equal η/(1−γ), large"


@pytest.fixture(scope="module")
def script(experiment: Callable[[str], ModuleType]) -> ModuleType:
    return experiment("momentum_batch_nets")


@pytest.fixture
def run(script: ModuleType, run_here: Callable[..., int]) -> Callable[..., int]:
    return partial(run_here, script, *SMALL)


def some_direction(landscape: sd.Landscape, *_: object, **__: object) -> tuple[np.ndarray, np.ndarray]:
    return np.array([-2.0]), np.full((landscape.dim, 1), landscape.dim**-0.5)


def test_the_tables_the_figures_and_the_data(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Eigenvectors are what takes time; the test of drives has real ones.
    monkeypatch.setattr(networks, "extreme_eigenpairs", some_direction)
    assert run() == 0
    folder = tmp_path / "results" / "momentum_batch_nets"
    for name in ("momentum_batch_nets", "step_size"):
        with Image.open(folder / f"{name}.png") as image:
            assert min(image.size) > 400
    assert json.loads((folder / "provenance.json").read_text())["experiment"] == "momentum_batch_nets"
    grid = xr.open_zarr(folder / "networks.zarr", consolidated=False).load()
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 100
    check_table(grid, told)
    check_rates(grid)
    check_networks(grid)
    check_places(grid)


def check_table(grid: xr.Dataset, told: str) -> None:
    accuracy = told.split("Test accuracy in %")[1].split("Medians of")[0].splitlines()
    rows = [line.split() for line in accuracy if "]" in line]
    assert [row[:4] for row in rows] == [
        [rho, *setting]
        for rho in ("0", "0.5")
        for setting in (["0.1", "0", "0.1"], ["0.1", "0.8", "0.02"], ["0.5", "0", "0.5"], ["0.5", "0.8", "0.1"])
    ]
    one = 100 * grid.test_accuracy.sel(rho=0.5, compared=HIGH, momentum=0.0, batch_size=256).values
    # Of two values a resample has one of them twice, or both.
    assert " ".join(rows[6][7:]) == f"{one.mean():.1f} [{one.min():.1f}, {one.max():.1f}]"
    gained = 100 * (grid.test_accuracy.sel(momentum=0.8) - grid.test_accuracy.sel(momentum=0.0))
    for counted, chosen in (("η", [EQUAL]), ("η/(1−γ)", [LOW, HIGH])):
        one = gained.sel(compared=chosen)
        better, worse = int((one.min("seed") > 0).sum()), int((one.max("seed") < 0).sum())
        sentence = f"at equal {counted} better in {better} and worse in {worse} of {4 * len(chosen)} settings"
        assert sentence in " ".join(told.split())


def check_rates(grid: xr.Dataset) -> None:
    assert grid.train_loss.dims == ("batch_size", "compared", "momentum", "rho", "seed")
    assert grid.train_loss.shape == (2, 3, 2, 2, 2)
    assert grid.steps.values.tolist() == [22, 6]  # of 1438 samples
    rates = {compared: grid.lr.sel(compared=compared).values.tolist() for compared in (EQUAL, LOW, HIGH)}
    assert rates[EQUAL] == [0.1, 0.1]
    assert rates[LOW] == pytest.approx([0.1, 0.02])
    assert rates[HIGH] == pytest.approx([0.5, 0.1])
    # What comparisons have in common is one network.
    for gamma, other in ((0.0, LOW), (0.8, HIGH)):
        same = grid.test_accuracy.sel(momentum=gamma)
        assert same.sel(compared=EQUAL).equals(same.sel(compared=other).assign_coords(compared=EQUAL))


def check_networks(grid: xr.Dataset) -> None:
    """Networks alone are those that were trained together: batches go by the seed, whatever else is in the grid."""
    data = networks.digits()
    models = [networks.models.mlp((64, 2, 2, 10), seed=int(s)) for s in grid.seed.values]
    network = networks.Network(models[0], cross_entropy, data.train_inputs, data.train_targets)
    for gamma, lr, rho, compared, k in ((0.0, 0.1, 0.0, EQUAL, 0), (0.0, 0.5, 0.5, HIGH, 1), (0.8, 0.02, 0.5, LOW, 0)):
        map_ = sd.Map(network, sd.SAM(rho), lr=lr, momentum=gamma, noise=sd.noise.FiniteSum(64))
        alone = sd.simulate(
            map_, network.vector(models[k]), 22, first_run=k, dtype="float32", device="cpu", progress=False
        )
        w = torch.as_tensor(alone.w.values[0, -1])
        one = grid.sel(batch_size=64, momentum=gamma, rho=rho, compared=compared).isel(seed=k)
        assert float(one.train_loss) == pytest.approx(float(network.value(w)), rel=1e-4)  # float32
        accuracy = network.accuracy(w, data.test_inputs, data.test_targets)
        assert float(one.test_accuracy) == pytest.approx(float(accuracy), abs=1e-9)


def check_places(grid: xr.Dataset) -> None:
    stalled = grid.train_loss > 0.95 * np.log(10)
    assert 0 < int(stalled.sum()) < stalled.size
    for name in ("eigenvalue", "gradient_norm", "step_ratio", "predicted_ratio"):
        assert grid[name].notnull().equals(stalled)
    assert (grid.eigenvalue.values[stalled] == -2).all()
    assert np.allclose((grid.predicted_ratio - (1 - 2 * grid.rho / grid.gradient_norm)).values[stalled], 0)
    sgd = grid.sel(rho=0.0)
    assert sgd.step_ratio.values[stalled.sel(rho=0.0)] == pytest.approx(1.0)


def test_the_drive_back_to_a_saddle(script: ModuleType) -> None:
    w = torch.tensor([0.05, 0.12], dtype=torch.float64)
    lam, norm, ratio, predicted = script.place(sd.landscapes.quadratic((2, -1)), w, rho=0.5)
    assert (lam, norm) == pytest.approx((-1, np.hypot(0.1, 0.12)))
    assert ratio == pytest.approx(1 - 0.5 / norm)  # on a quadratic it is what is predicted
    assert predicted == pytest.approx(ratio)
    assert ratio < 0


def test_networks_that_diverged_count_as_stalled(script: ModuleType) -> None:
    grid = xr.Dataset({"train_loss": ("seed", [2.18, 2.19, np.nan, np.inf])})
    assert script.stalled(grid).values.tolist() == [False, True, True, True]


def test_differences_are_paired_by_seed(script: ModuleType) -> None:
    accuracy = xr.DataArray([[0.1, 0.5], [0.3, 0.3], [0.4, 0.8]], dims=("momentum", "seed"))
    accuracy = accuracy.assign_coords(momentum=[0.0, 0.5, 0.9])
    ends = median_interval(script.gained(xr.Dataset({"test_accuracy": accuracy})).sel(momentum=0.9), "seed")
    assert [float(end) for end in ends] == pytest.approx([0.3, 0.3, 0.3])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rho", "0,0.1"], "must be finite numbers > 0"),
        (["--momentum", "1"], "must lie in (0, 1)"),
        (["--momentum", "0"], "must lie in (0, 1)"),
        (["--batch-sizes", "2.5"], "must be integers >= 1"),
        (["--batch-sizes", "1439"], "there are 1438 samples"),
        (["--lr", "0"], "must be a finite number > 0"),
        (["--epochs", "0"], "--epochs = 0: must be an integer >= 1"),
        (["--width", "0"], "--width = 0: must be an integer >= 1"),
        (["--seeds", "1"], "an interval needs two or more"),
        (["--seed", "-1"], "must be an integer in"),
        (["--device", "abacus"], "abacus"),
    ],
)
def test_bad_input(run: Callable[..., int], refused: Callable[[int], str], arguments: list[str], message: str) -> None:
    assert message in refused(run(*arguments))

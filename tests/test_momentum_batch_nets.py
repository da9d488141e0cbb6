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

import samdyn as sd
from samdyn import networks

SMALL = ["--width=2", "--seeds=2", "--epochs=1", "--rho=0.5", "--momentum=0.8", "--processes=1"]
SMALL += ["--batch-sizes=64,256", "--lr=0.1"]
SETTINGS = [(0.0, 0.1), (0.8, 0.02), (0.0, 0.5), (0.8, 0.1)]  # momentum and lr, by η/(1−γ) and γ
PAIRS = {"equal η": (0, 3), "equal η/(1−γ), small": (0, 1), "equal η/(1−γ), large": (2, 3)}  # without and with


@pytest.fixture(scope="module")
def script(experiment: Callable[[str], ModuleType]) -> ModuleType:
    return experiment("momentum_batch_nets")


@pytest.fixture
def run(script: ModuleType, run_here: Callable[..., int]) -> Callable[..., int]:
    return partial(run_here, script, *SMALL)


def some_direction(
    landscape: sd.Landscape, w: torch.Tensor, method: sd.SAM, where: np.ndarray
) -> dict[str, np.ndarray]:
    n = np.where(where, 1.0, np.nan)
    return {"eigenvalue": -2 * n, "gradient_norm": 4 * n, "step_ratio": n * np.where(method.rho > 0, -0.5, 1.0)}


@pytest.fixture(scope="module")
def result(finished: Callable[..., tuple[Path, str]], script: ModuleType) -> tuple[Path, str]:
    with pytest.MonkeyPatch.context() as patch:
        # Eigenvectors are what takes time; the test of escape_step has real ones.
        patch.setattr(networks, "escape_step", some_direction)
        return finished(script, *SMALL)


@pytest.fixture(scope="module")
def runs(result: tuple[Path, str]) -> xr.Dataset:
    return xr.open_zarr(result[0] / "networks.zarr", consolidated=False).load()


def rows(printed: str) -> list[str]:
    return [" ".join(line.split()) for line in printed.splitlines()]


def of_two(values: xr.DataArray, style: str) -> str:
    """The median of two values: a resample has one of them twice, or both."""
    return f"{values.mean():{style}} [{values.min():{style}}, {values.max():{style}}]"


def test_the_grid(runs: xr.Dataset) -> None:
    assert runs.train_loss.dims == ("batch_size", "momentum_lr", "rho", "seed")
    assert runs.train_loss.shape == (2, 4, 2, 2)
    np.testing.assert_allclose([*zip(runs.momentum.values, runs.lr.values, strict=True)], SETTINGS)
    assert runs.steps.isel(momentum_lr=0, rho=0, seed=0).values.tolist() == [22, 6]  # of 1438 samples


def test_the_tables(result: tuple[Path, str], runs: xr.Dataset) -> None:
    printed = rows(result[1])
    assert max(map(len, result[1].splitlines())) <= 100
    for i, (gamma, lr) in enumerate(SETTINGS):
        for rho in (0.0, 0.5):
            for size in (64, 256):
                one = runs.isel(momentum_lr=i).sel(rho=rho, batch_size=size)
                stalled = int((one.train_loss > 0.95 * np.log(10)).sum())
                start = f"{rho:g} {gamma:g} {lr:g} {size} {lr / (1 - gamma):.3g} {of_two(one.test_accuracy, '.1f')} "
                (row,) = [row for row in printed if row.startswith(start)]
                assert f" {stalled}/2 [" in row
    for name, (without, with_momentum) in PAIRS.items():
        part, other = runs.isel(momentum_lr=with_momentum), runs.isel(momentum_lr=without)
        gain, ratio = part.test_accuracy - other.test_accuracy, part.train_loss / other.train_loss
        for rho, size in ((0.0, 64), (0.5, 256)):
            texts = (of_two(x.sel(rho=rho, batch_size=size), style) for x, style in ((gain, "+.1f"), (ratio, ".2f")))
            assert f"{name} 0.8 {rho:g} {size} {' '.join(texts)}" in printed
        better, worse = int((gain.min("seed") > 0).sum()), int((gain.max("seed") < 0).sum())
        text = " ".join(printed).partition(f"Points gained at {name}: ")[2].partition("settings")[0]
        assert text.endswith(f"above 0 in {better} and below in {worse} of 4 ")


def test_where_stalled_networks_are(result: tuple[Path, str], runs: xr.Dataset) -> None:
    stalled = runs.train_loss > 0.95 * np.log(10)
    assert 0 < int(stalled.sum()) < stalled.size
    for name in ("eigenvalue", "gradient_norm", "step_ratio"):
        assert runs[name].notnull().equals(stalled)
    for rho, ratio, predicted in ((0.0, "+1.00", "+1.00"), (0.5, "-0.50", "+0.75")):  # 1 + 0.5 · (−2)/4
        for size in (64, 256):
            count = int(stalled.sel(rho=rho, batch_size=size).sum())
            start = f"{rho:g} {size} {count} -2.00 4.000 {ratio} {predicted} {count if rho else 0}/{count} ["
            assert any(row.startswith(start) for row in rows(result[1]))


def test_networks_alone_are_those_that_were_trained_together(runs: xr.Dataset) -> None:
    """The batches depend on the number of the seed alone, whatever else is in the grid."""
    data = networks.digits()
    network, starts = networks.classifier(data, (2, 2)), networks.initial_weights(data, (2, 2), 2)
    for i, rho, k in ((0, 0.0, 0), (2, 0.5, 1), (1, 0.5, 0)):
        gamma, lr = SETTINGS[i]
        map_ = sd.Map(network, sd.SAM(rho), lr=lr, momentum=gamma, noise=sd.noise.FiniteSum(64))
        alone = sd.simulate(map_, starts[k], 22, first_run=k, dtype="float32", device="cpu", progress=False)
        w = torch.as_tensor(alone.w.values[0, -1])
        one = runs.isel(momentum_lr=i, seed=k).sel(batch_size=64, rho=rho)
        assert float(one.train_loss) == pytest.approx(float(network.value(w)), rel=1e-4)  # float32
        accuracy = network.accuracy(w, data.test_inputs, data.test_targets)
        assert float(one.test_accuracy) == pytest.approx(100 * float(accuracy), abs=1e-7)


def test_the_figure_and_the_provenance(result: tuple[Path, str]) -> None:
    with Image.open(result[0] / "step_size.png") as image:
        assert min(image.size) > 400
    assert json.loads((result[0] / "provenance.json").read_text())["experiment"] == "momentum_batch_nets"


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--rho=0,0.1", "must be finite numbers > 0"),
        ("--momentum=1", "must lie in [0, 1)"),
        ("--momentum=0", "must lie in (0, 1)"),
        ("--batch-sizes=2.5", "must be integers >= 1"),
        ("--batch-sizes=16,1439", "--batch-sizes = 1439: there are 1438 samples"),
        ("--seeds=1", "an interval needs two or more"),
        ("--device=abacus", "abacus"),
    ],
)
def test_bad_input(run: Callable[..., int], refused: Callable[[int], str], argument: str, message: str) -> None:
    assert message in refused(run(argument))

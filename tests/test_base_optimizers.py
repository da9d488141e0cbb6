"""The experiment on base optimizers, as a user runs it, with tiny networks and few steps."""

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

SMALL = ["--lr=0.003,0.01", "--rho=0.1,0.2", "--samples=100", "--steps=8", "--width=4", "--batch-size=8", "--seeds=3"]
SMALL += ["--seed=2", "--processes=1"]
DATA = {"digits": partial(networks.digits, test=0.4)}


@pytest.fixture(scope="module")
def script(experiment: Callable[[str], ModuleType]) -> ModuleType:
    return experiment("base_optimizers")


@pytest.fixture(scope="module")
def result(finished: Callable[..., tuple[Path, str]], script: ModuleType) -> tuple[Path, str]:
    methods = {name: script.METHODS[name] for name in (script.PLAIN, script.TWICE, "ASAM", "FriendlySAM")}
    return finished(script, *SMALL, DATA=DATA, METHODS=methods)


def test_the_table_the_answers_and_the_figure(result: tuple[Path, str]) -> None:
    folder, printed = result
    chosen = xr.open_zarr(folder / "chosen.zarr", consolidated=False).load()
    gain = chosen.gain.sel(base="AdamW", direction="ASAM", data="digits").values
    assert f"{np.median(gain):+.1f} [{gain.min():+.1f}, {gain.max():+.1f}]" in printed
    assert printed.count("of 2 settings") == 4
    with Image.open(folder / "base_optimizers.png") as image:
        assert min(image.size) > 300
    assert json.loads((folder / "provenance.json").read_text())["experiment"] == "base_optimizers"


def test_a_network_is_the_one_that_torch_trains(result: tuple[Path, str], script: ModuleType) -> None:
    runs = xr.open_zarr(result[0] / "networks_digits.zarr", consolidated=False).load()
    data = DATA["digits"]()
    task = networks.Task(script.split(data, 100)[0], (4, 4), 3, 2)
    for base, lr, direction in (("AdamW", 0.01, script.TWICE), ("SGD", 0.003, "ASAM")):
        made = {"AdamW": sd.bases.AdamW(), "SGD": sd.bases.SGD(0.9)}[base]
        method, steps = (sd.ASAM(2.0), 8) if direction == "ASAM" else (sd.GD(), 16)
        rate = lr if base == "AdamW" else 10 * lr
        map_ = sd.Map(task.network, method, lr=rate, base=made, noise=sd.noise.FiniteSum(8))
        how = {"seed": 2, "first_run": 1, "dtype": "float32", "device": "cpu", "progress": False}
        w = torch.as_tensor(sd.simulate(map_, task.starts[1], steps, **how).w.values[0, -1])
        here = runs.sel(base=base, lr=lr, direction=direction, rho=0.2, seed=1)
        np.testing.assert_allclose(here.w, w, rtol=1e-3, atol=1e-4)
        for half, name in enumerate(("validation_accuracy", "test_accuracy")):
            inputs, targets = data.test_inputs[half::2], data.test_targets[half::2]
            share = 100 * float(task.network.accuracy(w, inputs, targets))
            assert float(here[name]) == pytest.approx(share, abs=101 / len(targets))  # one sample may be on the edge


def test_each_seed_has_the_settings_of_the_others(result: tuple[Path, str]) -> None:
    runs = xr.open_zarr(result[0] / "networks_digits.zarr", consolidated=False).load()
    chosen = xr.open_zarr(result[0] / "chosen.zarr", consolidated=False).load().sel(data="digits")
    for seed in range(3):
        others = runs.validation_accuracy.drop_sel(seed=seed).mean("seed")
        one = chosen.sel(seed=seed)
        # The chosen η is that of the base, and the chosen ρ that of the method; plain ones have none.
        lr = one.lr / xr.where(one.base == "SGD", 10, 1)
        rho = (one.rho / xr.where(one.direction == "ASAM", 10, 1)).fillna(0.1)
        at = {"lr": lr, "rho": rho, "method": "nearest"}
        np.testing.assert_allclose(others.sel(**at), others.max(["lr", "rho"]))
        np.testing.assert_allclose(one.test_loss, runs.test_loss.sel(seed=seed).sel(**at))

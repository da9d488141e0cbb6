"""The experiment on n ascent steps, as a user runs it, with tiny networks and few steps."""

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

SMALL = ["--width=4", "--seeds=2", "--steps=12", "--rho=0.1,0.5", "--ascent-steps=3", "--batch-size=8"]
SMALL += ["--processes=1"]
ROWS = ["SGD 0", "one step 1 0.1", "one step 1 0.5"]
ROWS += [f"{form} 3 {rho}" for form in ("last of n", "mean of n", "one of ρ(n+1)/2n") for rho in (0.1, 0.5)]


@pytest.fixture(scope="module")
def script(experiment: Callable[[str], ModuleType]) -> ModuleType:
    return experiment("multistep")


@pytest.fixture
def run(script: ModuleType, run_here: Callable[..., int]) -> Callable[..., int]:
    return partial(run_here, script, *SMALL)


@pytest.fixture(scope="module")
def result(finished: Callable[..., tuple[Path, str]], script: ModuleType) -> tuple[Path, str]:
    with pytest.MonkeyPatch.context() as patch:
        # Eigenvectors are what takes time; the test of largest_eigenvalue has real ones.
        patch.setattr(networks, "largest_eigenvalue", lambda network, w: np.full(w.shape[1], 2.0))
        return finished(script, *SMALL)


@pytest.fixture(scope="module")
def runs(result: tuple[Path, str]) -> xr.Dataset:
    return xr.open_zarr(result[0] / "networks.zarr", consolidated=False).load()


def test_the_table_and_the_answer(result: tuple[Path, str], runs: xr.Dataset) -> None:
    printed = result[1]
    assert max(map(len, printed.splitlines())) <= 100
    for row in ROWS:
        assert sum(" ".join(line.split()).startswith(row) for line in printed.splitlines()) == 2  # parts of the table
    assert "∞" not in printed  # what was not measured is empty
    accuracy = runs.accuracy.set_index(form_n=["form", "n"]).sel(rho=0.1)
    mean, last, one = (
        accuracy.sel(form=form, n=n) for form, n in (("mean of n", 3), ("last of n", 3), ("one step", 1))
    )
    row = next(line for line in printed.splitlines() if line.startswith("last of n"))
    # Of two values a resample has one of them twice, or both.
    texts = [f"{x.mean():+.1f} [{x.min():+.1f}, {x.max():+.1f}]" for x in ((last - one).values, (mean - last).values)]
    assert " ".join(row.split()).endswith(" ".join(texts))
    gain = (accuracy.sel(form="mean of n", n=3) - one).values
    assert f"mean of n minus one step: {gain.mean():+.1f}"[:31] in printed
    assert printed.count("of 2 settings") + printed.count("of 2 \nsettings") == 4


def test_the_figure_and_the_provenance(result: tuple[Path, str]) -> None:
    folder = result[0]
    with Image.open(folder / "multistep.png") as image:
        assert min(image.size) > 400
    assert json.loads((folder / "provenance.json").read_text())["experiment"] == "multistep"


def test_networks_alone_are_those_that_were_trained_together(runs: xr.Dataset) -> None:
    """The batches depend on the number of the seed alone, whatever else is in the grid."""
    assert runs.accuracy.dims == ("form_n", "rho", "seed")
    assert runs.accuracy.shape == (5, 2, 2)
    data = networks.digits(test=0.8)
    network = networks.classifier(data, (4, 4))
    seeds = np.random.SeedSequence(0).generate_state(2)
    of = runs.set_index(form_n=["form", "n"])
    alone = {
        (0.1, 0, "SGD", 0): sd.GD(),
        (0.5, 0, "SGD", 0): sd.GD(),
        (0.1, 3, "last of n", 1): sd.SAM(0.1, ascent_steps=3),
        (0.5, 3, "mean of n", 0): sd.SAM(0.5, ascent_steps=3, average=True),
        (0.5, 3, "one of ρ(n+1)/2n", 1): sd.SAM(0.5 * 2 / 3),
    }
    for (rho, n, form, number), method in alone.items():
        map_ = sd.Map(network, method, lr=0.2, noise=sd.noise.FiniteSum(8))
        start = network.vector(networks.models.mlp((64, 4, 4, 10), seed=int(seeds[number])))
        path = sd.simulate(map_, start, 12, first_run=number, dtype="float32", device="cpu", progress=False)
        w = torch.as_tensor(path.w.values[0, -1], dtype=torch.float64)
        one = of.sel(rho=rho, n=n, form=form).isel(seed=number)
        assert float(one.train_loss) == pytest.approx(1000 * float(network.value(w)), rel=1e-4)  # float32
        accuracy = network.accuracy(w, data.test_inputs, data.test_targets)
        assert float(one.accuracy) == pytest.approx(100 * float(accuracy), abs=1e-7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rho", "0"], "must be finite numbers > 0"),
        (["--ascent-steps", "1,2"], "must be integers >= 2"),
        (["--ascent-steps", "2.5"], "must be integers >= 2"),
        (["--steps", "0"], "--steps = 0: must be an integer >= 1"),
        (["--seeds", "1"], "an interval needs two or more"),
        (["--device", "abacus"], "abacus"),
    ],
)
def test_bad_input(run: Callable[..., int], refused: Callable[[int], str], arguments: list[str], message: str) -> None:
    assert message in refused(run(*arguments))

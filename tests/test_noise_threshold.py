"""The noise-threshold experiment, as a user runs it."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import xarray as xr
from PIL import Image

SMALL = ["--runs", "300", "--lr", "0.05", "--dims", "1", "--batch-sizes", "1,16", "--momenta", "0,0.5"]
SMALL += ["--eigenvalue=-1"]


@pytest.fixture
def run(experiment: Callable[[str], ModuleType], run_here: Callable[..., int]) -> Callable[..., int]:
    return partial(run_here, experiment("noise_threshold"), *SMALL)


@pytest.mark.slow
def test_the_tables_the_figure_and_the_data(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    told = capsys.readouterr().out
    assert told.count("d = 1: ρ* ∝ B^(-0.") == 1
    folder = tmp_path / "results" / "noise_threshold"
    with Image.open(folder / "noise_threshold.png") as image:
        width, height = image.size
    assert width > 2 * height > 800
    assert json.loads((folder / "provenance.json").read_text())["experiment"] == "noise_threshold"
    names = ("thresholds", "unequal_noise", "momentum", "growth", "exits")
    data = {name: xr.open_zarr(folder / f"{name}.zarr", consolidated=False).load() for name in names}
    # Few runs and η = 0.05: a coarse look, test_noise_threshold of the analysis is the fine one.
    for name, count in (("thresholds", 2), ("unequal_noise", 3), ("momentum", 3)):
        assert data[name].rho.size == count
        assert float(abs(data[name].rho / data[name].theory - 1).max()) < 0.2
        assert float(abs(data[name].rival / data[name].theory - 1).max()) > 0.3
    growth, exits = data["growth"], data["exits"]
    own = float(data["thresholds"].rho[0, 0])
    # Radii are in units of the measured threshold, to the last bit, and not of the one in theory.
    assert set(growth.own.values) == set(exits.own.values) == {own}
    scaled = growth.rate * (1 - growth.momentum)
    assert float(abs(scaled - (1 - growth.ratio)).where(growth.ratio < 1.2).max()) < 0.3
    shares = exits.exited.mean("run").isel(dim=0)
    assert shares.sel(ratio=0.8) > 0.9
    assert shares.sel(ratio=1.1) < 0.8
    assert (np.diff(exits.diffusion.isel(dim=0)) > 0).all()
    first = exits.isel(dim=0).sel(ratio=0.8)
    assert float(first["mean"]) == pytest.approx(float(first.diffusion), rel=0.15)  # η = 0.05
    assert f"{float(first['mean']):.3g} [" in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--eigenvalue=1"], "must be a finite number < 0"),
        (["--noise", "0"], "--noise = 0.0: must be a finite number > 0"),
        (["--dims", "1.5"], "--dims = '1.5': must be integers >= 1"),
        (["--dims", "nan"], "must be integers >= 1"),
        (["--batch-sizes", "0,4"], "--batch-sizes = '0,4': must be integers >= 1"),
        (["--lr=-1"], "--lr = -1.0: must be a finite number > 0"),
        (["--momenta", "1"], "must lie in [0, 1)"),
        (["--runs", "10"], "must be at least 200"),
        (["--seed=-1"], "must be an integer in [0, 2**32)"),
        (["--device", "tpu"], "no such device"),
    ],
)
def test_bad_input(run: Callable[..., int], refused: Callable[[int], str], arguments: list[str], message: str) -> None:
    assert message in refused(run(*arguments))

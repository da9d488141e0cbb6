"""The experiment on mean squared displacements, as a user runs it."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import xarray as xr
from PIL import Image

SMALL = ["--runs", "20000"]


@pytest.fixture
def run(experiment: Callable[[str], ModuleType], run_here: Callable[..., int]) -> Callable[..., int]:
    return partial(run_here, experiment("diffusion_msd"), *SMALL)


def test_the_table_the_figure_and_the_data(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    told = capsys.readouterr().out
    folder = tmp_path / "results" / "diffusion_msd"
    with Image.open(folder / "diffusion_msd.png") as image:
        width, height = image.size
    assert width > height > 400
    assert json.loads((folder / "provenance.json").read_text())["experiment"] == "diffusion_msd"
    data = xr.open_zarr(folder / "displacements.zarr", consolidated=False).load()
    last = data.isel(time=-1)
    numbers = {"SGD": 1.97e-3, "shared": 2.67e-4, "independent": 1.34e-3, "clean": 1.07e-3}  # the issue's
    for coupling, value in numbers.items():
        name = coupling if coupling == "SGD" else f"USAM, {coupling}"
        one = last.sel(iterates=name)
        assert float(one.exact) == pytest.approx(value, rel=0.01)
        assert abs(float(one.simulated - one.exact)) < 4 * float(one.simulated_error)
        assert float(one.simulated_error) == pytest.approx(float(one.exact) * np.sqrt(2 / 20_000), rel=0.1)
        assert float(one.moments) == pytest.approx(float(one.exact), rel=0.025)  # of order η
        assert float(one.small_steps) == pytest.approx(float(one.moments), rel=1e-9)
        row = next(line for line in told.splitlines() if line.startswith(name))
        assert f"{value:.3g}"[:-1] in row
    for coupling, gap in (("shared", 1.70e-3), ("independent", 6.30e-4), ("clean", 8.97e-4)):
        one = last.sel(iterates=f"USAM, {coupling}")
        assert float(one.theorem) == pytest.approx(8.11e-4, rel=1e-3)
        assert float(one.fisher) == pytest.approx(8.11e-4, rel=1e-3)
        assert float(one.gap) == pytest.approx(gap, rel=5e-3)
    assert not np.isfinite(last.exact.sel(iterates="SAM"))
    assert not np.isfinite(last.taylor.sel(iterates="USAM, clean"))


def test_with_momentum(run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--momentum", "0.5", "--eigenvalue=0.7", "--rho", "0.2", "--out", "m") == 0
    assert "Theorem 3" in capsys.readouterr().out
    data = xr.open_zarr(tmp_path / "m" / "displacements.zarr", consolidated=False).load()
    linear = data.isel(iterates=slice(4))
    assert linear.iterates[-1] == "USAM, clean"
    assert (abs(linear.simulated - linear.exact) < 4.5 * linear.simulated_error).all()
    assert np.isfinite(linear.taylor.sel(iterates="USAM, shared")).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--eigenvalue", "0"], "must be a finite number, not 0"),
        (["--rho", "0"], "--rho = 0.0"),
        (["--time", "0.1"], "is 10 steps of η = 0.01. Use at least --time 0.2"),
        (["--batch-size", "0"], "--batch-size = 0"),
        (["--momentum", "1"], "must lie in [0, 1)"),
        (["--runs", "1"], "a standard error needs two or more"),
        (["--seed=-1"], "--seed = -1"),
        (["--device", "tpu"], "no such device"),
    ],
)
def test_bad_input(run: Callable[..., int], refused: Callable[[int], str], arguments: list[str], message: str) -> None:
    assert message in refused(run(*arguments))

"""The experiment on central flows, as a user runs it, with a tiny network."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import xarray as xr

SMALL = ["--samples", "20", "--width", "3", "--before", "30", "--steps", "100"]


@pytest.fixture
def run(experiment: Callable[[str], ModuleType], run_here: Callable[..., int]) -> Callable[..., int]:
    return partial(run_here, experiment("central_flow"), *SMALL)


@pytest.mark.slow
def test_the_table_the_figure_and_the_data(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    told = capsys.readouterr().out
    assert told.count("the central flow ends") == 3
    folder = tmp_path / "results" / "central_flow"
    assert (folder / "central_flow.png").exists()
    data = xr.open_zarr(folder / "runs.zarr", consolidated=False).load()
    assert data.sizes["method"] == 3
    sam = data.sel({"method": "SAM"})
    assert float(sam.distance.sel(flow="central")[-1]) < 0.5 * float(sam.distance.sel(flow="plain")[-1])
    np.testing.assert_allclose(sam.predicted_loss, sam.mean_loss, rtol=0.02)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--lr", "0"], "--lr = 0.0: must be a finite number > 0"),
        (["--rho", "0"], "--rho = 0.0: must be a finite number > 0"),
        (["--samples", "4001"], "must be at most 4000"),
        (["--steps", "99"], "must be at least 100"),
        (["--before", "0"], "must be an integer >= 1"),
    ],
)
def test_bad_input(run: Callable[..., int], refused: Callable[[int], str], arguments: list[str], message: str) -> None:
    assert message in refused(run(*arguments))

"""The experiment on stalls beside a saddle, as a user runs it, with smaller networks and fewer radii."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import xarray as xr
from PIL import Image

SMALL = ["--hidden", "2", "--batch-sizes", "32", "--scale", "0.1"]
SMALL += ["--steps", "120", "--seeds", "2", "--batches", "80"]
SMALL += ["--processes", "1"]


@pytest.fixture(scope="module")
def script(experiment: Callable[[str], ModuleType]) -> ModuleType:
    return experiment("network_stalls")


@pytest.fixture
def run(script: ModuleType, run_here: Callable[..., int]) -> Callable[..., int]:
    return partial(run_here, script, *SMALL)


@pytest.mark.slow
def test_it_says_where_networks_stall(script: ModuleType, finished: Callable[..., tuple[Path, str]]) -> None:
    folder, told = finished(script, *SMALL, RADII=np.array([0.02, 0.8]), LOOKED=1)
    assert max(map(len, told.splitlines())) <= 100
    rows = [line.split() for line in told.splitlines()]
    for coupling in ("shared", "independent"):
        (row,) = (row for row in rows if row[:2] == [coupling, "32"])
        assert row[2] == "0.02"
    assert sum(row[:2] == ["1438", "0.800"] for row in rows) == 1
    with Image.open(folder / "stalls.png") as image:
        assert min(image.size) > 400
    assert json.loads((folder / "provenance.json").read_text())["experiment"] == "network_stalls"
    stalls, radii, looks = (
        xr.open_zarr(folder / f"{name}.zarr", consolidated=False).load() for name in ("stalls", "thresholds", "looks")
    )
    assert dict(stalls.outcome.sizes) == {"coupling": 2, "batch_size": 2, "rho": 2, "start": 2}
    full = stalls.sel(batch_size=1438)
    assert (full.loss.sel(coupling="shared") == full.loss.sel(coupling="independent")).all()
    shared = stalls.outcome.sel(coupling="shared", batch_size=32)
    assert (shared.sel(rho=0.02) == "escaped").all()
    assert (shared.sel(rho=0.8) == "held").all()
    assert (radii.radius == 0.8).all()
    # The noise of size s√d over |λ_min| = 0.641.
    np.testing.assert_allclose(radii.at_lowest, radii.noise_norm / 0.6412, rtol=3e-3)
    assert (radii.mean_step.sel(coupling="shared") < radii.additive).all()
    there = looks.isel(batch_size_rho=(looks.batch_size == 32).values)
    assert (there.escape_cosine < -0.5).all()
    assert (
        f"{int(((stalls.outcome == 'held') & (stalls.cosine < 0)).sel(batch_size=32).sum())}/" in told.splitlines()[-2]
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--hidden", "0"], "must be an integer >= 1"),
        (["--batch-sizes", "8,2.5"], "must be integers >= 1"),
        (["--batch-sizes", "0"], "must be integers >= 1"),
        (["--batch-sizes", "8,1438"], "below the full batch, 1438"),
        (["--scale", "0"], "must be a finite number > 0"),
        (["--lr=-1"], "--lr = -1.0: must be a finite number > 0"),
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

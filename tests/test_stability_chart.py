"""The stability-chart experiment, as a user runs it."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import xarray as xr
from PIL import Image

SMALL = ["--resolution", "20", "--steps", "500"]


@pytest.fixture
def run(experiment: Callable[[str], ModuleType], run_here: Callable[..., int]) -> Callable[..., int]:
    return partial(run_here, experiment("stability_chart"), *SMALL)


def test_the_table_the_figure_and_the_data(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith(("USAM", "SAM"))]
    assert len(rows) == 4
    folder = tmp_path / "results" / "stability_chart"
    with Image.open(folder / "stability_chart.png") as image:
        width, height = image.size
    assert width > height > 400
    assert json.loads((folder / "provenance.json").read_text())["experiment"] == "stability_chart"
    for number in (0, 1):
        chart = xr.open_zarr(folder / f"chart_{number}.zarr", consolidated=False).load()
        differ = (chart.rate < 0) != (chart.predicted < 0)
        assert 0.05 < float((chart.rate < 0).mean()) < 0.5
        assert float(differ.mean()) < 0.02
    assert rows[0][-1] == rows[1][-1] == "0"  # nothing disagrees off the line


def test_several_ascent_steps_of_even_number_never_hold(run: Callable[..., int], tmp_path: Path) -> None:
    for n, holds in (("3", True), ("2", False)):
        assert run("--methods", "USAM", "--momentum", "0", "--ascent-steps", n, "--out", n) == 0
        rate = xr.open_zarr(tmp_path / n / "chart_0.zarr", consolidated=False).rate.values
        assert bool((rate < 0).any()) == holds
        assert np.isfinite(rate).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--x", "batch"], "no axis has this name. Known: distance, lr, momentum, rho"),
        (["--methods", "GD"], "map of GD has no parameter of this name"),
        (["--methods", "SAM", "--y", "lr"], "near the saddle SAM has no Jacobian"),
        (["--x-range", "2,1"], "the lower first"),
        (["--x-range", "-1,1"], "radius must be a finite number >= 0"),
        (["--landscape", "rosenbrock"], "no non-degenerate saddle"),
        (["--resolution", "1"], "must be at least 2"),
        (["--x", "lr", "--y", "lr", "--methods", "USAM"], "both axes are the same"),
    ],
)
def test_bad_input(run: Callable[..., int], refused: Callable[[int], str], arguments: list[str], message: str) -> None:
    assert message in refused(run(*arguments))

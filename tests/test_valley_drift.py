"""The experiment on the drift along valleys, as a user runs it."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import xarray as xr
from PIL import Image


@pytest.mark.slow
def test_the_tables_the_figure_and_the_data(
    experiment: Callable[[str], ModuleType],
    run_here: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = experiment("valley_drift")
    monkeypatch.setattr(script, "FOLLOWED", 500)
    assert run_here(script, "--runs", "1000", "--lrs", "0.012,0.006") == 0
    told = capsys.readouterr().out
    assert told.count("the error of the limit η → 0") == 4
    folder = tmp_path / "results" / "valley_drift"
    with Image.open(folder / "valley_drift.png") as image:
        assert image.size[0] > 2 * image.size[1] > 800
    data = {name: xr.open_zarr(folder / f"{name}.zarr", consolidated=False).load() for name in ("drift", "edges")}
    assert float(abs(data["drift"].off).max()) < 0.02
    assert float(abs(data["drift"].limit_off).max()) > 0.1
    last = data["edges"].isel(step=-1)
    assert float(abs(last.ratio.sel(setting="SAM") - 1)) < 1e-2
    assert float(last.eigenvalue.sel(setting="SAM")) < 2.5
    assert 0.9 < float(last.ratio.sel(setting="GD")) < 1


def test_an_order_needs_two_learning_rates(
    experiment: Callable[[str], ModuleType], run_here: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_here(experiment("valley_drift"), "--lrs", "0.01") == 2
    assert "an order needs two or more" in " ".join(capsys.readouterr().err.split())

"""The experiment on weak orders, as a user runs it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from samdyn.analysis.moments import weak


@pytest.fixture
def script(experiment: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = experiment("weak_order")
    monkeypatch.setattr(module, "HALVINGS", 2)
    monkeypatch.setattr(weak, "DEFAULT_MAX_NODES", 300)  # grids with more points give these orders no other digit
    return module


@pytest.fixture
def run(script: ModuleType, run_here: Callable[..., int]) -> Callable[..., int]:
    return partial(run_here, script)


@pytest.mark.slow
def test_the_table_the_figure_and_the_data(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Three sizes, of which orders are fitted, and no more.
    assert run("--methods", "SAM", "--lr", "0.005", "--rho", "0.035") == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if " to " in line and "." in line]
    folder = tmp_path / "results" / "weak_order"
    with Image.open(folder / "weak_order.png") as image:
        assert min(image.size) > 400
    errors = xr.open_zarr(folder / "errors.zarr", consolidated=False).load().error.sel(algorithm="SAM")
    assert len(rows) == 3
    for row, (model, order) in zip(rows, (("taylor", 1.0), ("moments", 1.0), ("SGD's", 0.5)), strict=True):
        size = errors.sel(varied="η, ρ ∝ √η", model=model).transpose("halved", "function")
        slopes = np.polyfit(np.log(size.halved), np.log(size.values), 1)[0]
        assert slopes == pytest.approx(order * np.ones(5), abs=0.1)
        assert row[row.index(model) :][:4] == [model, f"{slopes.min():.2f}", "to", f"{slopes.max():.2f}"]
    assert [row.count("to") for row in rows] == [3, 2, 3]  # "moments" has no error against itself


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--lr", "0.03"], "does not divide 0.5"),
        (["--lr", "0"], "--lr = 0.0"),
        (["--rho", "0"], "--rho = 0.0"),
        (["--methods", "GD"], "has no radius"),
        (["--methods", "ExactSAM"], "no expansion"),
        (["--batch-size", "0"], "--batch-size = 0"),
    ],
)
def test_bad_input(run: Callable[..., int], refused: Callable[[int], str], arguments: list[str], message: str) -> None:
    assert message in refused(run(*arguments))

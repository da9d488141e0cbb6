"""The experiment on the edge of stability, as a user runs it, with a tiny network."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import xarray as xr
from PIL import Image

SMALL = ["--samples", "20", "--steps", "30", "--look-every", "5", "--seeds", "2", "--momentum", "0.5"]
SMALL += ["--processes", "1"]
NAMES = ["GD", "GD, γ = 0.5", "USAM", "SAM", "SAM, γ = 0.5"]


@pytest.fixture
def script(experiment: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = experiment("edge_of_stability")
    for name, value in {"WIDTHS": (40, 2, 10), "FOLLOWED": 10, "SHOWN": [0, 10]}.items():
        monkeypatch.setattr(module, name, value)
    return module


@pytest.fixture
def run(script: ModuleType, run_here: Callable[..., int]) -> Callable[..., int]:
    return partial(run_here, script, *SMALL)


@pytest.mark.slow
def test_it_says_where_the_curvature_is_and_what_a_change_does(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    folder = tmp_path / "results" / "edge_of_stability"
    for name in ("edge_of_stability", "switched"):
        with Image.open(folder / f"{name}.png") as image:
            assert min(image.size) > 400
    assert json.loads((folder / "provenance.json").read_text())["experiment"] == "edge_of_stability"
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 100
    assert all(any(line.startswith(f"{name} ") for line in told.splitlines()) for name in NAMES)
    assert "In the last third of training SAM's λ_max is" in told
    runs, switched = (xr.open_zarr(folder / f"{name}.zarr", consolidated=False).load() for name in ("runs", "switched"))
    assert list(runs.setting.values) == NAMES
    assert runs.step.values.tolist() == [*range(0, 31, 5)]
    # Every method's edge is at ηF(x)/x = 2(1+γ), and η is multiplied by 1+γ.
    rho = xr.where(runs.setting.str.startswith("SAM"), runs.rho / runs.gradient_norm, runs.rho)
    np.testing.assert_allclose(runs.edge + rho * runs.edge**2, np.full(runs.edge.shape, 2 / 0.2), rtol=1e-12)
    np.testing.assert_allclose(runs.gd_edge, 2 / 0.2)
    assert (runs.eigenvalue.isel(step=0) == runs.eigenvalue.isel(step=0, setting=0)).all()  # the same networks
    # They go on from where SAM ended, with another radius.
    ended, begun = runs.sel(setting="SAM").isel(step=-1), switched.isel(step=0)
    np.testing.assert_array_equal(begun.eigenvalue, ended.eigenvalue.broadcast_like(begun.eigenvalue))
    factor = begun.setting.astype(float)
    assert factor.values.tolist() == [0.25, 4.0]
    np.testing.assert_allclose(begun.edge + factor * 0.05 * begun.edge**2 / begun.gradient_norm, 10, rtol=1e-12)
    at_change = float((begun.eigenvalue.sel(order=1) / begun.edge).sel(setting="4").median())
    assert f"4        0  {at_change:.3f} [" in told


def test_divergence_is_said(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--lr", "1e30") == 2
    assert "GD diverged. Use a smaller one" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--lr", "0"], "--lr = 0.0: must be a finite number > 0"),
        (["--rho", "0"], "--rho = 0.0: must be a finite number > 0"),
        (["--usam-rho", "nan"], "--usam-rho = nan: must be a finite number > 0"),
        (["--momentum", "0"], "must lie in (0, 1)"),
        (["--samples", "4001"], "must be at most 4000"),
        (["--steps", "29"], "is less than 6 looks of 5 steps"),
        (["--look-every", "4"], "must be odd"),
        (["--seeds", "1"], "an interval needs two or more"),
        (["--seed", "-2"], "must be an integer in"),  # though the last network's own would be 0
        (["--seed", str(2**32 - 1)], "must be an integer in"),
        (["--processes", "0"], "--processes = 0: must be an integer >= 1"),
        (["--device", "abacus"], "abacus"),
    ],
)
def test_bad_input(run: Callable[..., int], refused: Callable[[int], str], arguments: list[str], message: str) -> None:
    assert message in refused(run(*arguments))

"""The phase-portrait experiment, as a user runs it."""

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from PIL import Image


@pytest.fixture
def run(experiment: Callable[[str], ModuleType], run_here: Callable[..., int]) -> Callable[..., int]:
    return partial(run_here, experiment("phase_portraits"))


def rows(printed: str) -> list[tuple[str, str]]:
    """Return the table's rows, each with the flow it belongs to."""
    found, flow = [], ""
    for line in printed.splitlines():
        flow = named[0].strip() if (named := re.match(r"(GD|U?SAM, ρ = \S+|SAM\S*) +(?=\()", line)) else flow
        if flow and "(" in line and not line.startswith(("no Jacobian", "figures")):
            found.append((flow, line))
    return found


@pytest.mark.slow
def test_the_table_the_figure_and_the_data(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--landscape", "double_well", "--starts", "0.5,1; -1,-1", "--time", "3") == 0
    printed, told = capsys.readouterr()
    assert told == ""
    found = rows(printed)
    # The default radii are below and above 1/|λ| = 1 for USAM, and a tenth of the box for SAM.
    assert list(dict.fromkeys(flow for flow, _ in found)) == ["GD", "USAM, ρ = 0.75", "USAM, ρ = 1.5", "SAM, ρ = 0.3"]
    at_origin = [line for _, line in found if "(0, 0)" in line]
    assert [re.search(r"saddle +(.*?)  ", line)[1] for line in at_origin] == [
        "saddle", "saddle", "attractor", "no Jacobian, held",
    ]  # fmt: skip
    conditions = ("never", "ρ > 1", "ρ > 1", "‖H(w−w*)‖ < ρ|λ*|")
    assert all(condition in line for condition, line in zip(conditions, at_origin, strict=True))
    assert max(map(len, printed.splitlines())) <= 100

    folder = tmp_path / "results" / "phase_portraits"
    about = json.loads((folder / "provenance.json").read_text())
    assert about["experiment"] == "phase_portraits"
    assert about["resolved"]["box"] == [[-2, 2], [-1.5, 1.5]]
    assert {p.name for p in folder.iterdir()} == {"phase_portraits.png", "portraits.zarr", "provenance.json"}
    with Image.open(folder / "phase_portraits.png") as image:
        assert json.loads(image.info["Description"])["parameters"]["starts"] == "0.5,1; -1,-1"
        assert image.size[0] > 3 * image.size[1] > 1000  # side by side
    data = xr.open_zarr(folder / "portraits.zarr", consolidated=False).load()
    assert data.sizes["equilibrium"] == len(found) == 3 + 3 + 5 + 5
    second = data.isel(equilibrium=data["of"].values == 2)
    assert sorted(second.kind.values.tolist()) == ["attractor"] * 3 + ["saddle"] * 2
    edges = second.w.values[second.critical.values == ""]
    np.testing.assert_allclose(np.abs(edges), [[np.sqrt(1 - 1 / 1.5), 0]] * 2, atol=1e-9)


def test_basins_beside_the_portraits(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A typed formula; the shares are those of the halves of the box, which the other direction does not change."""
    formula = ["--landscape", "(u**2 - 1)**2 + v**2", "--coordinates", "u v", "--box", "-1,3,-1,1"]
    assert run(*formula, "--methods", "GD", "--basins", "--resolution", "8", "--out", "mine") == 0
    found = [line for _, line in rows(capsys.readouterr().out) if line.endswith("%")]
    shares = {line.split(")")[0].split("(")[1]: line.split()[-2] for line in found}
    assert shares == {"-1, 0": "25.0", "1, 0": "75.0"}
    data = xr.open_zarr(tmp_path / "mine" / "portraits.zarr", consolidated=False).load()
    assert data.label.shape == (1, 8, 8)
    assert (data.label.values[0] == data.label.values[0, 0]).all()
    assert set(data.share.values.round(2).tolist()) == {0.0, 0.25, 0.75}
    with Image.open(tmp_path / "mine" / "phase_portraits.png") as image:
        assert image.size[1] > 1.2 * image.size[0]  # one below the other


@pytest.mark.slow
def test_an_animation(
    run: Callable[..., int], experiment: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(experiment("phase_portraits").plot, "phase_portraits", lambda *_, **__: Figure())
    arguments = ["--landscape", "double_well", "--methods", "GD,USAM", "--rho", "1.2", "--animate", "--frames", "2"]
    assert run(*arguments) == 0
    with Image.open(tmp_path / "results" / "phase_portraits" / "rho.gif") as image:
        assert image.n_frames == 2
        assert json.loads(image.info["comment"])["experiment"] == "phase_portraits"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--landscape", "bale"], "Did you mean 'beale'?"),
        (["--landscape", "x**2 - y**2 + z**2", "--coordinates", "x y z"], "has 3 coordinates; a plane has two"),
        (["--box", "1,2,3"], "must be 4 numbers"),
        (["--box", "2,1,0,1"], "low < high"),
        (["--starts", "1,2,3"], "must have 2 coordinates"),
        (["--methods", "GD", "--animate"], "none of the methods has a radius"),
        (["--methods", "SAN"], "Did you mean 'SAM'?"),
        (["--rho", "-1"], "must be finite numbers >= 0"),
        (["--resolution", "1", "--basins"], "must be at least 2"),
        (["--time", "0"], "must be a finite number > 0"),
    ],
)
def test_bad_input(run: Callable[..., int], refused: Callable[[int], str], arguments: list[str], message: str) -> None:
    assert message in refused(run(*arguments))

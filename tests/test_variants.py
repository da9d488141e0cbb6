"""The experiment on variants of SAM, as a user runs it, with a few of them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest
import xarray as xr


@pytest.fixture
def run(
    experiment: Callable[[str], ModuleType], run_here: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    script = experiment("variants")
    few = {name: script.VARIANTS[name] for name in ("USAM", "GSAM")}
    monkeypatch.setattr(script, "VARIANTS", few)
    return partial(run_here, script)


@pytest.mark.slow
def test_the_table_the_figure_and_the_data(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--steps", "300") == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if "USAM" in line]
    assert "from a ρ on" in rows[0]
    assert "0.5 (0.5) ✓" in rows[0]
    folder = tmp_path / "results" / "variants"
    assert (folder / "variants.png").stat().st_size > 10_000
    data = xr.open_zarr(folder / "variants.zarr", consolidated=False).load()
    assert data.holds.values.tolist() == ["at every ρ", "from a ρ on"]
    for name in ("threshold", "rate", "distance", "drift"):
        known = data.sel(variant=["GSAM", "USAM"])
        assert known[name].values == pytest.approx(known[f"{name}_derived"].values, rel=0.01, abs=1e-4)
    assert 1.005 < data.width.sel(variant="GSAM") < 1.02  # its bounce widens the trap: see docs/experiments.md


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rho", "0"], "--rho = 0.0: must lie in (0, 2)"),
        (["--lr", "1"], "must lie in (0, 0.5): steps at λ = 2 must be stable"),
        (["--steps", "10"], "must be at least 300"),
    ],
)
def test_bad_input(run: Callable[..., int], refused: Callable[[int], str], arguments: list[str], message: str) -> None:
    assert message in refused(run(*arguments))

"""The experiment on SAM with Adam at a saddle, as a user runs it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import xarray as xr

SMALL = ["--eigenvalues=-2", "--angles", "0", "--beta1", "0", "--beta2", "0,0.9", "--starts", "30", "--steps", "400"]


@pytest.fixture
def run(
    experiment: Callable[[str], ModuleType], run_here: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    script = experiment("adam_at_a_saddle")
    monkeypatch.setattr(script, "FINE", np.arange(0.3, 2.0, 0.05).round(2))
    return partial(run_here, script, *SMALL)


@pytest.mark.slow
def test_the_tables_the_figure_and_the_data(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    text = capsys.readouterr().out
    assert "at most 0 at ρ = 0.9/|λ₋|, at least 100 at ρ = 1.1/|λ₋|" in text
    folder = tmp_path / "results" / "adam_at_a_saddle"
    assert (folder / "adam_at_a_saddle.png").stat().st_size > 10_000
    data, close = (xr.open_zarr(folder / f"{name}.zarr", consolidated=False).load() for name in ("held", "epsilon"))
    sign = data.sel(beta2=0.0).squeeze()
    assert sign.none < sign.half <= sign.full
    assert sign.full == pytest.approx(2**0.5, rel=0.2)  # the ratios are 19 % apart
    assert float(data.sel(beta2=0.9).half.squeeze()) > float(sign.full)
    assert float(abs(close.half / close.theory - 1).max()) < 0.15  # β₂ = 0.9, ratios 0.05 apart


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--eigenvalues=-2,1"], "must be finite numbers < 0"),
        (["--across", "0"], "--across = 0.0: must be a finite number > 0"),
        (["--angles", "91"], "must lie in [0, 90]"),
        (["--beta1", "1"], "must lie in [0, 1)"),
        (["--starts", "10"], "must be at least 30"),
    ],
)
def test_bad_input(run: Callable[..., int], refused: Callable[[int], str], arguments: list[str], message: str) -> None:
    assert message in refused(run(*arguments))

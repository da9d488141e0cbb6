"""The experiment on Theorem 3, as a user runs it, with coarser maps."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import xarray as xr
from PIL import Image

EQUAL, EQUAL_K = "equal η", "equal η/(1−γ), equal k"


@pytest.fixture
def run(
    experiment: Callable[[str], ModuleType], run_here: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    module = experiment("theorem_3")
    monkeypatch.setattr(module, "CELLS", 3)
    return partial(run_here, module, "--lr", "0.1", "--rho", "0.4")


@pytest.mark.slow
def test_the_tables_the_figures_and_the_data(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    told, folder = capsys.readouterr().out.splitlines(), tmp_path / "results" / "theorem_3"
    for name in ("validity", "momentum_needed"):
        with Image.open(folder / f"{name}.png") as image:
            assert min(image.size) > 400
    valid, needed = (
        xr.open_zarr(folder / f"{name}.zarr", consolidated=False).load() for name in ("validity", "momentum_needed")
    )
    own, usam = (valid.ratio.sel(against=name, comparison=EQUAL) for name in ("its model", "USAM, shared"))
    assert float(own.isel(momentum=0).max()) < 1.25  # O(η), and η = 0.1
    assert float(own.isel(momentum=-1, rho=0)) > 1e6  # and not uniformly in γ
    assert np.isinf(usam.sel(rho=1.0)).all()  # the shared noise vanishes there
    # With the step's growth taken out, no momentum makes up for a radius.
    assert np.isinf(needed.value.sel(form="shared", comparison=EQUAL_K)).all()
    gamma = float(needed.value.sel(form="independent", comparison=EQUAL, rho=0.4))
    assert any(line.split()[:4] == ["independent", "equal", "η", f"{gamma:.3f}"] for line in told)
    # The theorem's model is symmetric about ρ = 1/|λ|, where its drift vanishes.
    theorem = needed.value.sel(form="Theorem 3", comparison=EQUAL)
    assert float(theorem.sel(rho=2.0)) == pytest.approx(0.0, abs=1e-6)
    assert float(theorem.sel(rho=1.0)) > float(theorem.sel(rho=0.4)) > 0.1
    assert next(line for line in told if line.startswith("Theorem 3")).split()[-1] == "1"  # rises to 1/|λ|


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--eigenvalue=1"], "must be a finite number < 0"),
        (["--rho", "0,0.1"], "must be finite numbers > 0"),
        (["--lr", "3"], "--time = 1.0: is 0 steps of η = 3. Use at least --time 3"),
        (["--coupling", "shares"], "Did you mean 'shared'"),
    ],
)
def test_bad_input(run: Callable[..., int], refused: Callable[[int], str], arguments: list[str], message: str) -> None:
    assert message in refused(run(*arguments))

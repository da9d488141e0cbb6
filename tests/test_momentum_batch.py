"""The experiment on momentum and batch size, as a user runs it, with fewer runs."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import xarray as xr
from PIL import Image

import samdyn as sd

SMALL = ["--runs", "200", "--lr", "0.1", "--rho", "0.4", "--momentum", "0.8", "--batch-sizes", "4,64"]
EQUAL, EQUAL_T, EQUAL_K = sd.analysis.COMPARISONS


@pytest.fixture
def run(experiment: Callable[[str], ModuleType], run_here: Callable[..., int]) -> Callable[..., int]:
    return partial(run_here, experiment("momentum_batch"), *SMALL)


@pytest.mark.slow
def test_the_tables_the_figure_and_the_data(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    folder = tmp_path / "results" / "momentum_batch"
    with Image.open(folder / "escape_times.png") as image:
        assert min(image.size) > 400
    assert json.loads((folder / "provenance.json").read_text())["experiment"] == "momentum_batch"
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 100
    rows = [line for line in told.splitlines() if line.startswith(("SGD", "USAM ", "SAM"))]  # of escapes
    assert len(rows) == 2 * 3 * 2
    assert sum(told.count(f"\n{name} ") for name in (EQUAL, EQUAL_T, EQUAL_K)) == 3 + 2
    spread, escapes = (
        xr.open_zarr(folder / f"{name}.zarr", consolidated=False).load() for name in ("displacements", "escapes")
    )
    check_displacements(spread)
    check_escapes(escapes)
    censored = [row for row in rows if "> 100," in row]
    assert len(censored) == int(np.isinf(escapes.k).any("batch_size").sum()) > 0


def check_displacements(spread: xr.Dataset) -> None:
    # The rate and the steps of each comparison.
    usam = spread.isel(algorithm_rho=1)
    assert usam.comparison.values.tolist() == [EQUAL, EQUAL_T, EQUAL_K]
    assert usam.k.sel(momentum=0.8).values.tolist() == [10, 50, 10]
    assert usam.eta.sel(momentum=0.8).values == pytest.approx([0.1, 0.02, 0.02])
    noise = sd.noise.Fisher((0, 0), 4)
    for comparison, gamma, lr, steps in (
        (EQUAL, 0, 0.1, 10),
        (EQUAL_K, 0, 0.1, 10),
        (EQUAL, 0.8, 0.1, 10),
        (EQUAL_T, 0.8, 0.02, 50),
        (EQUAL_K, 0.8, 0.02, 10),
    ):
        map_ = sd.Map(sd.landscapes.quadratic((1, -1)), sd.USAM(0.4), lr=lr, momentum=gamma, noise=noise)
        exact = sd.analysis.linear_step(map_).moments((0, 0), steps)[1][-1, 1, 1]
        assert float(usam.msd.sel(comparison=comparison, momentum=gamma)) == pytest.approx(exact, rel=1e-9)
    np.testing.assert_allclose(usam.gain, usam.msd / usam.msd.isel(momentum=0))


def check_escapes(escapes: xr.Dataset) -> None:
    sgd, usam, sam = (escapes.isel(algorithm_rho=i) for i in range(3))
    assert (str(sgd.algorithm.values), float(usam.rho), str(sam.algorithm.values)) == ("SGD", 0.4, "SAM")
    assert escapes.comparison.values.tolist() == [EQUAL, EQUAL_K]
    # Momentum of 0.8 divides the time by some 5 at equal η; with it in the step, by none.
    k = sgd.k.sel(batch_size=4)
    slow, fast, equal = (
        float(k.sel(comparison=how, momentum=g)) for how, g in ((EQUAL, 0), (EQUAL, 0.8), (EQUAL_K, 0.8))
    )
    assert fast < slow / 2
    assert equal > 0.9 * slow
    assert (escapes.k_low <= escapes.k).all()
    # SAM with ρ = 0.4 is held at B = 64 (theory 20: ρ* = 0.2), and leaves at B = 4 (0.8).
    still = sam.sel(momentum=0, comparison=EQUAL)
    assert float(still.left.sel(batch_size=64)) == 0
    assert np.isinf(still.k.sel(batch_size=64))
    assert float(still.left.sel(batch_size=4)) > 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--eigenvalue=1"], "must be a finite number < 0"),
        (["--rho", "0,0.1"], "must be finite numbers > 0"),
        (["--rho", ""], "at least one number"),
        (["--momentum", "0.99"], "must lie in [0, 0.98]"),
        (["--batch-sizes", "4,2.5"], "must be integers >= 1"),
        (["--lr", "0"], "must be a finite number > 0"),
        (["--lr", "0.2"], "is 5 steps of η = 0.2. Use at least --time 1.6"),
        (["--time", "nan"], "must be a finite number > 0"),
        (["--half-width", "-1"], "must be a finite number > 0"),
        (["--coupling", "shares"], "Did you mean 'shared'"),
        (["--runs", "1"], "a standard error needs two or more"),
        (["--seed", "-1"], "must be an integer in"),
        (["--device", "abacus"], "abacus"),
    ],
)
def test_bad_input(run: Callable[..., int], refused: Callable[[int], str], arguments: list[str], message: str) -> None:
    assert message in refused(run(*arguments))

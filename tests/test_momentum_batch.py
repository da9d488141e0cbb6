"""The experiment on momentum and batch size, as a user runs it, with fewer runs and coarser maps."""

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
from samdyn import analysis, cli

SMALL = ["--runs", "200", "--lr", "0.1", "--rho", "0.4", "--momentum", "0.8", "--batch-sizes", "4,64"]
EQUAL, EQUAL_T, EQUAL_K = "equal η", "equal η/(1−γ), equal t", "equal η/(1−γ), equal k"


@pytest.fixture
def script(experiment: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = experiment("momentum_batch")
    monkeypatch.setattr(module, "CELLS", 3)
    return module


@pytest.fixture
def run(script: ModuleType, run_here: Callable[..., int]) -> Callable[..., int]:
    return partial(run_here, script, *SMALL)


def usam(lr: float, rho: float, momentum: float, batch_size: int, coupling: str = "shared") -> sd.Map:
    noise = sd.noise.Fisher((0, 0), batch_size, coupling=coupling)
    return sd.Map(sd.landscapes.quadratic((1, -1)), sd.USAM(rho), lr=lr, momentum=momentum, noise=noise)


def msd(map_: sd.Map, steps: int) -> float:
    return float(analysis.linear_step(map_).moments((0, 0), steps)[1][-1, 1, 1])


@pytest.mark.slow
def test_the_tables_the_figures_and_the_data(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    folder = tmp_path / "results" / "momentum_batch"
    for name in ("theorem_3", "momentum_needed", "escape_times"):
        with Image.open(folder / f"{name}.png") as image:
            assert min(image.size) > 400
    assert json.loads((folder / "provenance.json").read_text())["experiment"] == "momentum_batch"
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 100
    assert sum(line.startswith(("SGD", "USAM ", "SAM")) for line in told.splitlines()) == 2 * 4 + 3 * 3
    data = {
        name: xr.open_zarr(folder / f"{name}.zarr", consolidated=False).load()
        for name in ("displacements", "escapes", "momentum_needed", "theorem_3")
    }
    check_displacements(data["displacements"])
    check_escapes(data["escapes"])
    check_momentum_needed(data["momentum_needed"])
    check_theorem_3(data["theorem_3"])


def check_displacements(spread: xr.Dataset) -> None:
    assert spread.exact.dims == ("rho", "momentum", "batch_size", "compared", "moment")
    np.testing.assert_allclose(spread.exact.sel(batch_size=4), 16 * spread.exact.sel(batch_size=64), rtol=1e-12)
    # 5 standard errors, of which the runs' own estimate is some 10 % off.
    assert float((abs(spread.simulated - spread.exact) / spread.error).max()) < 5
    assert not (spread.simulated.sel(batch_size=4) / spread.simulated.sel(batch_size=64)).round(9).isin([16.0]).any()
    # The rate and the steps of each comparison, at t = kη.
    last = spread.isel(moment=-1, batch_size=0).sel(momentum=0.8, rho=0.4)
    assert last.step.values.tolist() == [10, 50, 10]
    assert last.time.values == pytest.approx([1.0, 1.0, 0.2])
    for compared, lr, steps in ((EQUAL, 0.1, 10), (EQUAL_T, 0.02, 50), (EQUAL_K, 0.02, 10)):
        exact = msd(usam(lr, 0.4, 0.8, 4), steps)
        assert float(last.exact.sel(compared=compared)) == pytest.approx(exact, rel=1e-9)


def check_escapes(escapes: xr.Dataset) -> None:
    # Runs are looked at in full where they are needed in full: censored ones were seen to the end.
    assert np.isnan(escapes.left.sel(algorithm="SAM", rho=0.0)).all()
    sgd = escapes.sel(algorithm="USAM", rho=0.0, batch_size=4)
    # Momentum of 0.8 divides the time by some 5 at equal η; with it in the step, by none.
    slow, fast = (float(sgd.k.sel(momentum=g, compared=EQUAL)) for g in (0.0, 0.8))
    assert fast < slow / 2
    assert float(sgd.k.sel(momentum=0.8, compared=EQUAL_K)) > 0.9 * slow
    assert (escapes.k_low <= escapes.k).sum() == escapes.left.notnull().sum()
    # SAM with ρ = 0.4 is held at B = 64 (theory 20: ρ* = 0.2), and leaves at B = 4 (0.8).
    held = escapes.sel(algorithm="SAM", rho=0.4, momentum=0.0, compared=EQUAL)
    assert held.left.sel(batch_size=64) == 0
    assert np.isinf(held.k.sel(batch_size=64))
    assert held.left.sel(batch_size=4) > 0.5


def check_momentum_needed(needed: xr.Dataset) -> None:
    assert list(needed.form.values) == ["shared", "independent", "clean", "Theorem 3"]
    goal = msd(usam(0.1, 0.0, 0.0, 4), 10)
    for coupling in ("shared", "independent", "clean"):
        gamma = float(needed.momentum.sel(form=coupling, compared=EQUAL, rho=0.4))
        assert msd(usam(0.1, 0.4, gamma, 4, coupling), 10) == pytest.approx(goal, rel=1e-4)
    # With the step's growth taken out, no momentum makes up for a radius.
    assert np.isinf(needed.momentum.sel(form="shared", compared=EQUAL_K)).all()


def check_theorem_3(told: xr.Dataset) -> None:
    own, _, algorithm = (told.ratio.sel(against=a, compared=EQUAL) for a in told.against.values)
    assert float(own.isel(momentum=0).max()) < 1.25  # O(η), and η = 0.1
    assert float(own.isel(momentum=-1, rho=0)) > 1e6  # and not uniformly in γ
    assert np.isinf(algorithm.sel(rho=1.0)).all()  # the shared noise vanishes there


def test_what_stays_is_censored_and_said_so(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    axes = {"rho": [0.0, 0.4], "momentum": [0.0], "batch_size": [4, 64]}
    escapes = script.escape_times(usam(0.1, 0.0, 0.0, 4), axes, 100, half_width=1e9, runs=20, seed=0, device="cpu")
    assert np.isinf(escapes.k.sel(algorithm="USAM")).all()
    cli.console().print(script.escape_table(escapes))
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith(("SGD", "USAM", "SAM"))]
    assert [row.count("> 100, 0 %") for row in rows] == [2, 2, 2]


def test_slope(script: ModuleType) -> None:
    sizes = np.array([4, 16, 64])
    found, error = script.slope(sizes, 3.0 / sizes**0.5, 0.3 / sizes**0.5)
    assert found == pytest.approx(-0.5, rel=1e-12)
    assert error == pytest.approx(0.1 / np.log(4) / 2**0.5, rel=1e-12)


def test_first_root_and_rise(script: ModuleType) -> None:
    assert script.first_root(lambda gamma: gamma - 0.3) == pytest.approx(0.3, abs=1e-6)
    assert script.first_root(lambda gamma: (gamma - 0.3) * (0.8 - gamma)) == pytest.approx(0.3, abs=1e-6)
    assert script.first_root(lambda gamma: gamma - 0.99) == np.inf
    assert script.first_root(lambda gamma: gamma + 0.1) == -np.inf
    rho = np.array([0.5, 1.0, 1.5])
    assert script.rises_up_to(rho, np.array([0.2, np.inf, 0.4])) == 1.0
    assert script.rises_up_to(rho, np.array([0.2, 0.3, np.inf])) == 1.5
    assert script.rises_up_to(rho, np.array([-np.inf, 0.3, 0.4])) == 0.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--eigenvalue=1"], "must be a finite number < 0"),
        (["--rho", "0,0.1"], "must be finite numbers > 0"),
        (["--rho", ""], "at least one number"),
        (["--momentum", "1"], "must lie in [0, 0.98]"),
        (["--batch-sizes", "4,2.5"], "must be integers >= 1"),
        (["--batch-sizes", "16"], "a slope needs two or more"),
        (["--lr", "0"], "must be a finite number > 0"),
        (["--lr", "0.2"], "is 5 steps of η = 0.2. Use at least 1.6"),
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

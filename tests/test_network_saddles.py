"""The experiment on saddles of networks, as a user runs it, with smaller networks and fewer radii."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
import xarray as xr
from PIL import Image

import samdyn as sd
from samdyn.networks.saddles import critical_point

SMALL = ["--hidden", "2", "--samples", "40", "--escapes", "5"]
DATASETS = ("rates", "traps", "escapes")


@pytest.fixture(scope="module")
def script(experiment: Callable[[str], ModuleType]) -> ModuleType:
    return experiment("network_saddles")


@pytest.fixture
def run(script: ModuleType, run_here: Callable[..., int]) -> Callable[..., int]:
    return partial(run_here, script, *SMALL)


@pytest.fixture(scope="module")
def result(script: ModuleType, finished: Callable[..., tuple[Path, str]]) -> tuple[Path, str]:
    return finished(
        script,
        *SMALL,
        TRAP_SHARES=(0.02,),
        TRAP_ROUNDS=1,
        TRAP_TIME=4,
        ESCAPE_TIME=20,
        ESCAPE_RATIOS={"USAM": (0.5,), "SAM": (3.0,)},
    )


@pytest.fixture(scope="module")
def data(result: tuple[Path, str]) -> dict[str, xr.Dataset]:
    return {name: xr.open_zarr(result[0] / f"{name}.zarr", consolidated=False).load() for name in DATASETS}


@pytest.mark.slow
def test_the_tables_and_the_figure(result: tuple[Path, str]) -> None:
    folder, told = result
    assert max(map(len, told.splitlines())) <= 100
    for saddle in ("linear 4-4-3, origin", "linear 4-4-3, rank 1", "one neuron, (0, 1)", "tanh 64-2-10, zero"):
        assert sum(line.startswith(saddle) and "  " in line.strip() for line in told.splitlines()) == 1
    assert "the one-neuron net has 0 isolated critical points" in told
    assert "[captured, lost]" in told  # which rich would take for markup
    with Image.open(folder / "saddles.png") as image:
        assert min(image.size) > 400
    assert json.loads((folder / "provenance.json").read_text())["experiment"] == "network_saddles"


@pytest.mark.slow
def test_usam_grows_at_exact_saddles_as_the_map_of_the_quadratic_does(data: dict[str, xr.Dataset]) -> None:
    rates = data["rates"]
    assert rates.rate.dims == ("saddle", "direction", "ratio")
    assert float(rates.gradient.max()) < 1e-12
    # What is left is of second order in the displacement, 1e-6, over a rate of 0.05|λ|.
    assert float(abs(rates.rate / rates.predicted - 1).max()) < 1e-4
    assert float(abs(rates.rate / rates.flow - 1).max()) > 1e-2  # the step is told from the flow


@pytest.mark.slow
def test_the_origin_of_a_linear_net_has_the_singular_values_of_the_covariance(
    script: ModuleType, data: dict[str, xr.Dataset]
) -> None:
    _, inputs, targets = script.teacher(script.LINEAR, 0)
    singular = torch.linalg.svdvals(2 / 3 * targets.T @ inputs / len(inputs))
    found = data["rates"].lam.sel(saddle="linear 4-4-3, origin")
    np.testing.assert_allclose(found, [-singular[0], -singular[-1]], rtol=1e-10)


@pytest.mark.slow
def test_the_trap_is_as_wide_as_rho_where_rho_is_small(data: dict[str, xr.Dataset]) -> None:
    traps = data["traps"].sel(share=0.02)
    assert (traps.captured <= 1).all()
    assert (traps.lost >= 1).all()
    assert (traps.lost - traps.captured < 0.32).all()  # one round of twelve cuts of [0.25, 4]


@pytest.mark.slow
def test_runs_leave_slower_with_usam_and_are_censored_where_they_stay(data: dict[str, xr.Dataset]) -> None:
    escapes = data["escapes"].set_index(setting=["method", "ratio"])
    gd, slow = (escapes.sel(setting=setting) for setting in (("GD", 0.0), ("USAM", 0.5)))
    assert gd.left.all()
    assert (slow["median"] > 1.4 * gd["median"]).all()
    stayed = escapes.sel(setting=("SAM", 3.0))
    assert not stayed.left.any()
    assert np.isinf(stayed["median"]).all()
    assert (stayed.t == 20).all()


@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.5])
def test_escape_times_are_those_of_the_quadratic(script: ModuleType, ratio: float) -> None:
    network, _, _ = script.teacher(script.LINEAR, 0)
    point = critical_point(network, torch.zeros(network.dim, dtype=torch.float64))
    saddle = script.Saddle("origin", network, point)
    begin = script.around(saddle, 6, 0)
    rho = ratio / saddle.lowest
    t, left = script.escape_times(saddle, sd.USAM(rho), begin, 0.01, "cpu")
    lam = saddle.point.eigenvalues[:, None]
    w, expected = saddle.point.eigenvectors.T @ begin.T, np.full(6, 40.0)
    for step in range(200):
        low = -(lam * w**2).sum(0) / 2 > 0.01 * saddle.point.loss
        expected[low] = np.minimum(expected[low], 0.2 * step)
        w = w * (1 - 0.2 / saddle.lowest * lam * (1 + rho * lam))
    assert (expected < 40).all() == left.all()
    # It is looked at every second step, 0.4; the loss turns up a little where it is no longer a quadratic.
    assert (abs(t - expected) <= 0.6 + 1e-9).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--hidden", "0"], "must be an integer >= 1"),
        (["--samples", "5"], "--samples = 5: must lie in [20, 1438]"),
        (["--escapes", "1"], "--escapes = 1: must be at least 2"),
        (["--tolerance", "1"], "must lie in (0, 1)"),
        (["--seed=-1"], "must be an integer in [0, 2**32)"),
        (["--device", "tpu"], "no such device"),
    ],
)
def test_bad_input(run: Callable[..., int], refused: Callable[[int], str], arguments: list[str], message: str) -> None:
    assert message in refused(run(*arguments))

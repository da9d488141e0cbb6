"""The experiment on saddles of networks, as a user runs it, with smaller networks and fewer radii."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import xarray as xr
from PIL import Image

SMALL = ["--hidden", "2", "--samples", "40", "--escapes", "5"]
NAMES = ("linear 4-4-3, origin", "linear 4-4-3, rank 1", "one neuron, (0, 1)", "tanh 64-2-10, zero")


@pytest.fixture(scope="module")
def script(experiment: Callable[[str], ModuleType]) -> ModuleType:
    return experiment("network_saddles")


@pytest.fixture
def run(script: ModuleType, run_here: Callable[..., int]) -> Callable[..., int]:
    return partial(run_here, script, *SMALL)


@pytest.mark.slow
def test_it_says_rates_widths_and_times(script: ModuleType, finished: Callable[..., tuple[Path, str]]) -> None:
    few = {
        "TRAP_SHARES": (0.02,),
        "TRAP_TIME": 4,
        "ESCAPE_STEPS": 100,
        "ESCAPE_RATIOS": {"GD": (0.0,), "USAM": (0.5,), "SAM": (3.0,)},
    }
    folder, told = finished(script, *SMALL, **few)
    assert max(map(len, told.splitlines())) <= 100
    assert all(any(line.startswith(f"{name}  ") for line in told.splitlines()) for name in NAMES)
    assert "[captured, lost]" in told  # which rich would take for markup
    with Image.open(folder / "saddles.png") as image:
        assert min(image.size) > 400
    assert json.loads((folder / "provenance.json").read_text())["experiment"] == "network_saddles"
    rates, traps, times = (
        xr.open_zarr(folder / f"{name}.zarr", consolidated=False).load() for name in ("rates", "traps", "escapes")
    )
    assert rates.rate.dims == ("saddle", "direction", "ratio")
    assert float(abs(rates.rate / rates.predicted - 1).max()) < 1e-4  # second order in the displacement
    np.testing.assert_allclose(traps.captured, 1, atol=0.05)  # the runs are short: some have not left yet
    np.testing.assert_allclose(traps.lost, 1, atol=0.05)
    assert times.saddle.values.tolist() == [NAMES[0], NAMES[3]]
    gd, usam, sam = (times.isel(method_ratio=i) for i in range(3))
    assert gd.escaped.all()
    assert (usam.time > 1.4 * gd.time).all()
    assert (usam.theory > 1.4 * gd.time).all()
    assert not sam.escaped.any()
    assert np.isinf(sam.time).all()
    np.testing.assert_allclose(sam.t, 20)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--hidden", "0"], "must be an integer >= 1"),
        (["--samples", "5"], "samples = 5: must lie in [21, 1438]"),
        (["--escapes", "1"], "--escapes = 1: must be at least 2"),
        (["--tolerance", "1"], "must lie in (0, 1)"),
        (["--seed=-1"], "must be an integer in [0, 2**32)"),
        (["--device", "tpu"], "no such device"),
    ],
)
def test_bad_input(run: Callable[..., int], refused: Callable[[int], str], arguments: list[str], message: str) -> None:
    assert message in refused(run(*arguments))

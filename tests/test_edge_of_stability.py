"""The experiment on the edge of stability, as a user runs it, with a tiny network."""

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
from samdyn import networks

SMALL = ["--samples", "20", "--steps", "30", "--look-every", "5", "--seeds", "2", "--momentum", "0.5"]
SMALL += ["--processes", "1"]
NAMES = ["GD", "GD, γ = 0.5", "USAM", "SAM", "SAM, γ = 0.5"]


@pytest.fixture
def script(experiment: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = experiment("edge_of_stability")
    monkeypatch.setattr(module, "WIDTHS", (40, 2, 10))
    monkeypatch.setattr(module, "FOLLOWED", 10)
    monkeypatch.setattr(module, "TOGETHER", 1)  # so that there are parts to put together
    monkeypatch.setattr(module, "SHOWN", (0, 10))
    return module


@pytest.fixture
def run(script: ModuleType, run_here: Callable[..., int]) -> Callable[..., int]:
    return partial(run_here, script, *SMALL)


@pytest.mark.slow
def test_the_tables_the_figures_and_the_data(
    script: ModuleType, run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    folder = tmp_path / "results" / "edge_of_stability"
    for name in ("edge_of_stability", "switched"):
        with Image.open(folder / f"{name}.png") as image:
            assert min(image.size) > 400
    assert json.loads((folder / "provenance.json").read_text())["experiment"] == "edge_of_stability"
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 100
    assert [sum(line.startswith(f"{name} ") for line in told.splitlines()) for name in NAMES] == [1, 1, 1, 2, 1]
    runs, switched = (xr.open_zarr(folder / f"{name}.zarr", consolidated=False).load() for name in ("runs", "switched"))
    check_runs(runs, script.landscape(20))
    assert dict(switched.sizes) == {"factor": 2, "step": 3, "init": 2, "order": 5}
    # They go on from where SAM ended, with another radius.
    ended = runs.sel(setting="SAM").isel(step=-1)
    for factor in (0.25, 4.0):
        begun = switched.sel(factor=factor, step=0)
        assert (begun.eigenvalue == ended.eigenvalue).all()
        lam, norm = begun.edge, begun.gradient_norm
        np.testing.assert_allclose(lam + factor * 0.05 * lam**2 / norm, 2 / 0.2, rtol=1e-12)
    assert f"{float((begun.eigenvalue.sel(order=1) / begun.edge).median()):.3f} [" in told
    assert "In the last third of training SAM's λ_max is" in told


def check_runs(runs: xr.Dataset, net: sd.networks.Network) -> None:
    assert list(runs.setting.values) == NAMES
    assert runs.eigenvalue.dims == ("setting", "step", "init", "order")
    assert runs.step.values.tolist() == [*range(0, 31, 5)]
    lam, gamma, lr = runs.edge, runs.momentum, runs.lr
    assert lr.values == pytest.approx([0.2, 0.3, 0.2, 0.2, 0.3])
    rho = xr.where(runs.setting.str.startswith("SAM"), runs.rho / runs.gradient_norm, runs.rho)
    np.testing.assert_allclose(lam + rho * lam**2, (2 * (1 + gamma) / lr).broadcast_like(lam), rtol=1e-12)
    assert (runs.eigenvalue.diff("order") <= 0).all()
    assert (runs.share.sum("order") < 1).all()
    # All start from the same networks, and GD's first look is what the Hessian and the gradient say.
    assert (runs.eigenvalue.isel(step=0) == runs.eigenvalue.isel(step=0, setting=0)).all()
    for init in (0, 1):
        w = net.vector(networks.models.mlp((40, 2, 10), activation="tanh", seed=init))
        values, vectors = np.linalg.eigh(net.hessian(w).numpy())
        g = net.grad(w).numpy()
        seen = runs.isel(step=0, setting=0, init=init)
        # Float32 against float64.
        np.testing.assert_allclose(seen.eigenvalue, values[:-6:-1], rtol=1e-5)
        np.testing.assert_allclose(seen.share, (g @ vectors)[:-6:-1] ** 2 / (g @ g), atol=1e-4)
        assert float(seen.loss) == pytest.approx(float(net.value(w)), rel=1e-6)


def test_a_network_that_diverged_is_seen_as_such_among_others(script: ModuleType) -> None:
    scene = sd.landscapes.quadratic([3.0, 1.0, 0.5, 0.4, 0.3, 0.2])
    w = torch.stack([torch.full((6,), 0.3), torch.full((6,), torch.nan)], 1).double()
    seen = script.look(sd.Map(scene, sd.SAM(0.05), lr=0.2), w)
    assert np.isfinite([seen["edge"][0], seen["gradient_norm"][0], *seen["eigenvalue"][0]]).all()
    assert np.isnan([seen["edge"][1], seen["gradient_norm"][1], *seen["eigenvalue"][1], *seen["share"][1]]).all()


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_on_a_quadratic_the_edge_comes_to_the_curvature(script: ModuleType, momentum: float) -> None:
    scene = sd.landscapes.quadratic([3.0, 1.0, 0.5, 0.4, 0.3, 0.2])
    map_ = sd.Map(scene, sd.SAM(0.05), lr=0.2 * (1 + momentum), momentum=momentum)
    *_, (_, w) = networks.train(map_, torch.full((1, 6), 0.3), 4000, dtype=torch.float64)
    seen = script.look(map_, w)
    np.testing.assert_allclose(seen["eigenvalue"], [[3.0, 1.0, 0.5, 0.4, 0.3]], rtol=1e-12)
    assert seen["edge"] == pytest.approx([3.0], rel=1e-9)
    assert seen["share"][0, 0] == pytest.approx(1.0, rel=1e-9)


def looks(script: ModuleType, curvature: list[list[float]]) -> xr.Dataset:
    eigenvalue = np.array(curvature)[:, :, None]
    return xr.Dataset(
        {
            "eigenvalue": (("step", "init", "order"), eigenvalue),
            "edge": (("step", "init"), np.full(eigenvalue.shape[:2], 2.0)),
        },
        coords={"step": np.arange(len(curvature)) * 3, "order": [1]},
    )


def test_reached_and_the_last_third(script: ModuleType) -> None:
    data = looks(script, [[1.0, 1.0], [2.0, 1.9], [1.0, 1.0], [3.0, 1.0]])
    np.testing.assert_array_equal(script.reached(data), [3, np.nan])
    assert script.last_third(data).step.values.tolist() == [6, 9]


def test_divergence_is_said(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--lr", "1e30") == 2
    assert "SAM diverged. Use a smaller one" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--lr", "0"], "lr = 0.0: must be a finite number > 0"),
        (["--rho", "0"], "--rho = 0.0: must be a finite number > 0"),
        (["--usam-rho", "nan"], "--usam-rho = nan: must be a finite number > 0"),
        (["--momentum", "0"], "must lie in (0, 1)"),
        (["--samples", "4001"], "there are 4000 to train on"),
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

"""The experiment on n ascent steps, as a user runs it, with tiny networks and few steps."""

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
from torch.nn.functional import cross_entropy

import samdyn as sd
from samdyn import networks

SMALL = [
    "--width",
    "4",
    "--seeds",
    "2",
    "--steps",
    "12",
    "--rho",
    "0.1,0.5",
    "--ascent-steps",
    "3",
    "--batch-size",
    "8",
]
SMALL += ["--processes", "1"]


@pytest.fixture(scope="module")
def script(experiment: Callable[[str], ModuleType]) -> ModuleType:
    return experiment("multistep")


@pytest.fixture
def run(script: ModuleType, run_here: Callable[..., int]) -> Callable[..., int]:
    return partial(run_here, script, *SMALL)


def some_direction(landscape: sd.Landscape, *_: object, **__: object) -> tuple[np.ndarray, np.ndarray]:
    return np.array([2.0]), np.full((landscape.dim, 1), landscape.dim**-0.5)


def test_the_tables_the_figures_and_the_data(
    run: Callable[..., int],
    script: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Eigenvectors are what takes time; the test of measures has real ones.
    monkeypatch.setattr(networks, "extreme_eigenpairs", some_direction)
    monkeypatch.setattr(script, "GRID", 5)
    assert run() == 0
    folder = tmp_path / "results" / "multistep"
    for name in ("multistep", "cost", "planes"):
        with Image.open(folder / f"{name}.png") as image:
            assert min(image.size) > 400
    assert json.loads((folder / "provenance.json").read_text())["experiment"] == "multistep"
    grid = xr.open_zarr(folder / "networks.zarr", consolidated=False).load()
    planes = xr.open_zarr(folder / "planes.zarr", consolidated=False).load()
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 100
    check_table(grid, told)
    check_grid(grid)
    check_networks(grid)
    check_climbs(grid)
    assert planes.shown.values.tolist() == ["n = 1", "n = 3, last", "n = 3, averaged"]
    assert planes.loss.sel(u=0, v=0).values == pytest.approx(planes.bottom.values)
    assert planes.attrs["rho"] == 0.5
    for shown in (1, 2):  # the plane is that of the network it is said to be of
        loss = grid.train_loss.sel(rho=0.5, ascent_steps=3, form=["last", "averaged"][shown - 1])[0]
        assert float(planes.bottom[shown]) == pytest.approx(float(loss))


def check_table(grid: xr.Dataset, told: str) -> None:
    table = told.split("Accuracy and loss at the end")[1].split("Medians over 2 networks")[0]
    rows = [line.split() for line in table.splitlines() if "]" in line and "ρ" not in line]
    # SGD once, and for every radius one step and the three forms of three.
    assert [row[0] for row in rows] == ["0", *["0.1", "3", "averaged", "shorter"], *["0.5", "3", "averaged", "shorter"]]
    accuracy = 100 * grid.accuracy.isel(step=-1).sel(rho=0.1)
    less = (accuracy.sel(ascent_steps=3) - accuracy.sel(ascent_steps=1)).sel(form="averaged").values
    # Of two values a resample has one of them twice, or both.
    assert " ".join(rows[3][4:7]) == f"{less.mean():+.1f} [{less.min():+.1f}, {less.max():+.1f}]"
    loss = 1e3 * grid.train_loss.sel(rho=0.1, ascent_steps=3, form="averaged").values
    assert " ".join(rows[3][7:10]) == f"{loss.mean():.2g} [{loss.min():.2g}, {loss.max():.2g}]"
    assert "above 0 in" in told.splitlines()[-4] + told.splitlines()[-3]


def check_grid(grid: xr.Dataset) -> None:
    assert grid.accuracy.dims == ("form", "ascent_steps", "rho", "seed", "step")
    assert grid.accuracy.shape == (3, 3, 2, 2, 13)
    assert grid.form.values.tolist() == ["last", "averaged", "shorter"]
    assert (grid.eigenvalue == 2).all()
    for n in (0, 1):
        assert (grid.train_loss.sel(ascent_steps=n) == grid.train_loss.sel(ascent_steps=n, form="last")).all()
    for n in (1, 3):  # the radius makes a difference, and so does the form
        assert (grid.train_loss.sel(ascent_steps=n, rho=0.1) != grid.train_loss.sel(ascent_steps=n, rho=0.5)).all()
    several = grid.train_loss.sel(ascent_steps=3)
    assert (several.sel(form="last") != several.sel(form="averaged")).all()


def check_networks(grid: xr.Dataset) -> None:
    """Networks alone are those that were trained together: of a grid that one setting is left of, too."""
    data = networks.digits(test=0.8)
    models = [networks.models.mlp((64, 4, 4, 10), seed=int(s)) for s in grid.seed.values]
    network = networks.Network(models[0], cross_entropy, data.train_inputs, data.train_targets)
    # ρ, n, form, and the number of the seed, which alone the batches go by: whatever else is in the grid.
    alone = {
        (0.1, 0, "last", 0): sd.GD(),
        (0.5, 0, "last", 0): sd.GD(),
        (0.1, 3, "last", 1): sd.SAM(0.1, ascent_steps=3),
        (0.5, 3, "averaged", 0): sd.SAM(0.5, ascent_steps=3, average=True),
        (0.5, 3, "shorter", 1): sd.SAM(0.5 * 2 / 3),
    }
    for (rho, n, form, number), method in alone.items():
        map_ = sd.Map(network, method, lr=0.2, noise=sd.noise.FiniteSum(8))
        start = network.vector(models[number])
        runs = sd.simulate(map_, start, 12, first_run=number, dtype="float32", device="cpu", progress=False)
        w = torch.as_tensor(runs.w.values[0, -1], dtype=torch.float64)
        one = grid.sel(rho=rho, ascent_steps=n, form=form).isel(seed=number)
        assert float(one.train_loss) == pytest.approx(float(network.value(w)), rel=1e-4)  # float32
        accuracy = network.accuracy(w, data.test_inputs, data.test_targets)
        assert float(one.accuracy[-1]) == pytest.approx(float(accuracy), abs=1e-9)


def check_climbs(grid: xr.Dataset) -> None:
    assert (grid.climb.sel(ascent_steps=0) == 0).all()
    assert (grid.climb.sel(ascent_steps=[1, 3]) > 0).all()


def test_measures_on_a_quadratic(script: ModuleType) -> None:
    landscape, w = sd.landscapes.quadratic((3, -1)), torch.tensor([[0.4, 0.0], [0.0, 0.5]], dtype=torch.float64)
    found = script.measure(landscape, w)
    assert found["train_loss"] == pytest.approx([0.24, -0.125])
    # 0.1 up from 0.4 along the first axis, and down the slope towards 0 along the second.
    assert found["sharpness"] == pytest.approx([1.5 * (0.5**2 - 0.4**2), 0.5 * (0.5**2 - 0.4**2)])
    assert found["eigenvalue"] == pytest.approx([3, 3])


def test_networks_that_diverged_are_measured_as_such(script: ModuleType) -> None:
    w = torch.tensor([[0.4, torch.nan], [0.0, torch.nan]], dtype=torch.float64)
    found = script.measure(sd.landscapes.quadratic((3, -1)), w)
    assert found["train_loss"][1] == np.inf
    assert np.isnan([found["sharpness"][1], found["eigenvalue"][1]]).all()


def test_climbs_on_a_quadratic(script: ModuleType) -> None:
    landscape, w = sd.landscapes.quadratic((1, 1)), torch.tensor([[0.6], [0.8]], dtype=torch.float64)
    axes = {"ascent_steps": [0, 1, 4], "rho": [0.5], "seed": [7]}
    climbs = script.climb(landscape, w, axes).climb
    assert climbs.dims == ("ascent_steps", "rho", "seed")
    assert climbs.values.ravel() == pytest.approx([0, 0.625, 0.625])  # ½(1.5² − 1): straight away from 0


def test_planes_on_a_quadratic(script: ModuleType) -> None:
    landscape, w = sd.landscapes.quadratic((1, 4)), torch.tensor([1.0, 0.5], dtype=torch.float64)
    planes = script.surfaces(landscape, {("last", 1): w, ("averaged", 4): w}, 0.2)
    u = np.array([1, 2]) / 5**0.5  # along ∇L(w) = (1, 2)
    v = np.array([-2, 1]) / 5**0.5  # ∇L(wᵖ) turns towards the steeper axis
    at = w.numpy() + 0.2 * (planes.u.values[3] * u + planes.v.values[30] * v)
    assert float(planes.loss[1, 30, 3]) == pytest.approx(0.5 * at[0] ** 2 + 2 * at[1] ** 2)
    assert planes.ascent[0, :2].values == pytest.approx(np.array([[0, 0], [1, 0]]))
    assert np.isnan(planes.ascent[0, 2:]).all()
    steps = np.diff(planes.ascent[1].values, axis=0)
    assert np.hypot(*steps.T) == pytest.approx(np.full(4, 0.25))  # n steps of ρ/n
    assert (np.diff(steps[:, 1]) > 0).all()
    assert planes.off.values == pytest.approx(np.zeros(2))  # in two dimensions there is no other plane
    top = w.numpy() + 0.2 * (planes.ascent.values[1, -1] @ np.stack([u, v]))
    assert float(planes.height[1]) == pytest.approx(0.5 * top[0] ** 2 + 2 * top[1] ** 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rho", "0"], "must be finite numbers > 0"),
        (["--ascent-steps", "1,2"], "must be integers >= 2"),
        (["--ascent-steps", "2.5"], "must be integers >= 2"),
        (["--lr", "-1"], "must be a finite number > 0"),
        (["--batch-size", "0"], "--batch-size = 0: must be an integer >= 1"),
        (["--steps", "9"], "--steps = 9: must be at least 10"),
        (["--width", "0"], "--width = 0: must be an integer >= 1"),
        (["--seeds", "1"], "an interval needs two or more"),
        (["--processes", "0"], "--processes = 0: must be an integer >= 1"),
        (["--seed", "-1"], "must be an integer in"),
        (["--device", "abacus"], "abacus"),
    ],
)
def test_bad_input(run: Callable[..., int], refused: Callable[[int], str], arguments: list[str], message: str) -> None:
    assert message in refused(run(*arguments))

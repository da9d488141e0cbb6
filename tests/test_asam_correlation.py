"""The experiment on sharpness and generalisation, as a user runs it, with tiny networks."""

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
from scipy.stats import kendalltau

import samdyn as sd
from samdyn import networks

SMALL = ["--samples", "40", "--steps", "80", "--train-loss", "1.9", "--seeds", "2", "--ascent-steps", "3"]
SMALL += ["--lr", "0.2,0.4", "--batch-sizes", "8,16", "--rho", "0,0.1", "--scales", "1,3", "--processes", "1"]
AXES = {"lr": [0.2, 0.4], "batch_size": [8, 16], "rho": [0.0, 0.1], "scale": [1.0, 3.0], "init": [0, 1]}
ROWS = [f"{name}, {steps}" for steps in ("1 step", "3 steps") for name in ("plain", "adaptive", "minus plain")]
ROWS += ["training loss", "‖w‖"]


@pytest.fixture
def script(experiment: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = experiment("asam_correlation")
    monkeypatch.setattr(module, "WIDTHS", (64, 5, 5, 10))
    return module


@pytest.fixture
def run(script: ModuleType, run_here: Callable[..., int]) -> Callable[..., int]:
    return partial(run_here, script, *SMALL)


@pytest.mark.slow
def test_the_tables_the_figure_and_the_data(
    script: ModuleType, run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    folder = tmp_path / "results" / "asam_correlation"
    with Image.open(folder / "asam_correlation.png") as image:
        assert min(image.size) > 400
    assert json.loads((folder / "provenance.json").read_text())["experiment"] == "asam_correlation"
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 100
    for row in ROWS:
        assert sum(line.startswith(f"{row} ") for line in told.splitlines()) == 2
    found, correlated, rescaled = (
        xr.open_zarr(folder / f"{name}.zarr", consolidated=False).load()
        for name in ("networks", "correlations", "rescaled")
    )
    check_networks(found, told)
    check_correlations(correlated, found, told)
    assert rescaled.factor.values.tolist() == [0.25, 0.5, 2, 4]
    # To rounding in float64, and the sharpness is a difference of losses.
    for name in ("loss", "adaptive, 1 step", "adaptive, 3 steps"):
        np.testing.assert_allclose(rescaled[name], 1.0, rtol=1e-10)
    for name in ("plain, 1 step", "plain, 3 steps"):
        assert (abs(rescaled[name] - 1) > 0.01).all()


def check_networks(found: xr.Dataset, told: str) -> None:
    assert {name: found[name].values.tolist() for name in found.step.dims} == AXES
    assert list(found.step.dims) == list(AXES)
    left_out = found.step.isnull()
    assert 0 < int(left_out.sum()) < found.step.size
    assert f"32 ReLU MLPs 64-5-5-10, 40 digits to train on, 898 to test;\n{int(left_out.sum())} that did not" in told
    for name in ("train_loss", "test_loss", "loss_gap", "error_gap"):
        assert (found[name].isnull() == left_out).all()
    assert float(found.train_loss.max()) <= 1.9
    assert (found.step.values[~left_out.values] % 10 == 0).all()
    assert (found.loss_gap.dropna("init") == (found.test_loss - found.train_loss).dropna("init")).all()
    # Training again, one corner of the grid and all inits, gives the same networks to rounding.
    data = networks.digits(test=0.5)
    net = sd.networks.Network(
        networks.models.mlp((64, 5, 5, 10)),
        torch.nn.functional.cross_entropy,
        data.train_inputs[:40],
        data.train_targets[:40],
    )
    starts = net.vector(networks.models.mlp((64, 5, 5, 10), scale=s, seed=i) for s in (1.0, 3.0) for i in (0, 1))
    one = found.isel(batch_size=1, lr=1, rho=1)
    map_ = sd.Map(net, sd.SAM(0.1), lr=0.4, noise=sd.noise.FiniteSum(16))
    # Batches go by the init alone, whatever else is in the grid.
    alone = dict(networks.train(map_, starts, 80, save_every=10, runs=[0, 1, 0, 1]))
    for number, (scale, init) in enumerate([(1.0, 0), (1.0, 1), (3.0, 0), (3.0, 1)]):
        this = one.sel(scale=scale, init=init)
        if np.isfinite(this.step):
            w = alone[int(this.step)][:, number]
            assert float(this.train_loss) == pytest.approx(float(net.value(w)), rel=1e-3)
            assert float(this.measure.sel(of="‖w‖")) == pytest.approx(float(w.norm()), rel=1e-4)
            if this.step:
                assert float(net.value(alone[int(this.step) - 10][:, number])) > 1.9


def check_correlations(correlated: xr.Dataset, found: xr.Dataset, told: str) -> None:
    assert correlated.tau.dims == ("gap", "row", "init")
    assert list(correlated.row.values) == ROWS
    for gap in ("loss_gap", "error_gap"):
        one = correlated.sel(gap=gap)
        y = found[gap].values
        for name in found.of.values:
            for init in (0, 1):
                x, z = found.measure.sel(of=name, init=init).values, y[..., init]
                tau = kendalltau(x[np.isfinite(z)], z[np.isfinite(z)]).statistic
                assert float(one.tau.sel(row=name)[init]) == pytest.approx(tau, rel=1e-12)
        np.testing.assert_allclose(one.psi, one.term.mean("axis"), rtol=1e-12)
        for name in ("tau", "psi", "term"):
            less = one[name].sel(row="adaptive, 3 steps") - one[name].sel(row="plain, 3 steps")
            np.testing.assert_allclose(one[name].sel(row="minus plain, 3 steps"), less, atol=1e-12)
    taus = correlated.tau.sel(gap="loss_gap", row="adaptive, 1 step")
    written = f"{float(taus.mean()):+.2f} [{float(taus.min()):+.2f}, {float(taus.max()):+.2f}]"  # of two values
    assert f"has τ = {written}" in " ".join(told.split())


def test_kendalls_tau_is_scipys_seed_by_seed(script: ModuleType) -> None:
    generator = np.random.default_rng(0)
    coords = {"lr": range(3), "batch_size": range(2), "rho": range(2), "scale": range(2), "init": range(3)}
    x, y = (xr.DataArray(generator.integers(0, 6, (3, 2, 2, 2, 3)).astype(float), coords=coords) for _ in range(2))
    x[0, 0, 0, :, 1] = np.nan  # two networks of the second seed have no value, and the third seed but one
    y[..., 2] = np.nan
    y[0, 0, 0, 0, 2] = 1.0
    first, second = (of.isel(init=0).values.ravel() for of in (x, y))
    expected = [kendalltau(first, second).statistic]
    first, second = (of.isel(init=1).values.ravel()[2:] for of in (x, y))
    expected += [kendalltau(first, second).statistic, 0.0]
    np.testing.assert_allclose(script.kendall(x, y), expected, rtol=1e-12)


def test_granulated_is_the_mean_over_groups(script: ModuleType) -> None:
    generator = np.random.default_rng(1)
    coords = {"batch_size": range(3), "lr": range(3), "rho": range(2), "scale": range(4), "init": range(2)}
    x, y = (
        xr.DataArray(generator.integers(0, 9, (3, 3, 2, 4, 2)).astype(float), coords=coords, dims=[*coords])
        for _ in range(2)
    )
    y[0, 0] = np.nan  # leaves 2 of a group of 3, and of groups of 2 and 4 none
    x[:, :, 0, 1, 0] = np.nan
    found = script.granulated(x, y)
    for axis in ("lr", "batch_size", "rho", "scale"):
        others = [name for name in coords if name not in (axis, "init")]
        for init in (0, 1):
            groups = []
            a, b = (of.isel(init=init).stack(group=others).transpose("group", axis).values for of in (x, y))
            for p, q in zip(a, b, strict=True):
                both = np.isfinite(p) & np.isfinite(q)
                groups.append(kendalltau(p[both], q[both]).statistic if both.sum() > 1 else np.nan)
            assert float(found.sel(axis=axis).isel(init=init)) == pytest.approx(np.nanmean(groups), rel=1e-12)


def test_sharpness_is_the_rise_in_the_ball(script: ModuleType) -> None:
    scene = sd.landscapes.quadratic([4.0, 1.0])
    w = torch.tensor([[0.3, -0.2], [1.0, 2.0]], dtype=torch.float64)
    before = scene.value(w)
    for adaptive, method in ((False, sd.SAM(0.5)), (True, sd.ASAM(0.5))):
        one = scene.value(method.perturbed(w, scene.grad)) - before
        torch.testing.assert_close(script.sharpness(scene, w, 0.5, adaptive, 1), one, rtol=1e-12, atol=0)
        angle = torch.linspace(0, 2 * torch.pi, 100001, dtype=torch.float64)
        ball = 0.5 * torch.stack([angle.cos(), angle.sin()])[:, :, None]
        highest = scene.value(w[:, None] + (w.abs() if adaptive else 1 + 0 * w)[:, None] * ball).amax(0) - before
        found = script.sharpness(scene, w, 0.5, adaptive, 100)
        # A path of 2ρ does not reach the top, but comes so close to it here.
        assert (found <= highest).all()
        assert (found > 0.99 * highest).all()
        assert (found > one).all()


def test_rescaling_leaves_the_function(script: ModuleType) -> None:
    net = script.landscape(networks.digits(test=0.5), 40)
    w = net.vector(networks.models.mlp((64, 5, 5, 10), seed=3))
    outputs = net.outputs(w, net.inputs)
    torch.testing.assert_close(net.outputs(script.rescale(w, 4.0), net.inputs), outputs, rtol=1e-12, atol=1e-13)
    assert float((script.rescale(w, 4.0) - w).norm()) > 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--lr", "0.1"], "--lr = '0.1': must be two or more finite numbers > 0"),
        (["--batch-sizes", "8,2.5"], "must be two or more integers >= 1"),
        (["--rho=-1,0"], "must be two or more finite numbers >= 0"),
        (["--scales", "0,1"], "must be two or more finite numbers > 0"),
        (["--seeds", "1"], "an interval needs two or more"),
        (["--samples", "899"], "there are 898 to train on"),
        (["--train-loss", "0"], "--train-loss = 0.0: must lie in (0, 2.30)"),
        (["--train-loss", "5"], "below the loss of networks that know nothing"),
        (["--steps", "0"], "must be an integer >= 1"),
        (["--radius", "0"], "--radius = 0.0"),
        (["--adaptive-radius", "nan"], "--adaptive-radius = nan"),
        (["--ascent-steps", "1"], "one step is measured anyway"),
        (["--seed", "-2"], "must be an integer in"),  # though the last seed's own would be 0
        (["--processes", "0"], "--processes = 0: must be an integer >= 1"),
        (["--device", "abacus"], "abacus"),
    ],
)
def test_bad_input(run: Callable[..., int], refused: Callable[[int], str], arguments: list[str], message: str) -> None:
    assert message in refused(run(*arguments))


def test_too_few_networks_are_not_correlated(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run("--train-loss", "1e-9", "--steps", "10") == 2
    assert "only 0 of 32 networks reached it in 10 steps" in capsys.readouterr().err
    assert not [*(tmp_path / "results").iterdir()]

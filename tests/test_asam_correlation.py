"""The experiment on sharpness and generalisation, as a user runs it, with tiny networks."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import xarray as xr
from PIL import Image
from scipy.stats import kendalltau

import samdyn as sd
from samdyn import networks

SMALL = ["--samples=40", "--steps=80", "--train-loss=1.9", "--seeds=2", "--ascent-steps=3"]
SMALL += ["--lr=0.2,0.4", "--batch-sizes=8,16", "--rho=0,0.1", "--scales=1,3", "--processes=1"]
AXES = {"lr": [0.2, 0.4], "batch_size": [8, 16], "rho": [0.0, 0.1], "scale": [1.0, 3.0], "seed": [0, 1]}
ROWS = [f"{name}, {steps}" for steps in ("1 step", "n steps") for name in ("plain", "adaptive", "minus plain")]
ROWS += ["training loss", "‖w‖"]


@pytest.fixture(scope="module")
def script(experiment: Callable[[str], ModuleType]) -> ModuleType:
    return experiment("asam_correlation")


@pytest.fixture
def run(script: ModuleType, run_here: Callable[..., int]) -> Callable[..., int]:
    return partial(run_here, script, *SMALL)


@pytest.fixture(scope="module")
def result(finished: Callable[..., tuple[Path, str]], script: ModuleType) -> tuple[Path, str]:
    return finished(script, *SMALL, HIDDEN=(5, 5))


def stored(result: tuple[Path, str], name: str) -> xr.Dataset:
    return xr.open_zarr(result[0] / f"{name}.zarr", consolidated=False).load()


@pytest.mark.slow
def test_the_table_and_the_figure(result: tuple[Path, str]) -> None:
    folder, printed = result
    assert max(map(len, printed.splitlines())) <= 100
    for gap in ("loss", "error"):
        for row in ROWS:
            start = f"{gap:7}{row} "
            assert sum(line.startswith(start) for line in printed.splitlines()) == 3  # parts of the table
    with Image.open(folder / "asam_correlation.png") as image:
        assert min(image.size) > 400
    assert json.loads((folder / "provenance.json").read_text())["experiment"] == "asam_correlation"


@pytest.mark.slow
def test_networks_stop_at_the_loss(result: tuple[Path, str]) -> None:
    runs = stored(result, "networks")
    assert {name: runs[name].values.tolist() for name in runs.step.dims} == AXES
    left_out = runs.step.isnull()
    assert 0 < int(left_out.sum()) < 32
    text = f"32 networks: Network('MLP 64-5-5-10', 415 parameters, 40 samples); 898 to test. {int(left_out.sum())} that"
    assert text in " ".join(result[1].split())
    for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy"):
        assert (runs[name].isnull() == left_out).all()
    assert float(runs.train_loss.max()) <= 1.9
    assert set(runs.step.values[~left_out.values] % 10) == {0}
    # Training again, one corner of the grid and all seeds, gives the same networks to rounding.
    network = networks.classifier(networks.digits(test=0.5), (5, 5), samples=40)
    models = (networks.models.mlp((64, 5, 5, 10), scale=scale, seed=seed) for scale in (1.0, 3.0) for seed in (0, 1))
    map_ = sd.Map(network, sd.SAM(0.1), lr=0.4, noise=sd.noise.FiniteSum(16))
    # Batches depend on the number of the seed alone, whatever else is in the grid.
    alone = dict(networks.train(map_, network.vector(models), 80, save_every=10, runs=[0, 1, 0, 1]))
    for number, (scale, seed) in enumerate([(1.0, 0), (1.0, 1), (3.0, 0), (3.0, 1)]):
        one = runs.sel(lr=0.4, batch_size=16, rho=0.1, scale=scale, seed=seed)
        if np.isfinite(one.step):
            w = alone[int(one.step)][:, number]
            assert float(one.train_loss) == pytest.approx(float(network.value(w)), rel=1e-3)
            assert float(one.measure.sel(of="‖w‖")) == pytest.approx(float(w.norm()), rel=1e-4)
            if one.step:
                assert float(network.value(alone[int(one.step) - 10][:, number])) > 1.9


@pytest.mark.slow
def test_correlations(result: tuple[Path, str]) -> None:
    runs, value = stored(result, "networks"), stored(result, "correlations").value
    assert value.of.values.tolist() == ROWS
    gaps = {"loss": runs.test_loss - runs.train_loss, "error": runs.train_accuracy - runs.test_accuracy}
    for gap, y in gaps.items():
        for name in runs.of.values:
            for seed in (0, 1):
                for statistic, scales in (("τ", [1.0, 3.0]), ("τ, scale = 3", [3.0])):
                    a, b = (of.sel(seed=seed, scale=scales).values.ravel() for of in (runs.measure.sel(of=name), y))
                    tau = kendalltau(a[np.isfinite(b)], b[np.isfinite(b)]).statistic
                    of = value.sel(gap=gap, of=name, statistic=statistic)[seed]
                    assert float(of) == pytest.approx(tau, rel=1e-12, nan_ok=True)
    terms = value.sel(statistic=["ψ_lr", "ψ_batch_size", "ψ_rho", "ψ_scale"])
    np.testing.assert_allclose(value.sel(statistic="ψ"), terms.mean("statistic"), atol=1e-15)
    less = value.sel(of="adaptive, n steps") - value.sel(of="plain, n steps")
    np.testing.assert_allclose(value.sel(of="minus plain, n steps"), less, atol=1e-12)
    taus = value.sel(gap="loss", of="adaptive, 1 step", statistic="τ")
    text = f"{float(taus.mean()):+.2f} [{float(taus.min()):+.2f}, {float(taus.max()):+.2f}]"  # of two values
    assert f"adaptive sharpness has τ = {text} with the loss gap" in " ".join(result[1].split())


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--lr=0.1", "--lr = '0.1': must be two or more"),
        ("--batch-sizes=8,2.5", "must be integers >= 1"),
        ("--rho=-1,0", "must be finite numbers >= 0"),
        ("--scales=0,1", "must be finite numbers > 0"),
        ("--seeds=1", "an interval needs two or more"),
        ("--samples=900", "there are 899 to train on"),
        ("--train-loss=0", "--train-loss = 0.0: must lie in (0, 2.30"),
        ("--train-loss=5", "the loss of networks that know nothing"),
        ("--radius=0", "--radius = 0.0"),
        ("--ascent-steps=1", "must be at least 2"),
        (f"--seed={2**32 - 1}", "--seed = 4294967297"),  # the last network's own would be beyond 2³²
        ("--device=abacus", "abacus"),
    ],
)
def test_bad_input(run: Callable[..., int], refused: Callable[[int], str], argument: str, message: str) -> None:
    assert message in refused(run(argument))


def test_too_few_networks_are_not_correlated(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run("--train-loss=1e-9", "--steps=10") == 2
    assert "only 0 of 32 networks reached it in 10 steps" in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]

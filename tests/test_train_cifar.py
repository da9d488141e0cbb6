"""experiments/train_cifar.py, on images made up here: what it trains, saves and refuses."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
import xarray as xr

from samdyn import networks

Run = Callable[..., int]


def made_up() -> networks.Data:
    """Return images whose class is the colour that is brightest."""
    generator = torch.Generator().manual_seed(0)
    targets = torch.arange(80) % 3
    images = 0.3 * torch.randn(80, 3, 32, 32, generator=generator)
    images[torch.arange(80), targets] += 1
    return networks.Data("made up", images[:64], targets[:64], images[64:], targets[64:], classes=10)


@pytest.fixture
def script(experiment: Callable[[str], ModuleType]) -> ModuleType:
    return experiment("train_cifar")


@pytest.fixture
def run(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, run_here: Callable[..., int]
) -> Callable[..., int]:
    """Run it with small settings."""
    monkeypatch.setattr(networks, "cifar", lambda folder, name: made_up())
    small = {"data-dir": tmp_path, "width": 4, "epochs": 2, "batch-size": 16, "device": "cpu"}
    return partial(run_here, script, *(f"--{name}={value}" for name, value in small.items()))


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results" / "train_cifar"


@pytest.mark.parametrize("method", ["SGD", "SAM", "ASAM"])
def test_it_learns_and_saves_what_it_measured(
    run: Run, results: Path, method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(f"--method={method}", "--epochs=3", "--lr=0.05") == 0
    told = capsys.readouterr().out
    runs = xr.open_zarr(results / "training.zarr")
    assert runs.sizes == {"epoch": 3}
    assert f"accuracy {float(runs.test_accuracy[-1]):.2%}" in told
    assert runs.attrs["ending"] == "3 of 3 epochs done"
    sentence = f"After 3 epochs the network classifies {float(runs.test_accuracy[-1]):.2%} of the test set"
    assert sentence in " ".join(told.split())
    np.testing.assert_allclose(runs.lr, [0.05, 0.0375, 0.0125])  # half a cosine
    assert float(runs.train_loss[-1]) < float(runs.train_loss[0]) < 2.5
    assert float(runs.test_accuracy[-1]) > 0.5  # of three classes
    assert (results / "training.png").stat().st_size > 10_000
    # The network that was saved is the one that was tested.
    saved = torch.load(results / "network.pt", weights_only=True)
    model = networks.models.resnet18(10, width=4)
    model.load_state_dict(saved["model"])
    data, right = made_up(), model.eval()
    accuracy = (right(data.test_inputs).argmax(1) == data.test_targets).double().mean()
    assert float(accuracy) == float(runs.test_accuracy[-1])
    assert saved["optimizer"]["method"].startswith("GD" if method == "SGD" else method)
    assert saved["optimizer"]["steps"] == 12


def test_without_batch_norm_in_low_precision_with_averaged_steps(run: Run, results: Path) -> None:
    options = "--no-batch-norm --no-augment --precision=bfloat16 --ascent-steps=2 --average --lr=0.01 --epochs=1"
    assert run(*options.split()) == 0
    assert np.isfinite(xr.open_zarr(results / "training.zarr").train_loss).all()


def test_a_loss_that_is_not_finite_keeps_the_last_good_network(
    run: Run, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--lr=1e30", "--momentum=0", "--no-batch-norm") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "0 of 2 epochs done. Stopped: " in told
    assert "not finite" in told
    runs = xr.open_zarr(results / "training.zarr")
    assert runs.sizes == {"epoch": 0}
    saved = torch.load(results / "network.pt", weights_only=True)
    assert all(torch.isfinite(p).all() for p in saved["model"].values())


def test_an_interrupt_keeps_the_epochs_before_it(
    run: Run, results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop_in_the_second(model: torch.nn.Module, *test: torch.Tensor) -> tuple[float, float]:
        calls.append(model)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return 1.0, 0.5

    calls: list[torch.nn.Module] = []
    monkeypatch.setattr(networks.epochs, "evaluate", stop_in_the_second)
    assert run() == 130
    assert "After 1 epochs the network classifies 50.00%" in " ".join(capsys.readouterr().out.split())
    assert xr.open_zarr(results / "training.zarr").attrs["ending"] == "1 of 2 epochs done"


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--method=Adam", "Adam"),
        ("--dataset=mnist", "mnist"),
        ("--rho=-1", "--rho = -1.0"),
        ("--epochs=0", "--epochs = 0"),
        ("--batch-size=65", "64 samples"),
        ("--precision=float16", "precision"),
        ("--lr=0", "--lr = 0.0"),
    ],
)
def test_bad_input(run: Run, refused: Callable[[int], str], argument: str, message: str) -> None:
    assert message in refused(run(argument))


def test_missing_data(
    script: ModuleType, run_here: Callable[..., int], refused: Callable[[int], str], tmp_path: Path
) -> None:
    status = run_here(script, f"--data-dir={tmp_path}", "--dataset=cifar100")
    assert "Fetch https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz" in refused(status)

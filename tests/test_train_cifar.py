"""experiments/train_cifar.py, on images made up here: what it trains, saves and refuses."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

import samdyn as sd
from samdyn import networks

Run = Callable[..., Path]


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
def run(script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run it with small settings; return the folder of results."""
    monkeypatch.setattr(networks, "cifar", lambda folder, name: made_up())

    def run(**changes: Any) -> Path:
        small = {"width": 4, "epochs": 2, "batch_size": 16, "device": "cpu", "out": tmp_path / "out"}
        script.main(data_dir=tmp_path, **{**small, **changes})
        return small["out"]

    return run


@pytest.mark.parametrize("method", ["SGD", "SAM", "ASAM"])
def test_it_learns_and_saves_what_it_measured(run: Run, method: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run(method=method, epochs=3, lr=0.05)
    told = capsys.readouterr().out
    runs = xr.open_zarr(folder / "training.zarr")
    assert runs.sizes == {"epoch": 3}
    assert f"accuracy {float(runs.test_accuracy[-1]):.2%}" in told
    assert runs.attrs["ending"] == "3 epochs done"
    sentence = f"After 3 epochs the network classifies {float(runs.test_accuracy[-1]):.2%} of the test set"
    assert sentence in " ".join(told.split())
    np.testing.assert_allclose(runs.lr, [0.05, 0.0375, 0.0125])  # half a cosine
    assert float(runs.train_loss[-1]) < float(runs.train_loss[0]) < 2.5
    assert float(runs.test_accuracy[-1]) > 0.5  # of three classes
    assert (folder / "training.png").stat().st_size > 10_000
    # The network that was saved is the one that was tested.
    saved = torch.load(folder / "network.pt", weights_only=True)
    model = networks.models.resnet18(10, width=4)
    model.load_state_dict(saved["model"])
    data, right = made_up(), model.eval()
    accuracy = (right(data.test_inputs).argmax(1) == data.test_targets).double().mean()
    assert float(accuracy) == float(runs.test_accuracy[-1])
    assert saved["optimizer"]["method"].startswith("GD" if method == "SGD" else method)
    assert saved["optimizer"]["steps"] == 12


def test_without_batch_norm_in_low_precision_with_averaged_steps(run: Run) -> None:
    runs = xr.open_zarr(
        run(batch_norm=False, augment=False, precision="bfloat16", ascent_steps=2, average=True, lr=0.01)
        / "training.zarr"
    )
    assert np.isfinite(runs.train_loss).all()


def test_a_loss_that_is_not_finite_keeps_the_last_good_network(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run(lr=1e30, momentum=0.0, batch_norm=False)
    told = capsys.readouterr().out
    assert "Stopped in epoch 1" in told
    assert "not finite" in told
    runs = xr.open_zarr(folder / "training.zarr")
    assert runs.sizes == {"epoch": 0}
    saved = torch.load(folder / "network.pt", weights_only=True)
    assert all(torch.isfinite(p).all() for p in saved["model"].values())


def test_shifts_and_reflections(script: ModuleType) -> None:
    images = torch.arange(3 * 32 * 32, dtype=torch.float32).reshape(1, 3, 32, 32).expand(500, -1, -1, -1) + 1
    found = script.augmented(images, torch.Generator().manual_seed(0))
    seen = set()
    for image in found:
        for reflected in (False, True):
            as_shifted = image.flip(2) if reflected else image
            # Where the middle pixel came from tells the shift; all others must have come with it.
            column = int(as_shifted[0, 16, 16] - 1) % 32 - 16
            row = int(as_shifted[0, 16, 16] - 1) // 32 - 16
            expected = torch.nn.functional.pad(images[0], [4] * 4)[:, row + 4 : row + 36, column + 4 : column + 36]
            if expected.shape == image.shape and torch.equal(as_shifted, expected):
                seen.add((reflected, row, column))
                break
        else:
            pytest.fail("neither a shift nor its reflection")
    assert {abs(row) for _, row, _ in seen} == {abs(column) for *_, column in seen} == set(range(5))
    assert {reflected for reflected, *_ in seen} == {False, True}
    assert len(seen) > 120  # of 162


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"method": "Adam"}, "Adam"),
        ({"dataset": "mnist"}, "mnist"),
        ({"rho": -1.0}, "rho = -1.0"),
        ({"epochs": 0}, "--epochs = 0"),
        ({"batch_size": 65}, "64 samples"),
        ({"precision": "float16"}, "precision"),
        ({"lr": 0.0}, "lr = 0.0"),
    ],
)
def test_bad_input(run: Run, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(sd.InputError, match=told):
        run(**changes)


def test_missing_data(script: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(sd.InputError, match=r"Fetch https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz"):
        script.main(data_dir=tmp_path, dataset="cifar100", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()

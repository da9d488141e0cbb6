"""The experiment on a transformer, as a user runs it, with a tiny one and two epochs."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
import xarray as xr
from PIL import Image

import samdyn as sd
from samdyn import networks
from samdyn.networks import models

SMALL = ["--rho=0.1,0.2", "--epochs=1", "--samples=12", "--context=8", "--width=8", "--depth=1", "--batch-size=4"]
SMALL += ["--seeds=2", "--seed=3", "--processes=1"]


@pytest.fixture(scope="module")
def script(experiment: Callable[[str], ModuleType]) -> ModuleType:
    return experiment("transformer")


@pytest.fixture(scope="module")
def result(finished: Callable[..., tuple[Path, str]], script: ModuleType) -> tuple[Path, str]:
    return finished(script, *SMALL, SHARE=0.01)


def test_the_tables_and_the_figure(result: tuple[Path, str]) -> None:
    folder, printed = result
    runs = xr.open_zarr(folder / "networks.zarr", consolidated=False).load()
    losses = runs.test_loss.isel(direction_rho=0).values  # AdamW after both epochs
    assert (runs.direction[0], runs.sizes["epoch"]) == ("AdamW", 2)
    for epoch in (0, 1):
        at = losses[:, epoch]
        assert f"{np.median(at):.3f} [{at.min():.3f}, {at.max():.3f}]" in printed
    assert printed.count("ASAM minus ") == 3
    with Image.open(folder / "transformer.png") as image:
        assert min(image.size) > 300
    about = json.loads((folder / "provenance.json").read_text())
    text = networks.python_reference()
    assert (about["text"], about["sha256 of the text"]) == (text.name, text.sha256)


def test_losses_are_those_of_training_by_hand(result: tuple[Path, str], script: ModuleType) -> None:
    runs = xr.open_zarr(result[0] / "networks.zarr", consolidated=False).load()
    runs = runs.set_index(direction_rho=["direction", "rho"]).sel(seed=1)
    text = networks.python_reference(8, train=12, validation=0.01, test=0.01)
    for direction, rho in ((script.PLAIN, 0.0), ("SAM", 0.2), ("ASAM", 0.1)):
        model = models.gpt(96, 8, 8, 1, seed=4)
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.002)
        for batch in torch.randperm(12, generator=torch.Generator().manual_seed(4)).split(4):
            x, y = (part[batch] for part in text.train)
            weights = [p.detach().clone() for p in model.parameters()]
            gradients = torch.autograd.grad(models.next_token_loss(model(x), y), list(model.parameters()))
            scales = [w.abs() if direction == "ASAM" else torch.ones_like(w) for w in weights]
            scaled = [t * g for t, g in zip(scales, gradients, strict=True)]
            norm = torch.stack([s.norm() for s in scaled]).norm()
            radius = 10 * rho if direction == "ASAM" else rho
            with torch.no_grad():
                for p, t, s in zip(model.parameters(), scales, scaled, strict=True):
                    p += radius * t * s / norm
            optimizer.zero_grad()
            models.next_token_loss(model(x), y).backward()
            with torch.no_grad():
                for p, w in zip(model.parameters(), weights, strict=True):
                    p.copy_(w)
            optimizer.step()
        with torch.no_grad():
            for name, part in (("validation_loss", text.validation), ("test_loss", text.test)):
                loss = float(models.next_token_loss(model(part.inputs), part.targets))
                stored = float(runs[name].sel(epoch=1, direction=direction, rho=rho))
                assert stored == pytest.approx(loss, rel=1e-5)
    assert isinstance(script.METHODS["ASAM"](0.1), sd.ASAM)

"""The experiment on transferability, as a user runs it, with tiny networks and few steps."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest
import torch
import xarray as xr
from PIL import Image
from torch import nn
from torch.nn.functional import cross_entropy

import samdyn as sd
from samdyn import networks
from samdyn.networks import attacks, models

SMALL = ["--eps=0.2,0.5", "--sigma=0.3", "--ascent-steps=2", "--samples=40", "--steps=60", "--seeds=2", "--seed=3"]
SMALL += ["--processes=1"]


def wide(d: int, seed: int) -> nn.Module:
    return models.mlp((d, 16, 10), seed=seed)


CONSTANTS = {
    "DATA": {"MNIST-1D": partial(networks.mnist1d, samples=500)},
    "NETS": {"narrow": lambda d, seed: models.mlp((d, 8, 10), activation="tanh", seed=seed), "wide": wide},
    "PAIRS": 3,
}


@pytest.fixture(scope="module")
def script(experiment: Callable[[str], ModuleType]) -> ModuleType:
    return experiment("transferability")


@pytest.fixture(scope="module")
def result(finished: Callable[..., tuple[Path, str]], script: ModuleType) -> tuple[Path, str]:
    return finished(script, *SMALL, **CONSTANTS)


@pytest.fixture(scope="module")
def runs(result: tuple[Path, str]) -> xr.Dataset:
    return xr.open_zarr(result[0] / "networks.zarr", consolidated=False).load()


def test_the_tables_and_the_answer(result: tuple[Path, str], runs: xr.Dataset) -> None:
    printed = result[1]
    assert max(map(len, printed.splitlines())) <= 100
    others = runs.fooled.sel(target=["narrow", "wide"], attack="PGD", eps=0.5).mean(("net", "target"))
    rates = others.sel(sigma=0.3, data="MNIST-1D").values
    # Of two values a resample has one of them twice, or both.
    assert f"{rates.mean():.1f} [{rates.min():.1f}, {rates.max():.1f}]" in printed
    for attack in ("FGSM", "PGD"):
        assert sum(line.startswith(f"{attack}, σ = 0.3: ") for line in printed.splitlines()) == 1
    assert printed.count("of 8 settings") == 2  # two ε for two nets and two others


def test_the_figures_and_the_provenance(result: tuple[Path, str]) -> None:
    for name in ("transferability", "expansion"):
        with Image.open(result[0] / f"{name}.png") as image:
            assert min(image.size) > 300
    assert json.loads((result[0] / "provenance.json").read_text())["experiment"] == "transferability"


def test_numbers_are_those_of_networks_that_are_trained_and_attacked_here(runs: xr.Dataset) -> None:
    data = networks.mnist1d(samples=500)
    inputs, classes = data.test_inputs[:40], data.test_targets[:40]
    noise = attacks.AdditiveNoise(0.3, pairs=4, seed=4)

    def trained(name: str, seed: int) -> tuple[networks.Network, torch.Tensor]:
        make = CONSTANTS["NETS"][name]
        network = networks.Network(make(40, 0), cross_entropy, data.train_inputs, data.train_targets)
        map_ = sd.Map(network, sd.GD(), lr=0.05, momentum=0.9, noise=sd.noise.FiniteSum(32))
        start = network.vector(make(40, seed))
        path = sd.simulate(map_, start, 60, first_run=seed, dtype="float32", device="cpu", progress=False)
        return network, torch.as_tensor(path.w.values[0, -1])

    # Of the two seeds, 3 and 4, the others of seed 4 are the nets of seed 3.
    for net, target in (("wide", "wide"), ("wide", "narrow")):
        source, other = trained(net, 4), trained(target, 3)
        loss = attacks.InputLoss(*source, inputs, classes)
        there = attacks.pgd(loss, 0.5, steps=2, noise=noise)
        here = runs.sel(data="MNIST-1D", net=net, seed=4)
        for name, one in (("itself", source), (target, other)):
            rate = 100 * float(attacks.fooling_rate(*one, inputs, there, classes))
            one_input = 100 / max(1, int((one[0].outputs(one[1], inputs).argmax(-1) == classes).sum()))
            stored = float(here.fooled.sel(attack="PGD", eps=0.5, sigma=0.3, target=name))
            assert stored == pytest.approx(rate, abs=1.01 * one_input)  # in float32 one may be decided otherwise
        predicted = 0.3**2 / 2 * float(attacks.laplacian(loss, loss.x).mean())
        assert float(here.predicted.sel(sigma=0.3)) == pytest.approx(predicted, rel=1e-3)


def test_attacks_fool_more_than_random_signs(runs: xr.Dataset) -> None:
    assert float(runs.fooled.sel(target="itself", eps=0.5).mean()) > 3 * float(runs.random.sel(eps=0.5).mean())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--eps", "0"], "must be finite numbers > 0"),
        (["--sigma", "-0.1"], "must be finite numbers"),
        (["--ascent-steps", "0"], "must be an integer >= 1"),
        (["--seeds", "1"], "an interval needs two or more"),
    ],
)
def test_bad_input(
    script: ModuleType,
    run_here: Callable[..., int],
    refused: Callable[[int], str],
    arguments: list[str],
    message: str,
) -> None:
    assert message in refused(run_here(script, *SMALL, *arguments))

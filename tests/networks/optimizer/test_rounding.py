"""Parameters that are too narrow for a perturbation say so."""

import copy
import pickle
import warnings
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional

import samdyn as sd
from samdyn.networks import Optimizer, RoundingWarning


def made(dtype: torch.dtype) -> tuple[nn.Module, Callable[[], torch.Tensor]]:
    """Return a model of 8,000 parameters and a closure."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 10)).to(dtype)
        x, y = torch.randn(16, 64).to(dtype), torch.randint(10, (16,))

    def closure() -> torch.Tensor:
        loss = functional.cross_entropy(model(x), y)
        loss.backward()
        return loss

    return model, closure


@pytest.mark.parametrize(
    ("dtype", "rho"), [(torch.bfloat16, 0.01), (torch.bfloat16, 0.001), (torch.float16, 0.001)], ids=str
)
def test_a_perturbation_that_is_rounded_away_is_told_once(dtype: torch.dtype, rho: float) -> None:
    model, closure = made(dtype)
    points: list[torch.Tensor] = []

    def watched() -> torch.Tensor:
        points.append(torch.cat([p.detach().double().flatten() for p in model.parameters()]))
        return closure()

    optimizer = Optimizer(model.parameters(), sd.SAM(rho), lr=1e-9)
    with pytest.warns(RoundingWarning, match="autocast") as told:
        optimizer.step(watched)
    moved = points[1] - points[0]
    closure()
    g = torch.cat([p.grad.double().flatten() for p in model.parameters() if p.grad is not None])
    along, share = float(moved @ g / g.norm()), float((moved != 0).double().mean())
    words = f"length {rho:.3g} ", f"along it they move by {along:.3g}", f"{share:.0%}", str(dtype)
    assert all(part in str(told[0].message) for part in words)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer.step(watched)


@pytest.mark.parametrize(
    ("dtype", "rho"), [(torch.float32, 1e-3), (torch.bfloat16, 1.0), (torch.float16, 0.1)], ids=str
)
def test_one_that_is_not_is_not(dtype: torch.dtype, rho: float) -> None:
    model, closure = made(dtype)
    optimizer = Optimizer(model.parameters(), sd.SAM(rho, ascent_steps=2), lr=0.01)
    optimizer.step(closure)
    for each in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert each.steps == 1


def test_masters_in_float32_under_autocast_are_exact() -> None:
    model, closure = made(torch.float32)
    optimizer = Optimizer(model.parameters(), sd.SAM(1e-3), lr=0.01)

    def under_autocast() -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return closure()

    optimizer.step(under_autocast)

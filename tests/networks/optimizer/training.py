"""A small classifier, its closures and its training, for the tests of the optimizer."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

import samdyn as sd
from samdyn.networks import Optimizer


def net(dtype: torch.dtype = torch.float64, *, norm: bool = False) -> nn.Module:
    """Return a small classifier, always the same."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        layers = [nn.Linear(5, 8), *([nn.BatchNorm1d(8)] if norm else []), nn.Tanh(), nn.Linear(8, 3)]
        return nn.Sequential(*layers).to(dtype)


def samples(dtype: torch.dtype = torch.float64, number: int = 24) -> tuple[torch.Tensor, torch.Tensor]:
    """Return inputs and targets, always the same."""
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(number, 5, generator=generator, dtype=torch.float64)
    return x.to(dtype), torch.randint(3, (number,), generator=generator)


def closure_of(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> Callable[[], torch.Tensor]:
    def closure() -> torch.Tensor:
        loss = functional.cross_entropy(model(x), y)
        loss.backward()
        return loss

    return closure


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def train(model: nn.Module, optimizer: Optimizer, steps: int = 5) -> list[float]:
    closure = closure_of(model, *samples(next(model.parameters()).dtype))
    return [float(optimizer.step(closure)) for _ in range(steps)]


def scaled(model: nn.Module, scaler: Any, factor: float = 1.0) -> Callable[[], torch.Tensor]:
    x, y = samples(torch.float32)

    def closure() -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            loss = factor * functional.cross_entropy(model(x), y)
        scaler.scale(loss).backward()
        return loss

    return closure


def refused(call: Callable[[], Any], *told: str) -> None:
    with pytest.raises(sd.InputError) as error:
        call()
    for words in told:
        assert words in str(error.value)

"""The buffers of modules in training mode move in a step's first pass alone, and come back if the step fails."""

import copy
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional
from torch.nn.modules import module as hooks
from torch.nn.utils.parametrizations import spectral_norm

import samdyn as sd
from samdyn.networks import NotFinite, Optimizer

SAM = sd.SAM(0.1, ascent_steps=2)  # three passes


class RunningMean(nn.Module):
    """A user's own layer, which subtracts a running mean and counts its calls."""

    mean: torch.Tensor | None
    calls: torch.Tensor

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.register_buffer("mean", None if how == "made at the first call" else torch.zeros(8))
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.calls += 1
            mean = x.detach().mean(0)
            if self.mean is None:
                self.mean = mean
            elif self.how == "in place":
                self.mean.mul_(0.9).add_(mean, alpha=0.1)
            else:
                self.mean = 0.9 * self.mean + 0.1 * mean
        return x if self.mean is None else x - self.mean


LAYERS: dict[str, Callable[[], nn.Module]] = {
    "in place": lambda: RunningMean("in place"),
    "replaced": lambda: RunningMean("replaced"),
    "made at the first call": lambda: RunningMean("made at the first call"),
    "batch norm": lambda: nn.BatchNorm1d(8),
    "spectral norm": lambda: spectral_norm(nn.Linear(8, 8)),
    "spectral norm, the old one": lambda: nn.utils.spectral_norm(nn.Linear(8, 8)),
}


def made(layer: str, seed: int = 0) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(5, 8), LAYERS[layer](), nn.Tanh(), nn.Linear(8, 3))


def samples(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(12, 5, generator=generator), torch.randint(3, (12,), generator=generator)


def closure_of(call: Callable[[torch.Tensor], torch.Tensor], seed: int = 0) -> Callable[[], torch.Tensor]:
    x, y = samples(seed)

    def closure() -> torch.Tensor:
        loss = functional.cross_entropy(call(x), y)
        loss.backward()
        return loss

    return closure


def buffers(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: buffer.clone() for name, buffer in model.named_buffers()}


def equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("layer", LAYERS)
def test_buffers_move_once_in_a_step_and_not_in_one_that_fails(layer: str) -> None:
    model = made(layer)
    once, good, passes = copy.deepcopy(model), closure_of(model), 0
    optimizer = Optimizer(model.parameters(), SAM, lr=0.1)
    before = buffers(model)

    def bad() -> torch.Tensor:
        nonlocal passes
        passes += 1
        return good() * (torch.nan if passes == 2 else 1.0)

    with pytest.raises(NotFinite):
        optimizer.step(bad)
    assert equal(buffers(model), before)
    once(samples()[0])
    optimizer.step(good)
    assert equal(buffers(model), buffers(once))
    assert not equal(buffers(model), before)


def test_layers_called_one_by_one() -> None:
    model = made("replaced")
    once = copy.deepcopy(model)
    once(samples()[0])
    layers = [*model]

    def call(x: torch.Tensor) -> torch.Tensor:
        for layer in layers:
            x = layer(x)
        return x

    Optimizer(model.parameters(), SAM, lr=0.1).step(closure_of(call))
    assert equal(buffers(model), buffers(once))


def test_buffers_that_a_functional_call_brings_leave_the_models_own_where_they_are() -> None:
    model = made("replaced")
    own = model[1].mean
    brought = {"1.mean": torch.full((8,), 0.3), "1.calls": torch.tensor(5)}
    optimizer = Optimizer(model.parameters(), SAM, lr=0.1)
    closure = closure_of(lambda x: functional_call(model, brought, (x,)))
    optimizer.step(closure)
    with pytest.raises(NotFinite):
        optimizer.step(lambda: closure() * torch.nan)
    assert model[1].mean is own
    assert not own.any()
    assert brought["1.calls"] == 6


def test_evaluated_layers_are_left_alone() -> None:
    model = made("batch norm").eval()
    before = buffers(model)
    Optimizer(model.parameters(), SAM, lr=0.1).step(closure_of(model))
    assert equal(buffers(model), before)


@pytest.fixture
def switching() -> Iterator[None]:
    """Threads take turns a thousand times as often as usual."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("switching")
def test_trainings_in_several_threads_are_those_of_one_after_the_other() -> None:
    models = {seed: made("batch norm", seed) for seed in range(4)}  # torch's seed is one for all threads

    def train(seed: int, found: dict[int, Any]) -> None:
        model = copy.deepcopy(models[seed])
        optimizer = Optimizer(model.parameters(), SAM, lr=0.1, momentum=0.9)
        for _ in range(20):
            optimizer.step(closure_of(model, seed))
        found[seed] = model.state_dict()

    together: dict[int, Any] = {}
    alone: dict[int, Any] = {}
    threads = [threading.Thread(target=train, args=(seed, together)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed in range(4):
        train(seed, alone)
    assert together.keys() == alone.keys()
    assert all(equal(together[seed], alone[seed]) for seed in alone)
    assert not hooks._global_forward_pre_hooks
    assert not hooks._global_forward_hooks


@pytest.mark.slow
@pytest.mark.parametrize("what", ["model", "function"])
def test_compiled_once_and_moved_once(what: str) -> None:
    from torch._dynamo.testing import CompileCounter

    model = made("batch norm")
    once = copy.deepcopy(model)
    counter = CompileCounter()
    torch._dynamo.reset()
    compiled = torch.compile(model if what == "model" else lambda x: model(x), backend=counter)
    optimizer = Optimizer(model.parameters(), SAM, lr=1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that it sees the hooks
        for _ in range(4):
            optimizer.step(closure_of(compiled))
            once(samples()[0])
    assert counter.frame_count <= 2  # one with running statistics that a function brings along
    torch.testing.assert_close(buffers(model), buffers(once))

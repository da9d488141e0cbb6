"""Methods that change from step to step: with memory, with random numbers, with schedules."""

import copy
import io
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

import samdyn as sd
from samdyn.networks import Network, NotFinite, Optimizer
from samdyn.noise import Draws

from .training import closure_of, net, refused, samples, scaled, train, weights

LOOK = sd.methods.LookSAM(0.1, every=3)
SOMETIMES = sd.methods.SometimesSAM(0.1, probability=0.5)
LR = 0.1


@dataclass(frozen=True)
class Jitter(sd.Method):
    """The gradient at a normally distributed point."""

    rho: float
    is_random = True

    def __call__(self, w: Any, grad: Any) -> Any:
        return grad(w + self.rho * grad.normals(w, draw=1))


@dataclass(frozen=True)
class Mean(sd.methods.Remembering):
    """The gradient, beside the mean of the points and gradients so far, which F does not depend on at once."""

    memory = ("place", "mean")

    def start(self, w: Any) -> tuple[Any, ...]:
        return w, 0 * w

    def advance(self, w: Any, memory: Any, grad: Any, number: Any) -> Any:
        place, mean = memory
        g = grad(w)
        mean = mean + (g - mean) / number
        return g + mean + 0.1 * (w - place), (place + (w - place) / number, mean)


SCHEDULED = sd.SAM(sd.schedules.Warmup(4, 0.2))
METHODS = [LOOK, SOMETIMES, Jitter(0.01), Mean(), SCHEDULED]


@pytest.mark.parametrize("base", [None, "Adam"])
@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_the_steps_are_those_of_run_0_of_the_map(method: sd.Method, base: str | None) -> None:
    model = net()
    landscape = Network(model, functional.cross_entropy, *samples())
    map_ = sd.Map(landscape, method, lr=LR, base=base and sd.bases.named(base)(eps=1e-3))
    state = map_.start(landscape.vector(model)[:, None])
    settings: dict[str, Any] = {"base": torch.optim.Adam, "eps": 1e-3} if base else {}
    train(model, Optimizer(model.parameters(), method, LR, seed=5, **settings), 8)
    for number in range(1, 9):
        state = map_.step(state, Draws(5, torch.arange(1), number), number)
    torch.testing.assert_close(weights(model), state[0][:, 0], rtol=1e-12, atol=1e-13)


def test_random_numbers_are_a_function_of_seed_and_step() -> None:
    ends = []
    for seed in (0, 0, 1):
        model = net()
        torch.manual_seed(len(ends))
        train(model, Optimizer(model.parameters(), SOMETIMES, LR, seed=seed), 8)
        ends.append(weights(model))
    assert torch.equal(ends[0], ends[1])
    assert not torch.equal(ends[0], ends[2])


def test_a_network_with_more_coordinates_than_one_draw_has() -> None:
    model = nn.Linear(600, 400, bias=False).double()
    inputs, seen = torch.zeros(1, 600, dtype=torch.float64), []

    def closure() -> torch.Tensor:
        seen.append(weights(model))
        loss = model(inputs).sum()
        loss.backward()
        return loss

    before = weights(model)
    Optimizer(model.parameters(), Jitter(1.0), LR, seed=3).step(closure)
    drawn = seen[0] - before
    expected = Draws(3, torch.arange(2), 1).normals(2**16 - 2, 2**17)
    torch.testing.assert_close(drawn[: 2**17], expected[:, 0], rtol=0, atol=1e-12)
    torch.testing.assert_close(drawn[2**17 :], expected[: 240_000 - 2**17, 1], rtol=0, atol=1e-12)


def test_a_schedule_gives_the_radius_of_each_step() -> None:
    scheduled, plain = net(), net()
    method = sd.SAM(sd.schedules.Piecewise([0.0, 0.1, 0.3], at=[2, 3]))
    optimizer = Optimizer(scheduled.parameters(), method, LR, momentum=0.9)
    by_hand = Optimizer(plain.parameters(), sd.SAM(0.0), LR, momentum=0.9)
    for rho in (0.0, 0.0, 0.1, 0.3, 0.3):
        train(scheduled, optimizer, 1)
        by_hand.method = sd.SAM(rho)
        train(plain, by_hand, 1)
        assert torch.equal(weights(scheduled), weights(plain))


@dataclass(frozen=True)
class Falling(sd.schedules.Schedule):
    """A radius that is negative from some step on."""

    initial: float

    def value(self, k: torch.Tensor) -> torch.Tensor:
        return self.initial - 0.1 * k


def test_a_schedule_that_leaves_its_range() -> None:
    model = net(norm=True)
    refused(lambda: Optimizer(model.parameters(), sd.SAM(Falling(-0.1)), LR), "rho = Falling(initial=-0.1): is -0.1 in")
    optimizer = Optimizer(model.parameters(), sd.SAM(Falling(0.1)), LR, momentum=0.9)
    train(model, optimizer, 2)
    before = copy.deepcopy(model.state_dict())
    refused(lambda: train(model, optimizer, 1), "is -0.1 in step 3: the radius must be a finite number >= 0")
    assert all(map(torch.equal, before.values(), model.state_dict().values()))
    assert optimizer.steps == 2
    refused(lambda: Optimizer(model.parameters(), LOOK, sd.schedules.Warmup(4, 0.1)), "lr = ", "lr_scheduler")  # type: ignore[arg-type]


def test_memory_is_the_mean_over_micro_batches() -> None:
    model = net()
    x, y = samples()
    w, chunks = weights(model), list(zip(x.chunk(3), y.chunk(3), strict=True))
    memory = Mean().start(w)
    optimizer = Optimizer(model.parameters(), Mean(), LR)
    for number in (1, 2, 3):
        optimizer.step([closure_of(model, a, b) for a, b in chunks])
        found = []
        for a, b in chunks:
            f, carried = Mean().advance(w, memory, Network(model, functional.cross_entropy, a, b).grad, number)
            found.append((f, *carried))
        f, *memory = (sum(parts) / 3 for parts in zip(*found, strict=True))
        w = w - LR * f
        torch.testing.assert_close(weights(model), w, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("named", [False, True])
def test_memory_is_saved_and_goes_to_the_parameter_of_the_same_name(named: bool) -> None:
    model, other = net(torch.bfloat16), net(torch.bfloat16)
    order = -1 if named else 1
    params, others = ([*m.named_parameters()] if named else [*m.parameters()] for m in (model, other))
    optimizer, resumed = Optimizer(params, Mean(), LR), Optimizer(others[::order], Mean(), LR)
    train(model, optimizer, 4)
    file = io.BytesIO()
    torch.save([model.state_dict(), optimizer.state_dict()], file)
    file.seek(0)
    for part, state in zip((other, resumed), torch.load(file), strict=True):
        part.load_state_dict(state)
    copied, of_copied = copy.deepcopy((model, optimizer))
    for each, its in ((model, optimizer), (other, resumed), (copied, of_copied)):
        train(each, its, 3)
        assert torch.equal(weights(each), weights(model))


def test_a_step_that_fails_or_overflows_leaves_the_memory() -> None:
    model, plain = net(torch.float32), net(torch.float32)
    optimizer, undisturbed = (Optimizer(m.parameters(), Mean(), LR) for m in (model, plain))
    scaler, off = (torch.amp.GradScaler("cpu", init_scale=2.0**10, enabled=enabled) for enabled in (True, False))
    for factor in (1.0, 1e38, 1.0):
        optimizer.step(scaled(model, scaler, factor), scaler)
        scaler.update()
    with pytest.raises(NotFinite):
        optimizer.step(lambda: scaled(model, off)() * torch.nan)
    optimizer.step(scaled(model, off))
    for _ in range(3):
        undisturbed.step(scaled(plain, off))
    assert torch.equal(weights(model), weights(plain))


def test_memory_that_is_not_finite() -> None:
    @dataclass(frozen=True)
    class Growing(Mean):
        def advance(self, w: Any, memory: Any, grad: Any, number: Any) -> Any:
            return grad(w), (memory[0], memory[1] + torch.inf)

    model = net()
    with pytest.raises(NotFinite):
        train(model, Optimizer(model.parameters(), Growing(), LR), 1)
    assert torch.equal(weights(model), weights(net()))


def test_a_thawed_parameter_starts_with_the_memory_of_the_start() -> None:
    model = net()
    model[0].requires_grad_(False)
    optimizer = Optimizer(model.parameters(), Mean(), LR)
    train(model, optimizer, 2)
    places = optimizer.state_dict()["memory"]
    assert sorted(places) == [2, 3]
    model[0].requires_grad_(True)
    before = model[0].weight.detach().clone()
    train(model, optimizer, 1)
    # At the start the place is w itself and the mean is 0: F = g + g/3.
    gradient = Network(net(), functional.cross_entropy, *samples())
    assert gradient.dim == 75
    memory = optimizer.state_dict()["memory"]
    assert sorted(memory) == [0, 1, 2, 3]
    assert torch.equal(memory[0]["place"], before)
    torch.testing.assert_close(model[0].weight.grad, 4 * memory[0]["mean"], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("memory", "told"),
    [
        (None, "state_dict['memory'] = None"),
        ({0: {"place": torch.zeros(3), "mean": torch.zeros(3)}}, "state_dict['memory'][0] = (3,)"),
        ({3: {"place": torch.zeros(3)}}, "['place']: are the arrays of a method; this optimizer's carries"),
        ({3: torch.zeros(3)}, "state_dict['memory'][3]"),
    ],
)
def test_bad_states_change_nothing(memory: Any, told: str) -> None:
    model = net()
    optimizer = Optimizer(model.parameters(), Mean(), LR)
    train(model, optimizer, 2)
    state = copy.deepcopy(optimizer.state_dict())
    refused(lambda: optimizer.load_state_dict(state | {"memory": memory}), told)
    assert str(optimizer.state_dict()) == str(state)
    optimizer.load_state_dict(state)
    train(model, optimizer, 1)


@pytest.mark.parametrize(
    ("method", "passes"),
    [
        (LOOK, [2, 1, 1, 2, 1, 1]),
        (sd.methods.SometimesSAM(0.1, probability=0.0), [1] * 6),
        (sd.methods.SometimesSAM(0.1, probability=1.0), [2] * 6),
    ],
)
def test_gradients_that_a_step_does_not_need_are_saved(method: sd.Method, passes: list[int]) -> None:
    model, calls = net(), [0]
    closure, optimizer = closure_of(model, *samples()), Optimizer(model.parameters(), method, lr=LR)

    def counted() -> torch.Tensor:
        calls[-1] += 1
        return closure()

    for _ in passes:
        optimizer.step(counted)
        calls.append(0)
    assert calls[:-1] == passes

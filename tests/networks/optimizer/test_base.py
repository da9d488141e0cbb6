"""Torch's optimizers as bases: SAM around each of them, in everything that training loops are made of."""

import copy
import functools
import io
import pickle
import signal
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

import samdyn as sd
from samdyn import bases
from samdyn.networks import Network, NotFinite, Optimizer

from .training import closure_of, net, refused, samples, scaled, train, weights

SAM, RHO, LR = sd.SAM(0.1), 0.1, 0.01
optim = torch.optim
ADAM = optim.Adam
SETTINGS: list[tuple[Any, dict[str, Any]]] = [
    (optim.Adam, {"betas": (0.8, 0.99), "weight_decay": 0.1, "amsgrad": True}),
    (optim.AdamW, {}),
    (optim.SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    (optim.RMSprop, {"momentum": 0.5}),
    (optim.NAdam, {}),
    (optim.Adagrad, {"lr_decay": 0.1}),
    *[(cls, {form: True}) for cls in (optim.Adam, optim.AdamW, optim.SGD) for form in ("foreach", "fused")],
]


def by_hand(model: nn.Module, base: optim.Optimizer, steps: int = 8) -> None:
    """Train by SAM as it is usually written around an optimizer."""
    closure, params = closure_of(model, *samples()), list(model.parameters())
    for _ in range(steps):
        base.zero_grad()
        closure()
        norm = torch.stack([p.grad.norm() for p in params]).norm()
        with torch.no_grad():
            old = [p.clone() for p in params]
            for p in params:
                p += RHO * p.grad / norm
        base.zero_grad()
        closure()
        with torch.no_grad():
            for p, before in zip(params, old, strict=True):
                p.copy_(before)
        base.step()


@pytest.mark.parametrize(("base", "settings"), SETTINGS, ids=str)
def test_the_steps_are_those_of_sam_written_around_the_base(base: Any, settings: dict[str, Any]) -> None:
    ours, theirs = net(), net()
    train(ours, Optimizer(ours.parameters(), SAM, lr=LR, base=base, **settings), 8)
    by_hand(theirs, base(theirs.parameters(), lr=LR, **settings))
    torch.testing.assert_close(weights(ours), weights(theirs), rtol=1e-12, atol=1e-13)
    assert not torch.allclose(weights(ours), weights(net()), rtol=1e-3)


@pytest.mark.parametrize(("base", "settings"), SETTINGS, ids=str)
def test_without_a_perturbation_the_bits_are_those_of_the_base(base: Any, settings: dict[str, Any]) -> None:
    ours, theirs = net(torch.float32), net(torch.float32)
    train(ours, Optimizer(ours.parameters(), sd.GD(), lr=LR, base=base, **settings))
    optimizer = base(theirs.parameters(), lr=LR, **settings)
    closure = closure_of(theirs, *samples(torch.float32))
    for _ in range(5):
        optimizer.zero_grad()
        optimizer.step(closure)
    assert torch.equal(weights(ours), weights(theirs))


@pytest.mark.parametrize(
    ("base", "of_map", "settings"),
    [
        (
            optim.Adam,
            bases.Adam(0.8, eps=1e-4, weight_decay=0.1),
            {"betas": (0.8, 0.999), "eps": 1e-4, "weight_decay": 0.1},
        ),
        (optim.AdamW, bases.AdamW(), {}),
        (optim.RMSprop, bases.RMSProp(0.9), {"alpha": 0.9}),
    ],
)
def test_the_steps_are_those_of_the_map(base: Any, of_map: bases.Base, settings: dict[str, Any]) -> None:
    model = net()
    landscape = Network(model, functional.cross_entropy, *samples())
    map_ = sd.Map(landscape, SAM, lr=LR, base=of_map)
    state = map_.start(landscape.vector(model))
    train(model, Optimizer(model.parameters(), SAM, lr=LR, base=base, **settings), 8)
    for number in range(1, 9):
        state = map_.step(state, number=number)
    torch.testing.assert_close(weights(model), state[0], rtol=1e-12, atol=1e-13)


def test_a_function_may_make_the_base() -> None:
    ends = []
    for base, settings in (
        (ADAM, {"betas": (0.5, 0.9)}),
        (functools.partial(ADAM, betas=(0.5, 0.9)), {}),
        (lambda groups, lr: ADAM(groups, lr, betas=(0.5, 0.9)), {}),
    ):
        model = net()
        train(model, Optimizer(model.parameters(), SAM, lr=LR, base=base, **settings))
        ends.append(weights(model))
    assert torch.equal(ends[0], ends[1])
    assert torch.equal(ends[0], ends[2])


def test_groups_schedulers_and_defaults_are_shared_with_the_base() -> None:
    def groups(model: nn.Module) -> list[dict[str, Any]]:
        return [{"params": model[0].parameters(), "betas": (0.5, 0.9)}, {"params": model[2].parameters(), "lr": 0.1}]

    def go(model: nn.Module, optimizer: Any, step: Callable[[], object]) -> torch.Tensor:
        cycle = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=[0.05, 0.2], total_steps=9)  # moves betas too
        for number in range(8):
            if number == 5:
                model.append(nn.Linear(3, 3).double())
                with torch.no_grad():
                    model[-1].weight.copy_(torch.eye(3))
                    model[-1].bias.zero_()
                optimizer.add_param_group({"params": model[-1].parameters(), "weight_decay": 0.5})
            step()
            if number < 5:
                cycle.step()
        return weights(model)

    ours, theirs = net(), net()
    optimizer = Optimizer(groups(ours), sd.GD(), lr=LR, base=ADAM)
    found = go(ours, optimizer, lambda: optimizer.step(closure_of(ours, *samples())))
    plain = ADAM(groups(theirs), lr=LR)

    def step() -> None:
        plain.zero_grad()
        closure_of(theirs, *samples())()
        plain.step()

    assert torch.equal(found, go(theirs, plain, step))
    assert optimizer.param_groups[2]["weight_decay"] == 0.5
    assert optimizer.param_groups[0]["betas"] != (0.5, 0.9)


@pytest.mark.parametrize("through", ["a file", "pickle"])
@pytest.mark.parametrize("form", ["foreach", "fused"])
def test_a_resume_is_bit_equal(through: str, form: str) -> None:
    def made(model: nn.Module, seed: int) -> tuple[Optimizer, Any]:
        method = sd.methods.SometimesSAM(0.1, probability=0.5)
        optimizer = Optimizer(model.parameters(), method, LR, base=optim.AdamW, amsgrad=True, seed=seed, **{form: True})
        return optimizer, optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)

    def go(model: nn.Module, optimizer: Optimizer, scheduler: Any) -> None:
        for _ in range(4):
            train(model, optimizer, 1)
            scheduler.step()

    model = net(torch.float32, norm=True)
    optimizer, scheduler = made(model, seed=3)
    go(model, optimizer, scheduler)
    if through == "pickle":
        other, other_optimizer = pickle.loads(pickle.dumps((model, optimizer)))
        other_scheduler = optim.lr_scheduler.CosineAnnealingLR(other_optimizer, 10, last_epoch=4)
        other_scheduler.load_state_dict(scheduler.state_dict())
    else:
        file = io.BytesIO()
        torch.save([model.state_dict(), optimizer.state_dict(), scheduler.state_dict()], file)
        file.seek(0)
        other = net(torch.float32, norm=True)
        other_optimizer, other_scheduler = made(other, seed=0)
        for part, state in zip((other, other_optimizer, other_scheduler), torch.load(file), strict=True):
            part.load_state_dict(state)
    assert (other_optimizer.steps, other_optimizer.seed) == (4, 3)
    go(model, optimizer, scheduler)
    go(other, other_optimizer, other_scheduler)
    for a, b in zip(model.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    for a, b in zip(everything(model, optimizer), everything(other, other_optimizer), strict=True):
        assert torch.equal(a, b)


def everything(model: nn.Module, optimizer: Optimizer) -> list[torch.Tensor]:
    """Return copies of the parameters, the buffers, and the state and the lr of the base."""
    entries = [optimizer.state[p] for p in model.parameters() if p in optimizer.state]
    parts = [*model.state_dict().values(), *(entry[name] for entry in entries for name in sorted(entry))]
    numbers = [optimizer.steps, len(entries), *(group["lr"] for group in optimizer.param_groups)]
    return [part.detach().clone() for part in parts] + [torch.tensor(numbers, dtype=torch.float64)]


def test_state_goes_to_the_parameter_of_the_same_name() -> None:
    model, other = net(), net()
    optimizer = Optimizer(model.named_parameters(), SAM, lr=LR, base=ADAM)
    backwards = Optimizer([*other.named_parameters()][::-1], SAM, lr=LR, base=ADAM)
    train(model, optimizer, 3)
    other.load_state_dict(model.state_dict())
    backwards.load_state_dict(optimizer.state_dict())
    train(model, optimizer)
    train(other, backwards)
    torch.testing.assert_close(weights(other), weights(model), rtol=1e-11, atol=1e-13)


def test_clipping_accumulation_and_micro_batches() -> None:
    """Of closures that do more than one pass the base sees F, as without a base."""
    x, y = samples()
    chunks = list(zip(x.chunk(3), y.chunk(3), strict=True))

    def accumulated(model: nn.Module) -> Any:
        def closure() -> torch.Tensor:
            losses = [functional.cross_entropy(model(a), b) / 3 for a, b in chunks]
            for loss in losses:
                loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.01)
            return sum(losses)

        return closure

    def micro(model: nn.Module) -> Any:
        return [closure_of(model, a, b) for a, b in chunks]

    for closure in (accumulated, micro):
        ours, probe = net(), net()
        Optimizer(ours.parameters(), SAM, lr=LR, base=optim.RMSprop, eps=1e-3).step(closure(ours))
        Optimizer(probe.parameters(), SAM, lr=LR).step(closure(probe))
        f = torch.cat([p.grad.flatten() for p in probe.parameters()])
        expected = weights(net()) - LR * f / (0.1 * f.abs() + 1e-3)  # RMSprop's first step, α = 0.99
        torch.testing.assert_close(weights(ours), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("settings", [{}, {"fused": True}], ids=str)
def test_mixed_precision(settings: dict[str, Any]) -> None:
    model, without = net(torch.float32, norm=True), net(torch.float32, norm=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    off = torch.amp.GradScaler("cpu", enabled=False)
    ours, plain = (Optimizer(m.parameters(), SAM, lr=LR, base=ADAM, **settings) for m in (model, without))
    for _ in range(3):
        ours.step(scaled(model, scaler), scaler)
        scaler.update()
        plain.step(scaled(without, off), off)
    assert torch.equal(weights(model), weights(without))  # the scale is a power of two
    before = everything(model, ours)
    ours.step(scaled(model, scaler, 1e38), scaler)
    scaler.update()
    assert scaler.get_scale() == 2.0**9
    assert all(map(torch.equal, before, everything(model, ours)))
    ours.step(scaled(model, scaler), scaler)
    assert ours.steps == 4


def test_sparse_gradients_are_those_of_dense_ones() -> None:
    ends = []
    for sparse in (True, False):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            model = nn.Sequential(nn.Embedding(10, 4, sparse=sparse), nn.Flatten(), nn.Linear(8, 3)).double()
        optimizer = Optimizer(model.parameters(), SAM, lr=LR, base=ADAM)
        for _ in range(3):
            optimizer.step(closure_of(model, torch.tensor([[1, 2], [2, 2], [7, 1]]), torch.tensor([0, 1, 2])))
        ends.append(weights(model))
    torch.testing.assert_close(*ends, rtol=1e-11, atol=1e-13)


def test_frozen_parameters_stay_though_a_gradient_is_left_in_them() -> None:
    model = net()
    model[0].requires_grad_(False)
    before, left = model[0].weight.clone(), torch.ones_like(model[0].weight)
    model[0].weight.grad = left
    optimizer = Optimizer(model.parameters(), SAM, lr=LR, base=optim.AdamW)
    train(model, optimizer, 2)
    assert torch.equal(model[0].weight, before)
    assert model[0].weight.grad is left
    inner = closure_of(model, *samples())

    def closure() -> torch.Tensor:
        model[0].requires_grad_(True)
        return inner()

    optimizer.step(closure)  # what a closure thaws waits for the next step
    assert torch.equal(model[0].weight, before)
    train(model, optimizer, 1)
    assert not torch.equal(model[0].weight, before)


class Halfway(ADAM):
    """Adam that stops in the middle of a step, once it has moved a part, its state and a setting."""

    fails = True

    def step(self, closure: Any = None) -> Any:
        if not self.fails:
            return super().step()
        for group in self.param_groups:
            group["params"], group["lr"] = group["params"][:2], 7.0
            super().step()
        raise MemoryError


@pytest.mark.parametrize("first", [0, 2])
@pytest.mark.parametrize("form", ["foreach", "fused"])
def test_a_base_that_fails_halfway_changes_nothing(first: int, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, plain = net(norm=True), net(norm=True)
    optimizer = Optimizer(model.parameters(), SAM, lr=LR, base=Halfway, **{form: True})
    monkeypatch.setattr(Halfway, "fails", False)
    train(model, optimizer, first)
    before = everything(model, optimizer)
    monkeypatch.setattr(Halfway, "fails", True)
    with pytest.raises(MemoryError) as raised:
        train(model, optimizer, 1)
    assert "Halfway has failed" in raised.value.__notes__[0]
    assert len(before) == len(everything(model, optimizer))
    assert all(map(torch.equal, before, everything(model, optimizer)))
    assert all(p.grad is None for p in model.parameters())
    monkeypatch.setattr(Halfway, "fails", False)
    train(model, optimizer, 3)
    train(plain, Optimizer(plain.parameters(), SAM, lr=LR, base=ADAM, **{form: True}), first + 3)
    assert torch.equal(weights(model), weights(plain))


def test_a_signal_during_the_step_of_the_base_waits_for_its_end() -> None:
    class Interrupted(ADAM):
        def step(self, closure: Any = None) -> Any:
            signal.raise_signal(signal.SIGINT)
            return super().step()

    model, plain = net(norm=True), net(norm=True)
    optimizer = Optimizer(model.parameters(), SAM, lr=LR, base=Interrupted)
    plain_optimizer = Optimizer(plain.parameters(), SAM, lr=LR, base=ADAM)
    train(plain, plain_optimizer, 1)
    with pytest.raises(KeyboardInterrupt):
        train(model, optimizer, 1)
    assert all(map(torch.equal, everything(plain, plain_optimizer), everything(model, optimizer)))


@pytest.mark.parametrize("what", ["nan", "interrupt", "lr", "betas"])
def test_a_step_that_fails_changes_nothing(what: str) -> None:
    model = net(norm=True)
    optimizer = Optimizer(model.parameters(), SAM, lr=LR, base=ADAM)
    train(model, optimizer, 2)
    inner, count = closure_of(model, *samples()), 0

    def closure() -> torch.Tensor:
        nonlocal count
        count += 1
        if what == "interrupt" and count == 2:
            raise KeyboardInterrupt
        return inner() * (torch.nan if what == "nan" and count == 2 else 1.0)

    before, group = everything(model, optimizer), dict(optimizer.param_groups[0])
    if what == "lr":
        optimizer.param_groups[0]["lr"] = -0.1
    if what == "betas":
        optimizer.param_groups[0]["betas"] = (0.9, torch.nan)
    error = {"nan": NotFinite, "interrupt": KeyboardInterrupt}.get(what, sd.InputError)
    with pytest.raises(error) as raised:
        optimizer.step(closure)
    assert {"lr": "lr = -0.1", "betas": "betas = nan"}.get(what, "") in str(raised.value)
    optimizer.param_groups[0].update(group)
    assert all(map(torch.equal, before, everything(model, optimizer)))
    train(model, optimizer, 1)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"base": optim.AdamW, "momentum": 0.9}, "momentum = 0.9: AdamW has no such setting. It takes lr, betas, eps"),
        ({"base": optim.AdamW, "alpha": 0.9}, "alpha = 0.9: AdamW has no such setting"),
        ({"base": optim.AdamW, "betas": (2, 3)}, "Invalid beta parameter"),
        ({"base": optim.SGD, "nesterov": True}, "Nesterov momentum requires a momentum"),
        ({"base": optim.AdamW, "lr": 0.0}, "lr = 0.0: must be a finite number > 0"),
        ({"base": optim.AdamW, "eps": float("nan")}, "eps"),
        ({"base": optim.LBFGS}, "base = 'LBFGS': needs losses and gradients at points of its own choice"),
        ({"base": optim.SparseAdam}, "base = 'SparseAdam': takes sparse gradients alone"),
        ({"base": optim.Muon}, "Muon only supports 2D parameters"),
        ({"base": 3}, "base = 3: must be a class of torch optimizers"),
        ({"base": lambda groups, lr: groups}, "and no torch optimizer"),
        ({"base": lambda groups, lr: ADAM(groups[0]["params"][:1], lr)}, "other groups"),
        ({"base": bases.Adam()}, "base = "),
        ({"betas": (0.9, 0.99)}, "betas = (0.9, 0.99): is a setting of a base alone. Give base=torch.optim.AdamW"),
        ({"base": optim.AdamW, "seed": -1}, "seed = -1"),
    ],
)
def test_bad_settings(arguments: dict[str, Any], told: str) -> None:
    refused(lambda: Optimizer(net().parameters(), SAM, **{"lr": LR, **arguments}), told)


def test_bad_parameters() -> None:
    for params in (None, 3, [], torch.zeros(2), [object()]):
        refused(lambda params=params: Optimizer(params, SAM, lr=LR, base=ADAM), "params = ")  # type: ignore[misc]
    refused(lambda: Optimizer([torch.zeros(3, dtype=torch.complex64)], SAM, lr=LR, base=ADAM), "complex64")
    refused(lambda: Optimizer([{"params": net().parameters(), "rho": 0.1}], SAM, lr=LR, base=ADAM), "rho", "betas")
    # "alpha" is a setting of RMSprop and of LookSAM: in a group it is that of the base.
    Optimizer([{"params": net().parameters(), "alpha": 0.9}], sd.methods.LookSAM(0.1), lr=LR, base=optim.RMSprop)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda state: state | {"base": "SGD"}, "'SGD': is its base; this optimizer's is Adam"),
        (lambda state: state | {"base": None}, "no base"),
        (lambda state: state | {"seed": -1}, "state_dict['seed'] = -1"),
        (lambda state: {k: v for k, v in state.items() if k != "base"}, "base not among them"),
        (lambda state: state | {"state": {0: {"exp_avg": torch.zeros(3)}}}, "state_dict['state'][0]"),
        (lambda state: state | {"param_groups": [state["param_groups"][0] | {"eps": torch.nan}]}, "eps = nan"),
    ],
)
def test_bad_states_change_nothing(change: Callable[[dict[str, Any]], Any], told: str) -> None:
    model = net()
    optimizer = Optimizer(model.parameters(), SAM, lr=LR, base=ADAM)
    train(model, optimizer, 2)
    state = copy.deepcopy(optimizer.state_dict())
    refused(lambda: optimizer.load_state_dict(change(copy.deepcopy(state))), told)
    assert str(optimizer.state_dict()) == str(state)
    optimizer.load_state_dict(state)
    train(model, optimizer, 1)


def test_a_state_with_entries_that_broadcast_is_loaded() -> None:
    """Adafactor has one number for each row and each column."""
    model, other = net(), net()
    optimizer, resumed = (Optimizer(m.parameters(), SAM, lr=LR, base=optim.Adafactor) for m in (model, other))
    train(model, optimizer, 2)
    other.load_state_dict(model.state_dict())
    resumed.load_state_dict(optimizer.state_dict())
    train(model, optimizer, 2)
    train(other, resumed, 2)
    assert torch.equal(weights(model), weights(other))

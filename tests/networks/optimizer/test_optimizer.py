"""Methods as torch optimizers: the same steps as maps take, in everything that training loops are made of."""

import copy
import io
import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import pytorch_optimizer
import torch
from torch import nn
from torch.nn import functional

import samdyn as sd
from samdyn.networks import Network, NotFinite, Optimizer
from samdyn.networks import weights as weights_of

from .training import closure_of, net, refused, samples, scaled, train, weights

SAM = sd.SAM(0.1)


METHODS = [
    sd.GD(),
    SAM,
    sd.USAM(0.3),
    sd.ASAM(0.5),
    sd.ASAM(0.5, shift=0.01),
    sd.UASAM(0.2),
    sd.SAM(0.1, ascent_steps=3),
    sd.SAM(0.1, ascent_steps=3, average=True),
]


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_the_steps_are_those_of_the_map(method: sd.Method, momentum: float, nesterov: bool) -> None:
    model = net()
    landscape = Network(model, functional.cross_entropy, *samples())
    map_ = sd.Map(landscape, method, lr=0.2, momentum=momentum, nesterov=nesterov)
    state = map_.start(landscape.vector(model))
    optimizer = Optimizer(model.parameters(), method, lr=0.2, momentum=momentum, nesterov=nesterov)
    for loss in train(model, optimizer, 6):
        assert loss == pytest.approx(float(landscape.value(state[0])), rel=1e-13)
        state = map_.step(state)
    torch.testing.assert_close(weights(model), state[0], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("adaptive", [False, True])
@pytest.mark.parametrize("settings", [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}], ids=repr)
@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_the_steps_are_those_of_pytorch_optimizer(
    monkeypatch: pytest.MonkeyPatch, adaptive: bool, settings: dict[str, Any], decay: float
) -> None:
    # It computes one number in float32, the norm: here in double precision (see tests/methods/test_parity.py).
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    ours, theirs = net(), net()
    method = sd.ASAM(0.3) if adaptive else sd.SAM(0.3)
    settings = {**settings, "lr": 0.2, "weight_decay": decay}
    optimizer = Optimizer(ours.parameters(), method, **settings)
    peer = pytorch_optimizer.SAM(
        theirs.parameters(), torch.optim.SGD, rho=0.3, adaptive=adaptive, perturb_eps=0.0, **settings
    )
    closure = closure_of(theirs, *samples())
    train(ours, optimizer, 20)
    for _ in range(20):
        peer.zero_grad()
        closure()
        peer.step(closure)
    torch.testing.assert_close(weights(ours), weights(theirs), rtol=0, atol=1e-12)


def test_asam_as_its_authors_run_it_on_a_model() -> None:
    model = net(norm=True)
    told = weights_of(model)
    assert list(told) == [True] * 40 + [False] * 8 + [True] * 8 + [False] * 8 + [True] * 24 + [False] * 3
    assert len(told) == 91
    assert told[40] is False
    ours, plain = net(norm=True), net(norm=True)
    methods = [sd.ASAM(0.5, shift=0.01, weights=given) for given in (told, list(told))]
    for each, method in zip((ours, plain), methods, strict=True):
        train(each, Optimizer(each.parameters(), method, lr=0.2))
    assert torch.equal(weights(ours), weights(plain))
    train(model, Optimizer(model.parameters(), sd.ASAM(0.5, shift=0.01), lr=0.2))
    assert not torch.allclose(weights(ours), weights(model), rtol=1e-3)


@pytest.mark.parametrize(("method", "calls"), [(sd.GD(), 1), (SAM, 2), (sd.SAM(0.1, ascent_steps=5), 6)])
def test_one_pass_for_every_gradient(method: sd.Method, calls: int) -> None:
    model, count = net(), 0
    inner = closure_of(model, *samples())

    def closure() -> torch.Tensor:
        nonlocal count
        count += 1
        return inner()

    Optimizer(model.parameters(), method, lr=0.1).step(closure)
    assert count == calls


def test_groups_have_settings_of_their_own_and_one_perturbation() -> None:
    model = net()
    before = [p.detach().clone() for p in model.parameters()]
    first, last = list(model[0].parameters()), list(model[2].parameters())
    groups = [{"params": first}, {"params": last, "lr": 0.5, "momentum": 0.9, "weight_decay": 0.1, "nesterov": True}]
    optimizer = Optimizer(groups, SAM, lr=0.1)
    train(model, optimizer, 1)
    landscape = Network(net(), functional.cross_entropy, *samples())
    w = landscape.vector(net())
    update = SAM(w, landscape.grad).split([p.numel() for p in before])
    for p, old, f in zip(first, before[:2], update[:2], strict=True):
        torch.testing.assert_close(p.detach(), old - 0.1 * f.view_as(old), rtol=1e-13, atol=1e-15)
    for p, old, f in zip(last, before[2:], update[2:], strict=True):
        v = f.view_as(old) + 0.1 * old
        torch.testing.assert_close(p.detach(), old - 0.5 * (v + 0.9 * v), rtol=1e-13, atol=1e-15)


def test_schedulers_set_the_learning_rate() -> None:
    model = net()
    optimizer = Optimizer(model.parameters(), SAM, lr=0.4)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    for expected in (0.4, 0.2, 0.1):
        before = weights(model)
        train(model, optimizer, 1)
        update = torch.cat([p.grad.flatten() for p in model.parameters()])
        torch.testing.assert_close(weights(model), before - expected * update, rtol=1e-13, atol=1e-15)
        scheduler.step()


@pytest.mark.parametrize("through", ["a file", "pickle"])
def test_a_resume_is_bit_equal(through: str) -> None:
    def made(model: nn.Module) -> tuple[Optimizer, Any]:
        optimizer = Optimizer(model.parameters(), SAM, lr=0.1, momentum=0.9, weight_decay=1e-3)
        return optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)

    def go(model: nn.Module, optimizer: Optimizer, scheduler: Any) -> None:
        for _ in range(3):
            train(model, optimizer, 1)
            scheduler.step()

    model = net(torch.float32, norm=True)
    optimizer, scheduler = made(model)
    go(model, optimizer, scheduler)
    if through == "pickle":
        # One object graph: the copy's optimizer holds the copy's parameters.
        other, other_optimizer = pickle.loads(pickle.dumps((model, optimizer)))
        assert other_optimizer.method == SAM
        assert other_optimizer.steps == 3
        other_scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(other_optimizer, 10, last_epoch=3)
        other_scheduler.load_state_dict(scheduler.state_dict())
    else:
        file = io.BytesIO()
        torch.save([model.state_dict(), optimizer.state_dict(), scheduler.state_dict()], file)
        file.seek(0)
        other = net(torch.float32, norm=True)
        other_optimizer, other_scheduler = made(other)
        for part, state in zip((other, other_optimizer, other_scheduler), torch.load(file), strict=True):
            part.load_state_dict(state)
        assert other_optimizer.steps == 3
    go(model, optimizer, scheduler)
    go(other, other_optimizer, other_scheduler)
    for a, b in zip(model.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_clipping_is_part_of_the_gradient() -> None:
    model = net()
    inner = closure_of(model, *samples())

    def closure() -> torch.Tensor:
        loss = inner()
        nn.utils.clip_grad_norm_(model.parameters(), 0.01)
        return loss

    Optimizer(model.parameters(), SAM, lr=0.1).step(closure)
    update = torch.cat([p.grad.flatten() for p in model.parameters()])
    assert float(update.norm()) == pytest.approx(0.01, rel=1e-3)  # torch divides by the norm + 1e-6
    free = net()
    Optimizer(free.parameters(), SAM, lr=0.1).step(closure_of(free, *samples()))
    whole = torch.cat([p.grad.flatten() for p in free.parameters()])
    torch.testing.assert_close(update / update.norm(), whole / whole.norm(), rtol=1e-12, atol=1e-13)


def test_accumulated_batches_are_one() -> None:
    whole, parts = net(), net()
    x, y = samples()

    def closure() -> torch.Tensor:
        losses = [functional.cross_entropy(parts(a), b) / 3 for a, b in zip(x.chunk(3), y.chunk(3), strict=True)]
        for loss in losses:
            loss.backward()
        return sum(losses)

    Optimizer(parts.parameters(), SAM, lr=0.1).step(closure)
    train(whole, Optimizer(whole.parameters(), SAM, lr=0.1), 1)
    torch.testing.assert_close(weights(parts), weights(whole), rtol=1e-13, atol=1e-15)


def test_micro_batches_have_perturbations_of_their_own() -> None:
    model = net()
    x, y = samples()
    w, updates = weights(model), []
    for a, b in zip(x.chunk(3), y.chunk(3), strict=True):
        landscape = Network(model, functional.cross_entropy, a, b)
        updates.append(SAM(w, landscape.grad))
    optimizer = Optimizer(model.parameters(), SAM, lr=0.1)
    loss = optimizer.step([closure_of(model, a, b) for a, b in zip(x.chunk(3), y.chunk(3), strict=True)])
    torch.testing.assert_close(weights(model), w - 0.1 * sum(updates) / 3, rtol=1e-13, atol=1e-15)
    whole = Network(net(), functional.cross_entropy, x, y)
    assert float(loss) == pytest.approx(float(whole.value(w)), rel=1e-13)
    assert not torch.allclose(sum(updates) / 3, SAM(w, whole.grad), rtol=1e-3, atol=0)


@pytest.mark.parametrize("momentum", [0.1, None])
@pytest.mark.parametrize("parts", [1, 2])
def test_running_statistics_move_once_on_the_clean_pass(momentum: float | None, parts: int) -> None:
    model, plain = net(norm=True), net(norm=True)
    model[1].momentum = plain[1].momentum = momentum
    chunks = list(zip(*(t.chunk(parts) for t in samples()), strict=True))
    closures = [closure_of(model, *chunk) for chunk in chunks]
    Optimizer(model.parameters(), sd.SAM(0.5, ascent_steps=2), lr=0.1).step(closures)
    for x, _ in chunks:
        plain(x)
    for name, statistic in plain[1].named_buffers():
        assert torch.equal(statistic, dict(model[1].named_buffers())[name]), name


def test_frozen_parameters_stay() -> None:
    model = net()
    model[0].requires_grad_(False)
    before = model[0].weight.clone()
    optimizer = Optimizer(model.parameters(), SAM, lr=0.1, momentum=0.9, weight_decay=0.1)
    train(model, optimizer)
    assert torch.equal(model[0].weight, before)
    landscape = Network(net(), functional.cross_entropy, *samples())
    assert landscape.dim == 75
    model[0].requires_grad_(True)  # thawed, it takes part
    train(model, optimizer, 1)
    assert not torch.equal(model[0].weight, before)


def test_sparse_gradients_are_those_of_dense_ones() -> None:
    def made(sparse: bool) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            return nn.Sequential(nn.Embedding(10, 4, sparse=sparse), nn.Flatten(), nn.Linear(8, 3)).double()

    x, y = torch.tensor([[1, 2], [2, 2], [7, 1]]), torch.tensor([0, 1, 2])
    found = []
    for sparse in (True, False):
        model = made(sparse)
        optimizer = Optimizer(model.parameters(), SAM, lr=0.1, momentum=0.9)
        for _ in range(4):
            optimizer.step(closure_of(model, x, y))
        found.append(weights(model))
    torch.testing.assert_close(*found, rtol=1e-13, atol=1e-15)


def test_mixed_precision_unscales_what_it_takes() -> None:
    with_scaler, without = net(torch.float32), net(torch.float32)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    off = torch.amp.GradScaler("cpu", enabled=False)
    ours, plain = (Optimizer(m.parameters(), SAM, lr=0.1, momentum=0.9) for m in (with_scaler, without))
    for _ in range(4):
        a = ours.step(scaled(with_scaler, scaler), scaler)
        scaler.update()
        b = plain.step(scaled(without, off), off)
        off.update()
        assert a == b
    # The scale is a power of two: it rounds nothing.
    assert torch.equal(weights(with_scaler), weights(without))
    assert scaler.get_scale() == 2.0**10
    assert ours.steps == 4


def test_an_overflow_leaves_the_step_out_and_lowers_the_scale() -> None:
    model = net(torch.float32, norm=True)
    optimizer = Optimizer(model.parameters(), SAM, lr=0.1, momentum=0.9)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    optimizer.step(scaled(model, scaler), scaler)
    scaler.update()
    state = copy.deepcopy([model.state_dict(), optimizer.state_dict()["state"]])
    loss = optimizer.step(scaled(model, scaler, 1e38), scaler)  # finite itself, but not times the scale
    scaler.update()
    assert torch.isfinite(loss)
    assert scaler.get_scale() == 2.0**9
    assert all(p.grad is None for p in model.parameters())
    assert optimizer.steps == 1
    for a, b in zip(state[0].values(), model.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    for number, entry in optimizer.state_dict()["state"].items():
        assert torch.equal(entry["momentum_buffer"], state[1][number]["momentum_buffer"])
    optimizer.step(scaled(model, scaler), scaler)
    assert optimizer.steps == 2


def test_low_precision_parameters_come_back_as_they_were() -> None:
    model = net(torch.bfloat16)
    before = weights(model)

    def closure() -> torch.Tensor:
        assert torch.equal(weights(model), before) == (len(seen) == 0)
        seen.append(1)
        x, y = samples(torch.bfloat16)
        loss = functional.cross_entropy(model(x), y)
        loss.backward()
        return loss

    seen: list[int] = []
    Optimizer(model.parameters(), sd.SAM(1.0), lr=1e-12).step(closure)
    assert len(seen) == 2
    assert torch.equal(weights(model), before)


def unchanged(model: nn.Module, optimizer: Optimizer, bad: Any, error: type[BaseException], *told: str) -> None:
    """A step that fails leaves everything, and the next one is that which would have followed."""
    before = copy.deepcopy([model.state_dict(), optimizer.state_dict()])
    with pytest.raises(error) as raised:
        optimizer.step(bad)
    for words in told:
        assert words in str(raised.value)
    for a, b in zip(before[0].values(), model.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    assert str(optimizer.state_dict()) == str(before[1])
    assert not callable(bad) or all(p.grad is None for p in model.parameters())
    train(model, optimizer, 1)


@pytest.mark.parametrize("when", [1, 2])
@pytest.mark.parametrize("what", ["loss", "gradient", "interrupt"])
def test_a_step_that_fails_changes_nothing(when: int, what: str) -> None:
    model = net(norm=True)
    optimizer = Optimizer(model.parameters(), SAM, lr=0.1, momentum=0.9)
    train(model, optimizer, 3)
    inner, count = closure_of(model, *samples()), 0

    def closure() -> torch.Tensor:
        nonlocal count
        count += 1
        loss = inner()
        if count == when:
            if what == "interrupt":
                raise KeyboardInterrupt
            if what == "loss":
                return loss * torch.nan
            model[0].bias.grad[0] = torch.inf
        return loss

    told = () if what == "interrupt" else ("step 4", "not finite")
    unchanged(model, optimizer, closure, KeyboardInterrupt if what == "interrupt" else NotFinite, *told)


def test_statistics_are_those_of_before_the_step_though_a_layer_was_called_twice() -> None:
    norm = nn.BatchNorm1d(5).double()
    model = nn.Sequential(norm, nn.Linear(5, 5), norm, nn.Linear(5, 3)).double()
    optimizer = Optimizer(model.parameters(), SAM, lr=0.1)
    train(model, optimizer, 2)
    good = closure_of(model, *samples())
    unchanged(model, optimizer, [good, lambda: good() * torch.nan], NotFinite)


def test_bad_closures() -> None:
    model = net()
    optimizer = Optimizer(model.named_parameters(), SAM, lr=0.1)
    train(model, optimizer, 1)
    x, y = samples()
    with pytest.raises(sd.InputError, match="scaler = True"):
        optimizer.step(closure_of(model, x, y), True)
    for nothing in (None, [], 3, [None]):
        unchanged(model, optimizer, nothing, sd.InputError, "closure", "backward")
    unchanged(model, optimizer, lambda: functional.cross_entropy(model(x), y), sd.InputError, "backward()")
    unchanged(model, optimizer, lambda: functional.cross_entropy(model(x), y).backward(), sd.InputError, "no loss")
    unchanged(model, optimizer, lambda: torch.tensor(3), sd.InputError, "no loss")

    def half() -> torch.Tensor:
        with torch.no_grad():
            hidden = torch.tanh(model[0](x))
        loss = functional.cross_entropy(model[2](hidden), y)
        loss.backward()
        return loss

    unchanged(model, optimizer, half, sd.InputError, "['0.weight', '0.bias']", "requires_grad_(False)")


@pytest.mark.parametrize("method", [sd.DNSAM(0.1), sd.ExactSAM(0.1)], ids=repr)
def test_methods_that_ask_for_more_than_gradients(method: sd.Method) -> None:
    model = net()
    optimizer = Optimizer(model.parameters(), method, lr=0.1)
    before = weights(model)
    refused(lambda: train(model, optimizer, 1), "method", "Use ")
    assert torch.equal(weights(model), before)


def test_the_state_of_another_method() -> None:
    model = net()
    optimizer = Optimizer(model.parameters(), SAM, lr=0.1, momentum=0.9)
    train(model, optimizer)
    before = str(optimizer.state_dict())
    other = Optimizer(net().parameters(), replace(SAM, rho=0.2), lr=0.1).state_dict()
    refused(lambda: optimizer.load_state_dict(other), "rho=0.2", "rho=0.1")
    sgd = torch.optim.SGD(net().parameters(), lr=0.1).state_dict()
    refused(lambda: optimizer.load_state_dict(sgd), "another optimizer")
    assert str(optimizer.state_dict()) == before


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda state: "a.pt", "state_dict = 'a.pt'"),
        (lambda state: [state], "is no state"),
        (lambda state: {k: v for k, v in state.items() if k != "steps"}, "steps not among them"),
        (lambda state: {k: v for k, v in state.items() if k != "state"}, "state not among them"),
        (lambda state: state | {"steps": "3"}, "state_dict['steps'] = '3'"),
        (lambda state: state | {"steps": -1}, "-1"),
        (lambda state: state | {"param_groups": None}, "param_groups"),
        (lambda state: state | {"param_groups": state["param_groups"] * 2}, "[4, 4]"),
        (lambda state: state | {"param_groups": [state["param_groups"][0] | {"params": [0, 1]}]}, "[2]"),
        (lambda state: state | {"param_groups": [state["param_groups"][0] | {"lr": torch.nan}]}, "lr = nan"),
        (lambda state: state | {"param_groups": [{"params": [0, 1, 2, 3]}]}, "momentum"),
        (lambda state: state | {"state": []}, "state_dict['state']"),
        (lambda state: state | {"state": {0: {"momentum_buffer": torch.zeros(3)}}}, "(3,)"),
        (lambda state: state | {"state": {0: {"momentum_buffer": 1.0}}}, "1.0"),
    ],
)
def test_bad_states_change_nothing(change: Callable[[dict[str, Any]], Any], told: str) -> None:
    model = net()
    optimizer = Optimizer(model.parameters(), SAM, lr=0.1, momentum=0.9)
    train(model, optimizer, 2)
    state = copy.deepcopy(optimizer.state_dict())
    refused(lambda: optimizer.load_state_dict(change(copy.deepcopy(state))), told)
    assert str(optimizer.state_dict()) == str(state)
    optimizer.load_state_dict(state)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("lr", torch.nan),
        ("lr", torch.inf),
        ("lr", -0.1),
        ("momentum", torch.nan),
        ("momentum", 1.0),
        ("weight_decay", torch.nan),
    ],
)
def test_a_setting_that_goes_bad_later(setting: str, value: float) -> None:
    model = net(norm=True)
    optimizer = Optimizer(model.parameters(), SAM, lr=0.1, momentum=0.9)
    train(model, optimizer, 1)
    before = weights(model)
    optimizer.param_groups[0][setting] = value
    refused(lambda: train(model, optimizer, 1), f"{setting} = {value}")
    assert torch.equal(weights(model), before)
    assert optimizer.steps == 1
    optimizer.param_groups[0] |= {"lr": 0.0, "momentum": 0.5, "weight_decay": 0.0}  # where schedulers come down to
    train(model, optimizer, 1)
    assert torch.equal(weights(model), before)


@pytest.mark.parametrize("name", ["zeros_like", "empty_like"])
def test_a_step_that_runs_out_of_memory_changes_nothing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    model = net(norm=True)
    groups = [
        {"params": model[0].parameters()},
        {"params": model[3].parameters(), "momentum": 0.9, "weight_decay": 0.1},
    ]
    optimizer = Optimizer(groups, SAM, lr=0.1)

    def full(_: torch.Tensor) -> torch.Tensor:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(torch, name, full)
        with pytest.raises(MemoryError):
            optimizer.step(closure_of(model, *samples()))
    assert torch.equal(weights(model), weights(net(norm=True)))
    assert not optimizer.state_dict()["state"]
    train(model, optimizer, 1)


@pytest.mark.parametrize("settings", [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}], ids=repr)
@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_without_a_perturbation_the_steps_are_torchs(settings: dict[str, Any], decay: float) -> None:
    ours, theirs = net(torch.float32), net(torch.float32)
    train(ours, Optimizer(ours.parameters(), sd.GD(), lr=0.2, weight_decay=decay, **settings))
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.2, weight_decay=decay, foreach=True, **settings)
    closure = closure_of(theirs, *samples(torch.float32))
    for _ in range(5):
        optimizer.zero_grad()
        optimizer.step(closure)
    # float32's rounding, a few times; the operations are the same
    torch.testing.assert_close(weights(ours), weights(theirs), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"lr": 0.0}, "lr = 0.0"),
        ({"momentum": 1.0}, "[0, 1)"),
        ({"weight_decay": -1.0}, "weight_decay = -1.0"),
        ({"nesterov": True}, "Nesterov"),
        ({"method": 3}, "is no method"),
        ({"method": sd.SAM(sd.symbolic.RHO)}, "needs a number"),
    ],
)
def test_bad_settings(settings: dict[str, Any], told: str) -> None:
    arguments = {"method": SAM, "lr": 0.1, **settings}
    refused(lambda: Optimizer(net().parameters(), **arguments), told)
    if "method" not in settings:
        refused(lambda: Optimizer([{"params": net().parameters(), **settings}], SAM, lr=0.1), told)


def test_bad_parameters() -> None:
    refused(lambda: Optimizer([{"params": net().parameters(), "rho": 0.1}], SAM, lr=0.1), "rho", "momentum")
    refused(lambda: Optimizer([torch.zeros(3, dtype=torch.complex64)], SAM, lr=0.1), "complex64")
    optimizer = Optimizer(net().parameters(), SAM, lr=0.1)
    for nothing in ("abc", None, {}, {"lr": 0.1}):
        refused(lambda nothing=nothing: optimizer.add_param_group(nothing), "param_group = ", '{"params"')  # type: ignore[misc]
    frozen = net().requires_grad_(False)
    optimizer = Optimizer(frozen.parameters(), SAM, lr=0.1)
    refused(lambda: optimizer.step(closure_of(frozen, *samples())), "frozen")


def test_groups_may_have_equal_names_and_what_schedulers_leave_in_them() -> None:
    model, plain = net(), net()
    groups = [{"params": model[i].named_parameters(), "initial_lr": 0.1} for i in (0, 2)]
    train(model, Optimizer(groups, SAM, lr=0.1))
    train(plain, Optimizer(plain.parameters(), SAM, lr=0.1))
    assert torch.equal(weights(model), weights(plain))


def by_decay(model: nn.Module, named: bool = False) -> list[dict[str, Any]]:
    """Return the usual two groups: what is decayed, and biases and batch norm, which are not."""
    pairs = dict(model.named_parameters())
    split = [{n: p for n, p in pairs.items() if (p.ndim > 1) == large} for large in (True, False)]
    return [{"params": [*part.items()] if named else [*part.values()]} for part in split]


def test_asams_weights_are_those_of_the_parameters_in_whatever_groups() -> None:
    def trained(model: nn.Module, groups: Any, told: Any) -> torch.Tensor:
        train(model, Optimizer(groups, sd.ASAM(0.5, shift=0.01, weights=told), lr=0.2))
        return weights(model)

    plain = net(norm=True)
    expected = trained(plain, plain.parameters(), weights_of(plain))
    model = net(norm=True)
    found = [trained(model, by_decay(model), weights_of(model))]  # the very tensors
    model = net(norm=True)
    found += [trained(model, by_decay(model, named=True), weights_of(net(norm=True)))]  # by their names
    model = net(norm=True)
    optimizer = Optimizer(by_decay(model), sd.ASAM(0.5, shift=0.01, weights=weights_of(model)), lr=0.2)
    for copied in (copy.deepcopy, lambda both: pickle.loads(pickle.dumps(both))):
        other, of_other = copied((model, optimizer))
        train(other, of_other)
        found += [weights(other)]
    model = net(norm=True)
    backwards = [*model.named_parameters()][::-1]
    told = weights_of(backwards)
    assert list(told) == [False] * 3 + [True] * 24 + [False] * 8 + [True] * 8 + [False] * 8 + [True] * 40
    found += [trained(model, by_decay(model), told)]
    for each in found:
        torch.testing.assert_close(each, expected, rtol=1e-12, atol=1e-14)


def test_asams_weights_of_parameters_that_an_optimizer_does_not_know() -> None:
    model = net(norm=True)
    method = sd.ASAM(0.5, shift=0.01, weights=weights_of(net(norm=True)))
    optimizer = Optimizer(by_decay(model), method, lr=0.2)
    refused(lambda: train(model, optimizer, 1), "weights = ['0.weight'", "another order", "weights(model)")
    thawed = net()
    thawed[0].bias.requires_grad_(False)
    method = sd.ASAM(0.5, shift=0.01, weights=weights_of(thawed))
    thawed[0].bias.requires_grad_(True)
    optimizer = Optimizer(thawed.parameters(), method, lr=0.2)
    refused(lambda: train(thawed, optimizer, 1), "'0.weight', '2.weight'")
    model = net()
    optimizer = Optimizer(model.parameters(), sd.ASAM(0.5, shift=0.01, weights=weights_of(model)), lr=0.2)
    model[0].bias.requires_grad_(False)  # one less is no harm
    train(model, optimizer, 1)


def test_momentum_goes_to_the_parameter_of_the_same_name() -> None:
    def made(order: int, steps: int) -> tuple[nn.Module, Optimizer]:
        model = net(norm=True)
        named = [*model.named_parameters()][::order]
        optimizer = Optimizer([{"params": named[:2]}, {"params": named[2:]}], SAM, lr=0.1, momentum=0.9)
        train(model, optimizer, steps)
        return model, optimizer

    def of_group(model: nn.Module, order: int) -> Optimizer:
        named = [*model.named_parameters()][::order]
        return Optimizer(named, SAM, lr=0.1, momentum=0.9)

    model, other = net(norm=True), net(norm=True)
    optimizer, backwards = of_group(model, 1), of_group(other, -1)
    train(model, optimizer, 3)
    other.load_state_dict(model.state_dict())
    backwards.load_state_dict(optimizer.state_dict())
    train(model, optimizer)
    train(other, backwards)
    torch.testing.assert_close(weights(other), weights(model), rtol=1e-12, atol=1e-14)
    assert backwards.param_groups[0]["param_names"] == [name for name, _ in other.named_parameters()][::-1]
    # Groups of other parameters have settings of their own; torch would exchange what is in them.
    _, there = made(-1, 1)
    _, here = made(1, 1)
    refused(lambda: here.load_state_dict(there.state_dict()), "other groups")
    # Other names say nothing: those of a wrapped model, as by DistributedDataParallel, have the same order.
    wrapped = Optimizer([(f"module.{n}", p) for n, p in other.named_parameters()], SAM, lr=0.1, momentum=0.9)
    wrapped.load_state_dict(optimizer.state_dict())
    assert wrapped.steps == optimizer.steps


def test_parametrised_weights_are_weights() -> None:
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(2, 3)))
    assert sum(weights_of(model)) == 9


def test_a_step_under_autocast_sees_the_perturbed_weights() -> None:
    inside, outside = net(torch.float32), net(torch.float32)
    off = torch.amp.GradScaler("cpu", enabled=False)
    with torch.autocast("cpu", torch.bfloat16):
        Optimizer(inside.parameters(), sd.SAM(1.0), lr=0.1).step(scaled(inside, off))
    Optimizer(outside.parameters(), sd.SAM(1.0), lr=0.1).step(scaled(outside, off))
    assert torch.equal(weights(inside), weights(outside))


def test_what_a_closure_thaws_waits_for_the_next_step() -> None:
    model = net()
    model[0].requires_grad_(False)
    before = model[0].weight.clone()
    inner = closure_of(model, *samples())

    def closure() -> torch.Tensor:
        model[0].requires_grad_(True)
        return inner()

    Optimizer(model.parameters(), SAM, lr=0.1).step(closure)
    assert torch.equal(model[0].weight, before)


@pytest.mark.parametrize("params", [None, 3, "text", [], torch.zeros(2), [object()]])
def test_what_are_no_parameters_is_refused(params: object) -> None:
    with pytest.raises(sd.InputError, match=r"^params = "):
        Optimizer(params, sd.SAM(0.1), lr=0.1)

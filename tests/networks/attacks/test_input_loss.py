"""The loss as a function of inputs: values, derivatives, and what it refuses."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

import samdyn as sd
from samdyn.networks import Network, attacks, models

N, D, CLASSES = 5, 6, 3
GENERATOR = torch.Generator().manual_seed(0)
INPUTS = torch.randn(N, D, generator=GENERATOR, dtype=torch.float64)
CLASS = torch.tensor([0, 2, 1, 1, 0])


def input_loss(model: nn.Module, inputs: torch.Tensor = INPUTS, **kwargs: Any) -> attacks.InputLoss:
    network = Network(model, cross_entropy, inputs, CLASS)
    return attacks.InputLoss(network, network.vector(model), inputs, CLASS, **kwargs)


MODELS = {
    "tanh": lambda: models.mlp((D, 8, CLASSES), activation="tanh"),
    "relu": lambda: models.mlp((D, 8, 8, CLASSES)),
    "layer norm": lambda: nn.Sequential(nn.Linear(D, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, CLASSES)),
    "convolutions": lambda: nn.Sequential(
        nn.Unflatten(1, (1, 1, D)), nn.Upsample((8, 8)), models.small_cnn(CLASSES, width=2)
    ),
    "batch norm": lambda: nn.Sequential(nn.Linear(D, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, CLASSES)).eval(),
}


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_derivatives_are_those_of_each_sample_alone(make: Callable[[], nn.Module]) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = make().double()
    loss = input_loss(model)
    v = torch.randn(loss.x.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    product, trace = loss.grad.hvp(loss.x, v), attacks.laplacian(loss, loss.x)
    for i in range(N):

        def alone(x: torch.Tensor, i: int = i) -> torch.Tensor:
            return cross_entropy(model(x[None]), CLASS[i : i + 1])

        hessian = torch.autograd.functional.hessian(alone, INPUTS[i])
        slope = torch.autograd.functional.jacobian(alone, INPUTS[i])
        torch.testing.assert_close(loss.value(loss.x)[i], alone(INPUTS[i]).detach())
        torch.testing.assert_close(loss.grad(loss.x)[:, i], slope)
        torch.testing.assert_close(product[:, i], hessian @ v[:, i])
        torch.testing.assert_close(trace[i], hessian.trace())


def test_further_axes_are_more_points_of_the_same_samples() -> None:
    loss = input_loss(MODELS["tanh"]())
    several = torch.stack([loss.x, 2 * loss.x, loss.x - 1], -1)
    for function in (loss.value, loss.grad, lambda x: loss.grad.hvp(x, x), lambda x: attacks.laplacian(loss, x)):
        together = function(several)
        for i in range(3):
            torch.testing.assert_close(together[..., i], function(several[..., i]))


def test_parts_computed_one_after_the_other_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    loss = input_loss(MODELS["tanh"]())
    whole = loss.value(loss.x), loss.grad(loss.x)
    monkeypatch.setattr("samdyn.networks.attacks.input_loss.ROWS", 2)
    torch.testing.assert_close((loss.value(loss.x), loss.grad(loss.x)), whole)


def test_methods_work_on_inputs() -> None:
    """The product is the derivative of the gradient, which ExactSAM needs."""
    loss = input_loss(MODELS["tanh"]())
    climbed = sd.SAM(0.3).perturbed(loss.x, loss.grad)
    torch.testing.assert_close((climbed - loss.x).norm(dim=0), torch.full((N,), 0.3, dtype=torch.float64))
    x = loss.x.clone().requires_grad_()
    slope = torch.autograd.functional.jacobian(
        lambda x: cross_entropy(MODELS["tanh"]().double()(x.T + 0.3 * _gradient(x).T), CLASS, reduction="sum"), x
    )
    torch.testing.assert_close(sd.ExactSAM(0.3)(loss.x, loss.grad), slope)


def _gradient(x: torch.Tensor) -> torch.Tensor:
    total = cross_entropy(MODELS["tanh"]().double()(x.T), CLASS, reduction="sum")
    return torch.autograd.grad(total, x, create_graph=True)[0]


def test_the_model_stays_in_training_mode() -> None:
    model = MODELS["tanh"]()
    before = model.training, [p.clone() for p in model.parameters()]
    loss = input_loss(model)
    attacks.pgd(loss, 0.1, noise=attacks.AdditiveNoise(0.1, pairs=2))
    assert model.training is before[0] is True
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before[1], strict=True))
    assert all(p.grad is None for p in model.parameters())


def test_images_come_back_as_images() -> None:
    images = INPUTS.reshape(N, 1, 2, 3)
    loss = input_loss(nn.Sequential(nn.Flatten(), models.mlp((D, CLASSES))), images)
    assert torch.equal(loss.inputs(loss.x), images)
    assert attacks.fgsm(loss, 0.1).shape == images.shape


MIXING = nn.Sequential(nn.Linear(D, CLASSES), nn.BatchNorm1d(CLASSES, track_running_stats=False))
TANH = Network(MODELS["tanh"](), cross_entropy, INPUTS, CLASS)
W = TANH.vector(TANH.model)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: input_loss(MIXING), "depend on the rest of its batch, as with batch norm in training mode"),
        (lambda: attacks.InputLoss(TANH.model, W, INPUTS, CLASS), "must be a Network"),
        (lambda: attacks.InputLoss(TANH, W[1:], INPUTS, CLASS), f"a tensor ({TANH.dim},) of real numbers"),
        (lambda: attacks.InputLoss(TANH, W.tolist(), INPUTS, CLASS), f"a tensor ({TANH.dim},) of real numbers"),
        (lambda: attacks.InputLoss(TANH, W, INPUTS.long(), CLASS), "integers have no gradient"),
        (lambda: attacks.InputLoss(TANH, W, INPUTS[:0], CLASS[:0]), "must be a tensor of real numbers"),
        (lambda: attacks.InputLoss(TANH, W, INPUTS[:, 1:], CLASS), "the inputs of this network are (n, 6)"),
        (lambda: attacks.InputLoss(TANH, W, INPUTS, CLASS[1:]), "4 targets for 5 inputs"),
        (lambda: attacks.InputLoss(TANH, W, INPUTS, CLASS + 1), "fails for outputs (1, 3) and targets (1,)"),
        (lambda: attacks.InputLoss(TANH, W, INPUTS, 0 * CLASS - 100), "sample 0': has the loss nan"),
        (lambda: attacks.InputLoss(TANH, W * torch.nan, INPUTS, CLASS), "sample 0': has the loss nan"),
        (lambda: attacks.InputLoss(TANH, W, INPUTS, CLASS, runs=[0, 1]), "must be 5 integers in [0, 2**32)"),
        (lambda: input_loss(MODELS["tanh"]()).value(torch.zeros(D, 2)), "points of these samples are (6, 5, …)"),
    ],
)
def test_bad_input(call: Callable[[], object], message: str) -> None:
    with pytest.raises(sd.InputError, match=re.escape(message)):
        call()


def test_the_loss_of_a_regression_has_a_known_laplacian() -> None:
    """Of mean (ax + b − y)² over two outputs: 2 ‖a‖²/2."""
    model = models.mlp((D, 2)).double()
    network = Network(model, mse_loss, INPUTS, INPUTS[:, :2])
    loss = attacks.InputLoss(network, network.vector(model), INPUTS, INPUTS[:, :2])
    expected = (model[0].weight.detach() ** 2).sum().expand(N)
    torch.testing.assert_close(attacks.laplacian(loss, loss.x), expected)

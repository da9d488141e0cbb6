"""A network's loss as a landscape: its derivatives, ensembles, batches, and what analysis makes of it."""

import copy
import pickle
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parameters_to_vector
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

import samdyn as sd
from samdyn.networks import Network, models
from samdyn.ops import directional_derivative, jacobian


class SelfAttention(nn.MultiheadAttention):
    """Among the rows of all channels."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        steps = x.flatten(1, 2)
        return super().forward(steps, steps, steps, need_weights=False)[0].view_as(x)


LAYERS: dict[str, Callable[[], nn.Module]] = {
    "batch norm": lambda: nn.BatchNorm2d(4),
    "batch norm, not affine": lambda: nn.BatchNorm2d(4, affine=False),
    "batch norm, evaluated": lambda: nn.BatchNorm2d(4).eval(),
    "instance norm": lambda: nn.InstanceNorm2d(4, affine=True),
    "group norm": lambda: nn.GroupNorm(2, 4),
    "layer norm": lambda: nn.LayerNorm([4, 4, 4]),
    "max pool": lambda: nn.MaxPool2d(3, 1, 1),
    "gelu": lambda: nn.GELU(),
    "attention": lambda: SelfAttention(4, 2, batch_first=True),
}


def made(layer: nn.Module | None = None) -> nn.Module:
    """Return a small network of images 6×6, in double precision, always the same."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        between = [] if layer is None else [layer]
        model = nn.Sequential(nn.Conv2d(1, 4, 3), *between, nn.Tanh(), nn.Flatten(), nn.Linear(64, 3)).double()
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d | nn.InstanceNorm2d | nn.GroupNorm | nn.LayerNorm):
                for p in module.parameters():
                    nn.init.normal_(p)
    return model


def images(number: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(number, 1, 6, 6, generator=generator, dtype=torch.float64)
    return x, torch.randint(3, (number,), generator=generator)


def columns(network: Network, *trailing: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    w = network.vector(network.model).reshape(-1, *[1] * len(trailing))
    return w + 0.1 * torch.randn(network.dim, *trailing, generator=generator, dtype=torch.float64)


def loss_as_torch_has_it(model: nn.Module, w: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Set the parameters and run the model: nothing of torch.func."""
    nn.utils.vector_to_parameters(w, model.parameters())
    return functional.cross_entropy(model(x), y)


def gradient_as_torch_has_it(model: nn.Module, w: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    model.zero_grad()
    loss_as_torch_has_it(model, w, x, y).backward()
    return parameters_to_vector([p.grad for p in model.parameters()])


@pytest.mark.parametrize("layer", [None, *LAYERS])
def test_many_networks_are_each_what_torch_makes_of_one(layer: str | None) -> None:
    model = made(LAYERS[layer]() if layer else None)
    x, y = images()
    network = Network(model, functional.cross_entropy, x, y)
    w = columns(network, 3)
    v = columns(network, 3).flip(0)
    value, gradient, products = network.value(w), network.grad(w), network.grad.hvp(w, v)
    # Of many networks torch's derivative of gradients is wrong for layers with weights that normalise.
    hessians, derivatives = network.hessian(w), jacobian(network.grad, w)
    batch = jacobian(lambda w: network.batch_gradient(w, torch.arange(len(x))[None, :, None].expand(1, -1, 3)), w)
    forward = directional_derivative(network.grad, w, v)
    for i in range(3):
        at = w[:, i]
        expected = gradient_as_torch_has_it(model, at, x, y)
        scale = float(expected.abs().max())
        torch.testing.assert_close(value[i], loss_as_torch_has_it(model, at, x, y).detach(), rtol=1e-13, atol=0)
        for found in (gradient[:, i], network.grad(at)):
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-13 * scale)
        # Central differences of the gradient: their error is h²‖∂³g‖ and rounding over h, 1e-8 of the size together.
        h = 1e-5
        ends = [gradient_as_torch_has_it(model, at + side * h * v[:, i], x, y) for side in (1, -1)]
        difference = (ends[0] - ends[1]) / (2 * h)
        of_many = [products[:, i], forward[:, i], *(h[..., i] @ v[:, i] for h in (hessians, derivatives, batch))]
        for found in (*of_many, network.grad.hvp(at, v[:, i]), network.hessian(at) @ v[:, i]):
            torch.testing.assert_close(found, difference, rtol=0, atol=1e-7 * float(difference.abs().max()))


def test_a_column_of_many_is_as_good_as_a_vector() -> None:
    # torch takes the weights of an evaluated batch norm for contiguous ones.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 3)).double().eval()
        nn.init.normal_(model[1].weight)
    network = Network(model, functional.cross_entropy, images()[0][:, 0, 0], images()[1])
    w = columns(network, 3)
    v = w.flip(0)
    for function in (network.grad, lambda w: network.grad.hvp(w, v[:, 1])):
        torch.testing.assert_close(function(w[:, 1]), function(w[:, 1].clone()), rtol=1e-13, atol=1e-15)


class NormAndRelu(nn.BatchNorm2d):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(super().forward(x))


def test_layers_of_batch_norm_in_two_places_without_bias_and_of_other_kinds() -> None:
    norm = nn.BatchNorm2d(1).double()
    twice = nn.Sequential(norm, nn.Tanh(), norm, nn.Flatten(), nn.Linear(36, 3, dtype=torch.float64))
    plain = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(36, 3)).double()
    plain[0].register_parameter("bias", None)  # what bias=False does, where torch's version has it
    other = nn.Sequential(NormAndRelu(1, track_running_stats=False), nn.Flatten(), nn.Linear(36, 3)).double()
    for model in (twice, plain, other):
        network = Network(model, functional.cross_entropy, *images())
        expected = functional.cross_entropy(model(images()[0]), images()[1])
        torch.testing.assert_close(network.value(network.vector(model)), expected.detach(), rtol=1e-13, atol=0)


def test_buffers_of_a_criterion() -> None:
    x, _ = images()
    targets = torch.eye(3, dtype=torch.float64).repeat(4, 1)
    model = nn.Sequential(made(), nn.Tanh())
    network = Network(model, nn.BCEWithLogitsLoss(pos_weight=torch.tensor([1.0, 2.0, 0.5])), x, targets)
    w = columns(network, 2)
    outputs, weight = network.outputs(w[:, 0], x), torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64)
    expected = functional.binary_cross_entropy_with_logits(outputs, targets, pos_weight=weight)
    torch.testing.assert_close(network.value(w)[0], expected, rtol=1e-13, atol=0)


def test_moments_over_batches() -> None:
    x, y = [0.25, 0.5, 0.75], [0.1, 0.2, 0.6]
    samples = torch.tensor([x, y], dtype=torch.float64)
    neuron = Network(models.OneNeuron(1.0, 1.0), functional.mse_loss, *samples)
    landscape = sd.SampleLandscape("(w2*(w1*x)**2 - y)**2", "w1 w2", {"x": x, "y": y})
    points = torch.tensor([[0.5, 0.9], [0.5, -0.3]], dtype=torch.float64)
    found = [
        sd.Diffusion(loss, sd.USAM(0.1), sd.noise.FiniteSum(2), lr=0.05).coefficients(points)
        for loss in (neuron, landscape)
    ]
    torch.testing.assert_close(found[0], found[1], rtol=1e-12, atol=1e-14)


def test_trailing_axes() -> None:
    network = Network(made(), functional.cross_entropy, *images())
    w = columns(network, 2, 3)
    assert network.value(w).shape == (2, 3)
    assert network.grad(w).shape == (network.dim, 2, 3)
    assert network.outputs(w, network.inputs[:5]).shape == (2, 3, 5, 3)
    torch.testing.assert_close(network.value(w)[1, 2], network.value(w[:, 1, 2]), rtol=1e-13, atol=0)
    torch.testing.assert_close(network.grad(w)[:, 1, 2], network.grad(w[:, 1, 2]), rtol=1e-12, atol=1e-14)
    told = network.outputs(w, network.inputs).argmax(-1) == network.targets
    assert torch.equal(network.accuracy(w, network.inputs, network.targets), told.double().mean(-1))
    losses = network.losses(w, network.inputs, network.targets)
    assert losses.shape == (2, 3, 12)
    torch.testing.assert_close(losses.mean(-1), network.value(w), rtol=1e-13, atol=0)
    few = network.losses(w[:, 1, 2], network.inputs[4:6], network.targets[4:6])
    torch.testing.assert_close(losses[1, 2, 4:6], few, rtol=1e-12, atol=0)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(made(), functional.cross_entropy, *images())
    w = columns(network, 5)
    whole = network.value(w), network.grad(w)
    monkeypatch.setattr("samdyn.networks.landscape.network.MAX_ENTRIES", 2 * (network.dim + network.inputs.numel()))
    torch.testing.assert_close((network.value(w), network.grad(w)), whole, rtol=1e-13, atol=1e-15)


def test_the_model_is_left_alone_and_so_is_the_landscape() -> None:
    model = made(nn.BatchNorm2d(4))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    network = Network(model, functional.cross_entropy, *images())
    w = network.vector(model)
    value = network.value(w)
    network.grad(columns(network, 2))
    for name, entry in model.state_dict().items():
        assert torch.equal(entry, before[name]), name
    nn.init.zeros_(model[0].weight)
    assert network.value(w) == value


def test_frozen_parameters_are_constants() -> None:
    model = made()
    model[0].requires_grad_(False)
    network = Network(model, functional.cross_entropy, *images())
    assert network.dim == 195
    assert network.vector(model).shape == (195,)
    assert network.value(network.vector(model)) == Network(made(), functional.cross_entropy, *images()).value(
        parameters_to_vector(model.parameters()).detach()
    )


def test_float32_stays_float32() -> None:
    network = Network(made(nn.BatchNorm2d(4).eval()), functional.cross_entropy, *images())
    w = columns(network, 2).float()
    assert network.value(w).dtype == network.grad(w).dtype == network.outputs(w, network.inputs).dtype == torch.float32
    # 24 bits, through sums of a few dozen terms
    torch.testing.assert_close(network.grad(w).double(), network.grad(w.double()), rtol=1e-4, atol=1e-6)


def test_parameters_go_in_and_out() -> None:
    network = Network(made(), functional.cross_entropy, *images())
    w = columns(network)
    model = made()
    network.load(model, w)
    assert torch.equal(network.vector(model), w)
    stacked = network.vector([made(), model])
    assert stacked.shape == (2, network.dim)
    assert torch.equal(stacked[1], w)


def test_the_one_neuron_net_is_the_landscape() -> None:
    landscape = sd.landscapes.one_neuron()
    x = torch.tensor([0.25, 0.5, 0.75, 1.0])
    network = Network(models.OneNeuron(1.0, 1.0), functional.mse_loss, x, x**2)
    w = torch.tensor([[0.3, -1.2], [0.7, 0.4]], dtype=torch.float64)
    torch.testing.assert_close(network.value(w), landscape.value(w), rtol=1e-13, atol=0)
    torch.testing.assert_close(network.hessian(w), landscape.hessian(w), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("layer", ["batch norm", "attention"])
def test_threads_may_use_one_landscape_at_the_same_time(layer: str) -> None:
    x, targets = images()[0], torch.eye(3, dtype=torch.float64).repeat(4, 1)
    network = Network(made(LAYERS[layer]()), nn.BCEWithLogitsLoss(pos_weight=torch.tensor([1.0, 2.0, 0.5])), x, targets)
    points = columns(network, 3).T.contiguous()
    flash = torch.backends.cuda.flash_sdp_enabled()

    def found(w: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return network.value(w), network.grad(w), network.grad.hvp(w, w), network.value(w.float()).double()

    expected, interval = [*map(found, points)], sys.getswitchinterval()
    sys.setswitchinterval(5e-6)  # threads take turns a thousand times as often as usual
    try:
        with ThreadPoolExecutor(3) as threads:
            together = [*threads.map(found, points.repeat(10, 1))]
    finally:
        sys.setswitchinterval(interval)
    torch.testing.assert_close(together, expected * 10, rtol=1e-12, atol=1e-14)
    assert torch.backends.cuda.flash_sdp_enabled() == flash


@pytest.mark.parametrize("used", [False, True])
@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))], ids=["copy", "pickle"]
)
def test_copies_are_the_same_landscape(copied: Callable[[Network], Network], used: bool) -> None:
    network = Network(made(nn.BatchNorm2d(4)), nn.CrossEntropyLoss(), *images(), name="small")
    w = columns(network, 2)
    if used:  # what was computed once is kept
        network.grad.hvp(w, w)
        _ = network.symbols, network.box
    other = copied(network)
    assert repr(other) == repr(network)
    for function in (lambda loss: loss.value(w), lambda loss: loss.grad(w), lambda loss: loss.grad.hvp(w, w)):
        torch.testing.assert_close(function(other), function(network), rtol=1e-12, atol=1e-14)
    batches = sd.Map(other, sd.SAM(0.1), lr=0.1, noise=sd.noise.FiniteSum(4))
    assert not sd.simulate(batches, w.T, 2, progress=False).w.isnull().any()


def test_simulations_take_it_as_it_is() -> None:
    x = torch.tensor([0.25, 0.5, 0.75, 1.0])
    network = Network(models.OneNeuron(1.0, 1.0), functional.mse_loss, x, x**2)
    starts = np.array([[0.5, 0.5], [0.9, -0.3]])
    settings: dict[str, Any] = {"lr": 0.05, "momentum": 0.9}
    for noise in (None, sd.noise.Gaussian(0.01)):
        ours, formulas = (
            sd.simulate(sd.Map(loss, sd.SAM(0.1), noise=noise, **settings), starts, 50, save_every=10, progress=False)
            for loss in (network, sd.landscapes.one_neuron())
        )
        np.testing.assert_allclose(ours.w, formulas.w, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(ours.loss, formulas.loss, rtol=1e-10, atol=1e-15)
        assert list(ours.coord.values) == ["w0", "w1"]


@pytest.mark.parametrize("micro_batch", [None, 2])
def test_batches_are_those_of_a_landscape_with_samples(micro_batch: int | None) -> None:
    x = [0.25, 0.5, 0.75, 1.0]
    y = [0.1, 0.2, 0.6, 0.9]
    samples = torch.tensor([x, y], dtype=torch.float64)
    network = Network(models.OneNeuron(1.0, 1.0), functional.mse_loss, *samples)
    landscape = sd.SampleLandscape("(w2*(w1*x)**2 - y)**2", "w1 w2", {"x": x, "y": y})
    starts = np.array([[0.5, 0.5], [0.9, -0.3], [1.5, 1.0]])
    found = [
        sd.simulate(
            sd.Map(loss, method, lr=0.05, noise=sd.noise.FiniteSum(4, micro_batch=micro_batch)),
            starts,
            30,
            progress=False,
        ).w.values
        for method in (sd.SAM(0.1), sd.ExactSAM(0.1))
        for loss in (network, landscape)
    ]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(found[2], found[3], rtol=1e-11, atol=1e-13)


def test_stability_at_a_saddle_of_a_network() -> None:
    # y = w₂w₁x on x = 1, y = 1: the saddle of (w₁w₂ − 1)² at 0, λ = ±2.
    model = models.deep_linear((1, 1, 1), scale=0.0)
    network = Network(model, functional.mse_loss, torch.ones(1, 1), torch.ones(1, 1))
    formula = sd.landscapes.product()
    for system in (sd.Flow, lambda loss, method: sd.Map(loss, method, lr=0.01, momentum=0.5)):
        ours, theirs = (sd.stability(system(loss, sd.USAM(0.7)), [0.0, 0.0]) for loss in (network, formula))
        assert ours.kind == theirs.kind == "attractor"
        np.testing.assert_allclose(ours.eigenvalues.astype(complex), theirs.eigenvalues.astype(complex), rtol=1e-12)
        # The point is known in floating-point numbers, and so are the radii.
        bounds = [float(v.condition.inf) for v in (ours, theirs)]
        assert bounds == pytest.approx([0.5, 0.5], abs=1e-9)
        assert not ours.exact
    with pytest.raises(sd.InputError, match="not critical"):
        sd.stability(sd.Flow(network, sd.USAM(0.7)), [0.1, 0.3])
    assert sd.stability(sd.Flow(network, sd.SAM(0.7)), [0.0, 0.0]).kind == "no Jacobian"


def refused(call: Callable[[], Any], *told: str) -> None:
    with pytest.raises(sd.InputError) as error:
        call()
    for words in told:
        assert words in str(error.value)


def test_bad_input() -> None:
    x, y = images()
    ce = functional.cross_entropy
    refused(lambda: Network(made(), ce, x, y[:3]), "12 inputs for 3 targets")
    refused(lambda: Network(made(), ce, x[:0], y[:0]), "at least one")
    refused(lambda: Network(made().requires_grad_(False), ce, x, y), "no trainable parameter")
    refused(lambda: Network("mlp", ce, x, y), "model = 'mlp'", "Module")  # type: ignore[arg-type]
    refused(lambda: Network(made(), "mse", x, y), "criterion = 'mse'", "Use e.g.")  # type: ignore[arg-type]
    refused(lambda: Network(made(), nn.CrossEntropyLoss, x, y), "CrossEntropyLoss", "Use e.g.")  # type: ignore[arg-type]
    refused(lambda: Network(made(), ce, "images", y), "inputs = 'images'", "no array")  # type: ignore[arg-type]
    refused(lambda: Network(made(), ce, x, 3), "targets = 3", "first axis")  # type: ignore[arg-type]
    refused(lambda: Network(nn.Linear(5, 3, dtype=torch.complex64), ce, x, y), "complex64", "weight", "real numbers")
    refused(lambda: Network(made(), ce, x, torch.cat([y[:-1], torch.tensor([7])])), "IndexError: Target 7", "(24, 3)")
    refused(lambda: Network(made(), ce, x, y.double()), "RuntimeError", "float64", "Give the targets")
    refused(lambda: Network(made(nn.Dropout(0.5)), ce, x, y), "dropout", "eval()")
    Network(made(nn.Dropout(0.5)).eval(), ce, x, y)
    refused(lambda: Network(made(nn.InstanceNorm2d(4, track_running_stats=True)), ce, x, y), "running statistics")
    refused(lambda: Network(made(NormAndRelu(4)), ce, x, y), "NormAndRelu", "eval()")
    network = Network(made(), ce, x, y)
    refused(lambda: network.value(torch.zeros(3)), "235 components")
    refused(lambda: network.restrict({"w0": 1.0}), "fixed")
    refused(lambda: sd.Map(network, sd.GD(), lr=0.1).jacobian(), "no formula")
    refused(lambda: network.expr, "no formula")
    labels = sd.noise.LabelNoise(4, label="sample", std=0.1)
    refused(lambda: sd.Map(network, sd.GD(), lr=0.1, noise=labels), "no data with names")
    refused(lambda: network.accuracy(columns(network), x, y[:, None]), "(12, 1)", "Give an array of shape (12,)")
    refused(lambda: network.losses(columns(network), x, y[:5]), "targets = (5,): 5 targets for 12 inputs")
    one = Network(models.mlp((36, 1)), functional.mse_loss, x.flatten(1), torch.zeros(12, 1, dtype=torch.float64))
    refused(lambda: one.accuracy(columns(one), x.flatten(1), y), "two or more outputs")


def weighted(outputs: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """A mean over samples with weights of classes that do not depend on which samples are there."""
    return (WEIGHTS.to(outputs)[classes] * functional.cross_entropy(outputs, classes, reduction="none")).mean()


def hinge_in_python(outputs: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """A mean over samples that vmap cannot take: it asks for numbers."""
    return torch.stack([torch.relu(1 - row[int(label)]) for row, label in zip(outputs, classes, strict=True)]).mean()


WEIGHTS = torch.tensor([1.0, 2.0, 0.5])
BALANCED = torch.tensor([0, 1] * 20)  # halves have as many of each class
LATE = torch.tensor([0, 1, 2, 0] * 300 + [-100])  # one ignored target, the last
FIRST = torch.tensor([0, 1, 2, 0])
NUMBERS = torch.linspace(-1, 1, 40)


@pytest.mark.parametrize("scale", [1.0, 0.0])  # where all weights are 0, so are all outputs
@pytest.mark.parametrize(
    ("criterion", "targets"),
    [
        (nn.CrossEntropyLoss(reduction="sum"), FIRST),
        (nn.CrossEntropyLoss(reduction="sum"), FIRST[:1]),
        (nn.MSELoss(reduction="sum"), torch.zeros(4, 3)),
        (nn.CrossEntropyLoss(weight=WEIGHTS), FIRST),
        (nn.CrossEntropyLoss(weight=WEIGHTS), BALANCED),
        (nn.CrossEntropyLoss(weight=torch.tensor([1.0, 1.0, 0.9])), FIRST),
        (functional.cross_entropy, LATE),
        (nn.CrossEntropyLoss(ignore_index=2), FIRST),
        (lambda outputs, t: functional.mse_loss(outputs[:, :1], t), NUMBERS),  # (n, 1) and (n,): all pairs
        (lambda outputs, t: functional.mse_loss(outputs, t) / len(t) ** 0.5, torch.zeros(4, 3)),
        (lambda outputs, t: outputs.std() + 0.0 * t.sum(), torch.zeros(4, 3)),
    ],
)
@pytest.mark.filterwarnings("ignore:Using a target size", "ignore:std")
def test_criteria_that_are_no_mean_over_samples(criterion: Any, targets: torch.Tensor, scale: float) -> None:
    model = models.mlp((5, 3), scale=scale)
    inputs = torch.randn(len(targets), 5, generator=torch.Generator().manual_seed(0))
    refused(lambda: Network(model, criterion, inputs, targets), "criterion = ", "samples' losses", "reduction")


@pytest.mark.parametrize(
    ("criterion", "targets"),
    [
        (weighted, BALANCED),
        (hinge_in_python, FIRST),
        (nn.CrossEntropyLoss(weight=WEIGHTS), FIRST[:1].repeat(9)),  # one class: all weights are the same
        (nn.CrossEntropyLoss(label_smoothing=0.1), BALANCED),
        (functional.cross_entropy, torch.full((4, 3), 1 / 3)),
        (nn.HuberLoss(), torch.randn(7, 3, generator=torch.Generator().manual_seed(1))),
        (lambda outputs, t: functional.kl_div(outputs.log(), t, reduction="batchmean"), torch.full((4, 3), 1 / 3)),
        (lambda outputs, t: functional.nll_loss(outputs.log(), t), FIRST),
        (nn.BCELoss(), torch.full((4, 3), 0.3)),  # which takes nothing outside of [0, 1]
    ],
)
def test_criteria_that_are_means_over_samples(criterion: Any, targets: torch.Tensor) -> None:
    model = nn.Sequential(models.mlp((5, 3)), nn.Softmax(-1)).double()
    inputs = torch.randn(len(targets), 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    network = Network(model, criterion, inputs, targets)
    w = network.vector(model)
    halves = [network.batch_gradient(w, part[None]) for part in torch.arange(len(targets)).split(1)]
    torch.testing.assert_close(sum(halves) / len(halves), network.grad(w), rtol=1e-9, atol=1e-12)


class Two(nn.Linear):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:  # type: ignore[override]
        return super().forward(x), x


class RarelyDropped(nn.Linear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.dropout(super().forward(x), 1e-6)


def test_models_that_are_no_functions() -> None:
    x, y = torch.randn(6, 5), torch.randint(3, (6,))
    numbers, ce = torch.randint(4, (6,)), functional.cross_entropy
    dropping = RarelyDropped(5, 3)
    state = torch.get_rng_state()
    refused(lambda: Network(dropping, ce, x, y), "RarelyDropped", "random numbers")
    assert torch.equal(state, torch.get_rng_state())
    embedding = nn.Embedding(4, 3, max_norm=0.1)
    refused(lambda: Network(embedding, ce, numbers, y), "parameter = 'Embedding'", "changed by the model itself")
    normed = spectral_norm(nn.Linear(5, 3))
    before = copy.deepcopy(normed.state_dict())
    refused(lambda: Network(normed, ce, x, y), "_u", "changed by the model itself")
    assert all(map(torch.equal, before.values(), normed.state_dict().values()))
    Network(normed.eval(), ce, x, y)
    refused(lambda: Network(Two(5, 3), ce, x, y), "tuple", "one tensor")
    refused(
        lambda: Network(nn.Linear(5, 3), partial(ce, reduction="none"), x, y), "not one number", "the mean over samples"
    )
    network = Network(nn.Linear(5, 3), ce, x.numpy(), y.numpy())
    assert network.value(torch.zeros(18)) == pytest.approx(np.log(3))


def test_second_derivatives_that_torch_has_wrong_are_refused() -> None:
    x, y = images()
    model = nn.Sequential(nn.Flatten(), weight_norm(nn.Linear(36, 3))).double()
    network = Network(model, functional.cross_entropy, x, y)
    w = columns(network)
    expected = gradient_as_torch_has_it(network.model, w, x, y)
    torch.testing.assert_close(network.grad(w), expected, rtol=1e-12, atol=1e-14)
    for second in (network.hessian, lambda w: network.grad.hvp(w, w), lambda w: jacobian(network.grad, w)):
        refused(lambda second=second: second(w), "not symmetric", "weight_norm")


def test_models_of_another_kind() -> None:
    network = Network(models.mlp((36, 4, 3)), functional.cross_entropy, images()[0].flatten(1), images()[1])
    other = models.mlp((36, 1, 3))
    before = copy.deepcopy(other.state_dict())
    w = columns(network)
    refused(lambda: network.load(other, w), "model = (1, 36)", "0.weight", "(4, 36)")
    refused(lambda: network.load(models.mlp((36, 4, 3)), w[:, None]), "one point")
    refused(lambda: network.vector(models.deep_linear((36, 4, 3))), "model = 'none'", "0.bias")
    for nothing in ("mlp", None, 3, []):
        refused(lambda nothing=nothing: network.vector(nothing), "models = ", "Give a model")  # type: ignore[misc]
    refused(lambda: network.vector([network.model, 3]), "model = 3")  # type: ignore[list-item]
    refused(lambda: network.load(None, w), "model = None")  # type: ignore[arg-type]
    refused(lambda: network.outputs(w, None), "inputs = None")  # type: ignore[arg-type]
    refused(lambda: network.accuracy(w, images()[0].flatten(1), "y"), "targets = 'y'")  # type: ignore[arg-type]
    assert all(map(torch.equal, before.values(), other.state_dict().values()))


@pytest.mark.parametrize("shape", [(3, 2), (3,), (3, 2, 5)])
def test_inputs_that_the_model_cannot_take_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(sd.InputError, match="cannot take inputs of this shape: "):
        Network(nn.Linear(4, 2), nn.functional.cross_entropy, torch.zeros(shape), torch.zeros(3, dtype=torch.int64))

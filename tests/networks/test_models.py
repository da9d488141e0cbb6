"""Networks: what they compute, that they start alike everywhere, and what is none."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from samdyn import landscapes
from samdyn.checks import InputError
from samdyn.networks import models

FACTORIES: dict[str, Callable[..., nn.Module]] = {
    "one_neuron": models.one_neuron,
    "deep_linear": lambda **seed: models.deep_linear((3, 4, 2), **seed),
    "mlp": lambda **seed: models.mlp((3, 4, 2), **seed),
    "small_cnn": models.small_cnn,
    "resnet": lambda **seed: models.resnet((1, 1), 4, **seed),
    "resnet18": lambda **seed: models.resnet18(width=2, **seed),
    "gpt": lambda **seed: models.gpt(5, 4, 8, 1, 2, **seed),
}


def weights(net: nn.Module) -> torch.Tensor:
    return nn.utils.parameters_to_vector(net.parameters()).detach()


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("factory", FACTORIES.values(), ids=FACTORIES)
def test_the_seed_alone_sets_the_weights(factory: Callable[..., nn.Module]) -> None:
    torch.manual_seed(1)
    first = weights(factory())
    torch.manual_seed(2)
    assert torch.equal(weights(factory(seed=0)), first)
    assert not torch.equal(weights(factory(seed=1)), first)
    with pytest.raises(InputError, match="seed = -1"):
        factory(seed=-1)


@pytest.mark.parametrize("factory", FACTORIES.values(), ids=FACTORIES)
def test_making_a_network_draws_nothing_elsewhere(
    factory: Callable[..., nn.Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded: list[int] = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    before, of_numpy = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
    with torch.device("meta"):
        net = factory()
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(np.random.get_state()[1], of_numpy)  # noqa: NPY002
    assert not seeded
    assert {p.device.type for p in net.parameters()} == {"cpu"}


def test_one_neuron_has_the_loss_of_its_landscape() -> None:
    x, y = normal(2, 7).double()
    landscape = landscapes.one_neuron(x.tolist(), y.tolist())
    for w in normal(20, 2):
        net = models.OneNeuron(*w.tolist()).double()
        loss = nn.functional.mse_loss(net(x), y)
        # The landscape sums the terms of the expanded square, which cancel where the loss is small.
        torch.testing.assert_close(loss, landscape.value(w.double()), rtol=1e-13, atol=1e-14)


def test_one_neuron_starts_from_standard_normals() -> None:
    drawn = torch.stack([weights(models.one_neuron(seed)) for seed in range(400)])
    # Standard errors over 800 draws: 0.035 of the mean, 0.025 of the standard deviation.
    assert abs(drawn.mean()) < 0.14
    assert abs(drawn.std() - 1) < 0.1


def test_deep_linear_is_the_product_of_its_matrices() -> None:
    net = models.deep_linear((3, 5, 4, 2)).double()
    first, second, third = net.parameters()
    assert [tuple(m.shape) for m in net.parameters()] == [(5, 3), (4, 5), (2, 4)]
    x = normal(6, 3).double()
    torch.testing.assert_close(net(x), x @ (third @ second @ first).T, rtol=1e-13, atol=1e-14)


def test_scale_sets_the_size_of_a_deep_linear_net() -> None:
    net = models.deep_linear((50, 200, 100), scale=0.3)
    for matrix in net.parameters():
        entries = matrix.detach() * matrix.shape[1] ** 0.5
        # Standard errors over 10,000 entries and more: 0.003 of the mean, 0.002 of the standard deviation.
        assert abs(entries.mean()) < 0.012
        assert abs(entries.std() - 0.3) < 0.01
    assert not weights(models.deep_linear((3, 4, 2), scale=0)).any()


@pytest.mark.parametrize(
    ("activation", "function"),
    [
        ("relu", lambda z: z.clamp(min=0)),
        ("tanh", torch.tanh),
        ("GELU", lambda z: z * (1 + torch.erf(z / 2**0.5)) / 2),
        ("softplus", lambda z: torch.log1p(z.exp())),
    ],
)
def test_mlp_is_affine_layers_with_an_activation_between(
    activation: str, function: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    net = models.mlp((3, 5, 4, 2), activation=activation).double()
    w1, b1, w2, b2, w3, b3 = net.parameters()
    x = normal(6, 3).double()
    expected = function(function(x @ w1.T + b1) @ w2.T + b2) @ w3.T + b3
    torch.testing.assert_close(net(x), expected, rtol=1e-13, atol=1e-14)


def test_scale_is_a_factor_on_the_weights_of_an_mlp() -> None:
    full = models.mlp((30, 20, 10))
    assert torch.equal(weights(models.mlp((30, 20, 10), scale=0.125)), weights(full) / 8)
    first_weights, first_biases, *_ = full.parameters()
    for p in (first_weights, first_biases):
        # Torch draws from ±1/√fan_in: of 20 and more draws the largest is nearly that.
        assert 0.8 < p.abs().max() * 30**0.5 <= 1


@pytest.mark.parametrize(("channels", "pixels"), [(1, 8), (3, 32), (1, 28)])
def test_small_cnn_takes_images_of_many_sizes(channels: int, pixels: int) -> None:
    net = models.small_cnn(7, channels=channels, width=5)
    assert net(normal(4, channels, pixels, pixels)).shape == (4, 7)
    sizes = [p.numel() for p in net.parameters()]
    assert sizes == [5 * channels * 9, 5, 10 * 5 * 9, 10, 7 * 40, 7]


def test_small_cnn_computes_what_it_says() -> None:
    w1, b1, w2, b2, w3, b3 = (net := models.small_cnn(7, width=5).double()).parameters()
    x = normal(4, 1, 16, 16).double()
    for weight, bias in ((w1, b1), (w2, b2)):
        x = nn.functional.conv2d(x, weight, bias, padding=1).relu()
        x = x.unflatten(2, (-1, 2)).unflatten(4, (-1, 2)).amax((3, 5))
    means = x.unflatten(2, (2, -1)).unflatten(4, (2, -1)).mean((3, 5)).flatten(1)
    x = normal(4, 1, 16, 16).double()
    torch.testing.assert_close(net(x), means @ w3.T + b3, rtol=1e-12, atol=1e-12)


def test_resnet18_has_as_many_parameters_as_published() -> None:
    assert sum(p.numel() for p in models.resnet18().parameters()) == 11_173_962


def test_resnet8_has_eight_layers() -> None:
    for batch_norm in (True, False):
        net = models.resnet((1, 1, 1), 16, batch_norm=batch_norm)
        layers = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        on_shortcuts = [m for m in layers if isinstance(m, nn.Conv2d) and m.kernel_size == (1, 1)]
        assert len(layers) - len(on_shortcuts) == 8
        assert len(on_shortcuts) == 2  # where stages begin, the first of them apart
        assert any(isinstance(m, nn.BatchNorm2d) for m in net.modules()) is batch_norm


def test_stages_halve_the_image_and_double_the_channels() -> None:
    x, shapes = normal(2, 3, 32, 32), []
    for layer in models.resnet((2, 1, 1, 1), 4, 10):
        x = layer(x)
        shapes.append(tuple(x.shape[1:]))
    stem, pooled = [(4, 32, 32)] * 3, [(32, 1, 1), (32,), (10,)]
    assert shapes == [*stem, (4, 32, 32), (4, 32, 32), (8, 16, 16), (16, 8, 8), (32, 4, 4), *pooled]


@pytest.mark.parametrize("batch_norm", [True, False])
def test_a_block_adds_its_branch_to_its_shortcut(batch_norm: bool) -> None:
    def convolve(x: torch.Tensor, layer: nn.Conv2d) -> torch.Tensor:
        out = nn.functional.conv2d(x, layer.weight, layer.bias, layer.stride, layer.padding)
        # Batch norm's own scale and shift are 1 and 0 at the start.
        return nn.functional.batch_norm(out, None, None, training=True) if batch_norm else out

    x = normal(3, 4, 8, 8).double()
    blocks = [m for m in models.resnet((1, 1), 4, batch_norm=batch_norm).double() if hasattr(m, "shortcut")]
    for block, number in zip(blocks, (2, 3), strict=True):
        first, last, *shortcut = [m for m in block.modules() if isinstance(m, nn.Conv2d)]
        assert 2 + len(shortcut) == number
        expected = convolve(convolve(x, first).relu(), last) + (convolve(x, shortcut[0]) if shortcut else x)
        torch.testing.assert_close(block(x), expected.relu(), rtol=1e-12, atol=1e-12)


def test_convolutions_start_with_hes_initialisation() -> None:
    for batch_norm, factor in [(True, 1.0), (False, 6**-0.5)]:  # without batch norm, the last one of six blocks' each
        for block in models.resnet((2, 2, 2), 32, batch_norm=batch_norm):
            layers = [m for m in block.modules() if isinstance(m, nn.Conv2d)]
            for layer, expected in zip(layers, (1.0, factor, 1.0), strict=False):
                spread = layer.weight.detach().std() * (layer.weight[0].numel() / 2) ** 0.5
                assert abs(spread / expected - 1) < 0.1  # its standard error over 864 weights, the fewest, is 0.024
                assert layer.bias is None or not layer.bias.any()


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("blocks", [(1, 1, 1), (2, 2, 2, 2), (8, 8, 8)])
def test_outputs_and_gradients_have_a_sane_size_at_the_start(blocks: tuple[int, ...], batch_norm: bool) -> None:
    net = models.resnet(blocks, 16, batch_norm=batch_norm)
    out = net(normal(8, 3, 32, 32))
    assert 0.1 < out.std() < 10
    nn.functional.cross_entropy(out, torch.arange(8)).backward()
    gradient = torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None])
    assert 0.1 < gradient.norm() < 100


def test_resnet18_has_a_sane_size_at_the_start_without_batch_norm() -> None:
    with torch.no_grad():
        assert 0.1 < models.resnet18(batch_norm=False)(normal(4, 3, 32, 32)).std() < 10


def test_every_network_has_a_second_derivative() -> None:
    inputs = {
        "one_neuron": normal(4, 1),
        "deep_linear": normal(4, 3),
        "mlp": normal(4, 3),
        "small_cnn": normal(4, 1, 8, 8),
        "resnet": normal(4, 3, 8, 8),
        "resnet18": normal(4, 3, 16, 16),
        "gpt": torch.tensor([[0, 3, 4, 1]]),
    }
    for name, factory in FACTORIES.items():
        net = factory()
        parameters = list(net.parameters())
        with sdpa_kernel(SDPBackend.MATH):
            gradient = torch.autograd.grad(net(inputs[name]).square().mean(), parameters, create_graph=True)
            square = torch.stack([g.square().sum() for g in gradient]).sum()
            assert any(g.any() for g in torch.autograd.grad(square, parameters))


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: models.OneNeuron(float("nan"), 1.0), "w1 = nan"),
        (lambda: models.OneNeuron(1.0, float("inf")), "w2 = inf"),
        *[
            (lambda f=factory, w=widths: f(w), named)
            for factory in (models.deep_linear, models.mlp)
            for widths, named in [
                ((3,), r"widths = \(3,\): must be 2 or more"),
                (5, "widths = 5"),
                ((3, 0, 1), "widths = 0"),
                ((3, 2.0), "widths = 2.0"),
            ]
        ],
        *[
            (lambda f=factory, s=scale: f((3, 2), scale=s), "scale = ")
            for factory in (models.deep_linear, models.mlp)
            for scale in (-0.1, float("inf"), float("nan"))
        ],
        (lambda: models.mlp((3, 2, 1), activation="relo"), "activation = 'relo'.*Did you mean 'relu'"),
        (lambda: models.small_cnn(0), "classes = 0"),
        (lambda: models.small_cnn(channels=0), "channels = 0"),
        (lambda: models.small_cnn(width=0), "width = 0"),
        (lambda: models.resnet((), 16), r"blocks = \(\)"),
        (lambda: models.resnet((1, 0), 16), "blocks = 0"),
        (lambda: models.resnet((1,), 0), "width = 0"),
        (lambda: models.resnet18(-1), "classes = -1"),
    ],
)
def test_what_is_no_network_is_refused(make: Callable[[], Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        make()

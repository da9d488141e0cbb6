"""Networks for experiments, from two weights to a ResNet-18.

Every function draws the initial weights on the CPU from a generator with the given ``seed``, and leaves torch's global
generators unchanged. The weights are the same on every machine to rounding: the instructions by which torch scales
random numbers differ between processors in the last bit. Training amplifies that, so trained networks differ between
processors.

>>> from samdyn.networks import models
>>> sum(p.numel() for p in models.mlp((64, 32, 10)).parameters())
2410
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from math import sqrt

import torch
from torch import nn

from .. import checks

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "softplus": nn.Softplus,
}


class OneNeuron(nn.Module):
    """[K23]'s two-layer network of one neuron, f(x) = w₂(w₁x)², applied to each entry: x ``(…)`` -> ``(…)``.

    Its mean squared error is the landscape ``samdyn.landscapes.one_neuron``.

    Attributes:
        w1: the first weight, a parameter ``()``.
        w2: the second weight.
    """

    def __init__(self, w1: float, w2: float) -> None:
        """Set the weights.

        Raises:
            InputError: a weight that is not finite.
        """
        super().__init__()
        rule, fix = "must be a finite number", "Use e.g. 1.0"
        self.w1 = nn.Parameter(torch.tensor(checks.number("w1", w1, rule, fix)))
        self.w2 = nn.Parameter(torch.tensor(checks.number("w2", w2, rule, fix)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return f(x)."""
        return self.w2 * (self.w1 * x) ** 2


def one_neuron(seed: int = 0) -> OneNeuron:
    """Return ``OneNeuron`` with standard normal weights.

    Raises:
        InputError: a seed that is not an integer in [0, 2³²).

    >>> [name for name, _ in one_neuron(seed=1).named_parameters()]
    ['w1', 'w2']
    """
    with _drawing(seed):
        return OneNeuron(*torch.randn(2).tolist())


def deep_linear(widths: Sequence[int], *, scale: float = 1.0, seed: int = 0) -> nn.Module:
    """Return a linear network without biases, x -> W_L … W₁x: x ``(…, widths[0])`` -> ``(…, widths[-1])``.

    Args:
        widths: the widths of the input, of each hidden layer, and of the output.
        scale: a factor on the weights, which are drawn from N(0, scale²/fan_in). 0 gives the saddle at the origin.
        seed: the seed of the weights.

    Raises:
        InputError: fewer than two widths, or one that is not an integer ≥ 1; a scale that is not finite and ≥ 0; a seed
            that is not an integer in [0, 2³²).

    >>> deep_linear((3, 4, 2))
    Sequential(
      (0): Linear(in_features=3, out_features=4, bias=False)
      (1): Linear(in_features=4, out_features=2, bias=False)
    )
    """
    widths, scale = _widths(widths), _scale(scale)
    with _drawing(seed):
        layers = [nn.Linear(m, n, bias=False) for m, n in pairwise(widths)]
        for layer in layers:
            nn.init.normal_(layer.weight, std=scale / sqrt(layer.in_features))
    return nn.Sequential(*layers)


def mlp(widths: Sequence[int], *, activation: str = "relu", scale: float = 1.0, seed: int = 0) -> nn.Module:
    """Return affine layers with an activation between them: x ``(…, widths[0])`` -> ``(…, widths[-1])``.

    Args:
        widths: the widths of the input, of each hidden layer, and of the output.
        activation: "relu", "tanh", "gelu" or "softplus".
        scale: a factor on torch's initial weights and biases. A small one starts near the saddle at the origin.
        seed: the seed of the weights.

    Raises:
        InputError: an unknown activation; widths, a scale or a seed that ``deep_linear`` refuses too.

    >>> mlp((4, 8, 2), activation="tanh")(torch.zeros(5, 4)).shape
    torch.Size([5, 2])
    """
    widths, scale = _widths(widths), _scale(scale)
    between = ACTIVATIONS[checks.known("activation", activation, ACTIVATIONS)]
    layers: list[nn.Module] = []
    with _drawing(seed):
        for m, n in pairwise(widths):
            layers += [nn.Linear(m, n), between()]
    net = nn.Sequential(*layers[:-1])
    with torch.no_grad():
        for p in net.parameters():
            p.mul_(scale)
    return net


def small_cnn(classes: int = 10, *, channels: int = 1, width: int = 16, seed: int = 0) -> nn.Module:
    """Return two 3×3 convolutions with relu and max-pooling, an average to 2×2 pixels, and an affine layer.

    The network takes images of at least 8×8 pixels: ``(N, channels, height, width)`` -> ``(N, classes)``.

    Args:
        classes: the number of outputs.
        channels: the number of channels of the images.
        width: the number of channels of the first convolution; the second has twice as many.
        seed: the seed of the weights, whose distributions are torch's.

    Raises:
        InputError: a number that is not an integer ≥ 1, or a seed that is not an integer in [0, 2³²).

    >>> small_cnn()(torch.zeros(1, 1, 8, 8)).shape
    torch.Size([1, 10])
    """
    classes = checks.count("classes", classes, "Use e.g. classes=10")
    channels = checks.count("channels", channels, "Use e.g. channels=1, or 3 for colours")
    width = checks.count("width", width, "Use e.g. width=16")
    with _drawing(seed):
        return nn.Sequential(
            *[nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)],
            *[nn.Conv2d(width, 2 * width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)],
            *[nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(2 * width * 4, classes)],
        )


def resnet(
    blocks: Sequence[int], width: int, classes: int = 10, *, batch_norm: bool = True, seed: int = 0
) -> nn.Module:
    """Return a ResNet of basic blocks for small colour images: ``(N, 3, height, width)`` -> ``(N, classes)``.

    It has a 3×3 convolution without pooling, stages of blocks, the mean over pixels, and an affine layer. Each stage
    after the first has twice the channels and half the height and width of the one before. Shortcuts are 1×1
    convolutions where shapes change. [K. He et al. 2016, Deep residual learning for image recognition, sec. 3.3 and
    4.2]

    Convolutions start with He's initialisation. Without batch norm, the last convolution of each of the d blocks is
    then multiplied by 1/√d, so that outputs do not grow exponentially with depth. This is SkipInit with α = 1/√d, as a
    factor on the initial weights instead of a parameter. [De and Smith 2020, Batch normalization biases residual blocks
    towards the identity function in deep networks]

    Args:
        blocks: the number of blocks in each stage; ``(1, 1, 1)`` with width 16 is ResNet-8.
        width: the number of channels of the first stage.
        classes: the number of outputs.
        batch_norm: whether batch norm follows every convolution. Without it convolutions have biases, which start at 0.
        seed: the seed of the weights.

    Raises:
        InputError: no blocks; a number that is not an integer ≥ 1; a seed that is not an integer in [0, 2³²).

    >>> resnet((1, 1), width=4)(torch.zeros(2, 3, 8, 8)).shape
    torch.Size([2, 10])
    """
    blocks = _sizes("blocks", blocks, 1, "Use e.g. blocks=(2, 2, 2, 2), one number per stage")
    width = checks.count("width", width, "Use e.g. width=64")
    classes = checks.count("classes", classes, "Use e.g. classes=10")
    with _drawing(seed):
        layers: list[nn.Module] = [*_convolution(3, width, 3, 1, batch_norm), nn.ReLU()]
        before = width
        for stage, number in enumerate(blocks):
            after = width * 2**stage
            for i in range(number):
                layers.append(_Block(before, after, 2 if stage and not i else 1, batch_norm, sum(blocks)))
                before = after
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes))


def resnet18(classes: int = 10, *, batch_norm: bool = True, width: int = 64, seed: int = 0) -> nn.Module:
    """Return ResNet-18 for CIFAR's images: ``resnet`` with four stages of two blocks.

    Raises:
        InputError: as for ``resnet``.

    >>> len([layer for layer in resnet18(width=4).modules() if isinstance(layer, nn.Conv2d)])  # 17, and 3 shortcuts
    20
    """
    return resnet((2, 2, 2, 2), width, classes, batch_norm=batch_norm, seed=seed)


class _Block(nn.Module):
    """A basic block of a network with ``blocks`` blocks: relu(shortcut + two 3×3 convolutions)."""

    def __init__(self, before: int, after: int, stride: int, batch_norm: bool, blocks: int) -> None:
        super().__init__()
        first = _convolution(before, after, 3, stride, batch_norm)
        last = _convolution(after, after, 3, 1, batch_norm, 1.0 if batch_norm else 1 / sqrt(blocks))
        self.branch = nn.Sequential(*first, nn.ReLU(), *last)
        same = stride == 1 and before == after
        self.shortcut = nn.Sequential(*([] if same else _convolution(before, after, 1, stride, batch_norm)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.shortcut(x) + self.branch(x))


def _convolution(
    before: int, after: int, size: int, stride: int, batch_norm: bool, scale: float = 1.0
) -> list[nn.Module]:
    convolution = nn.Conv2d(before, after, size, stride, padding=size // 2, bias=not batch_norm)
    nn.init.normal_(convolution.weight, std=scale * sqrt(2 / (before * size**2)))
    if convolution.bias is None:
        return [convolution, nn.BatchNorm2d(after)]
    nn.init.zeros_(convolution.bias)
    return [convolution]


@contextmanager
def _drawing(seed: int) -> Iterator[None]:
    """Seed torch's generator of the CPU while the block runs, and restore it afterwards."""
    seed = checks.word("seed", seed, "Use e.g. seed=0")
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.default_generator.manual_seed(
            seed
        )  # torch.manual_seed would also set the generators of GPUs, permanently
        yield


def _sizes(name: str, value: Sequence[int], fewest: int, fix: str) -> tuple[int, ...]:
    if not isinstance(value, Sequence) or len(value) < fewest:
        checks.reject(name, value, f"must be {fewest} or more integers", fix)
    return tuple(checks.count(name, size, fix) for size in value)


def _widths(value: Sequence[int]) -> tuple[int, ...]:
    return _sizes("widths", value, 2, "Use e.g. widths=(2, 16, 1): of the input, of hidden layers, of the output")


def _scale(value: float) -> float:
    return checks.not_negative("scale", value, "Use e.g. scale=1.0")

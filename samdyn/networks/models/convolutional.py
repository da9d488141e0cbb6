"""Convolutional networks for images, from a few filters to a ResNet-18."""

from collections.abc import Sequence
from math import sqrt

import torch
from torch import nn

from ... import checks
from .weights import drawing, sizes


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
    with drawing(seed):
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
    blocks = sizes("blocks", blocks, 1, "Use e.g. blocks=(2, 2, 2, 2), one number per stage")
    width = checks.count("width", width, "Use e.g. width=64")
    classes = checks.count("classes", classes, "Use e.g. classes=10")
    with drawing(seed):
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

"""Fully connected networks, from two weights to deep linear ones and multilayer perceptrons."""

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt

import torch
from torch import nn

from ... import checks
from .weights import drawing, sizes

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
    with drawing(seed):
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
    with drawing(seed):
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
    with drawing(seed):
        for m, n in pairwise(widths):
            layers += [nn.Linear(m, n), between()]
    net = nn.Sequential(*layers[:-1])
    with torch.no_grad():
        for p in net.parameters():
            p.mul_(scale)
    return net


def _widths(value: Sequence[int]) -> tuple[int, ...]:
    return sizes("widths", value, 2, "Use e.g. widths=(2, 16, 1): of the input, of hidden layers, of the output")


def _scale(value: float) -> float:
    return checks.not_negative("scale", value, "Use e.g. scale=1.0")

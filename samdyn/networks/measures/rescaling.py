"""Rescaling of a network's layers that leaves its function as it is."""

import torch
from torch import nn

from ... import checks
from ...arguments import checked


@checked
def rescale(model: nn.Module, w: torch.Tensor, factor: float) -> torch.Tensor:
    """Return a ReLU network with its first layer times a factor and the weights of the second over it.

    The network is the same function, since relu(a x) = a relu(x), but another point of the landscape. A measure that
    depends on the function alone is the same there.  [Dinh et al. 2017, Sharp minima can generalize for deep nets]

    Args:
        model: ``models.mlp`` with relu and at least two layers.
        w: the network's parameters, ``(d,)``.
        factor: a, > 0.

    Returns:
        The parameters of the rescaled network, ``(d,)``.

    Raises:
        InputError: a factor that is not finite and > 0; a model whose first layers are not affine with a relu between
            them; parameters of another model.

    >>> from samdyn.networks import models, rescale
    >>> rescale(models.mlp((1, 1, 1)), torch.tensor([1.0, 2.0, 4.0, 5.0]), 2.0)
    tensor([2., 4., 2., 5.])
    """
    factor = checks.positive("factor", factor, "Use e.g. factor=2.0")
    layers = [*model.children()]
    if [type(layer) for layer in layers[:3]] != [nn.Linear, nn.ReLU, nn.Linear]:
        kinds = ", ".join(type(layer).__name__ for layer in layers[:3]) or type(model).__name__
        checks.reject("model", kinds, "must begin with Linear, ReLU, Linear", "Use e.g. networks.models.mlp((4, 8, 2))")
    sizes = [p.numel() for p in model.parameters()]
    if w.shape != (sum(sizes),):
        checks.reject("w", tuple(w.shape), f"the model has {sum(sizes)} parameters", "Give an array of that many")
    first = sum(p.numel() for p in layers[0].parameters())
    second = first + layers[2].get_parameter("weight").numel()
    return torch.cat([factor * w[:first], w[first:second] / factor, w[second:]])

"""Batch norm by the samples at hand, in operations that can be differentiated for many networks at once."""

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


class BatchNorm(nn.Module):
    """What ``torch.nn.BatchNorm`` computes in training, without running statistics.

    Under ``vmap`` torch's own has wrong gradients in that mode.  [github.com/pytorch/functorch, issue 534; seen with
    torch 2.13]
    """

    def __init__(self, torchs: _BatchNorm) -> None:
        """Take the place of a layer, with its own parameters."""
        super().__init__()
        self.weight, self.bias, self.eps = torchs.weight, torchs.bias, torchs.eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x ``(n, channels, …)`` with mean 0 and variance 1 in every channel, scaled and shifted."""
        over = [0, *range(2, x.ndim)]
        variance, mean = torch.var_mean(x, over, correction=0, keepdim=True)
        x = (x - mean) * (variance + self.eps).rsqrt()
        if self.weight is None:
            return x
        shape = [-1, *[1] * (x.ndim - 2)]
        return x * self.weight.view(shape) + self.bias.view(shape)


def by_batch(model: nn.Module) -> nn.Module:
    """Return a model with its layers of batch norm that are in training mode replaced, in place where it can be."""
    if isinstance(model, _BatchNorm) and model.training:
        return BatchNorm(model)
    for name, child in model.named_children():
        setattr(model, name, by_batch(child))
    return model

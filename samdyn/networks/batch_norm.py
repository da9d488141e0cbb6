"""Batch norm by the samples at hand, in operations that can be differentiated for many networks at once."""

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

TORCHS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


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
        shape = [-1, *[1] * (x.ndim - 2)]
        if self.weight is not None:
            x = x * self.weight.view(shape)
        return x if self.bias is None else x + self.bias.view(shape)


def by_batch(model: nn.Module) -> nn.Module:
    """Return a model with its layers of batch norm that are in training mode replaced, in place where it can be."""
    made: dict[nn.Module, BatchNorm] = {}  # a layer that is in several places stays one
    for module in list(model.modules()):
        for name, child in list(module._modules.items()):
            # Exact types: a subclass may do something else.
            if isinstance(child, TORCHS) and type(child) in TORCHS and child.training:
                setattr(module, name, made.setdefault(child, BatchNorm(child)))
    if isinstance(model, TORCHS) and type(model) in TORCHS and model.training:
        return BatchNorm(model)
    return model

"""Batch norm that uses the statistics of its batch, in operations that torch differentiates correctly under vmap."""

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

TORCH_LAYERS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


class BatchNorm(nn.Module):
    """The layer that computes what ``torch.nn.BatchNorm`` computes in training, without running statistics.

    Under ``vmap`` torch's own layer has wrong gradients in training mode. [github.com/pytorch/functorch, issue 534;
    reproduced with torch 2.13]
    """

    def __init__(self, layer: _BatchNorm) -> None:
        """Take the parameters of torch's layer."""
        super().__init__()
        self.weight, self.bias, self.eps = layer.weight, layer.bias, layer.eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x ``(n, channels, …)`` with mean 0 and variance 1 in each channel, then scaled and shifted."""
        over = [0, *range(2, x.ndim)]
        variance, mean = torch.var_mean(x, over, correction=0, keepdim=True)
        x = (x - mean) * (variance + self.eps).rsqrt()
        shape = [-1, *[1] * (x.ndim - 2)]
        if self.weight is not None:
            x = x * self.weight.view(shape)
        return x if self.bias is None else x + self.bias.view(shape)


def use_batch_statistics(model: nn.Module) -> nn.Module:
    """Replace the batch-norm layers in training mode of a model, in place, and return the model.

    If the model itself is such a layer, return its replacement.
    """
    replacements: dict[nn.Module, BatchNorm] = {}  # a layer in several places has one replacement
    for module in list(model.modules()):
        for name, child in list(module._modules.items()):
            # Only exact types, because a subclass may compute something else.
            if isinstance(child, TORCH_LAYERS) and type(child) in TORCH_LAYERS and child.training:
                setattr(module, name, replacements.setdefault(child, BatchNorm(child)))
    if isinstance(model, TORCH_LAYERS) and type(model) in TORCH_LAYERS and model.training:
        return BatchNorm(model)
    return model

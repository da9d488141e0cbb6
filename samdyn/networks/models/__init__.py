"""Networks for experiments, from two weights to a ResNet-18 and a small transformer.

Every function draws the initial weights on the CPU from a generator with the given ``seed``, and leaves torch's global
generators unchanged. The weights are the same on every machine to rounding: the instructions by which torch scales
random numbers differ between processors in the last bit. Training amplifies that, so trained networks differ between
processors.

>>> from samdyn.networks import models
>>> sum(p.numel() for p in models.mlp((64, 32, 10)).parameters())
2410
"""

from .convolutional import resnet, resnet18, small_cnn
from .perceptrons import OneNeuron, deep_linear, mlp, one_neuron
from .transformer import gpt, next_token_loss

__all__ = ["OneNeuron", "deep_linear", "gpt", "mlp", "next_token_loss", "one_neuron", "resnet", "resnet18", "small_cnn"]

"""Loss and accuracy of many networks, in training and testing."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import torch

from ...arguments import checked
from ..data.data import Data
from ..landscape.network import Network

if TYPE_CHECKING:
    import xarray


@checked
def performance(network: Network, w: torch.Tensor, data: Data) -> dict[str, np.ndarray]:
    """Return loss and accuracy of networks on the samples that they are trained on, and on those for testing.

    Args:
        network: the landscape of the samples for training, which may be a part of those of the data.
        w: the networks, ``(d, n)``. Their dtype is that of the computation.
        data: the data, of which the function uses the samples for testing.

    Returns:
        "train_loss", "test_loss", "train_accuracy" and "test_accuracy", each ``(n,)`` float64. The losses of networks
        that diverged are inf, the worst; their accuracy is that of one class for all samples.

    Raises:
        InputError: targets that are not one class per input.

    >>> from torch.nn.functional import cross_entropy
    >>> from samdyn.networks import Network, digits, models, performance
    >>> data = digits()
    >>> network = Network(models.mlp((64, 10)), cross_entropy, data.train_inputs, data.train_targets)
    >>> blank = torch.zeros(network.dim, 1)  # it gives all digits the same probability
    >>> round(float(performance(network, blank, data)["test_loss"][0]), 4)  # log 10
    2.3026
    """
    test = Network(network.model, network.criterion, data.test_inputs, data.test_targets)
    losses = {"train_loss": network.value(w), "test_loss": test.value(w)}
    accuracies = {
        "train_accuracy": network.accuracy(w, network.inputs, network.targets),
        "test_accuracy": test.accuracy(w, test.inputs, test.targets),
    }
    finite = {name: loss.nan_to_num(nan=torch.inf, posinf=torch.inf) for name, loss in losses.items()}
    return {name: values.double().cpu().numpy() for name, values in {**finite, **accuracies}.items()}


@checked
def accuracy_at_saves(
    network: Network, saves: Iterable[tuple[int, torch.Tensor]], data: Data
) -> "tuple[torch.Tensor, xarray.DataArray]":
    """Return networks at the end of their training, and their accuracy in testing at every save.

    Args:
        network: the landscape of the samples for training.
        saves: the number of steps and the networks ``(d, n)``, as ``networks.train`` yields them: one or more.
        data: the data, of which the function uses the samples for testing.

    Returns:
        The networks of the last save, ``(d, n)``, and their accuracy over "cell" and "step", float64.

    Raises:
        InputError: targets that are not one class per input.

    >>> from torch.nn.functional import cross_entropy
    >>> from samdyn.networks import Network, accuracy_at_saves, digits, models
    >>> data = digits()
    >>> network = Network(models.mlp((64, 10)), cross_entropy, data.train_inputs, data.train_targets)
    >>> blank = torch.zeros(network.dim, 1)
    >>> w, accuracy = accuracy_at_saves(network, [(0, blank), (5, blank)], data)
    >>> dict(accuracy.sizes), accuracy.step.values.tolist()
    ({'cell': 1, 'step': 2}, [0, 5])
    """
    import xarray

    accuracy = {}
    for step, w in saves:
        accuracy[step] = network.accuracy(w, data.test_inputs, data.test_targets).double().cpu().numpy()
    return w, xarray.DataArray(np.stack([*accuracy.values()], 1), {"step": [*accuracy]}, ("cell", "step"))

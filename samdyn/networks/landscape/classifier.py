"""Classifiers of a data set: their loss and their initial weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch.nn.functional import cross_entropy, one_hot
from torch.nn.utils import parameters_to_vector

from ... import checks
from ...arguments import checked
from .. import models
from ..data.data import Data
from .network import Network


@checked
def classifier(
    data: Data,
    hidden: Sequence[int],
    *,
    samples: int | None = None,
    activation: str = "relu",
    loss: str = "cross-entropy",
) -> Network:
    """Return the loss of a multilayer perceptron on the samples of a data set that are for training.

    Args:
        data: the data, with inputs ``(N, features)``.
        hidden: the widths of the hidden layers.
        samples: the number of samples, the first ones. None: all.
        activation: the activation, as for ``models.mlp``.
        loss: "cross-entropy", or "squared" for the mean of ½‖output − e‖², e the unit vector of the class.

    Raises:
        InputError: fewer samples in the data than asked for; another loss; what ``models.mlp`` refuses.

    >>> from samdyn.networks import classifier, digits
    >>> classifier(digits(), (32, 32), samples=200)
    Network('MLP 64-32-32-10', 3466 parameters, 200 samples)
    """
    samples = len(data.train_targets) if samples is None else checks.count("samples", samples, "Use e.g. samples=200")
    if samples > len(data.train_targets):
        rule = f"there are {len(data.train_targets)} to train on"
        checks.reject("samples", samples, rule, "Use fewer, or another share for testing")
    widths = (data.train_inputs.shape[1], *hidden, data.classes)
    model = models.mlp(widths, activation=activation)
    name = f"MLP {'-'.join(map(str, widths))}"
    inputs, targets = data.train_inputs[:samples], data.train_targets[:samples]
    if checks.known("loss", loss, ("cross-entropy", "squared")) == "squared":
        return Network(model, _squared, inputs, one_hot(targets, data.classes).float(), name=name)
    return Network(model, cross_entropy, inputs, targets, name=name)


def _squared(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return ((outputs - targets) ** 2).sum(-1).mean() / 2


@checked
def initial_weights(
    data: Data, hidden: Sequence[int], count: int, *, seed: int = 0, activation: str = "relu"
) -> torch.Tensor:
    """Return torch's initial weights of such classifiers, as starts of ``networks.train``.

    Args:
        data: the data, with inputs ``(N, features)``.
        hidden: the widths of the hidden layers.
        count: the number of networks. The first ones do not depend on it.
        seed: the seed, from which every network gets one of its own.
        activation: the activation, as for ``models.mlp``.

    Returns:
        The parameters, ``(count, d)``, float64.

    Raises:
        InputError: a count or a seed out of its range; what ``models.mlp`` refuses.

    >>> from samdyn.networks import digits, initial_weights
    >>> initial_weights(digits(), (32, 32), 4).shape
    torch.Size([4, 3466])
    """
    seed, count = checks.word("seed", seed, "Use e.g. seed=0"), checks.count("count", count, "Use e.g. count=4")
    widths = (data.train_inputs.shape[1], *hidden, data.classes)
    seeds = map(int, np.random.SeedSequence(seed).generate_state(count))
    parameters = (models.mlp(widths, activation=activation, seed=one).parameters() for one in seeds)
    return torch.stack([parameters_to_vector(one).detach().double() for one in parameters])


@dataclass(frozen=True)
class Task:
    """The training of classifiers of a data set from several initial weights; a function for a sweep takes it whole.

    >>> from samdyn.networks import Task, digits
    >>> task = Task(digits(), (32, 32), count=4)
    >>> task.network, task.starts.shape
    (Network('MLP 64-32-32-10', 3466 parameters, 1438 samples), torch.Size([4, 3466]))

    Attributes:
        data: the data, with inputs ``(N, features)``.
        hidden: the widths of the hidden layers.
        count: the number of initial weights.
        seed: their seed.

    Raises:
        InputError: as for ``classifier`` and ``initial_weights``.
    """

    data: Data
    hidden: tuple[int, ...]
    count: int
    seed: int = 0

    @cached_property
    def network(self) -> Network:
        """The loss over the samples that are for training, as ``classifier`` returns it."""
        return classifier(self.data, self.hidden)

    @cached_property
    def starts(self) -> torch.Tensor:
        """The parameters of the initial weights, ``(count, d)``, as ``initial_weights`` returns them."""
        return initial_weights(self.data, self.hidden, self.count, seed=self.seed)

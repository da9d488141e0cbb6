"""The loss of a classifier on a data set."""

from collections.abc import Sequence

from torch.nn.functional import cross_entropy

from ... import checks
from ...arguments import checked
from .. import models
from ..data.data import Data
from .network import Network


@checked
def classifier(data: Data, hidden: Sequence[int], *, samples: int | None = None, activation: str = "relu") -> Network:
    """Return the cross-entropy of a multilayer perceptron on the samples of a data set that are for training.

    Args:
        data: the data, with inputs ``(N, features)``.
        hidden: the widths of the hidden layers.
        samples: the number of samples, the first ones. None: all.
        activation: the activation, as for ``models.mlp``.

    Raises:
        InputError: fewer samples in the data than asked for; what ``models.mlp`` refuses.

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
    return Network(model, cross_entropy, data.train_inputs[:samples], data.train_targets[:samples], name=name)

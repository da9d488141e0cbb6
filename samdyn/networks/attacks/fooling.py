"""How many inputs a perturbation makes a network misclassify."""

import torch

from ... import checks
from ...arguments import checked
from ..landscape.network import Network


@checked
def fooling_rate(
    network: Network, w: torch.Tensor, inputs: torch.Tensor, perturbed: torch.Tensor, targets: torch.Tensor
) -> torch.Tensor:
    """Return, of the inputs that a network classifies correctly, the share that it misclassifies when perturbed.

    For the network on which the perturbation was made it is the success of the attack, for another one the transfer
    rate.

    Args:
        network: the networks' architecture.
        w: the networks, ``(d, …)``.
        inputs: the inputs as they are, ``(n, …)``.
        perturbed: the perturbed inputs, of the same shape.
        targets: the classes, ``(n,)``.

    Returns:
        The share, ``(…)``, float64, of those that are classified correctly; nan if none is.

    Raises:
        InputError: perturbed inputs of another shape; targets that are not one class per input.

    >>> from torch.nn.functional import cross_entropy
    >>> from samdyn.networks import Network, attacks, models
    >>> model = models.deep_linear((1, 2))
    >>> x, classes = torch.tensor([[1.0], [2.0], [-1.0]]), torch.tensor([1, 1, 1])
    >>> network, w = Network(model, cross_entropy, x, classes), torch.tensor([-1.0, 1.0])
    >>> attacks.fooling_rate(network, w, x, x - 1.5, classes)  # it is right about the first two
    tensor(0.5000, dtype=torch.float64)
    """
    if perturbed.shape != inputs.shape:
        rule = f"the inputs are {tuple(inputs.shape)}"
        checks.reject("perturbed", tuple(perturbed.shape), rule, "Give the perturbed inputs in the same order")
    before, after = (network.correct(w, x, targets) for x in (inputs, perturbed))
    return (before & ~after).double().sum(-1) / before.double().sum(-1)

"""The trace of the Hessian of a loss in its input."""

import torch

from ...arguments import checked
from .input_loss import InputLoss


@checked
def laplacian(loss: InputLoss, x: torch.Tensor) -> torch.Tensor:
    """Return tr ∇²ₓℓ, the Laplacian of every sample's loss in its input: ``(d, n, …) -> (n, …)``.

    It is exact: the sum of the d diagonal entries, each by a product of the Hessian with a unit vector for all samples
    at once. By Taylor's theorem E ℓ(x + ξ) = ℓ(x) + (σ²/2) tr ∇²ₓℓ + O(σ⁴) for a smooth loss and ξ ~ N(0, σ²I). The
    loss of a network of ReLUs has kinks in x, at which its second derivative is a delta function. The mean over noise
    contains them, and this trace, of derivatives at one point, does not.

    Args:
        loss: the loss of the samples.
        x: the points, ``(d, n, …)``, e.g. ``loss.x``.

    Returns:
        The trace, in the units of the loss per squared unit of the inputs.

    Raises:
        InputError: points of another number of samples or features.

    >>> from torch.nn.functional import mse_loss
    >>> from samdyn.networks import Network, attacks, models
    >>> model, x = models.mlp((2, 1)), torch.ones(1, 2)
    >>> network = Network(model, mse_loss, x, x[:, :1])
    >>> loss = attacks.InputLoss(network, torch.tensor([3.0, -4.0, 0.0]), x, x[:, :1])
    >>> attacks.laplacian(loss, loss.x)  # of (3x₁ − 4x₂ − 1)²: 2 (9 + 16)
    tensor([50.])
    """
    trace = torch.zeros_like(x[0])
    for i in range(len(x)):
        axis = torch.zeros_like(x)
        axis[i] = 1
        trace += loss.grad.hvp(x, axis)[i]
    return trace

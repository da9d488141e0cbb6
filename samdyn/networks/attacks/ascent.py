"""FGSM and PGD: ascent of the loss on the inputs, inside a ball about each of them."""

from collections.abc import Callable
from math import isfinite
from typing import Literal

import torch

from ... import checks
from ...arguments import checked
from ...ops import norm as length
from ...ops import unit
from .additive_noise import AdditiveNoise
from .input_loss import InputLoss

Norm = Literal["linf", "l2"]
Direction = Callable[[torch.Tensor], torch.Tensor]
Projection = Callable[[torch.Tensor, float], torch.Tensor]
STRIDE = 2.5  # length of all steps of PGD together in units of eps, so that every point of the ball can be reached


def _shorten(delta: torch.Tensor, eps: float) -> torch.Tensor:
    sizes = length(delta)
    return delta * torch.where(sizes > eps, eps / sizes, 1)


# For each norm, the direction of length 1 along which a gradient rises fastest, and the nearest point of the ball.
BALLS: dict[str, tuple[Direction, Projection]] = {
    "linf": (torch.sign, lambda delta, eps: delta.clamp(-eps, eps)),
    "l2": (unit, _shorten),
}


@checked
def fgsm(
    loss: InputLoss,
    eps: float,
    *,
    norm: Norm = "linf",
    bounds: tuple[float, float] | None = None,
    noise: AdditiveNoise | None = None,
) -> torch.Tensor:
    """Return the inputs after one step of ascent: x + ε sign(g) in the ℓ∞ norm, x + ε g/‖g‖ in the ℓ2 norm.

    g is the gradient of each sample's loss in its input; with ``noise`` it is that of the mean loss over noise on the
    input. Where g = 0 the input stays. The ℓ2 step is the ascent of SAM, on inputs. [GS14]

    Args:
        loss: the loss of the samples.
        eps: ε ≥ 0, in the units of the inputs.
        norm: "linf", or "l2".
        bounds: (low, high) of the values that an input may have, which the result keeps to.
        noise: the noise over which the loss is averaged.

    Returns:
        The perturbed inputs, in their shape ``(n, …)``.

    Raises:
        InputError: ε that is not finite and ≥ 0; another norm; bounds that are not low < high, or between which an
            input does not lie.

    >>> from torch.nn.functional import mse_loss
    >>> from samdyn.networks import Network, attacks, models
    >>> model, x = models.mlp((2, 1)), torch.ones(1, 2)
    >>> network = Network(model, mse_loss, x, x[:, :1])
    >>> w = torch.tensor([1.0, -2.0, 0.0])  # the output x₁ − 2x₂ = −1 is below its target 1
    >>> attacks.fgsm(attacks.InputLoss(network, w, x, x[:, :1]), eps=0.25)
    tensor([[0.7500, 1.2500]])
    """
    return pgd(loss, eps, steps=1, step_size=eps or None, norm=norm, bounds=bounds, noise=noise)


@checked
def pgd(
    loss: InputLoss,
    eps: float,
    *,
    steps: int = 10,
    step_size: float | None = None,
    norm: Norm = "linf",
    bounds: tuple[float, float] | None = None,
    noise: AdditiveNoise | None = None,
) -> torch.Tensor:
    """Return the inputs after n steps of ascent, each followed by a projection on the ε-ball about the input.

    The ascent starts at the input itself, and not at a random point of the ball. [MM17]

    Args:
        loss: the loss of the samples.
        eps: the radius ε ≥ 0 of the ball, in the units of the inputs.
        steps: the number n ≥ 1 of steps.
        step_size: the length of a step, > 0. None: 2.5 ε/n, which [MM17] used in the ℓ2 norm.
        norm: as for ``fgsm``. It is the norm of the ball and of the steps.
        bounds: as for ``fgsm``.
        noise: as for ``fgsm``. Every step has its own.

    Returns:
        The perturbed inputs, in their shape ``(n, …)``.

    Raises:
        InputError: as for ``fgsm``; steps < 1; a step size that is not finite and > 0.

    >>> from torch.nn.functional import mse_loss
    >>> from samdyn.networks import Network, attacks, models
    >>> model, x = models.mlp((2, 1)), torch.ones(1, 2)
    >>> network = Network(model, mse_loss, x, x[:, :1])
    >>> loss = attacks.InputLoss(network, torch.tensor([3.0, -4.0, 0.0]), x, x[:, :1])
    >>> attacks.pgd(loss, eps=0.5, norm="l2")
    tensor([[0.7000, 1.4000]])
    """
    eps = checks.not_negative("eps", eps, "Use e.g. eps=0.1")
    steps = checks.count("steps", steps, "Use e.g. steps=10")
    stride = STRIDE * eps / steps if step_size is None else checks.positive("step_size", step_size, "Use e.g. 0.01")
    _check_bounds(bounds, loss.x)
    direction, project = BALLS[norm]
    x = loss.x
    for step in range(steps):
        gradient = loss.grad if noise is None else noise.oracle(loss, step)
        x = loss.x + project(x + stride * direction(gradient(x)) - loss.x, eps)
        x = x if bounds is None else x.clamp(*bounds)
    return loss.inputs(x)


def _check_bounds(bounds: tuple[float, float] | None, x: torch.Tensor) -> None:
    """Refuse bounds that are not finite with low < high, or that exclude an input."""
    if bounds is None:
        return
    low, high = bounds
    if not (isfinite(low) and isfinite(high) and low < high):
        checks.reject("bounds", bounds, "must be finite with low < high", "Use e.g. bounds=(0.0, 1.0)")
    least, most = x.aminmax()
    if least < low or most > high:
        rule = f"exclude inputs, which lie between {float(least):g} and {float(most):g}"
        checks.reject("bounds", bounds, rule, "Use the range of the data in the units of the inputs")

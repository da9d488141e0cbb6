"""The check that a criterion is the mean over samples of a loss of each sample."""

from collections.abc import Callable

import torch
from torch.func import vmap

from ... import checks

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
TOLERANCE = 1e-5  # error of the mean, relative to the mean |loss| of a sample; float32 has errors of 1e-7 to 1e-6
MAX_ENTRIES = 2**20  # numbers of outputs and targets in one call of the criterion


def check_mean(loss: Loss, outputs: torch.Tensor, targets: torch.Tensor) -> None:
    """Refuse a loss that is not the mean of its values for single samples.

    Only of such a loss is the mean over batches the loss of all samples. A sum is not such a loss, and neither is a
    mean with class weights or a mean that ignores some targets.

    Args:
        loss: the loss of outputs ``(n, …)`` and targets ``(n, …)``, for any n.
        outputs: the outputs of a few samples, used repeatedly. They must differ, or weights would have no effect.
        targets: the targets of all samples, so that every weight and every ignored target has an effect.

    Raises:
        InputError: the loss is not such a mean, cannot take these outputs and targets, or does not return one number.
    """
    entries = outputs[:1].numel() + targets[:1].numel()
    for part in targets.split(max(1, MAX_ENTRIES // entries)):
        targets_here = part.to(outputs) if part.is_floating_point() else part.to(outputs.device)
        outputs_here = outputs[torch.arange(len(part)) % len(outputs)]
        whole = _evaluate(loss, outputs_here.repeat(2, *[1] * (outputs.ndim - 1)), torch.cat([targets_here] * 2))
        each = losses(loss, outputs_here, targets_here)
        error, mean = (whole - each.mean()).abs(), each.abs().mean()
        if whole.isfinite() and not (each.isfinite().all() and error <= TOLERANCE * mean):
            shapes = f"outputs {tuple(outputs_here.shape)} and targets {tuple(part.shape)}"
            rule = f"is the loss of {shapes} and not {float(each.mean()):.6g}, the mean of their samples' losses"
            fix = (
                'Use reduction="mean", without ignored targets and weights of classes, and outputs in the shape that '
                "it takes with the targets. A mean with weights is e.g. lambda outputs, classes: (weights[classes] * "
                'cross_entropy(outputs, classes, reduction="none")).mean()'
            )
            checks.reject("criterion", round(float(whole), 6), rule, fix)


def _evaluate(loss: Loss, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return a loss, one number.

    Raises:
        InputError: the loss raises an exception or returns something else.
    """
    try:
        value = loss(outputs, targets)
    except Exception as error:  # a user's criterion may raise anything
        shapes = f"fails for outputs {tuple(outputs.shape)} and targets {tuple(targets.shape)}, {targets.dtype}"
        fix = "Give the targets that the criterion takes with these outputs"
        checks.reject("criterion", f"{type(error).__name__}: {error}", shapes, fix)
    if not torch.is_tensor(value) or value.shape:
        shape = tuple(value.shape) if torch.is_tensor(value) else type(value).__name__
        checks.reject("criterion", shape, "is what it returns, and not one number", "Use the mean over samples")
    return value


def losses(loss: Loss, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the losses of single samples, ``(n,)``.

    Raises:
        InputError: the loss cannot take one of these outputs and its target.
    """
    singles = outputs[:, None], targets[:, None]
    try:
        return vmap(loss)(*singles)
    except Exception:  # vmap does not support every loss
        return torch.stack([_evaluate(loss, *single) for single in zip(*singles, strict=True)])

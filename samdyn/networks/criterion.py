"""What a criterion must be: the mean over samples of a loss that each sample has by itself."""

from collections.abc import Callable

import torch
from torch.func import vmap

from .. import checks

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
TOLERANCE = 1e-5  # relative to the samples' losses; a criterion that computes in float32 is off by 1e-7 to 1e-6
ENTRIES = 2**20  # of outputs and targets in one call


def check_mean(loss: Loss, outputs: torch.Tensor, targets: torch.Tensor) -> None:
    """See that a loss is the mean of its values for single samples, for all targets.

    Batches are drawn from the samples: the mean of their losses is the loss of all samples only then. A sum is not, nor
    a mean with weights of classes, nor one that leaves out some targets.

    Args:
        loss: of outputs ``(n, …)`` and targets ``(n, …)``, for any n.
        outputs: a few, generic ones: where all were equal, weights would not show. They are repeated.
        targets: of all samples: a weight shows where it differs, and an ignored target where it is.

    Raises:
        InputError: it is not; no loss of such outputs and targets; what it returns is not one number.
    """
    entries = outputs[:1].numel() + targets[:1].numel()
    for part in targets.split(max(1, ENTRIES // entries)):
        targets_here = part.to(outputs) if part.is_floating_point() else part.to(outputs.device)
        outputs_here = outputs[torch.arange(len(part)) % len(outputs)]
        whole = _of(loss, outputs_here.repeat(2, *[1] * (outputs.ndim - 1)), torch.cat([targets_here] * 2))
        each = _of_each(loss, outputs_here, targets_here)
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


def _of(loss: Loss, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    try:
        value = loss(outputs, targets)
    except Exception as error:  # whatever a criterion of the user's raises
        shapes = f"fails for outputs {tuple(outputs.shape)} and targets {tuple(targets.shape)}, {targets.dtype}"
        fix = "Give the targets that the criterion takes with these outputs"
        checks.reject("criterion", f"{type(error).__name__}: {error}", shapes, fix)
    if not torch.is_tensor(value) or value.shape:
        shape = tuple(value.shape) if torch.is_tensor(value) else type(value).__name__
        checks.reject("criterion", shape, "is what it returns, and not one number", "Use the mean over samples")
    return value


def _of_each(loss: Loss, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the losses of single samples, ``(n,)``."""
    singles = outputs[:, None], targets[:, None]
    try:
        return vmap(loss)(*singles)
    except Exception:  # there are losses that vmap cannot take
        return torch.stack([_of(loss, *single) for single in zip(*singles, strict=True)])

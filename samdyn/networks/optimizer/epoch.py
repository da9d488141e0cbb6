"""One epoch of the training of a torch module, and its test."""

from collections.abc import Callable, Iterator

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from ... import checks
from ...arguments import checked
from ..data.batches import Batch
from .optimizer import Optimizer

TEST_BATCH = 1000  # samples that a test computes at once


@checked
def train_epoch(
    model: nn.Module,
    optimizer: Optimizer,
    batches: Iterator[Batch],
    *,
    criterion: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = cross_entropy,
    dtype: torch.dtype = torch.float32,
) -> float:
    """Take a step for every batch. Return the mean of the losses before the steps.

    Args:
        model: the module, which the function sets to training mode.
        optimizer: the optimizer of its parameters.
        batches: the batches on the module's device, as ``networks.batches`` yields them, at least one.
        criterion: the mean loss of outputs and targets.
        dtype: torch.bfloat16 for a loss by autocast.

    Raises:
        InputError: there is no batch.
        NotFinite: as for ``Optimizer.step``.

    >>> from samdyn.networks import Optimizer, batches, models, train_epoch
    >>> import samdyn as sd
    >>> model, x = models.mlp((4, 2)), torch.eye(4)
    >>> drawn = batches(x, torch.tensor([0, 1, 0, 1]), 2, torch.Generator().manual_seed(0))
    >>> 0.3 < train_epoch(model, Optimizer(model.parameters(), sd.SAM(0.1), 0.1), drawn) < 1.5
    True
    """
    model.train()
    losses = []
    for inputs, targets in batches:

        def closure(inputs: torch.Tensor = inputs, targets: torch.Tensor = targets) -> torch.Tensor:
            with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
                loss = criterion(model(inputs), targets)
            loss.backward()
            return loss

        losses.append(optimizer.step(closure))
    if not losses:
        checks.reject("batches", "nothing", "there is no batch", "Give networks.batches(…), new for every epoch")
    return float(torch.stack(losses).mean())


@checked
@torch.no_grad()
def evaluate(model: nn.Module, inputs: torch.Tensor, targets: torch.Tensor) -> tuple[float, float]:
    """Return the cross-entropy and the accuracy of a module, which the function sets to evaluation mode.

    Args:
        model: the module.
        inputs: the samples on its device, along the first axis.
        targets: their classes.

    Raises:
        InputError: the model cannot take the inputs, or the loss the targets.

    >>> from samdyn.networks import evaluate, models
    >>> loss, accuracy = evaluate(models.mlp((4, 2), scale=0.0), torch.eye(4), torch.tensor([0, 1, 0, 0]))
    >>> round(loss, 4), accuracy
    (0.6931, 0.75)
    """
    model.eval()
    try:
        outputs = torch.cat([model(part) for part in inputs.split(TEST_BATCH)])
        return float(cross_entropy(outputs, targets)), float((outputs.argmax(1) == targets).double().mean())
    except (RuntimeError, IndexError, ValueError, TypeError) as error:
        kinds = [f"{tuple(part.shape)} {part.dtype}" for part in (inputs, targets)]
        rule = f"the model or its loss refuses them with targets of {kinds[1]}: {error}"
        checks.reject("inputs", kinds[0], rule, "Give samples that the model takes, and the class of each")

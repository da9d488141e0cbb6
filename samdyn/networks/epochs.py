"""Training of one torch module on a data set for some epochs, with a test after each."""

from collections.abc import Iterator
from time import perf_counter

import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR

from .. import checks
from ..arguments import checked
from .data.batches import batches, check_batch_size
from .data.data import Data
from .optimizer.epoch import evaluate, train_epoch
from .optimizer.optimizer import Optimizer


@checked
def train_epochs(
    model: nn.Module,
    optimizer: Optimizer,
    data: Data,
    epochs: int,
    batch_size: int,
    *,
    is_augmented: bool = False,
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
) -> Iterator[dict[str, float]]:
    """Train a module on the device of its parameters, and test it after every epoch.

    The learning rate falls from that of the optimizer to 0 along half a cosine.

    Args:
        model: the module.
        optimizer: the optimizer of its parameters.
        data: the data.
        epochs: the number of epochs.
        batch_size: B, at most the number of samples.
        is_augmented: whether the inputs are images to which ``augment`` is applied.
        dtype: torch.bfloat16 for a loss by autocast.
        seed: the seed of the batches and of the augmentation.

    Yields:
        After every epoch "epoch", from 1 on; "train_loss", the mean loss over the epoch before each step; "test_loss";
        "test_accuracy", in [0, 1]; "lr", the learning rate of the epoch; "seconds", the time it took.

    Raises:
        InputError: a number out of its range, before the first epoch.
        NotFinite: as for ``Optimizer.step``.

    >>> import samdyn as sd
    >>> from samdyn import networks
    >>> model = networks.models.mlp((64, 8, 10), seed=0)
    >>> optimizer = networks.Optimizer(model.parameters(), sd.SAM(0.1), 0.2)
    >>> [round(row["lr"], 3) for row in networks.train_epochs(model, optimizer, networks.digits(), 2, 128)]
    [0.2, 0.1]
    """
    epochs = checks.count("epochs", epochs, "Use e.g. epochs=200")
    seed = checks.word("seed", seed, "Use e.g. seed=0")
    check_batch_size(batch_size, len(data.train_inputs))
    return _train(model, optimizer, data, epochs, batch_size, is_augmented, dtype, seed)


def _train(
    model: nn.Module,
    optimizer: Optimizer,
    data: Data,
    epochs: int,
    batch_size: int,
    is_augmented: bool,
    dtype: torch.dtype,
    seed: int,
) -> Iterator[dict[str, float]]:
    samples = data.train_inputs, data.train_targets, data.test_inputs, data.test_targets
    inputs, targets, *test = (part.to(next(model.parameters()).device) for part in samples)
    schedule = CosineAnnealingLR(optimizer, epochs)
    generator = torch.Generator().manual_seed(seed)
    for epoch in range(1, epochs + 1):
        began, rate = perf_counter(), float(schedule.get_last_lr()[0])
        drawn = batches(inputs, targets, batch_size, generator, is_augmented=is_augmented)
        train_loss = train_epoch(model, optimizer, drawn, dtype=dtype)
        schedule.step()
        test_loss, accuracy = evaluate(model, *test)
        row = {"train_loss": train_loss, "test_loss": test_loss, "test_accuracy": accuracy, "lr": rate}
        yield {"epoch": epoch, **row, "seconds": perf_counter() - began}

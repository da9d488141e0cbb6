"""Batches of a data set for the training of a torch module, and the augmentation of images."""

from collections.abc import Iterator

import torch
from torch.nn import functional

from ... import checks
from ...arguments import checked

Batch = tuple[torch.Tensor, torch.Tensor]


@checked
def batches(
    inputs: torch.Tensor,
    targets: torch.Tensor,
    batch_size: int,
    generator: torch.Generator,
    *,
    is_augmented: bool = False,
) -> Iterator[Batch]:
    """Yield the samples once, in a new order, in batches of equal size. The samples that do not fill a batch are left.

    Args:
        inputs: the inputs of the N samples, along the first axis.
        targets: their targets.
        batch_size: B, at most N.
        generator: a generator of the CPU, so that every device has the same batches.
        is_augmented: whether the inputs are images to which ``augment`` is applied.

    Raises:
        InputError: more samples in a batch than there are, or not one target per input, before the first batch.

    >>> from samdyn.networks import batches
    >>> samples = torch.arange(5.0)
    >>> [len(inputs) for inputs, targets in batches(samples, samples, 2, torch.Generator().manual_seed(0))]
    [2, 2]
    """
    check_batch_size(batch_size, len(inputs))
    if len(targets) != len(inputs):
        checks.reject("targets", len(targets), f"there are {len(inputs)} inputs", "Give one target per input")
    return _batches(inputs, targets, batch_size, generator, is_augmented)


def check_batch_size(batch_size: int, samples: int) -> None:
    """Refuse a batch size that is no integer from 1 to the number of samples.

    Raises:
        InputError: another one.
    """
    if checks.count("batch_size", batch_size, "Use e.g. batch_size=128") > samples:
        checks.reject("batch_size", batch_size, f"there are {samples} samples", f"Use at most {samples}")


def _batches(
    inputs: torch.Tensor, targets: torch.Tensor, batch_size: int, generator: torch.Generator, is_augmented: bool
) -> Iterator[Batch]:
    order = torch.randperm(len(inputs), generator=generator)
    for first in range(0, len(order) - batch_size + 1, batch_size):
        samples = order[first : first + batch_size].to(inputs.device)
        images = augment(inputs[samples], generator) if is_augmented else inputs[samples]
        yield images, targets[samples]


@checked
def augment(images: torch.Tensor, generator: torch.Generator, *, margin: int = 4) -> torch.Tensor:
    """Return images, each with a random shift and reflected left to right with probability ½.

    Args:
        images: ``(n, channels, height, width)``.
        generator: a generator of the CPU.
        margin: the largest shift along each axis, in pixels. Pixels from outside the image are 0.

    Raises:
        InputError: images of another shape, or a margin that is not an integer ≥ 1.

    Source: [He et al. 2016, Deep residual learning for image recognition, sec. 4.2].

    >>> from samdyn.networks import augment
    >>> augment(torch.ones(2, 3, 32, 32), torch.Generator().manual_seed(0)).shape
    torch.Size([2, 3, 32, 32])
    """
    if images.ndim != 4:
        checks.reject("images", tuple(images.shape), "must be (n, channels, height, width)", "Add the axes that lack")
    margin = checks.count("margin", margin, "Use e.g. margin=4")
    n, _, height, width = images.shape
    down, right = torch.randint(2 * margin + 1, (2, n, 1), generator=generator).to(images.device)
    reflects = torch.randint(2, (n, 1, 1, 1), generator=generator).to(images.device)
    padded = functional.pad(images, [margin] * 4).movedim(1, -1)
    rows = (down + torch.arange(height, device=images.device))[:, :, None]
    columns = (right + torch.arange(width, device=images.device))[:, None, :]
    # Contiguous: with channels last, oneDNN's 1 × 1 convolutions write outside their memory where AVX-512 is missing.
    shifted = padded[torch.arange(n, device=images.device)[:, None, None], rows, columns].movedim(-1, 1).contiguous()
    return torch.where(reflects == 1, shifted.flip(3), shifted)

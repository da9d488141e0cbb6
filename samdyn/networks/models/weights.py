"""What the networks share: the generator of their initial weights, and the check of lists of sizes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from ... import checks


@contextmanager
def drawing(seed: int) -> Iterator[None]:
    """Seed torch's generator of the CPU while the block runs, and restore it afterwards."""
    seed = checks.word("seed", seed, "Use e.g. seed=0")
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        # torch.manual_seed would also set the generators of GPUs, permanently
        torch.default_generator.manual_seed(seed)
        yield


def sizes(name: str, value: Sequence[int], fewest: int, fix: str) -> tuple[int, ...]:
    """Return a list of sizes, such as the widths of layers.

    Raises:
        InputError: it is no sequence, shorter than ``fewest``, or has an entry that is no integer ≥ 1.
    """
    if not isinstance(value, Sequence) or len(value) < fewest:
        checks.reject(name, value, f"must be {fewest} or more integers", fix)
    return tuple(checks.count(name, size, fix) for size in value)

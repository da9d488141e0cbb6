"""One truth value per coordinate, stored as blocks of equal values."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import overload

import torch


@dataclass(frozen=True)
class Blocks(Sequence[bool]):
    """A sequence of truth values that stores blocks of equal ones.

    A network has millions of values in dozens of blocks.

    Attributes:
        runs: (value, count) of each block, in order.

    >>> list(Blocks([(True, 2), (False, 1)]))
    [True, True, False]
    """

    runs: tuple[tuple[bool, int], ...]

    def __init__(self, runs: Iterable[tuple[bool, int]]) -> None:
        """Store pairs (value, count)."""
        object.__setattr__(self, "runs", tuple((bool(value), int(count)) for value, count in runs))

    def __len__(self) -> int:
        return sum(count for _, count in self.runs)

    def __iter__(self) -> Iterator[bool]:
        return chain.from_iterable(repeat(value, count) for value, count in self.runs)

    @overload
    def __getitem__(self, index: int) -> bool: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[bool]: ...
    def __getitem__(self, index: int | slice) -> bool | Sequence[bool]:
        """Return an entry, or the list of entries of a slice."""
        return list(self)[index]

    def tensor(self, device: torch.device) -> torch.Tensor:
        """Return all values as a tensor, ``(len,)``."""
        values, counts = (torch.tensor(column) for column in zip(*self.runs, strict=True))
        return values.repeat_interleave(counts).to(device)

"""Truth values of very many coordinates, which come in blocks."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import overload

import torch


@dataclass(frozen=True)
class Blocks(Sequence[bool]):
    """A sequence of truth values, kept as runs of equal ones: a network has millions, in dozens of blocks.

    Attributes:
        runs: (value, how many times), one after the other.

    >>> list(Blocks([(True, 2), (False, 1)]))
    [True, True, False]
    """

    runs: tuple[tuple[bool, int], ...]

    def __init__(self, runs: Iterable[tuple[bool, int]]) -> None:
        """Take runs."""
        object.__setattr__(self, "runs", tuple((bool(value), int(number)) for value, number in runs))

    def __len__(self) -> int:
        return sum(number for _, number in self.runs)

    def __iter__(self) -> Iterator[bool]:
        return chain.from_iterable(repeat(value, number) for value, number in self.runs)

    @overload
    def __getitem__(self, index: int) -> bool: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[bool]: ...
    def __getitem__(self, index: int | slice) -> bool | Sequence[bool]:
        """Return an entry, or a list of some."""
        return list(self)[index]

    def tensor(self, device: torch.device) -> torch.Tensor:
        """Return them all, ``(len,)``."""
        values, numbers = (torch.tensor(column) for column in zip(*self.runs, strict=True))
        return values.repeat_interleave(numbers).to(device)

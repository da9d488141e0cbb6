"""The points that a search found in a box, with what the degree of the field says about points that it missed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, overload

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class PointsInBox(Sequence[T], Generic[T]):
    """A sequence of points in a box.

    Attributes:
        points: the points; the sequence iterates over them.
        missing: the cells of the box, each a (low, high) pair per coordinate, in which the degree of the field proves
            that there are points which the search did not find. The degree does not see a pair of opposite index, like
            a minimum and a saddle, within one cell of 24 × 24.
        unchecked: the fraction of the box in which the field has no degree to compare with.
    """

    points: tuple[T, ...]
    missing: tuple[tuple[tuple[float, float], ...], ...]
    unchecked: float

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        return self.points[index]

    @property
    def remarks(self) -> list[str]:
        """What the degree of the field says about points that the search missed, a sentence each."""
        remarks = []
        if self.missing:
            remarks.append(f"the degree says that points are missing in {len(self.missing)} cells")
        if self.unchecked:
            remarks.append(f"not checked by a degree: {100 * self.unchecked:.3g} % of the box")
        return remarks

    def __len__(self) -> int:
        return len(self.points)

    def __iter__(self) -> Iterator[T]:
        return iter(self.points)

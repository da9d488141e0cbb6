"""The points in a box, with what a proof and the degree of the field say about others that a search missed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, overload

from .proof.report import Unproved

MAX_REMARKS = 5  # number of parts of a box that a text names

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
        unproved: the parts of the box in which there may be other points. Interval arithmetic proves that there are
            none elsewhere.
    """

    points: tuple[T, ...]
    missing: tuple[tuple[tuple[float, float], ...], ...]
    unchecked: float
    unproved: tuple[Unproved, ...]

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        return self.points[index]

    @property
    def complete(self) -> bool:
        """Whether it is proved that the box has no other point."""
        return not self.unproved

    @property
    def remarks(self) -> list[str]:
        """What is known about points that the search missed, a sentence each."""
        if self.complete:
            return ["proved by interval arithmetic: there is no other in the box"]
        remarks = []
        if self.missing:
            remarks.append(f"the degree says that points are missing in {len(self.missing)} cells")
        if self.unchecked:
            remarks.append(f"not checked by a degree: {100 * self.unchecked:.3g} % of the box")
        if self.unproved[0].fraction == 1:
            return [*remarks, f"not proved complete: {self.unproved[0].reason}"]
        remarks.append("proved by interval arithmetic: there is no other in the box, except perhaps:")
        parts = [str(part) for part in self.unproved[:MAX_REMARKS]]
        if len(self.unproved) > MAX_REMARKS:
            parts.append(f"in {len(self.unproved) - MAX_REMARKS} other parts")
        return remarks + parts

    def __len__(self) -> int:
        return len(self.points)

    def __iter__(self) -> Iterator[T]:
        return iter(self.points)

"""Lookahead: slow weights that follow the fast ones."""

from dataclasses import dataclass, field
from typing import Any

from .. import checks
from ..ops import Point, where
from .base import Base
from .sgd import SGD


@dataclass(frozen=True)
class Lookahead(Base):
    """Slow weights s that move a part α of the way to the fast ones, w, after every k steps: s ← s + α(w − s), w ← s.

    [Zhang et al. 2019, algorithm 1]

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.GD(), lr=0.01, base=sd.bases.Lookahead(every=5, alpha=0.5))
    >>> map_.memory, map_.period
    (('v', 'slow'), 5)

    Attributes:
        every: k ≥ 1.
        alpha: α in [0, 1].
        inner: the base of the fast weights.

    Raises:
        InputError: a parameter out of its range, or an inner base that is none. A step raises it without its number.
    """

    every: int = 5
    alpha: Any = 0.5
    inner: Base = field(default_factory=SGD)

    def __post_init__(self) -> None:
        object.__setattr__(self, "every", checks.count("every", self.every, "Use e.g. every=5"))
        fix = "Use e.g. alpha=0.5"
        alpha = checks.parameter("alpha", self.alpha, "must lie in [0, 1]", fix, lambda a: (a >= 0) & (a <= 1))
        object.__setattr__(self, "alpha", alpha)
        if not isinstance(self.inner, Base):
            checks.reject("inner", self.inner, "is no base optimizer", "Use e.g. bases.SGD(0.9)")

    @property
    def memory(self) -> tuple[str, ...]:  # type: ignore[override]  # those of the inner base are among them
        """The names of the arrays: those of the inner base, and the slow weights."""
        return (*self.inner.memory, "slow")

    @property
    def period(self) -> int:
        """The number of steps after which the rule repeats: k times that of the inner base."""
        return self.every * self.inner.period

    def start(self, w: Point) -> tuple[Point, ...]:
        """Return the memory of the inner base, and the slow weights w."""
        return (*self.inner.start(w), 1 * w)

    def __call__(
        self, w: Point, f: Point, memory: tuple[Point, ...], lr: Any, number: Any
    ) -> tuple[Point, tuple[Point, ...]]:
        if number is None and self.every > 1:
            rule = f"acts at every {self.every}th step, and the number of this step is not known"
            checks.reject("base", self, rule, "Give step(…, number=1), or simulate")
        *inner, slow = memory
        change, inner_memory = self.inner(w, f, tuple(inner), lr, number)
        met = slow + self.alpha * (w + change - slow)
        meets = True if number is None else number % self.every == 0
        return where(meets, met - w, change), (*inner_memory, where(meets, met, slow))

    def limit(self, w: Point, f: Point) -> Point:
        """Return the direction of the inner base: in the k steps between two meetings w moves as the slow weights do.

        Raises:
            InputError: the inner base does not define it.
        """
        return self.alpha * self.inner.limit(w, f)

    def lengths(self, lr: Any) -> tuple[Any, ...]:
        """Return the factors of the inner base, and 1 for the slow weights."""
        return (*self.inner.lengths(lr), 1.0)

    def linearised(self) -> Base:
        """Return Lookahead of the inner base at rest.

        Raises:
            InputError: the inner base has none.
        """
        return Lookahead(self.every, self.alpha, self.inner.linearised())

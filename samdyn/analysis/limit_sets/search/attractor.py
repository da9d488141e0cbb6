"""Attractors, and their table."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .... import html
from ....statistics import wilson
from ...orbits.cycle import Cycle
from ...points.critical_points import CriticalPoint
from ...points.degenerate import CriticalSet
from .recurrence.wandering import Exponent

COLUMNS = (
    *("attractor", "period", "at", "extent", "loss", "multipliers or rates", "exponents"),
    *("critical point", "share", "95 %"),
)


@dataclass(frozen=True, eq=False)
class Attractor:
    """A set on which runs end.

    Attributes:
        kind: "fixed point"; "cycle" of a map, or limit cycle of a flow; "curve" of fixed points, such as a valley of
            minima, or of cycles, such as those around a round minimum; "set" of fixed points of more dimensions;
            "sliding", resting points of a discontinuous flow on its discontinuity; "quasi-periodic" and "chaotic", sets
            that runs do not leave and in which they have no period: the largest Lyapunov exponent of the first is zero,
            of a flow's torus the two largest, that of the second is positive; "wandering", such a set of a map whose
            exponent does not decide, or is negative, as on a cycle longer than the longest one of the search.
        w: the fixed point ``(1, d)``, the points of a map's cycle in order ``(p, d)``, or a sample of another set
            ``(m, d)``, such as a flow's cycle.
        loss: the mean of L over ``w``.
        multipliers: the eigenvalues of p steps on (w, v) for a fixed point or cycle of a map, ``(D,)``; those of the
            Jacobian, in 1/t, for a fixed point of a flow, and the Floquet multipliers of a flow's cycle, ``(d,)``; None
            for other kinds.
        critical: the critical point at or amid the attractor; None if there is none.
        critical_set: the connected set of critical points on which the attractor lies; None if there is none.
        ends: where its runs ended, in the order of their starts, ``(runs, d)``.
        runs, of: the number of runs that ended on the attractor, and the number of all runs.
        repeats: the number of steps after which the points of a curve recur.
        exponents: the Lyapunov exponents of a set on which runs have no period, with their 95 % intervals: the largest
            one of a map, per step; all of a flow, per unit of t, the largest first. Empty for other kinds.
        cycle: the limit cycle of a flow; None for other kinds.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.Landscape("x**2", "x"), sd.GD(), lr=0.1)
    >>> (attractor,) = sd.attractors(map_, starts=10)
    >>> attractor.kind, attractor.period, attractor.share, attractor.multipliers.real.round(6)  # 1 − ηλ
    ('fixed point', 1, 1.0, array([0.8]))
    """

    kind: str
    w: np.ndarray
    loss: float
    multipliers: np.ndarray | None
    critical: CriticalPoint | None
    runs: int = 0
    of: int = 0
    repeats: int = 1
    exponents: tuple[Exponent, ...] = ()
    cycle: Cycle | None = None
    critical_set: CriticalSet | None = None
    ends: np.ndarray | None = None

    @property
    def period(self) -> float:
        """The period of a cycle or of a curve's cycles, in steps; 1 for fixed points, 0 for sets without a period.

        For a flow's cycle it is the time of one turn, in units of t.
        """
        if self.cycle is not None:
            return self.cycle.period
        return len(self.w) if self.kind == "cycle" else self.repeats * (self.kind in ("fixed point", "curve", "set"))

    @property
    def centre(self) -> np.ndarray:
        """The fixed point, or the mean of the set's points; of a flow's cycle that over time: ``(d,)``."""
        return self.w.mean(0) if self.cycle is None else self.cycle.centre

    @property
    def exponent(self) -> Exponent | None:
        """The largest of its Lyapunov exponents; None if there are none."""
        return self.exponents[0] if self.exponents else None

    @property
    def extent(self) -> float:
        """The largest difference between its points along a coordinate, in the units of w."""
        return float(np.ptp(self.w, axis=0).max())

    @property
    def share(self) -> float:
        """The fraction of the runs that ended on it."""
        return self.runs / self.of

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share, for independent starts."""
        return wilson(self.runs, self.of)

    def __str__(self) -> str:
        where = "(" + ", ".join(f"{c:.5g}" for c in np.round(self.centre, 12) + 0.0) + ")"
        what = f"cycle of period {self.period:.5g} about" if self.kind == "cycle" else f"{self.kind} at"
        if self.kind == "set" and self.critical_set:
            what = f"{self.critical_set.noun} about"
        if self.repeats > 1:
            what = f"curve of cycles of period {self.period} about"
        low, high = (100 * edge for edge in self.interval)
        spread = f", extent {self.extent:.3g}" if self._is_spread else ""
        name = "exponents" if len(self.exponents) > 1 else "exponent"
        spread += f", {name} {self._exponents}" if self.exponents else ""
        return f"{what} {where}{spread}: {100 * self.share:.1f} % [{low:.1f}, {high:.1f}]"

    def _repr_html_(self) -> str:
        return html.block(html.table(COLUMNS, [cells(self)]))

    @property
    def _exponents(self) -> str:
        return ", ".join(map(str, self.exponents))

    @property
    def _is_spread(self) -> bool:
        return self.kind not in ("fixed point", "curve", "set") and self.extent > 0


class Attractors(list[Attractor]):
    """A list of attractors, which prints a line for each.

    >>> import samdyn as sd
    >>> print(sd.attractors(sd.Map(sd.Landscape("x**2", "x"), sd.GD(), lr=0.1), starts=10))
    fixed point at (0): 100.0 % [72.2, 100.0]
    """

    def __str__(self) -> str:
        return "\n".join(map(str, self)) or "no attractors"

    def _repr_html_(self) -> str:
        return html.block(html.table(COLUMNS, map(cells, self)) if self else "no attractors")


def cells(attractor: Attractor) -> tuple[Any, ...]:
    """Return what a table says about an attractor, below ``COLUMNS``."""
    return (
        attractor.kind,
        attractor.period or None,
        np.round(attractor.centre, 12),
        attractor.extent if attractor._is_spread else None,
        attractor.loss,
        attractor.multipliers,
        attractor._exponents or None,
        attractor.critical and attractor.critical.kind,
        *html.share(attractor.share, attractor.interval),
    )

"""Basins of attraction over a plane of starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral

import numpy as np

from ... import checks
from ...arguments import checked
from ...dynamics import Flow, Map
from ...statistics import wilson
from .attractors import centres
from .search import NAMES, Attractor, limit_sets


@dataclass(frozen=True, eq=False)
class Basins:
    """Where the runs from a plane of starts end.

    Attributes:
        coordinates: the names of the plane's two coordinates.
        x, y: the starts' values along them, ``(nx,)`` and ``(ny,)``: centres of equal cells.
        label: ``(ny, nx)``: the index of the attractor in ``attractors``, DIVERGED (-1) or UNDECIDED (-2).
        attractors: by falling share of the starts.
    """

    coordinates: tuple[str, str]
    x: np.ndarray
    y: np.ndarray
    label: np.ndarray
    attractors: list[Attractor]

    def fraction(self, label: int) -> float:
        """Return the fraction of the starts with this label.

        Raises:
            InputError: a label that is neither DIVERGED nor UNDECIDED, nor the index of an attractor.
        """
        return float(self._with(label).mean())

    def interval(self, label: int) -> tuple[float, float]:
        """Return Wilson's 95 % interval of ``fraction(label)``, as of independent starts; a grid's error is smaller."""
        return wilson(int(self._with(label).sum()), self.label.size)

    def _with(self, label: int) -> np.ndarray:
        known = [*NAMES, *range(len(self.attractors))]
        if not isinstance(label, Integral) or label not in known:
            checks.reject("label", label, f"the labels are {', '.join(map(str, known))}", "Use e.g. DIVERGED")
        return self.label == label

    def __str__(self) -> str:
        lines = [str(a) for a in self.attractors]
        for label, name in NAMES.items():
            low, high = (100 * edge for edge in self.interval(label))
            lines.append(f"{name}: {100 * self.fraction(label):.1f} % [{low:.1f}, {high:.1f}]")
        return "\n".join(lines)


@checked
def basins(
    system: Map | Flow,
    box: Sequence[tuple[float, float]] | None = None,
    *,
    resolution: int | tuple[int, int] = 200,
    fixed: Mapping[str, float] | None = None,
    period: int = 8,
    steps: int = 50_000,
) -> Basins:
    """Say for every start on a grid in a plane on which attractor its run ends.

    Runs are given to attractors as in ``attractors``: by certificates, so that slow passage near a saddle is never
    capture. What has no certificate by the end is undecided.

    Args:
        system: a map or a flow.
        box: one (low, high) pair per coordinate of the landscape, the fixed ones included; its own where not given.
        resolution: how many starts along x and y: one number for both, or a pair.
        fixed: with more than two coordinates, the values of all but two of them, by name: the plane of the starts. The
            runs themselves go where they go.
        period, steps: as in ``attractors``.

    Raises:
        InputError: a bad box or resolution; a landscape of other than two coordinates without ``fixed``, or with one
            that does not leave two; a system with symbols for parameters.
    """
    checks.numeric(system)
    names = [str(s) for s in system.landscape.symbols]
    limits = checks.box(system.landscape.box if box is None else box, len(names))
    values = {
        checks.spelled("coordinate", name, names): checks.number(name, v, "must be a finite number", "Use e.g. 0.0")
        for name, v in (fixed or {}).items()
    }
    free = [name for name in names if name not in values]
    if len(free) != 2:
        rule = f"a plane has two free coordinates, these are {len(free)}: {', '.join(free) or 'none'}"
        fix = "Fix all coordinates but two, e.g. fixed={" + ", ".join(f"{n!r}: 0.0" for n in names[2:]) + "}"
        if len(names) < 2:
            fix = "Use attractors: there is no plane in one dimension"
        checks.reject("fixed", dict(fixed or {}), rule, fix)
    pair = (resolution, resolution) if isinstance(resolution, int) else resolution
    if not isinstance(pair, tuple) or len(pair) != 2 or not all(isinstance(n, int) and n >= 2 for n in pair):
        checks.reject("resolution", resolution, "must be an integer >= 2, or a pair of them", "Use e.g. resolution=200")
    period = checks.count("period", period, "Use e.g. period=8")
    steps = checks.count("steps", steps, "Use e.g. steps=50000")

    x, y = (centres(*limits[names.index(name)], count) for name, count in zip(free, pair, strict=True))
    starts = np.empty((len(y), len(x), len(names)))
    for index, name in enumerate(names):
        starts[:, :, index] = x if name == free[0] else y[:, None] if name == free[1] else values[name]
    labels, found = limit_sets(system, starts.reshape(-1, len(names)), limits, period=period, steps=steps)
    return Basins((free[0], free[1]), x, y, labels.reshape(len(y), len(x)), found)

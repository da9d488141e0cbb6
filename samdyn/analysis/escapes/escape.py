"""Measures escape from a saddle: the outcome of every run, and the time of its escape."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ... import checks, html
from ...arguments import checked
from ...dynamics import Map
from ...dynamics.stacking import repeat, stack
from ...simulation import Status, simulate
from ...statistics import Survival, survival, wilson
from ..capture.trapping import distances_from, trapping_radii
from ..points.critical_points import CriticalPoint

TRAPPED, ESCAPED = "trapped", "escaped"
# The outcomes of a run that starts near a saddle.
OUTCOMES: tuple[str, ...] = (TRAPPED, ESCAPED, Status.DIVERGED, Status.UNDECIDED)


@dataclass(frozen=True)
class Escape:
    """The outcomes of N runs that started around a saddle.

    Attributes:
        outcome: one of OUTCOMES per run, ``(N,)``: "trapped", "escaped", "diverged" or "undecided".
        end: the step at which a run escaped or diverged, for other runs the number of steps, ``(N,)``.
        w: the last states of the runs, ``(N, d)``.
        lr: the learning rate η, which turns steps into time t = kη.

    >>> import numpy as np
    >>> import samdyn as sd
    >>> outcome = np.array(["escaped", "escaped", "trapped", "undecided"])
    >>> result = sd.analysis.Escape(outcome, end=np.array([10, 20, 50, 50]), w=np.zeros((4, 2)), lr=0.1)
    >>> result.fraction("escaped"), [round(end, 2) for end in result.interval("escaped")]
    (0.5, [0.15, 0.85])
    >>> result.survival().median()[0]
    2.0
    """

    outcome: np.ndarray
    end: np.ndarray
    w: np.ndarray
    lr: float

    def fraction(self, outcome: str) -> float:
        """Return the fraction of the runs with this outcome.

        Raises:
            InputError: the name is none of OUTCOMES.
        """
        return float(self._with(outcome).mean())

    def interval(self, outcome: str) -> tuple[float, float]:
        """Return Wilson's 95 % interval of ``fraction(outcome)``.

        Raises:
            InputError: the name is none of OUTCOMES.
        """
        return wilson(int(self._with(outcome).sum()), len(self.outcome))

    def _with(self, outcome: str) -> np.ndarray:
        return self.outcome == checks.known("outcome", outcome, OUTCOMES)

    def survival(self) -> Survival:
        """Return the Kaplan–Meier estimate of the time of escape, in t = kη; all other outcomes are censored.

        A diverged run is censored at its last step. With many diverged runs the estimate describes the others.
        """
        return survival(self.end * self.lr, self.outcome == ESCAPED)

    def _repr_html_(self) -> str:
        rows = [
            (name, int((self.outcome == name).sum()), *html.share(self.fraction(name), self.interval(name)))
            for name in OUTCOMES
        ]
        middle, low, high = self.survival().median()
        median = html.line(
            "median time of escape ", html.formula(r"t = k\eta"), f": {middle:.4g} [{low:.4g}, {high:.4g}]"
        )
        return html.block(html.table(("outcome", "runs", "share", "95 %"), rows), median)


@checked
def escape(
    map_: Map,
    point: CriticalPoint,
    starts: np.ndarray,
    radius: float,
    steps: int,
    *,
    dtype: str = "float64",
    device: str = "auto",
) -> Escape:
    """Run a map from starts around a saddle and return the outcome of every run.

    - trapped: the run ends in a ball that runs enter from its surface (``trapping_radius``, in float64);
    - escaped: the run left the box of half-width ``radius`` around the saddle, to a loss below the saddle's;
    - diverged: the run left the floating-point range, or left the box uphill, because its steps were unstable;
    - undecided: the run is in the box and not trapped. A run that passes the saddle slowly never counts as trapped.

    Args:
        map_: the iterates.
        point: the saddle.
        starts: the starts ``(N, d)``, within the box.
        radius: half the width of the box that a run must leave to have escaped, in the units of w.
        steps: the number of steps of each run.
        dtype, device: as in ``simulate``.

    Raises:
        InputError: ``simulate`` refuses an argument.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.GD(), lr=0.1)
    >>> (point,) = sd.critical_points(map_.landscape)
    >>> result = sd.analysis.escape(map_, point, [(0.1, 0.0), (0.1, 0.1)], radius=1.0, steps=20)
    >>> result.outcome.tolist(), result.end.tolist()
    (['undecided', 'escaped'], [20, 13])
    """
    return escapes([map_], point, starts, radius, steps, dtype=dtype, device=device)[0]


@checked
def escapes(
    maps: Sequence[Map],
    point: CriticalPoint,
    starts: np.ndarray,
    radius: float,
    steps: int,
    *,
    dtype: str = "float64",
    device: str = "auto",
) -> list[Escape]:
    """Measure ``escape`` of many maps from the same starts; maps that differ in numbers alone run as one ensemble.

    >>> import samdyn as sd
    >>> maps = [sd.Map(sd.landscapes.saddle(), sd.GD(), lr=lr) for lr in (0.1, 0.2)]
    >>> (point,) = sd.critical_points(maps[0].landscape)
    >>> results = sd.analysis.escapes(maps, point, [(0.1, 0.1)], radius=1.0, steps=20)
    >>> [result.end.tolist() for result in results]
    [[13], [7]]
    """
    starts = np.atleast_2d(starts)
    box = [(c - radius, c + radius) for c in point.w]
    results: dict[int, Escape] = {}
    for members, together in stack(maps):
        many, everywhere = repeat(together, len(starts)), np.tile(starts, (len(members), 1))
        runs = simulate(many, everywhere, steps, box=box, dtype=dtype, device=device, progress=False)
        w, loss, status, end = (
            values.reshape(len(members), len(starts), *values.shape[1:])
            for values in (runs.w.values[:, -1], runs.loss.values[:, -1], runs.status.values, runs.end.values)
        )
        outcome = np.full(status.shape, Status.UNDECIDED, dtype="U9")
        exits = status == Status.LEFT
        downhill = exits & (loss < point.loss)
        outcome[downhill] = ESCAPED
        outcome[(status == Status.DIVERGED) | (exits & ~downhill)] = Status.DIVERGED
        for place, i in enumerate(members):
            results[i] = Escape(outcome[place], end[place], w[place], maps[i].lr)
    open_ = [i for i, result in results.items() if (result.outcome == Status.UNDECIDED).any()]
    radii = trapping_radii([maps[i] for i in open_], point, radius, steps)
    for i, trap in zip(open_, radii, strict=True):
        result = results[i]
        result.outcome[(result.outcome == Status.UNDECIDED) & (distances_from(point, result.w) <= trap)] = TRAPPED
    return [results[i] for i in range(len(maps))]

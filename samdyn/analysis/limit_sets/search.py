"""Runs a system and finds the attractors on which the runs end. Each attractor has a certificate."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from ... import html
from ...dynamics import Flow, Map
from ...landscapes import Box
from ...ops import jacobian
from ...simulation import Status
from ...simulation.discontinuities.regions import TrapRegions
from ...simulation.flows.velocity import CompiledFlow
from ...simulation.iterates.iterate import Iterates
from ...simulation.iterates.stepping import Steps
from ...simulation.ode import integrated
from ...simulation.progress import progress_bar
from ...simulation.settling import Function, settled
from ...simulation.units import unit_of
from ...statistics import wilson
from ..orbits.cycle import Cycle
from ..points.critical_points import CriticalPoint, CriticalPoints, critical_points
from ..points.degenerate import CriticalSet
from ..trees import distinct, tree
from .families import families, neutral_directions
from .limit_cycles import ROUNDS, LimitCycles
from .recurrent import RecurrentSets
from .wandering import Exponent, motion, recurrence

# Labels of runs without an attractor; other labels are indices of attractors.
DIVERGED, UNDECIDED, UNBOUNDED = -1, -2, -3
NO_SET = -1  # index of the set of critical points of a resting point that lies on none
FIRST_MEMBER = -4  # label of the runs on the first point that may belong to a continuum; the next have −5, −6, …
NAMES: dict[int, str] = {DIVERGED: Status.DIVERGED, UNDECIDED: Status.UNDECIDED, UNBOUNDED: "unbounded"}

# In units of the box; a map's run that leaves the box enlarged by this factor has diverged, a flow's run is unbounded.
MAX_BOX_FACTOR = 10.0
SETTLED_DISTANCE = 1e-6  # relative to max(unit, ‖w‖∞); largest Newton step from a settled run to its resting point
SAME_POINT = 1e-4  # in units of the box; resting points closer than this are one
CURVE_DISTANCE = 0.02  # in units of the box; distance of a resting point on a curve from the curve's points
SET_DISTANCE = 0.15  # in units of the box; distance of a resting point on a set of higher dimension from its sample
MAX_GAP = 1.5  # the same, over the largest distance between neighbours of the sample, if that is more
SAME_LOSS = (
    1e-9  # relative to the variation of the loss in the box; loss of a resting point on such a set, less the set's
)
FIRST_CHECK = 64  # number of steps before the first check; the later checks come at doublings
STEPS_PER_REPORT = 512  # number of steps of a map between two reports of its progress
WINDOW = 512  # number of steps over which the extent of a wandering run is measured
SHORT = 8  # period of cycles, in steps, up to which every run is checked for every period
FIRST_TIME = 10.0  # duration of a flow's first round, in units of the median time of a turn or of a crossing of the box
TRAPPED_FACTOR = 100.0  # least duration of a round over that of the one before, where points trap most runs
MAX_TIME = 1e300  # in units of t; duration of a flow's last round
MIN_MOVE = 0.01  # in units of the box; distance that a run moves in a round, above which it goes on for another
SOLVER_STEPS = 3000  # number of solver steps per round
MAX_FOLLOW_STEPS = 20_000  # number of solver steps of a run whose positions are looked at
ROUNDS_BEFORE_SETS = 3  # number of rounds before tori and strange attractors are searched
COLUMNS = (
    *("attractor", "period", "at", "extent", "loss", "multipliers or rates", "exponents"),
    *("critical point", "share", "95 %"),
)
RTOL, ATOL = 1e-7, 1e-9  # local errors of flows: relative, and in the box's unit of length


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


def limit_sets(
    system: Map | Flow,
    starts: np.ndarray,
    box: Box,
    *,
    period: int,
    steps: int,
    progress: bool,
    critical: CriticalPoints | None = None,
) -> tuple[np.ndarray, Attractors, np.ndarray]:
    """Run a map or a flow from starts ``(N, d)`` and return the label of each run ``(N,)``, and the attractors.

    The third result is the unit vector from the box's centre to the place where an unbounded run left, ``(N, d)``, and
    NaN for the others. ``critical`` are the landscape's critical points in the box, which are computed if not given.

    A label is the index of an attractor, DIVERGED, UNDECIDED or UNBOUNDED. A run belongs to a fixed point, curve or
    cycle if ``simulation.settling`` certifies by multipliers that it rests there, so that slow passage does not count.
    Any other run of a map wanders over a set if it covers the same box, to a quarter of its size, in two windows of 512
    steps, halfway and at the end. The windows cannot distinguish a run that drifts more slowly from one that stays. The
    largest Lyapunov exponent says what kind of set that is. Periods of more than eight steps are searched in these
    windows alone.
    """
    low, high = np.array(box).T
    middle, half = (high + low) / 2, (high - low) / 2
    far = tuple(zip(middle - MAX_BOX_FACTOR * half, middle + MAX_BOX_FACTOR * half, strict=True))
    points = critical_points(system.landscape, box) if critical is None else critical
    census = _Census(system, high - low, points, unit_of(box), starts)
    ways_out = np.full(starts.shape, np.nan)
    if isinstance(system, Map):
        with progress_bar(f"{system.method}", steps, progress) as show:
            labels, ends = _of_map(system, starts, far, census, period, steps, show)
    else:
        labels, ends = _of_flow(system, starts, far, census, progress)
        leave = labels == UNBOUNDED
        away = ends[leave] - middle
        ways_out[leave] = away / np.linalg.norm(away, axis=1, keepdims=True)
    census.enter_continua(labels)
    # The attractor with the most runs comes first.
    counts = [int((labels == i).sum()) for i in range(len(census.attractors))]
    order = np.argsort(-np.array(counts, dtype=int), kind="stable")
    attractors = Attractors(
        replace(census.attractors[i], runs=counts[i], of=len(starts), ends=ends[labels == i])
        for i in order
        if counts[i]
    )
    new = np.full(len(order) + len(NAMES), UNDECIDED)
    new[order] = np.arange(len(order))
    for label in NAMES:
        new[label] = label
    return new[labels], attractors, ways_out


@dataclass(frozen=True)
class _Member:
    """A resting point or cycle that may belong to a continuum.

    Attributes:
        residual: the function that vanishes on the continuum, of states in units of length.
        orbit: the points of the cycle in order, in units of length, ``(p, D)``.
        multipliers: the multipliers, as those of an ``Attractor``.
    """

    residual: Function
    orbit: torch.Tensor
    multipliers: np.ndarray


class _Census:
    """Collects the attractors, and assigns resting points to them."""

    def __init__(
        self, system: Map | Flow, extent: np.ndarray, points: CriticalPoints, unit: float, starts: np.ndarray
    ) -> None:
        self.system, self.extent, self.points = system, extent, points
        self.unit = unit
        losses = system.landscape.value(torch.as_tensor(starts.T.copy()))
        self.losses = float((losses - losses.nanmedian()).abs().nanmedian())  # variation of the loss in the box
        self.attractors: list[Attractor] = []
        self.continua: list[_Member] = []

    def index(self, kind: str, orbit: np.ndarray, multipliers: np.ndarray | None, on: int = NO_SET) -> int:
        """Return the index of the attractor at an orbit ``(p, d)``, or of the critical set that a fixed point is on.

        If it is new it is entered first. ``on`` is the set's index, as ``sets_of`` returns it.
        """
        if on != NO_SET:
            return self._index_of_set(self.points.sets[on])
        for i, attractor in enumerate(self.attractors):
            if (
                attractor.kind == kind
                and len(attractor.w) == len(orbit)
                and self._near(attractor.w, orbit[0]) < SAME_POINT
            ):
                return i
        return self.enter(kind, orbit, multipliers)

    def _index_of_set(self, on: CriticalSet) -> int:
        for i, attractor in enumerate(self.attractors):
            if attractor.kind in ("curve", "set") and attractor.critical_set is on:
                return i
        return self.enter("curve" if on.dimension == 1 else "set", on.w, None, critical_set=on)

    def enter(self, kind: str, w: np.ndarray, multipliers: np.ndarray | None, repeats: int = 1, **more: Any) -> int:
        """Enter an attractor, with ``more`` of its attributes, and return its index."""
        loss = float(self.system.landscape.value(w.T).mean())
        self.attractors.append(Attractor(kind, w, loss, multipliers, self._critical(w), repeats=repeats, **more))
        return len(self.attractors) - 1

    def enter_cycle(self, cycle: Cycle) -> int:
        """Enter the limit cycle of a flow and return its index."""
        return self.enter("cycle", cycle.w, cycle.multipliers, cycle=cycle)

    def sets_of(self, w: np.ndarray) -> np.ndarray:
        """Return the indices of the sets of critical points on which resting points ``(n, d)`` lie: ``(n,)``.

        A point belongs to the set whose sample is nearest, if that is near. NO_SET stands for none.
        """
        found, nearest = np.full(len(w), NO_SET), np.full(len(w), np.inf)
        loss = self.system.landscape.value(w.T).numpy()
        for number, s in enumerate(self.points.sets):
            reach = CURVE_DISTANCE
            near = np.ones(len(w), dtype=bool)
            if s.dimension > 1:
                apart = tree(s.w / self.extent).query(s.w / self.extent, 2, p=np.inf)[0][:, -1]
                reach = max(SET_DISTANCE, MAX_GAP * float(apart[np.isfinite(apart)].max(initial=0)))
                across = float(np.abs(s.eigenvalues).max() * self.extent.min() ** 2)  # change of the loss in the box
                near = np.abs(loss - s.loss) <= SAME_LOSS * np.maximum(max(self.losses, across), np.abs(loss))
            distance = tree(s.w / self.extent).query(w / self.extent, p=np.inf)[0]
            on = near & (distance < np.minimum(reach, nearest))
            found[on], nearest[on] = number, distance[on]
        return found

    def enter_continua(self, labels: np.ndarray) -> None:
        """Enter each family of the members in ``continua`` once, and replace the labels of its runs by its index."""
        continua = self.continua
        periods = np.array([len(member.orbit) for member in continua])
        index = np.empty(len(continua), dtype=int)
        for p in np.unique(periods):
            some = np.flatnonzero(periods == p)
            orbits = torch.stack([continua[i].orbit for i in some], 2)
            scale = np.tile(self.extent, orbits.shape[1] // len(self.extent))
            family = families(continua[some[0]].residual, orbits, scale, SAME_POINT)
            for f in np.unique(family):
                members = some[family == f]
                w = np.concatenate([continua[i].orbit[:, : len(self.extent)].numpy() for i in members])
                if np.ptp(w[::p], axis=0).max() > SAME_POINT * self.extent.max() and len(members) > 1:
                    index[members] = self.enter("curve", w, None, int(p))
                else:
                    kind = "fixed point" if p == 1 else "cycle"
                    index[members] = self.enter(kind, w[:p], continua[members[0]].multipliers)
        waits = labels <= FIRST_MEMBER
        labels[waits] = index[FIRST_MEMBER - labels[waits]]

    def _near(self, w: np.ndarray, to: np.ndarray) -> float:
        """Return the distance of the nearest of points ``(m, d)`` to another ``(d,)``, in units of the box."""
        return float(np.abs((w - to) / self.extent).max(axis=1).min())

    def _critical(self, w: np.ndarray) -> CriticalPoint | None:
        """Return the critical point at w, or amid a set w ``(m, d)`` of at most a tenth of the box; else None."""
        size = max(SAME_POINT, float((np.ptp(w, axis=0) / self.extent).max()))
        for point in self.points:
            if size <= 0.1 and np.abs((w.mean(0) - point.w) / self.extent).max() <= size:
                return point
        return None


def _of_map(
    map_: Map,
    starts: np.ndarray,
    far: Box,
    census: _Census,
    period: int,
    steps: int,
    show: Callable[[float], None],
) -> tuple[np.ndarray, np.ndarray]:
    """Return the labels of a map's runs from starts ``(N, d)``, ``(N,)``, and where they end, ``(N, d)``.

    ``show`` shows the number of steps.
    """
    map_.refuse_noise()
    low, high = torch.tensor(far, dtype=torch.float64).T[..., None]
    labels, width = np.full(len(starts), UNDECIDED), max(WINDOW, 2 * period)
    last = starts.copy()
    running, step = np.arange(len(starts)), Steps(map_, None)
    runs = Iterates(step, torch.as_tensor(starts.T.copy()), number=steps)
    midway: torch.Tensor | None = None
    check, step_count = FIRST_CHECK, 0
    while step_count < steps and running.size:
        # The runs are checked at every doubling, halfway and at the end; windows precede the last two checks.
        stop = min(n for n in (check, steps // 2, steps) if n > step_count)
        window = []
        with runs:
            before_window = stop if stop < steps // 2 else max(step_count, stop - width)
            while step_count + runs.done < before_window:
                runs.advance(min(STEPS_PER_REPORT, before_window - step_count - runs.done))
                show(step_count + runs.done)
            if stop >= steps // 2:
                while step_count + runs.done < stop:
                    runs.advance(1)
                    window.append(runs.w.clone())
            z = torch.cat(runs.parts)
            here = runs.running & torch.isfinite(z).all(0) & ((runs.w >= low) & (runs.w <= high)).all(0)
            last[running] = runs.w.numpy().T
            step_count, check = stop, max(check, 2 * stop) if stop >= check else check
            labels[running[~here.numpy()]] = DIVERGED
            keep, running, z = here.numpy(), running[here.numpy()], z[:, here]
            paths = torch.stack(window)[:, :, keep] if window else None
            labels[running] = _resting(map_, z, census, period, paths)
        undecided = labels[running] == UNDECIDED
        paths = None if paths is None else paths[:, :, undecided]
        if midway is not None:
            midway = midway[:, :, keep][:, :, undecided]
        running, z = running[undecided], z[:, torch.as_tensor(undecided)]
        if running.size:
            w, *v = z.split(map_.landscape.dim)
            runs = Iterates(step, w, runs.taker, memory=v or None)
        if paths is not None and step_count < steps:
            midway = paths
    if running.size and midway is not None and paths is not None:
        labels[running] = _wandering(midway.numpy(), paths.numpy(), census)
        _name_motions(map_, z, labels[running], census, low, high)
    return labels, last


def _resting(map_: Map, z: torch.Tensor, census: _Census, period: int, paths: torch.Tensor | None = None) -> np.ndarray:
    """Return the labels of states ``(D, n)``: UNDECIDED unless they rest on a fixed point or a cycle.

    ``paths`` are the positions at the last steps, ``(k, d, n)``, for cycles of more than SHORT steps.
    """
    d = map_.landscape.dim
    factors = torch.tensor([1.0, *map_.lengths()], dtype=z.dtype)
    unit = factors.repeat_interleave(d)[:, None]
    labels = np.full(z.shape[1], UNDECIDED)
    periods = list(range(1, min(period, SHORT) + 1))
    recurs = np.zeros(z.shape[1], dtype=int)
    if paths is not None and len(paths) >= 2 * period > 2 * SHORT:
        recurs = recurrence(paths.numpy(), SHORT + 1, period)
        periods += sorted(set(recurs[recurs > 0].tolist()))
    for p in periods:
        open_runs = np.flatnonzero((labels == UNDECIDED) & ((p <= SHORT) | (recurs == p)))
        if not open_runs.size:
            continue

        def residual(lengths: torch.Tensor, p: int = p) -> torch.Tensor:
            scale = unit.reshape(-1, *[1] * (lengths.ndim - 1))
            start = lengths / scale
            total = torch.zeros_like(lengths)
            for _ in range(p):  # sums of increments keep the digits that differences of states would lose
                w, *v = (start + total / scale).split(d)
                total = total + scale * torch.cat(map_.increment((w, *v)))
            return total

        rests = settled(residual, unit * z[:, open_runs], d, SETTLED_DISTANCE, discrete=True, unit=census.unit).numpy()
        at = open_runs[rests]
        if not at.size:
            continue
        z_at, multipliers = _refine(residual, unit * z[:, at])
        orbits = [z_at]
        for _ in range(p - 1):
            orbits.append(unit * map_.flat_step(orbits[-1] / unit))
        kind = "fixed point" if p == 1 else "cycle"
        orbit = torch.stack(orbits)  # (p, D, n)
        neutral = neutral_directions(residual, z_at) > 0
        on = census.sets_of(z_at[:d].numpy().T) if p == 1 else np.full(len(at), NO_SET)
        for column, run in enumerate(at):
            w = orbit[:, :d, column].numpy()
            if neutral[column] and on[column] == NO_SET:
                census.continua.append(_Member(residual, orbit[:, :, column], 1 + multipliers[column]))
                labels[run] = FIRST_MEMBER - len(census.continua) + 1
            else:
                labels[run] = census.index(kind, w, 1 + multipliers[column], on[column])
    return labels


def _refine(residual: Function, z: torch.Tensor) -> tuple[torch.Tensor, np.ndarray]:
    """Return the zeros of a residual near states ``(D, n)``, and the eigenvalues of its Jacobian there, ``(n, D)``."""
    for _ in range(4):
        a = jacobian(residual, z).movedim(2, 0)
        # The pseudoinverse takes the shortest step, which is defined on a curve of zeros too.
        z = z - (torch.linalg.pinv(a, rtol=1e-9) @ residual(z).T[:, :, None]).squeeze(2).T
    return z, torch.linalg.eigvals(jacobian(residual, z).movedim(2, 0)).numpy()


def _wandering(first: np.ndarray, second: np.ndarray, census: _Census) -> np.ndarray:
    """Return the labels of runs that wander over sets, from windows ``(k, d, n)`` halfway and at the end: ``(n,)``."""
    boxes = [(w.min(0), w.max(0)) for w in (first, second)]
    sizes = [(high - low).max(0) for low, high in boxes]
    distance = np.maximum(np.abs(boxes[0][0] - boxes[1][0]), np.abs(boxes[0][1] - boxes[1][1])).max(0)
    stationary = (distance <= 0.25 * sizes[1]) & (sizes[1] > 0)
    labels = np.full(first.shape[2], UNDECIDED)
    kinds: list[tuple[np.ndarray, np.ndarray, int]] = []
    for run in np.flatnonzero(stationary):
        low, high = boxes[1][0][:, run], boxes[1][1][:, run]
        size = sizes[1][run]
        for set_low, set_high, label in kinds:
            same = np.maximum(np.abs(low - set_low), np.abs(high - set_high)).max()
            if same <= 0.25 * max(size, (set_high - set_low).max()):
                labels[run] = label
                break
        else:
            labels[run] = census.enter("wandering", second[:, :, run], None)
            kinds.append((low, high, labels[run]))
    return labels


def _name_motions(
    map_: Map, z: torch.Tensor, labels: np.ndarray, census: _Census, low: torch.Tensor, high: torch.Tensor
) -> None:
    """Find the kind of motion on every set over which runs with final states ``(D, n)`` wander."""
    for label in np.unique(labels[labels >= 0]):
        kind, exponent = motion(map_, z[:, torch.as_tensor(labels == label)], low, high)
        census.attractors[label] = replace(
            census.attractors[label], kind=kind, exponents=(exponent,) if exponent else ()
        )


def _of_flow(
    flow: Flow, starts: np.ndarray, far: Box, census: _Census, progress: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the labels of a flow's runs from starts ``(N, d)``, ``(N,)``, and where they end, ``(N, d)``.

    Each round shows its own progress.
    """
    labels, last = np.full(len(starts), UNDECIDED), starts.copy()
    running, w = np.arange(len(starts)), torch.as_tensor(starts.T.copy())
    scaled = CompiledFlow(flow, census.unit, "auto")
    traps = TrapRegions(scaled)
    time, factor = _first_time(flow, w, census.extent), 2.0
    cycles, recurring = LimitCycles(flow, census.extent), 0
    sets = RecurrentSets(flow, census.extent, far, time)
    cycle_labels: list[int] = []  # indices among the attractors
    set_labels: list[int] = []
    first_time, rounds = time, 0

    def follow(w: torch.Tensor, grid: np.ndarray) -> np.ndarray:
        return integrated(scaled, w, grid, RTOL, ATOL * census.unit, far, MAX_FOLLOW_STEPS).states.numpy()

    slides_to_rest: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    while running.size and time <= MAX_TIME:
        grid, atol = np.array([time]), ATOL * census.unit
        runs = integrated(scaled, w, grid, RTOL, atol, far, SOLVER_STEPS, progress=progress, traps=traps)
        status, ends, slides = runs.status, runs.states[-1], runs.at_jump.numpy()
        labels[running[status == Status.DIVERGED]] = DIVERGED
        labels[running[status == Status.LEFT]] = UNBOUNDED
        last[running] = ends.numpy().T
        at = np.flatnonzero((status == Status.SETTLED) & slides)
        if at.size:
            slides_to_rest.append((running[at], ends[:, at].numpy().T, runs.alone.numpy()[at]))
        at = np.flatnonzero((status == Status.SETTLED) & ~slides)
        if at.size:
            points, multipliers = _refine(flow, ends[:, at])
            neutral = neutral_directions(flow, points) > 0
            on = census.sets_of(points.numpy().T)
            for column, run in enumerate(at):
                point = points[:, column]
                if neutral[column] and on[column] == NO_SET:
                    census.continua.append(_Member(flow, point[None], multipliers[column]))
                    labels[running[run]] = FIRST_MEMBER - len(census.continua) + 1
                else:
                    orbit = point.numpy()[None]
                    labels[running[run]] = census.index("fixed point", orbit, multipliers[column], on[column])
        # Runs continue if the solver advanced them; runs on which it failed at once stay undecided. Motion on plateaus
        # takes exponentially long, so that the times grow by squares; the solver's steps are long there.
        moved = (np.abs(ends.numpy() - w.numpy()) / census.extent[:, None]).max(0) > MIN_MOVE
        undecided = (status == Status.UNDECIDED) & ((runs.t.numpy() > 1e-3 * time) | moved)
        slid = runs.slid.numpy()
        rounds += 1
        if rounds >= ROUNDS_BEFORE_SETS:
            smooth = np.flatnonzero(undecided & ~slid)
            on = sets.assign(ends[:, smooth], follow)
            for found in sets.found[len(set_labels) :]:
                set_labels.append(census.enter(found.kind, found.w, None, exponents=found.exponents))
            labels[running[smooth[on >= 0]]] = np.array(set_labels, dtype=int)[on[on >= 0]]
            undecided[smooth[on >= 0]] = False
        smooth = np.flatnonzero(undecided & (runs.t.numpy() >= time) & ~slid & (time > first_time))
        on = cycles.assign(ends[:, smooth], time, follow)
        for cycle in cycles.found[len(cycle_labels) :]:
            cycle_labels.append(census.enter_cycle(cycle))
        labels[running[smooth[on >= 0]]] = np.array(cycle_labels, dtype=int)[on[on >= 0]]
        undecided[smooth[on >= 0]] = False
        running, w = running[undecided], ends[:, undecided]
        # Runs that points trap end by themselves, in as many steps for any time.
        factor = max(factor, TRAPPED_FACTOR) if traps.trap_most else factor
        if recurring == cycles.rounds or recurring >= ROUNDS:
            time, factor = time * factor, min(factor, MAX_TIME**0.5) ** 2
        recurring = cycles.rounds
    if slides_to_rest:
        _sliding(slides_to_rest, labels, census, 3 * len(starts) ** (-1 / starts.shape[1]))
    return labels, last


def _first_time(flow: Flow, w: torch.Tensor, extent: np.ndarray) -> float:
    """Return the duration of the first round from starts ``(d, N)``, in units of t."""
    rate = float(torch.linalg.matrix_norm(flow.landscape.hessian(w).movedim(-1, 0), 2).nanmedian())
    crossing = float(torch.linalg.vector_norm(flow(w) / torch.as_tensor(extent)[:, None], dim=0).nanmedian())
    fastest = max(rate, crossing)
    return min(FIRST_TIME / fastest if fastest > 0 else 1.0, MAX_TIME)


def _sliding(
    rests: list[tuple[np.ndarray, np.ndarray, np.ndarray]], labels: np.ndarray, census: _Census, link: float
) -> None:
    """Group the resting points of runs at jumps into attractors, and set the labels of their runs.

    ``rests`` are the runs ``(n,)``, their resting points ``(n, d)`` and whether these are isolated ``(n,)``, in parts.
    Points that attract runs by themselves form one attractor each. The other points form one attractor if gaps of at
    most ``link``, in units of the box, connect them.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    runs, ends, isolated = (np.concatenate(part) for part in zip(*rests, strict=True))
    for some, gap in ((isolated, SAME_POINT), (~isolated, link)):
        if not some.any():
            continue
        # Most runs end on few points. Pairs of all runs that end on one would be as many as the square of their number.
        first, copy = distinct(np.round(ends[some] / (0.01 * SAME_POINT * census.extent)))
        members, of = ends[some][first], runs[some]
        pairs = tree(members / census.extent).query_pairs(gap, output_type="ndarray")
        graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(members), len(members)))
        _, component = connected_components(graph, directed=False)
        for c in np.unique(component):
            here = members[component == c]
            single = (np.ptp(here, axis=0) <= SAME_POINT * census.extent).all()
            on = np.unique(census.sets_of(here))
            on_set = census.points.sets[on[0]] if len(on) == 1 and on[0] != NO_SET else None
            w = here[:1] if single else here
            labels[of[component[copy] == c]] = census.enter("sliding", w, None, critical_set=on_set)

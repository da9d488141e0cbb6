"""What runs end on: attractors, each found from runs and certified by its multipliers or by what the runs do."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from ...dynamics import Flow, Map
from ...landscapes import Box
from ...ops import jacobian
from ...simulation import Status
from ...simulation.iterates.iterate import Iterates
from ...simulation.iterates.stepping import Steps
from ...simulation.ode import integrated
from ...simulation.settling import Function, settled
from ...simulation.units import ScaledFlow, unit_of
from ...statistics import wilson
from ..points.critical_points import CriticalPoint, CriticalPoints, critical_points
from ..trees import tree
from .families import families, neutral_directions

DIVERGED, UNDECIDED = -1, -2  # labels beside the indices of attractors
WAITING = -3  # label of runs on the first of what may be members of continua; then −4, −5, …
NAMES: dict[int, str] = {DIVERGED: Status.DIVERGED, UNDECIDED: Status.UNDECIDED}

FAR = 10.0  # a run that leaves the box enlarged by this factor has diverged
RESTS = 1e-6  # how near a run has to be to its resting point, by Newton's step, relative to max(unit, ‖w‖∞)
SAME = 1e-4  # of the box: resting points closer than this are one
ON_CURVE = 0.02  # of the box: so far may a resting point be from the traced points of the curve it lies on
ON_SET = 0.15  # of the box: and so far from the sample of a set of higher dimension, whose loss it has
SAME_LOSS = 1e-9  # relative to how losses differ in the box: the loss of a resting point on such a set
FIRST_CHECK = 64  # steps; then at every doubling
WINDOW = 512  # steps of a run that are looked at to see what it wanders over
FIRST_TIME = 10.0  # of a flow's first round: the median time over which starts change direction, or cross the box
LONGEST = 1e300  # time that flows have at most
SOLVER_STEPS = 3000  # per round
RTOL, ATOL = 1e-7, 1e-9  # of flows: bounds on the local error, relative and in the box's unit of length


@dataclass(frozen=True, eq=False)
class Attractor:
    """Something that runs end on.

    Attributes:
        kind: "fixed point"; "cycle", of a map; "curve", of fixed points, such as a valley of minima, or of cycles, such
            as surround a round minimum; "sliding", rests of a discontinuous flow on its discontinuity; "wandering", a
            set that a map's runs go about in, without period up to the one looked for.
        w: the fixed point ``(1, d)``, the points of the cycle in order ``(p, d)``, of other kinds a sample ``(m, d)``.
        loss: the mean of L over ``w``.
        multipliers: of fixed points and cycles of maps the eigenvalues of the step, p times, on (w, v), ``(D,)``; of
            fixed points of flows those of the Jacobian, ``(d,)``; None for other kinds.
        critical: the critical point it is, or goes about.
        runs, of: how many runs of how many ended on it.
        repeats: after how many steps the points of a curve come back.
    """

    kind: str
    w: np.ndarray
    loss: float
    multipliers: np.ndarray | None
    critical: CriticalPoint | None
    runs: int = 0
    of: int = 0
    repeats: int = 1

    @property
    def period(self) -> int:
        """Return the period of a cycle, or of a curve's cycles; 1 for fixed points, 0 where there is none."""
        return len(self.w) if self.kind == "cycle" else self.repeats * (self.kind in ("fixed point", "curve"))

    @property
    def extent(self) -> float:
        """Return how far its points lie apart at most, along a coordinate."""
        return float(np.ptp(self.w, axis=0).max())

    @property
    def share(self) -> float:
        """Return the fraction of the runs that ended on it."""
        return self.runs / self.of

    @property
    def interval(self) -> tuple[float, float]:
        """Return Wilson's 95 % interval of the share, as of independent starts."""
        return wilson(self.runs, self.of)

    def __str__(self) -> str:
        where = "(" + ", ".join(f"{c:.5g}" for c in np.round(self.w.mean(0), 12) + 0.0) + ")"
        what = f"cycle of period {self.period} about" if self.kind == "cycle" else f"{self.kind} at"
        if self.repeats > 1:
            what = f"curve of cycles of period {self.period} about"
        low, high = (100 * edge for edge in self.interval)
        spread = f", extent {self.extent:.3g}" if self.kind in ("cycle", "wandering", "sliding") and self.extent else ""
        return f"{what} {where}{spread}: {100 * self.share:.1f} % [{low:.1f}, {high:.1f}]"


def limit_sets(
    system: Map | Flow, starts: np.ndarray, box: Box, *, period: int, steps: int
) -> tuple[np.ndarray, list[Attractor]]:
    """Run a map or a flow from starts ``(N, d)`` and say on which attractor each run ends: labels ``(N,)`` and those.

    A label is the index of an attractor, DIVERGED or UNDECIDED. A run is given to a fixed point, curve or cycle when
    ``simulation.settling`` certifies that it rests there: by its multipliers, so that slow passage does not count. What
    is left of a map's runs at the end wanders over a set if, in two windows of 512 steps, halfway and at the end, it
    covers the same stretch, to a quarter of it; a run that drifts slower than that is not told from one that stays.
    """
    low, high = np.array(box).T
    middle, half = (high + low) / 2, (high - low) / 2
    far = tuple(zip(middle - FAR * half, middle + FAR * half, strict=True))
    census = _Census(system, high - low, critical_points(system.landscape, box), unit_of(box), starts)
    if isinstance(system, Map):
        labels = _of_map(system, starts, far, census, period, steps)
    else:
        labels = _of_flow(system, starts, far, census)
    census.enter_continua(labels)
    # In order of size: what most runs end on comes first.
    counts = [int((labels == i).sum()) for i in range(len(census.found))]
    order = np.argsort(-np.array(counts, dtype=int), kind="stable")
    found = [replace(census.found[i], runs=counts[i], of=len(starts)) for i in order if counts[i]]
    new = np.full(len(order) + 2, UNDECIDED)
    new[order] = np.arange(len(order))
    new[DIVERGED], new[UNDECIDED] = DIVERGED, UNDECIDED
    return new[labels], found


@dataclass(frozen=True)
class _Member:
    """A resting point or cycle that may be one of a continuum.

    Attributes:
        residual: what vanishes on the continuum, a function of lengths.
        orbit: the points of the cycle in order, lengths, ``(p, D)``.
        multipliers: as of an ``Attractor``.
    """

    residual: Function
    orbit: torch.Tensor
    multipliers: np.ndarray


class _Census:
    """The attractors found so far, and which of them a resting point belongs to."""

    def __init__(
        self, system: Map | Flow, extent: np.ndarray, points: CriticalPoints, unit: float, starts: np.ndarray
    ) -> None:
        self.system, self.extent, self.points = system, extent, points
        self.unit = unit
        losses = system.landscape.value(torch.as_tensor(starts.T.copy()))
        self.losses = float((losses - losses.nanmedian()).abs().nanmedian())  # by how much losses differ in the box
        self.found: list[Attractor] = []
        self.continua: list[_Member] = []

    def index(self, kind: str, orbit: np.ndarray, multipliers: np.ndarray | None) -> int:
        """Return the index of the attractor at this orbit ``(p, d)``, entering it if it is new."""
        curve = self._curve(orbit[0]) if kind == "fixed point" else None
        for i, known in enumerate(self.found):
            if curve is not None:
                if known.kind == "curve" and known.w is curve:
                    return i
            elif known.kind == kind and len(known.w) == len(orbit) and self._near(known.w, orbit[0]) < SAME:
                return i
        if curve is not None:
            return self.enter("curve", curve, None)
        return self.enter(kind, orbit, multipliers)

    def enter(self, kind: str, w: np.ndarray, multipliers: np.ndarray | None, repeats: int = 1) -> int:
        """Enter an attractor and return its index."""
        loss = float(self.system.landscape.value(w.T).mean())
        self.found.append(Attractor(kind, w, loss, multipliers, self._critical(w), repeats=repeats))
        return len(self.found) - 1

    def on_a_set(self, w: np.ndarray) -> bool:
        """Whether a resting point ``(d,)`` lies on a set of critical points."""
        return self._curve(w) is not None

    def enter_continua(self, labels: np.ndarray) -> None:
        """Enter what waits in ``continua``, each family once, and put its index in place of the runs' labels."""
        waiting = self.continua
        periods = np.array([len(member.orbit) for member in waiting])
        index = np.empty(len(waiting), dtype=int)
        for p in np.unique(periods):
            some = np.flatnonzero(periods == p)
            orbits = torch.stack([waiting[i].orbit for i in some], 2)
            scale = np.tile(self.extent, orbits.shape[1] // len(self.extent))
            family = families(waiting[some[0]].residual, orbits, scale, SAME)
            for f in np.unique(family):
                members = some[family == f]
                w = np.concatenate([waiting[i].orbit[:, : len(self.extent)].numpy() for i in members])
                if np.ptp(w[::p], axis=0).max() > SAME * self.extent.max() and len(members) > 1:
                    index[members] = self.enter("curve", w, None, int(p))
                else:
                    kind = "fixed point" if p == 1 else "cycle"
                    index[members] = self.enter(kind, w[:p], waiting[members[0]].multipliers)
        waits = labels <= WAITING
        labels[waits] = index[WAITING - labels[waits]]

    def _near(self, w: np.ndarray, to: np.ndarray) -> float:
        return float(np.abs((w - to) / self.extent).max(axis=1).min())

    def _curve(self, w: np.ndarray) -> np.ndarray | None:
        loss = float(self.system.landscape.value(w))
        for s in self.points.sets:
            same = s.dimension == 1 or abs(loss - s.loss) <= SAME_LOSS * max(self.losses, abs(loss))
            if same and self._near(s.w, w) < (ON_CURVE if s.dimension == 1 else ON_SET):
                return s.w
        return None

    def _critical(self, w: np.ndarray) -> CriticalPoint | None:
        """Return the critical point that w is, or that lies amid a set no larger than a tenth of the box."""
        size = max(SAME, float((np.ptp(w, axis=0) / self.extent).max()))
        for point in self.points:
            if size <= 0.1 and np.abs((w.mean(0) - point.w) / self.extent).max() <= size:
                return point
        return None


def _of_map(map_: Map, starts: np.ndarray, far: Box, census: _Census, period: int, steps: int) -> np.ndarray:
    map_.refuse_noise()
    low, high = torch.tensor(far, dtype=torch.float64).T[..., None]
    labels = np.full(len(starts), UNDECIDED)
    running, step = np.arange(len(starts)), Steps(map_, None)
    runs = Iterates(step, torch.as_tensor(starts.T.copy()), number=steps)
    midway: torch.Tensor | None = None
    check, done = FIRST_CHECK, 0
    while done < steps and running.size:
        # A check at every doubling, and with a window before it halfway and at the end.
        stop = min(n for n in (check, steps // 2, steps) if n > done)
        window = []
        with runs:
            if stop < steps // 2:
                runs.advance(stop - done)
            else:
                runs.advance(max(0, stop - WINDOW - done))
                while done + runs.done < stop:
                    runs.advance(1)
                    window.append(runs.w.clone())
            z = torch.cat(runs.parts)
            here = runs.running & torch.isfinite(z).all(0) & ((runs.w >= low) & (runs.w <= high)).all(0)
            done, check = stop, max(check, 2 * stop) if stop >= check else check
            labels[running[~here.numpy()]] = DIVERGED
            keep, running, z = here.numpy(), running[here.numpy()], z[:, here]
            labels[running] = _resting(map_, z, census, period)
        going = labels[running] == UNDECIDED
        paths = torch.stack(window)[:, :, keep][:, :, going] if window else None
        if midway is not None:
            midway = midway[:, :, keep][:, :, going]
        running, z = running[going], z[:, torch.as_tensor(going)]
        if running.size:
            w, *v = z.split(map_.landscape.dim)
            runs = Iterates(step, w, runs.taker, velocity=v[0] if v else None)
        if paths is not None and done < steps:
            midway = paths
    if running.size and midway is not None and paths is not None:
        labels[running] = _wandering(midway.numpy(), paths.numpy(), census)
    return labels


def _resting(map_: Map, z: torch.Tensor, census: _Census, period: int) -> np.ndarray:
    """Return the labels of states that rest on fixed points and cycles; the others are undecided."""
    d = map_.landscape.dim
    coasting = map_.lr / (1 - map_.momentum)  # makes v a length, like w
    unit = torch.ones(len(z), 1, dtype=z.dtype)
    unit[d:] = coasting
    labels = np.full(z.shape[1], UNDECIDED)
    for p in range(1, period + 1):
        left = np.flatnonzero(labels == UNDECIDED)
        if not left.size:
            break

        def residual(lengths: torch.Tensor, p: int = p) -> torch.Tensor:
            scale = unit.reshape(-1, *[1] * (lengths.ndim - 1))
            start = lengths / scale
            total = torch.zeros_like(lengths)
            for _ in range(p):  # increments, which do not lose digits as differences of states would
                w, *v = (start + total / scale).split(d)
                total = total + scale * torch.cat(map_.increment((w, *v)))
            return total

        rests = settled(residual, unit * z[:, left], d, RESTS, discrete=True, unit=census.unit).numpy()
        at = left[rests]
        if not at.size:
            continue
        z_at, multipliers = _polished(residual, unit * z[:, at])
        orbits = [z_at]
        for _ in range(p - 1):
            orbits.append(unit * map_.flat_step(orbits[-1] / unit))
        kind = "fixed point" if p == 1 else "cycle"
        orbit = torch.stack(orbits)  # (p, D, n)
        neutral = neutral_directions(residual, z_at) > 0
        for column, run in enumerate(at):
            w = orbit[:, :d, column].numpy()
            if neutral[column] and not (p == 1 and census.on_a_set(w[0])):
                census.continua.append(_Member(residual, orbit[:, :, column], 1 + multipliers[column]))
                labels[run] = WAITING - len(census.continua) + 1
            else:
                labels[run] = census.index(kind, w, 1 + multipliers[column])
    return labels


def _polished(residual: Function, z: torch.Tensor) -> tuple[torch.Tensor, np.ndarray]:
    """Return the zeros of a residual near states ``(D, n)``, and the eigenvalues of its Jacobians there, ``(n, D)``."""
    for _ in range(4):
        a = jacobian(residual, z).movedim(2, 0)
        # Along a curve of zeros there is nothing to correct: the shortest step.
        z = z - (torch.linalg.pinv(a, rtol=1e-9) @ residual(z).T[:, :, None]).squeeze(2).T
    return z, torch.linalg.eigvals(jacobian(residual, z).movedim(2, 0)).numpy()


def _wandering(first: np.ndarray, second: np.ndarray, census: _Census) -> np.ndarray:
    """Label runs by the sets they go about in, from windows ``(k, d, n)`` halfway and at the end."""
    boxes = [(w.min(0), w.max(0)) for w in (first, second)]
    sizes = [(high - low).max(0) for low, high in boxes]
    apart = np.maximum(np.abs(boxes[0][0] - boxes[1][0]), np.abs(boxes[0][1] - boxes[1][1])).max(0)
    stays = (apart <= 0.25 * sizes[1]) & (sizes[1] > 0)
    labels = np.full(first.shape[2], UNDECIDED)
    kinds: list[tuple[np.ndarray, np.ndarray, int]] = []
    for run in np.flatnonzero(stays):
        low, high = boxes[1][0][:, run], boxes[1][1][:, run]
        size = sizes[1][run]
        for known_low, known_high, label in kinds:
            same = np.maximum(np.abs(low - known_low), np.abs(high - known_high)).max()
            if same <= 0.25 * max(size, (known_high - known_low).max()):
                labels[run] = label
                break
        else:
            labels[run] = census.enter("wandering", second[:, :, run], None)
            kinds.append((low, high, labels[run]))
    return labels


def _of_flow(flow: Flow, starts: np.ndarray, far: Box, census: _Census) -> np.ndarray:
    labels = np.full(len(starts), UNDECIDED)
    running, w = np.arange(len(starts)), torch.as_tensor(starts.T.copy())
    scaled = ScaledFlow(flow, census.unit)
    time, factor = _first_time(flow, w, census.extent), 2.0
    slid: list[tuple[int, np.ndarray, bool]] = []
    while running.size and time <= LONGEST:
        runs = integrated(scaled, w, np.array([time]), RTOL, ATOL * census.unit, far, SOLVER_STEPS)
        status, ends, slides = runs.status, runs.states[-1], runs.at_jump.numpy()
        labels[running[(status == Status.DIVERGED) | (status == Status.LEFT)]] = DIVERGED
        for run in np.flatnonzero((status == Status.SETTLED) & slides):
            slid.append((running[run], ends[:, run].numpy(), bool(runs.alone[run])))
        at = np.flatnonzero((status == Status.SETTLED) & ~slides)
        if at.size:
            points, multipliers = _polished(flow, ends[:, at])
            neutral = neutral_directions(flow, points) > 0
            for column, run in enumerate(at):
                point = points[:, column]
                if neutral[column] and not census.on_a_set(point.numpy()):
                    census.continua.append(_Member(flow, point[None], multipliers[column]))
                    labels[running[run]] = WAITING - len(census.continua) + 1
                else:
                    labels[running[run]] = census.index("fixed point", point.numpy()[None], multipliers[column])
        # Runs that the solver gave up on at once are stuck; those that it got on with go on. On plateaus things take
        # exponentially long, so that times are squared rather than doubled; steps are long there.
        going = (status == Status.UNDECIDED) & (runs.t.numpy() > 1e-3 * time)
        running, w = running[going], ends[:, going]
        time, factor = time * factor, min(factor, LONGEST**0.5) ** 2
    if slid:
        _sliding(slid, labels, census, 3 * len(starts) ** (-1 / starts.shape[1]))
    return labels


def _first_time(flow: Flow, w: torch.Tensor, extent: np.ndarray) -> float:
    """Return the time of the first round from starts ``(d, N)``."""
    rate = float(torch.linalg.matrix_norm(flow.landscape.hessian(w).movedim(-1, 0), 2).nanmedian())
    crossing = float(torch.linalg.vector_norm(flow(w) / torch.as_tensor(extent)[:, None], dim=0).nanmedian())
    fastest = max(rate, crossing)
    return min(FIRST_TIME / fastest if fastest > 0 else 1.0, LONGEST)


def _sliding(slid: list[tuple[int, np.ndarray, bool]], labels: np.ndarray, census: _Census, link: float) -> None:
    """Group the rests of runs at jumps: points that hold runs alone each by itself, then what hangs together.

    Those hang together that are connected by gaps no longer than ``link``.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    runs, ends, isolated = (np.array(part) for part in zip(*slid, strict=True))
    for some, gap in ((isolated, SAME), (~isolated, link)):
        if not some.any():
            continue
        members, of = ends[some], runs[some]
        pairs = tree(members / census.extent).query_pairs(gap, output_type="ndarray")
        graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(members), len(members)))
        _, component = connected_components(graph, directed=False)
        for c in np.unique(component):
            here = members[component == c]
            single = (np.ptp(here, axis=0) <= SAME * census.extent).all()
            labels[of[component == c]] = census.enter("sliding", here[:1] if single else here, None)

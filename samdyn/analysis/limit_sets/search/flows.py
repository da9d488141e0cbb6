"""The ends of the runs of a flow."""

import numpy as np
import torch

from ....dynamics import Flow
from ....landscapes import Box
from ....simulation import Status
from ....simulation.discontinuities.regions import TrapRegions
from ....simulation.flows.velocity import CompiledFlow
from ....simulation.ode import integrated
from ...trees import distinct, tree
from .census import NO_SET, SAME_POINT, Census, Member
from .families import neutral_directions
from .labels import DIVERGED, FIRST_MEMBER, UNBOUNDED, UNDECIDED
from .recurrence.limit_cycles import ROUNDS, LimitCycles
from .recurrence.recurrent import RecurrentSets
from .resting import refined

FIRST_TIME = 10.0  # duration of a flow's first round, in units of the median time of a turn or of a crossing of the box
TRAPPED_FACTOR = 100.0  # least duration of a round over that of the one before, where points trap most runs
MAX_TIME = 1e300  # in units of t; duration of a flow's last round
MIN_MOVE = 0.01  # in units of the box; distance that a run moves in a round, above which it goes on for another
SOLVER_STEPS = 3000  # number of solver steps per round
MAX_FOLLOW_STEPS = 20_000  # number of solver steps of a run whose positions are looked at
ROUNDS_BEFORE_SETS = 3  # number of rounds before tori and strange attractors are searched
RTOL, ATOL = 1e-7, 1e-9  # local errors of flows: relative, and in the box's unit of length


def of_flow(flow: Flow, starts: np.ndarray, far: Box, census: Census, progress: bool) -> tuple[np.ndarray, np.ndarray]:
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
            points, multipliers = refined(flow, ends[:, at])
            neutral = neutral_directions(flow, points) > 0
            on = census.sets_of(points.numpy().T)
            for column, run in enumerate(at):
                point = points[:, column]
                if neutral[column] and on[column] == NO_SET:
                    census.continua.append(Member(flow, point[None], multipliers[column]))
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
    rests: list[tuple[np.ndarray, np.ndarray, np.ndarray]], labels: np.ndarray, census: Census, link: float
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

"""Bifurcation diagrams: every branch from the critical points and from the bifurcations met on the way."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from .. import checks
from ..dynamics import Flow, Map
from ..simulate import integrate
from .continuation import Branch, follow, join
from .critical_points import critical_points
from .crossings import Bifurcation, sample
from .parameters import with_parameters
from .problem import Problem, has_jacobian, make_problem, tangent_at

AMPLITUDES = (1e-5, 1e-4, 1e-3, 3e-3, 1e-2)  # of the box: how far from a bifurcation a branch born there is looked for
AROUND = 16  # directions in which branches are looked for where two multipliers pass at once
SAME = 1e-3  # of box and range: a start this close to a known branch is on it
BRANCHES = 60  # at most


@dataclass(frozen=True, eq=False)
class BifurcationDiagram:
    """The branches over one parameter.

    Attributes:
        name: of the parameter.
        limits: its range.
        branches: those of equilibria first, then those born on the way.
    """

    name: str
    limits: tuple[float, float]
    branches: tuple[Branch, ...]

    @property
    def bifurcations(self) -> list[Bifurcation]:
        """Return the bifurcations of all branches, by ascending parameter."""
        return sorted((b for branch in self.branches for b in branch.bifurcations), key=lambda b: b.parameter)

    def __str__(self) -> str:
        lines = []
        for b in self.bifurcations:
            where = "(" + ", ".join(f"{c:.5g}" for c in np.round(b.w[0], 10) + 0.0) + ")"
            lines.append(f"{self.name} = {b.parameter:.10g}: {b.kind} at {where}, period {len(b.w)}")
        return "\n".join(lines) or "no bifurcations"


def bifurcation_diagram(
    system: Map | Flow,
    parameter: str,
    limits: tuple[float, float],
    *,
    box: Sequence[tuple[float, float]] | None = None,
    period: int = 4,
) -> BifurcationDiagram:
    """Follow the equilibria at all critical points over a parameter, and what is born where they change stability.

    At branch points the other branch is followed both ways, at flips the cycle of twice the period, up to ``period``.
    Branches that no bifurcation connects to a critical point are not found; an ``orbit_diagram`` under this one shows
    those that attract. Along "ascent_steps" every number is taken in turn, for the critical points alone.

    Args:
        system: a map or a flow; its own value of the parameter is not used.
        parameter: "rho", "lr", "momentum" or "ascent_steps".
        limits: its range; both ends included.
        box: where to look; the landscape's own where not given.
        period: the longest period to follow.

    Raises:
        InputError: what ``branch`` refuses; a landscape without non-degenerate critical points in the box; a method
            that has no Jacobian at any of them.
    """
    period = checks.count("period", period, "Use period=1 for equilibria alone")
    if parameter == "ascent_steps":
        return _over_ascent_steps(system, limits, box)
    problem = make_problem(system, parameter, limits, box, 1)
    points = critical_points(system.landscape, [(low, high) for low, high in problem.box])
    branches: list[Branch] = []
    starts: list[tuple[Problem, np.ndarray, np.ndarray]] = []
    for point in points:
        u = problem.scaled(point.w, problem.limits[0])
        if has_jacobian(problem, problem.scaled(point.w, sum(problem.limits) / 2)):
            starts.append((problem, u, np.append(np.zeros(problem.size), 1.0)))
    if not starts:
        found = f"{len(points)} critical points, at none of which {type(system.method).__name__} has a Jacobian"
        fix = "Start branch on a cycle that attractors finds, or choose another box"
        checks.reject("system", system.method, found, fix)
    while starts and len(branches) < BRANCHES:
        at, u, tangent = starts.pop(0)
        if any(_on(branch, at, u) for branch in branches):
            continue
        first = sample(at, u, tangent)
        born = join(at, [first, *follow(at, first)])
        if len(born.parameter) < 3:
            continue
        branches.append(born)
        for b in born.bifurcations:
            starts.extend(_switched(at, b, period))
    return BifurcationDiagram(parameter, problem.limits, tuple(branches))


def _switched(problem: Problem, b: Bifurcation, period: int) -> list[tuple[Problem, np.ndarray, np.ndarray]]:
    """Return where to start on the branches born at a bifurcation, and in which direction."""
    if b.kind == "flip" and 2 * problem.period <= period:
        new = problem.of_period(2 * problem.period)
    elif b.kind == "branch point":
        new = problem
    else:
        return []
    u = problem.scaled(b.z, b.parameter)
    starts = []
    for direction in _directions(problem, b, u):
        for amplitude in AMPLITUDES:
            guess = u + amplitude * direction
            found = new.correct(guess, direction, float(direction @ guess))
            if found is not None and np.linalg.norm(found - u) < 10 * amplitude:
                starts.append((new, found, tangent_at(new.derivatives(found), found - u)))
                break
    return starts


def _directions(problem: Problem, b: Bifurcation, u: np.ndarray) -> np.ndarray:
    """Return the directions in which branches may leave a bifurcation: ``(n, D + 1)``."""
    matrix = problem.derivatives(u)
    if b.kind == "flip":
        shifted = matrix[:, :-1] + 2 * np.eye(problem.size)  # multipliers −1: A = −2
        plane = np.hstack([np.linalg.svd(shifted)[2][-b.multiplicity :], np.zeros((b.multiplicity, 1))])
    else:
        # Of the directions in which G does not change, the branch itself takes one.
        null = np.linalg.svd(matrix)[2][-b.multiplicity - 1 :]
        own = null @ b.tangent
        plane = np.linalg.svd(own[None])[2][1:] @ null
    if b.multiplicity == 1:
        # Of a cycle born at a flip the other side is the same cycle, half a period on.
        return plane if b.kind == "flip" else np.vstack([plane, -plane])
    if b.multiplicity == 2:
        angle = 2 * np.pi * np.arange(AROUND) / AROUND
        return np.stack([np.cos(angle), np.sin(angle)], axis=1) @ plane
    weights = np.random.default_rng(0).standard_normal((2 * AROUND, b.multiplicity))
    return weights / np.linalg.norm(weights, axis=1, keepdims=True) @ plane


def _on(branch: Branch, problem: Problem, u: np.ndarray) -> bool:
    """Say whether a point lies on a branch of its own or, as one that is not a cycle, of a smaller period."""
    scale = problem.scale[:, 0].numpy()
    if branch.period > problem.period:
        return False
    w, p = u[: problem.d] * scale[: problem.d], u[-1] * scale[-1]
    apart = np.abs((branch.w - w) / scale[: problem.d]).max(axis=2)  # (m, period)
    across = np.abs(branch.parameter - p)[:, None] / scale[-1]
    near = np.maximum(apart, across) < SAME
    if not near.any():
        return False
    # Close to where they meet, two branches are told apart by where the known one is at this very parameter.
    i = int((apart + across).min(axis=1).argmin())
    known = problem.of_period(branch.period).correct(
        problem.scaled(branch.z[i], p), np.append(np.zeros(problem.size), 1.0), u[-1]
    )
    if known is None:
        return False
    orbit = problem.of_period(branch.period).orbit(known)
    return bool((np.abs((orbit - w) / scale[: problem.d]).max(axis=1) < 1e-6).any())


def _over_ascent_steps(
    system: Map | Flow, limits: tuple[float, float], box: Sequence[tuple[float, float]] | None
) -> BifurcationDiagram:
    low, high = (checks.count("limits", int(n) if n == int(n) else n, "Use whole numbers >= 1") for n in limits)
    if low >= high:
        checks.reject("limits", limits, "the lower comes first", "Use e.g. (1, 10)")
    numbers = np.arange(low, high + 1)
    points = critical_points(system.landscape, box)
    branches = []
    for point in points:
        z = torch.as_tensor(point.w)[:, None]
        rows = []
        for n in numbers:
            at = with_parameters(system, {"ascent_steps": int(n)})
            state = at.flat_start(z) if isinstance(at, Map) else z
            rows.append(np.linalg.eigvals(at.jacobian_at(state)[:, :, 0].numpy()))
        multipliers = np.array(rows)
        discrete = isinstance(system, Map)
        stable = np.all(np.abs(multipliers) < 1 if discrete else multipliers.real < 0, axis=1)
        z_all = np.zeros((len(numbers), multipliers.shape[1]))
        z_all[:, : len(point.w)] = point.w
        w = np.repeat(point.w[None, None], len(numbers), axis=0)
        branches.append(Branch("ascent_steps", 1, numbers.astype(float), z_all, w, multipliers, stable))
    return BifurcationDiagram("ascent_steps", (float(low), float(high)), tuple(branches))


@dataclass(frozen=True, eq=False)
class OrbitDiagram:
    """Where runs are in the end, over one parameter.

    Attributes:
        name: of the parameter.
        parameter: its values, ``(m,)``.
        w: the last points of every run, ``(m, k, d)``; NaN for runs that diverged.
    """

    name: str
    parameter: np.ndarray
    w: np.ndarray


def orbit_diagram(
    system: Map | Flow,
    parameter: str,
    values: Sequence[float] | np.ndarray,
    starts: np.ndarray,
    *,
    transient: int = 5000,
    keep: int = 64,
    time: float = 100.0,
) -> OrbitDiagram:
    """Run a system at many values of a parameter and keep where it is in the end: brute force, without any Jacobian.

    Args:
        system: a map or a flow.
        parameter: which.
        values: its values, ``(m,)``.
        starts: points ``(s, d)``; every value gets them all.
        transient: how many steps of a map are thrown away before ``keep`` are kept, of every run.
        keep: how many.
        time: how long flows run; their last point is kept.

    Raises:
        InputError: a parameter that the system does not have, values out of its range, bad starts.
    """
    grid = np.asarray(values, dtype=float)
    transient = checks.count("transient", transient, "Use e.g. transient=5000")
    keep = checks.count("keep", keep, "Use e.g. keep=64")
    points = np.atleast_2d(np.asarray(starts, dtype=float))
    d = system.landscape.dim
    if points.ndim != 2 or points.shape[1] != d or not np.isfinite(points).all():
        checks.reject("starts", points.shape, f"must be finite, of shape (s, {d})", "Give one row per start")
    if isinstance(system, Flow) or parameter == "ascent_steps":
        rows = []
        for value in grid:
            at = with_parameters(system, {parameter: int(value) if parameter == "ascent_steps" else float(value)})
            rows.append(
                integrate(at, points, checks.positive("time", time, "Use e.g. 100.0"), progress=False).w.values[:, -1]
                if isinstance(at, Flow)
                else _orbits(at, torch.as_tensor(points.T.copy()), transient, keep).reshape(-1, d)
            )
        return OrbitDiagram(parameter, grid, np.array(rows))
    many = with_parameters(system, {parameter: torch.as_tensor(np.repeat(grid, len(points)))})
    w = _orbits(many, torch.as_tensor(np.tile(points, (len(grid), 1)).T.copy()), transient, keep)
    return OrbitDiagram(parameter, grid, w.reshape(len(grid), len(points) * keep, d))


def _orbits(map_: Map, start: torch.Tensor, transient: int, keep: int) -> np.ndarray:
    """Return the last points of runs ``(n, keep, d)``, NaN for those that left the floating-point range."""
    state = map_.start(start)
    last = []
    with torch.no_grad():
        for step in range(transient + keep):
            state = map_.step(state)
            if step >= transient:
                last.append(state[0])
    w = torch.stack(last)  # (keep, d, n)
    w = torch.where(torch.isfinite(w).all(0).all(0), w, torch.nan)
    return w.permute(2, 0, 1).numpy()

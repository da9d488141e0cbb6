"""Bifurcation diagrams: every branch from the critical points and from the bifurcations met on the way."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ... import checks
from ...arguments import checked
from ...dynamics import Flow, Map
from ..parameters import with_parameters
from ..points.critical_points import critical_points
from .continuation import Branch, follow, join, turned
from .crossings import Bifurcation, sample
from .isolated import isolated, lies_on
from .problem import Problem, has_jacobian, make_problem, tangent_at

AMPLITUDES = (1e-5, 1e-4, 1e-3, 3e-3, 1e-2)  # of the box: how far from a bifurcation a branch born there is looked for
AROUND = 16  # directions in which branches are looked for where two multipliers pass at once
LOCATED = 1e-6  # of the parameter's range and the box: bifurcations on crossing branches closer than this are one
BRANCHES = 60  # at most


@dataclass(frozen=True, eq=False)
class BifurcationDiagram:
    """The branches over one parameter.

    Attributes:
        name: of the parameter.
        limits: its range.
        branches: those through critical points first, then those born on the way, then isolated ones.
        not_followed: how many starts of further branches were known when BRANCHES of them had been followed.
    """

    name: str
    limits: tuple[float, float]
    branches: tuple[Branch, ...]
    not_followed: int = 0

    @property
    def bifurcations(self) -> list[Bifurcation]:
        """Return the bifurcations of all branches, by ascending parameter; one where two branches cross is one."""
        found: list[Bifurcation] = []
        width = self.limits[1] - self.limits[0]
        for b in sorted((b for branch in self.branches for b in branch.bifurcations), key=lambda b: b.parameter):
            near = (c for c in found if b.parameter - c.parameter <= LOCATED * width)
            if not any(b.kind == c.kind and _same_orbit(b.w, c.w) for c in near):
                found.append(b)
        return found

    def __str__(self) -> str:
        lines = []
        for b in self.bifurcations:
            where = "(" + ", ".join(f"{c:.5g}" for c in np.round(b.w[0], 10) + 0.0) + ")"
            lines.append(f"{self.name} = {b.parameter:.10g}: {b.kind} at {where}, period {len(b.w)}")
        if self.not_followed:
            lines.append(f"{len(self.branches)} branches were followed; {self.not_followed} more starts were not")
        return "\n".join(lines) or "no bifurcations"


def _same_orbit(a: np.ndarray, b: np.ndarray) -> bool:
    """Say whether two cycles ``(p, d)`` are the same points, from whichever they begin."""
    size = LOCATED**0.5 * max(1e-300, float(np.abs(a).max()))
    return a.shape == b.shape and bool((np.abs(b[:, None] - a[0]).max(axis=2) <= size).any())


@checked
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
    Equilibria on none of these branches are searched for by Newton's method at five values of the parameter, from
    starts all over the box; their branches are followed too. What is not covered: equilibria that exist between two
    of the five values alone, or whose neighbourhood no start hits, and cycles that no flip connects to an equilibrium.
    An ``orbit_diagram`` under this one shows those that attract. Along "ascent_steps" every number is taken in turn,
    for the critical points alone.

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
    starts: list[Start] = []
    for point in points:
        u = problem.scaled(point.w, problem.limits[0])
        if has_jacobian(problem, problem.scaled(point.w, sum(problem.limits) / 2)):
            starts.append((problem, u, np.append(np.zeros(problem.size), 1.0)))
    if not starts:
        found = f"{len(points)} critical points, at none of which {type(system.method).__name__} has a Jacobian"
        fix = "Start branch on a cycle that attractors finds, or choose another box"
        checks.reject("system", system.method, found, fix)
    branches: list[Branch] = []
    left = _grow(branches, starts, period)
    for u in isolated(problem, branches):
        tangent = tangent_at(problem.derivatives(u))
        left += _grow(branches, [(problem, u, tangent)], period, both_ways=True)
    return BifurcationDiagram(parameter, problem.limits, tuple(branches), left)


Start = tuple[Problem, np.ndarray, np.ndarray]  # of a branch: its equations, a point and a direction


def _grow(branches: list[Branch], starts: list[Start], period: int, both_ways: bool = False) -> int:
    """Follow branches, and those born on them, and append them; return how many starts were left at the end."""
    while starts and len(branches) < BRANCHES:
        at, u, tangent = starts.pop(0)
        if any(lies_on(branch, at, u) for branch in branches):
            continue
        first = sample(at, u, tangent)
        behind = [turned(s) for s in follow(at, turned(first))[::-1]] if both_ways else []
        born = join(at, [*behind, first, *follow(at, first)])
        if len(born.parameter) < 3:
            continue
        branches.append(born)
        for b in born.bifurcations:
            starts.extend(_switched(at, b, period))
        both_ways = False
    return len(starts)


def _switched(problem: Problem, b: Bifurcation, period: int) -> list[Start]:
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

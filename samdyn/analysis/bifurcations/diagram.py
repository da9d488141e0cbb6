"""Computes bifurcation diagrams: the branches through the critical points and those that bifurcate from them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ... import checks, html
from ...arguments import checked
from ...dynamics import Flow, Map
from ..parameters import with_parameters
from ..points.critical_points import critical_points
from .continuation import Branch, backward, follow, join
from .crossings import Bifurcation, sample
from .isolated import isolated, lies_on
from .problem import Problem, has_jacobian, make_problem, tangent_at

AMPLITUDES = (1e-5, 1e-4, 1e-3, 3e-3, 1e-2)  # in units of the box; distances from a bifurcation to a new branch's start
DIRECTIONS = 16  # number of directions in which new branches are searched where two multipliers cross at once
SAME_BIFURCATION = 1e-6  # in units of range and box; closer bifurcations on crossing branches are one
ROUNDING = 1e-10  # in units of the range; a smaller value of the parameter prints as 0
MAX_BRANCHES = 60  # number of branches


@dataclass(frozen=True, eq=False)
class BifurcationDiagram:
    """The branches over one parameter, which ``plot.bifurcation`` draws.

    Attributes:
        name: the name of the parameter.
        limits: its range.
        branches: the branches through critical points, then those that bifurcate from them, then isolated ones.
        not_followed: the number of starts of further branches that remained after 60 branches.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.Landscape("x**2/2", "x"), sd.GD(), lr=0.1)
    >>> diagram = sd.analysis.bifurcation_diagram(map_, "lr", (0.1, 3.0), period=1)
    >>> len(diagram.branches), len(diagram.bifurcations), diagram.not_followed
    (1, 1, 0)
    """

    name: str
    limits: tuple[float, float]
    branches: tuple[Branch, ...]
    not_followed: int = 0

    @property
    def bifurcations(self) -> list[Bifurcation]:
        """The bifurcations of all branches, by ascending parameter; a crossing of two branches counts once."""
        bifurcations: list[Bifurcation] = []
        width = self.limits[1] - self.limits[0]
        for b in sorted((b for branch in self.branches for b in branch.bifurcations), key=lambda b: b.parameter):
            near = (c for c in bifurcations if b.parameter - c.parameter <= SAME_BIFURCATION * width)
            if not any(b.kind == c.kind and _same_orbit(b.w, c.w) for c in near):
                bifurcations.append(b)
        return bifurcations

    def __str__(self) -> str:
        lines = []
        for b in self.bifurcations:
            where = "(" + ", ".join(f"{c:.5g}" for c in np.round(b.w[0], 10) + 0.0) + ")"
            lines.append(f"{self.name} = {self._shown(b):.10g}: {b.kind} at {where}, period {len(b.w)}")
        if self.not_followed:
            lines.append(f"{len(self.branches)} branches were followed; {self.not_followed} more starts were not")
        return "\n".join(lines) or "no bifurcations"

    def _shown(self, b: Bifurcation) -> float:
        """Return the parameter of a bifurcation, and 0 in place of a rounding error."""
        return b.parameter if abs(b.parameter) > ROUNDING * (self.limits[1] - self.limits[0]) else 0.0

    def _repr_html_(self) -> str:
        rows = [(self._shown(b), b.kind, np.round(b.w[0], 10), len(b.w)) for b in self.bifurcations]
        rest = f"{self.not_followed} more starts of branches were not followed" if self.not_followed else ""
        counts = f"branches over {self.name} from {self.limits[0]:g} to {self.limits[1]:g}: {len(self.branches)}"
        body = html.table((self.name, "bifurcation", "at", "period"), rows) if rows else "no bifurcations"
        return html.block(counts, body, rest)


def _same_orbit(a: np.ndarray, b: np.ndarray) -> bool:
    """Return whether two cycles ``(p, d)`` have the same points, whatever their first point is."""
    size = SAME_BIFURCATION**0.5 * max(1e-300, float(np.abs(a).max()))
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
    """Follow the equilibria at all critical points over a parameter, and the branches that bifurcate from them.

    The critical points of a landscape whose own parameter varies are those at both limits.

    At a branch point the function follows the other branch both ways, at a flip the cycle of twice the period, up to
    ``period``. Newton's method searches for equilibria on none of these branches, at five values of the parameter, from
    starts all over the box; the function follows their branches too. The diagram misses equilibria that exist only
    between two of the five values or to which no start leads, and cycles that no flip connects to an equilibrium. An
    ``orbit_diagram`` shows those of them that attract. For "ascent_steps" the diagram has the critical points alone,
    at every whole number in the range.

    Args:
        system: a map or a flow; the diagram does not use its own value of the parameter.
        parameter: the name of the parameter: "rho", "lr", "momentum", "ascent_steps", or a parameter of the landscape.
        limits: its range; both ends included.
        box: the box of the search, one (low, high) pair per coordinate. Default: the box of the landscape.
        period: the longest period of the cycles, in steps.

    Raises:
        InputError: ``branch`` refuses an argument, the box has no non-degenerate critical points, or the method has no
            Jacobian at any of them.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.Landscape("x**2/2", "x"), sd.GD(), lr=0.1)
    >>> print(sd.analysis.bifurcation_diagram(map_, "lr", (0.1, 3.0), period=1))
    lr = 2: flip at (0), period 1
    """
    period = checks.count("period", period, "Use period=1 for equilibria alone")
    if parameter == "ascent_steps":
        return _over_ascent_steps(system, limits, box)
    problem = make_problem(system, {parameter: limits}, box, 1)
    starts, ends = _starts(problem)
    branches: list[Branch] = []
    not_followed = _follow_all(branches, starts, period)
    for start in ends:
        not_followed += _follow_all(branches, [start], period, both_ways=True)
    for u in isolated(problem, branches):
        tangent = tangent_at(problem.derivatives(u))
        not_followed += _follow_all(branches, [(problem, u, tangent)], period, both_ways=True)
    return BifurcationDiagram(parameter, problem.limits, tuple(branches), not_followed)


Start = tuple[Problem, np.ndarray, np.ndarray]  # the equations of a branch, a point on it and a direction


def _starts(problem: Problem) -> tuple[list[Start], list[Start]]:
    """Return the critical points at the lower limit, and at the upper limit if they depend on the parameter.

    Raises:
        InputError: there are no non-degenerate critical points, or the method has no Jacobian at any of them.
    """
    system, (low, high), box = problem.system, problem.limits, [(a, b) for a, b in problem.box]
    own = problem.name in system.landscape.parameters
    starts: dict[float, list[Start]] = {low: [], high: []}
    number = 0
    for value, of_value in starts.items() if own else [(low, starts[low])]:
        landscape = system.landscape.with_parameters(**{problem.name: value}) if own else system.landscape
        for point in critical_points(landscape, box):
            number += 1
            probe = value if own else (low + high) / 2  # at one radius a method may have a Jacobian that others lack
            if has_jacobian(problem, problem.scaled(point.w, probe)):
                u = problem.scaled(point.w, value)
                of_value.append((problem, u, np.append(np.zeros(problem.size), 1.0)))
    if not starts[low] and not starts[high]:
        rule = f"{number} critical points, at none of which {type(system.method).__name__} has a Jacobian"
        fix = "Start branch on a cycle that attractors finds, or choose another box or range"
        checks.reject("system", system.method, rule, fix)
    return starts[low], starts[high]


def _follow_all(branches: list[Branch], starts: list[Start], period: int, both_ways: bool = False) -> int:
    """Follow branches and those that bifurcate from them, and append them to ``branches``.

    Returns:
        The number of starts that remain after MAX_BRANCHES branches.
    """
    while starts and len(branches) < MAX_BRANCHES:
        at, u, tangent = starts.pop(0)
        if any(lies_on(branch, at, u) for branch in branches):
            continue
        first = sample(at, u, tangent)
        behind = [backward(s) for s in follow(at, backward(first))[::-1]] if both_ways else []
        new = join(at, [*behind, first, *follow(at, first)])
        if len(new.parameter) < 3:
            continue
        branches.append(new)
        for b in new.bifurcations:
            starts.extend(_new_starts(at, b, period))
        both_ways = False
    return len(starts)


def _new_starts(problem: Problem, b: Bifurcation, period: int) -> list[Start]:
    """Return the starts of the branches that emerge at a bifurcation."""
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
            corrected = new.correct(guess, direction, float(direction @ guess))
            if corrected is not None and np.linalg.norm(corrected - u) < 10 * amplitude:
                starts.append((new, corrected, tangent_at(new.derivatives(corrected), corrected - u)))
                break
    return starts


def _directions(problem: Problem, b: Bifurcation, u: np.ndarray) -> np.ndarray:
    """Return the directions in which branches may leave a bifurcation u: ``(n, D + 1)``."""
    matrix = problem.derivatives(u)
    if b.kind == "flip":
        shifted = matrix[:, :-1] + 2 * np.eye(problem.size)  # multipliers −1: A = −2
        plane = np.hstack([np.linalg.svd(shifted)[2][-b.multiplicity :], np.zeros((b.multiplicity, 1))])
    else:
        # One of the directions in which G does not change is the tangent of the branch itself.
        null = np.linalg.svd(matrix)[2][-b.multiplicity - 1 :]
        own = null @ b.tangent
        plane = np.linalg.svd(own[None])[2][1:] @ null
    if b.multiplicity == 1:
        # At a flip the opposite direction leads to the same cycle, half a period later.
        return plane if b.kind == "flip" else np.vstack([plane, -plane])
    if b.multiplicity == 2:
        angle = 2 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
        return np.stack([np.cos(angle), np.sin(angle)], axis=1) @ plane
    weights = np.random.default_rng(0).standard_normal((2 * DIRECTIONS, b.multiplicity))
    return weights / np.linalg.norm(weights, axis=1, keepdims=True) @ plane


def _over_ascent_steps(
    system: Map | Flow, limits: tuple[float, float], box: Sequence[tuple[float, float]] | None
) -> BifurcationDiagram:
    """Return the stability of all critical points at every whole number of ascent steps within the limits.

    Raises:
        InputError: the limits are not two ascending whole numbers >= 1.
    """
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

"""Finds limit cycles of flows, with their periods and Floquet multipliers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch

from ... import checks, html
from ...arguments import checked
from ...dynamics import Flow
from ...simulation.units import unit_of
from .collocation import Loop, corrected, floquet, linearised, resampled

INTERVALS = 40  # number of intervals of the first mesh
MAX_UNKNOWNS = 2600  # number of coordinates of all points of a mesh; the mesh is refined up to this
SAME_PERIOD = 1e-9  # relative change of the period, and of the points in units of the extent, that ends refinement
TURNS = 100.0  # default bound on the period, in turns of a rotation as fast as the Jacobian at the guess allows
RETURN_DISTANCE = 0.3  # in units of the largest distance so far; a run that comes back as near has returned
CROSSINGS = 16  # number of earlier crossings of a plane to which a run may come back
RETURNS, RESTARTS = 12, 4  # numbers of returns that are tried, and of runs without a return
RTOL, ATOL = 1e-8, 1e-10  # local errors of the runs: relative, and in units of length
SAMPLES = 400  # least number of states of a run over the bound on the period
MAX_STATES = 100_000  # number of states of a run after which it is given up
MIN_EXTENT = 1e-7  # in units of length; a smaller loop is an equilibrium
FAR = 100.0  # in units of the landscape's box; a run farther from its middle has gone away
NEUTRAL = 1e-5  # distance from 1 of a multiplier's size up to which it is 1, as rounding splits double ones this far
SHRUNK = 1e-3  # extent of a loop over that of the run; a smaller one has shrunk to an equilibrium


@dataclass(frozen=True, eq=False)
class Cycle:
    """A limit cycle of a flow: a closed orbit.

    Attributes:
        period: the time of one turn, in units of t.
        w: the points of the cycle in the order of time, ``(m, d)``; the first does not come again at the end.
        time: their times over the period, ascending from 0, in units of t, ``(m,)``.
        multipliers: the Floquet multipliers: the factors by which a small distance from the cycle changes in one turn,
            ``(d,)``, the largest first. One of them is 1, that of a shift along the cycle.
        loop: the curve in time, from which ``cycle_branch`` continues.

    >>> import samdyn as sd
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Turning(sd.Method):  # r′ = r(1 − r²), θ′ = 1, on any landscape
    ...     def __call__(self, w, grad):
    ...         x, y = w
    ...         r2 = x * x + y * y
    ...         return sd.ops.torch.stack([y - x * (1 - r2), -x - y * (1 - r2)])
    >>> found = sd.analysis.cycle(sd.Flow(sd.landscapes.saddle(), Turning()), (0.5, 0))
    >>> print(found)
    stable cycle of period 6.2832 about (0, 0), multipliers 1, 3.4873e-06
    """

    period: float
    w: np.ndarray
    time: np.ndarray
    multipliers: np.ndarray
    loop: Loop = field(repr=False)

    @property
    def stable(self) -> bool:
        """Whether nearby runs approach the cycle: all multipliers but that of the shift are below 1 in size.

        A cycle of a family, as around a centre, is ``neutral`` and not stable.
        """
        return bool((np.abs(self.others) < 1 - NEUTRAL).all())

    @property
    def kind(self) -> str:
        """One of: stable cycle, unstable cycle, neutral cycle."""
        return "stable cycle" if self.stable else "neutral cycle" if self.neutral else "unstable cycle"

    @property
    def neutral(self) -> bool:
        """Whether the largest of the other multipliers has size 1, to rounding."""
        return bool(abs(np.abs(self.others).max(initial=0.0) - 1) <= NEUTRAL)

    @property
    def others(self) -> np.ndarray:
        """The multipliers without the one nearest to 1, ``(d - 1,)``."""
        return np.delete(self.multipliers, int(np.argmin(np.abs(self.multipliers - 1))))

    @property
    def extent(self) -> float:
        """The largest difference between its points along a coordinate, in the units of w."""
        return float(np.ptp(self.w, axis=0).max())

    def __str__(self) -> str:
        where = "(" + ", ".join(f"{c:.5g}" for c in np.round(self.centre, 9) + 0.0) + ")"
        values = ", ".join(
            f"{m.real:.5g}{m.imag:+.5g}i" if abs(m.imag) > 1e-9 else f"{m.real:.5g}" for m in self._shown
        )
        return f"{self.kind} of period {self.period:.5g} about {where}, multipliers {values}"

    def _repr_html_(self) -> str:
        names = ("kind", "period", "about", "extent", "multipliers")
        return html.block(html.table(names, [(self.kind, self.period, self.centre, self.extent, self.multipliers)]))

    @cached_property
    def centre(self) -> np.ndarray:
        """The middle of the box that the cycle fills, ``(d,)``; 0 where that is nearly symmetric about 0."""
        low, high = self.w.min(0), self.w.max(0)
        return np.where(np.abs(low + high) < 1e-3 * (high - low), 0.0, (low + high) / 2)

    @property
    def _shown(self) -> list[complex]:
        return [complex(np.round(m, 9)) if abs(m - 1) < 1e-6 else complex(m) for m in self.multipliers]


@checked
def cycle(flow: Flow, guess: Sequence[float] | np.ndarray, *, longest: float | None = None) -> Cycle:
    """Find the limit cycle of a flow near a point or a run.

    A run from the guess is followed until it comes back to where it was. Newton's method makes this loop a closed
    orbit: it solves the equations of Gauss collocation of order 8 on a mesh, which is refined until the period changes
    by less than 1e-9. If it does not converge, the run is followed further, so that a run in the basin of a stable
    cycle leads to it from afar. The guess for an unstable cycle must be near it. The derivatives of the field are those
    of automatic differentiation, and the product of the equations' transfer matrices has the Floquet multipliers.

    The search needs a field that is smooth along the cycle. It is not by shooting, because a run near a cycle that
    repels fast leaves it before it has turned.

    Args:
        flow: a flow of two or more coordinates.
        guess: a point ``(d,)``.
        longest: the largest period, in units of t. Default: the time of a hundred turns at the fastest rate that the
            Jacobian at the guess allows.

    Raises:
        InputError: no cycle closes: the run comes to rest, goes far away, spirals into an
            equilibrium, or does not return within ``longest``; or an argument is not valid.

    Source: Ascher, Mattheij and Russell (1995), Numerical Solution of Boundary Value Problems for ODEs, SIAM.

    >>> import samdyn as sd
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class VanDerPol(sd.Method):  # a method that ignores the loss
    ...     mu: float
    ...     def __call__(self, w, grad):
    ...         x, y = w
    ...         return sd.ops.torch.stack([-y, x - self.mu * (1 - x * x) * y])
    >>> flow = sd.Flow(sd.Landscape("0*x + 0*y", "x y"), VanDerPol(1.0))
    >>> found = sd.analysis.cycle(flow, (0.1, 0))
    >>> round(found.period, 6), found.stable
    (6.663287, True)
    """
    checks.numeric(flow)
    d = flow.landscape.dim
    if d < 2:
        checks.reject("flow", flow.method, "a flow on a line has no cycles", "Use a flow of two or more coordinates")
    point = np.asarray(guess, dtype=float)
    if point.shape != (d,) or not np.isfinite(point).all():
        checks.reject("guess", guess, f"must be {d} finite coordinates", "Use e.g. the last state of a run")
    bound = _default_bound(flow, point) if longest is None else checks.positive("longest", longest, "Use e.g. 100.0")
    found = search(flow, point, bound)
    if isinstance(found, str):
        checks.reject("guess", tuple(point.tolist()), *_advice(found, bound))
    return found


def _advice(reason: str, bound: float) -> tuple[str, str]:
    """Return the rule and the fix of the error for a reason of ``search``."""
    match reason:
        case "no return":
            rule = f"the run from it does not come back within longest = {bound:.4g}: no cycle closes"
            return rule, "Use a larger longest, or start nearer to the cycle"
        case "too long":
            rule = f"the cycle near it has a period above longest = {bound:.4g}"
            return rule, "Use a larger longest"
        case "does not close":
            rule = "the run from it comes back, but Newton's method finds no cycle that closes there"
            return rule, "Start nearer to the cycle; the field must be smooth along it"
        case _:
            return f"the run from it {reason}: no cycle closes", "Start in the basin of the cycle, or nearer to it"


def search(
    flow: Flow, point: np.ndarray, bound: float, *, max_returns: int = RETURNS, max_restarts: int = RESTARTS
) -> Cycle | str:
    """Do what ``cycle`` does, and return the reason as a text if there is no cycle."""
    unit = unit_of(flow.landscape.box)
    result, w, returns, restarts = "no return", point, 0, 0
    while returns < max_returns and restarts < max_restarts:
        times, states, returned = _run(flow, w, bound, unit)
        if not np.isfinite(states[-1]).all():
            return "goes far away"
        if not returned:
            if _rests(flow, states[-1], unit):
                return _where("comes to rest at", states[-1])
            w, restarts = states[-1], restarts + 1
            continue
        extent = float(np.ptp(states, axis=0).max())
        if extent < MIN_EXTENT * unit:
            return _where("spirals into an equilibrium at", states[-1])
        loop = corrected(flow, resampled(flow, times, states, INTERVALS))
        if loop is not None and loop.extent > max(SHRUNK * extent, MIN_EXTENT * unit):
            if loop.period > bound:
                return "too long"
            found = refined(flow, loop)
            if found is not None:
                return found
        result, w, returns = "does not close", states[-1], returns + 1
        if loop is not None and loop.extent <= SHRUNK * extent:
            result = _where("spirals into an equilibrium at", states[-1])
    return result


def _where(text: str, w: np.ndarray) -> str:
    return text + " (" + ", ".join(f"{c:.4g}" for c in np.round(w, 9) + 0.0) + ")"


def refined(flow: Flow, loop: Loop) -> Cycle | None:
    """Return the cycle of a loop, on a mesh that is fine enough; None if it does not converge."""
    while True:
        finer = corrected(flow, loop.refined())
        if finer is None:
            return None
        change = abs(finer.period - loop.period) / finer.period
        change = max(change, float(np.abs(finer.w[::2] - loop.w).max()) / finer.extent)
        if change < SAME_PERIOD or 2 * finer.w.size > MAX_UNKNOWNS:
            return as_cycle(flow, finer)
        loop = finer


def as_cycle(flow: Flow, loop: Loop) -> Cycle:
    """Return a solved loop as a cycle."""
    stages = loop.stages()
    points = np.concatenate([loop.w[:, None], stages], 1).reshape(-1, loop.w.shape[1])
    from .collocation import gauss

    times = loop.mesh[:, None] + loop.lengths[:, None] * np.append(0.0, gauss()[2])
    return Cycle(loop.period, points, loop.period * times.ravel(), floquet(linearised(flow, loop)), loop)


def _default_bound(flow: Flow, point: np.ndarray) -> float:
    w = torch.as_tensor(point)[:, None]
    rate = float(torch.linalg.matrix_norm(flow.jacobian_at(w)[:, :, 0], 2))
    return TURNS * 2 * np.pi / rate if np.isfinite(rate) and rate > 0 else TURNS


def _rests(flow: Flow, w: np.ndarray, unit: float) -> bool:
    """Return whether an equilibrium is as close to a point as the solver's error."""
    point = torch.as_tensor(w)[:, None]
    speed = float(flow(point).norm())
    rate = float(torch.linalg.matrix_norm(flow.jacobian_at(point)[:, :, 0], 2))
    return speed <= 1e-6 * rate * max(unit, float(np.abs(w).max()))


def _run(flow: Flow, start: np.ndarray, bound: float, unit: float) -> tuple[np.ndarray, np.ndarray, bool]:
    """Follow a run until it comes back to one of its crossings of the plane across its first velocity.

    Returns:
        Times from 0 ``(m,)`` and states ``(m, d)`` from that crossing on, and True; or, if the run does not come back
        within ``bound`` of a crossing, those of the whole run, and False. The last state of a run that goes far away is
        NaN.
    """
    from scipy.integrate import LSODA

    def velocity(_: float, w: np.ndarray) -> np.ndarray:
        return np.asarray(flow(torch.as_tensor(w)[:, None])[:, 0].numpy())

    solver = LSODA(velocity, 0.0, start, 2 * bound, rtol=RTOL, atol=ATOL * unit, max_step=8 * bound / SAMPLES)
    direction = velocity(0.0, start)
    low, high = np.array(flow.landscape.box).T
    middle, far_away = (low + high) / 2, np.maximum(FAR * (high - low) / 2, 2 * np.abs(start - (low + high) / 2))
    times, states, crossings, ahead = [0.0], [start], [0], 0.0
    while solver.status == "running" and len(times) < MAX_STATES:
        solver.step()
        if solver.status == "failed" or not (np.abs(solver.y - middle) <= far_away).all():
            return np.array(times), np.array([*states, np.full(len(start), np.nan)]), False
        path = solver.dense_output()
        for t in np.linspace(solver.t_old, solver.t, 9)[1:]:
            w, before = path(t), ahead
            ahead = float((w - start) @ direction)
            if before < 0 <= ahead:
                at = times[-1] + (t - times[-1]) * -before / (ahead - before)
                if at > times[-1]:
                    times.append(float(at))
                    states.append(path(at))
                first = _returns_to(np.array(states), np.array(times), crossings, bound)
                if first is not None:
                    return np.array(times[first:]) - times[first], np.array(states[first:]), True
                crossings.append(len(times) - 1)
            if t > times[-1]:
                times.append(float(t))
                states.append(w)
    return np.array(times), np.array(states), False


def _returns_to(states: np.ndarray, times: np.ndarray, crossings: list[int], bound: float) -> int | None:
    """Return the index of the latest crossing to which a run has come back with its last state; None if to none."""
    for first in reversed(crossings[-CROSSINGS:]):
        turn = states[first:] - states[first]
        distance = np.linalg.norm(turn, axis=1)
        if times[-1] - times[first] <= bound and distance[-1] <= RETURN_DISTANCE * distance.max():
            return first
    return None

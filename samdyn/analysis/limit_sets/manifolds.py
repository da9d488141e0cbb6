"""Stable and unstable manifolds of saddles of planar flows: the separatrices, as curves to a tolerance."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ... import checks
from ...arguments import checked
from ...dynamics import Flow
from ...simulation.units import unit_of
from ..points.critical_points import CriticalPoint
from ..points.equilibria import Equilibrium, equilibrium_at, plane_box

AT_REST = 1e-6  # of the box: how near a point given as an equilibrium must be to one
TOL = 1e-6  # of the box's unit of length: the tolerance where none is given
SMALLEST = 1e-10  # of the box: the smallest tolerance that rounding leaves room for
STARTS_WITHIN = 0.01  # of the box: how far from the saddle the integration starts at most
SAFETY = 0.1  # of the tolerance goes to the start, a hundredth of that to every unit of the solver's error
AROUND = 1.0  # of the box to every side: so far out a curve may go and come back
STALLED = 20  # so many steps in a row that move less than a thousandth of the tolerance: the field jumps there
MAX_STEPS = 20_000

Field = Callable[[np.ndarray], np.ndarray]  # (2,) -> (2,)


@dataclass(frozen=True, eq=False)
class Manifolds:
    """The invariant curves through a saddle of a planar flow, two branches each.

    A branch ``(m, 2)`` begins at the saddle and ends at an equilibrium or where it leaves the box for good; parts of it
    may lie outside. Chords between neighbouring points are within the tolerance of the curve.

    Attributes:
        saddle: the equilibrium.
        stable: the curves along which runs come in: the separatrix between what passes on either side.
        unstable: the curves along which they leave.
        complete: whether every branch could be followed to its end.
    """

    saddle: Equilibrium
    stable: list[np.ndarray]
    unstable: list[np.ndarray]
    complete: bool


@checked
def manifolds(
    flow: Flow,
    point: Any,
    box: Sequence[tuple[float, float]] | None = None,
    *,
    tol: float | None = None,
) -> Manifolds:
    """Return the stable and unstable manifolds of a saddle of a planar flow.

    They start along the eigenvectors of the flow's Jacobian, so near the saddle that the curve is within a tenth of the
    tolerance of its tangent, and are integrated from there, forwards or backwards in time, with LSODA.

    Args:
        flow: of two coordinates.
        point: the saddle, of the flow rather than of the landscape: two numbers, or one of ``equilibria`` or of
            ``critical_points``.
        box: how far to follow the curves, one (low, high) pair per coordinate; the landscape's own where not given.
            They may leave it, by its own width at most, if they come back.
        tol: how far from the true curves the returned ones may be, in the units of w; 1e-6 of the box's unit of length
            (``simulation.units``) where not given, 1e-6 for boxes of ordinary size. It is aimed at, by local error
            estimates; the tests hold it on curves that are known.

    Raises:
        InputError: a flow that is not of the plane; a point that is no equilibrium, at which the field has no Jacobian,
            or that is no saddle of the flow; a bad box or tolerance.
    """
    limits = np.array(plane_box(flow, box))
    extent = limits[:, 1] - limits[:, 0]
    smallest = SMALLEST * float(extent.max())
    unit = unit_of(tuple((float(low), float(high)) for low, high in limits))
    tol = (
        TOL * unit
        if tol is None
        else checks.number(
            "tol", tol, f"must be a length >= {smallest:.1g}", "Use e.g. tol=1e-6", lambda value: value >= smallest
        )
    )
    saddle = _saddle(flow, point, extent, unit)
    assert saddle.rates is not None
    assert saddle.directions is not None

    def field(w: np.ndarray) -> np.ndarray:
        return flow(torch.as_tensor(w)[:, None])[:, 0].numpy()

    branches: dict[int, list[np.ndarray]] = {0: [], 1: []}
    complete = True
    with torch.no_grad():
        for index, sense in ((0, -1.0), (1, 1.0)):  # the stable direction is followed backwards
            for side in (1.0, -1.0):
                offset = _offset(field, saddle, index, side, tol, extent)
                follower = _Follower(flow, limits, tol, sense, abs(float(saddle.rates[index].real)))
                curve, ended = follower.follow(saddle.w, offset)
                branches[index].append(_until_it_leaves(curve, limits))
                complete &= ended
    return Manifolds(saddle, branches[0], branches[1], complete)


def _saddle(flow: Flow, point: Any, extent: np.ndarray, unit: float) -> Equilibrium:
    """Return the saddle of the flow that is meant, polished."""
    fix = "Take a saddle of analysis.equilibria(flow)"
    try:
        given = np.array(point.w if isinstance(point, (CriticalPoint, Equilibrium)) else point, dtype=float)
    except (TypeError, ValueError, OverflowError):
        checks.reject("point", point, "must be two numbers", fix)
    if given.shape != (2,) or not np.isfinite(given).all():
        checks.reject("point", point, "must be two finite numbers", fix)
    shown = tuple(given.tolist())
    # Where the field is smooth Newton's method polishes the point; where it jumps, on the gradient.
    for residual, jacobian in ((flow, flow.jacobian_at), (flow.landscape.grad, flow.landscape.hessian)):
        w = _newton(residual, jacobian, given, unit)
        if np.abs((w - given) / extent).max() <= AT_REST:
            found = equilibrium_at(flow, w, extent)
            break
    else:
        speed = float(flow(torch.as_tensor(given)[:, None]).norm())
        checks.reject("point", shown, f"is no equilibrium of this flow: ‖ẇ‖ = {speed:.3g} there", fix)
    if found.kind == "no Jacobian":
        rule = f"the field of {type(flow.method).__name__} has no Jacobian here, and so no eigenvectors to start along"
        checks.reject("point", shown, rule, f"{fix}: at the edge of a trap there are some")
    if found.kind != "saddle":
        rule = f"is no saddle of this flow: its kind is {found.kind!r}, its rates are {found.rates}"
        checks.reject("point", shown, rule, fix)
    return found


def _newton(residual: Callable[[Any], Any], jacobian: Callable[[Any], Any], w: np.ndarray, unit: float) -> np.ndarray:
    """Return the regular zero of a field that Newton's method leads to, NaN if it leads to none."""
    here = torch.as_tensor(w)[:, None]
    for _ in range(8):
        step = torch.linalg.solve_ex(jacobian(here)[:, :, 0], residual(here))[0]
        here = here - step
    arrived = torch.isfinite(here).all() and step.abs().max() <= 1e-12 * here.abs().max().clamp(min=unit)
    return here[:, 0].numpy() if arrived else np.full(2, np.nan)


def _offset(field: Field, saddle: Equilibrium, index: int, side: float, tol: float, extent: np.ndarray) -> np.ndarray:
    """Return how far to start from the saddle: where the manifold is still within SAFETY · tol of its tangent.

    Let the manifold at s along its eigenvector v be at c(s) along the other, u. To leading order c = k s², and the
    field on the tangent points off it by f_u = (2μ_v − μ_u) k s²: invariance gives c = f_u/(2μ_v − μ_u).
    """
    assert saddle.rates is not None
    assert saddle.directions is not None
    rates, v = saddle.rates.real, saddle.directions.real[:, index]
    inverse = np.linalg.inv(saddle.directions.real)
    distance = STARTS_WITHIN * float(extent.min())
    while True:
        along, across = (inverse @ field(saddle.w + side * distance * v))[[index, 1 - index]]
        bend = abs(across / (2 * rates[index] - rates[1 - index]))
        straight = abs(along / (rates[index] * side * distance) - 1) <= 0.1
        if (straight and bend <= SAFETY * tol) or distance <= tol:
            return side * distance * v
        distance /= 2


class _Follower:
    """Follows one branch from beside the saddle to its end."""

    def __init__(self, flow: Flow, limits: np.ndarray, tol: float, sense: float, rate: float) -> None:
        self.flow, self.tol, self.sense, self.rate = flow, tol, sense, rate
        extent = limits[:, 1] - limits[:, 0]
        self.low, self.high = limits[:, 0] - AROUND * extent, limits[:, 1] + AROUND * extent
        self.fastest = rate * float(extent.max())
        self.error = SAFETY**3 * tol
        self.relative = max(self.error / float(extent.max()), 1e-13)

    def velocity(self, _: float, w: np.ndarray) -> np.ndarray:
        """Return ±ẇ, slowed down where it is fast: the same curves, without blow-up."""
        velocity = self.flow(torch.as_tensor(w)[:, None])[:, 0].numpy()
        return self.sense * velocity / (1 + np.linalg.norm(velocity) / self.fastest)

    def follow(self, saddle: np.ndarray, offset: np.ndarray) -> tuple[np.ndarray, bool]:
        """Return the curve's points, the saddle first, and whether it came to an end."""
        from scipy.integrate import LSODA

        start = saddle + offset
        away = 2 * float(np.linalg.norm(offset))
        solver = LSODA(self.velocity, 0.0, start, 1e9 / self.rate, rtol=self.relative, atol=self.error)
        points, w, short = [saddle[None], start[None]], start, 0
        for _ in range(MAX_STEPS):
            t = solver.t
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what LSODA warns of, it also reports as a failed status
                solver.step()
            failed = solver.status == "failed" or not np.isfinite(solver.y).all()
            if not failed:
                moved, w = float(np.linalg.norm(solver.y - w)), solver.y.copy()
                points.append(self._points(solver.dense_output(), t, solver.t))
                if ((w < self.low) | (w > self.high)).any():
                    return np.concatenate(points), True
                short = short + 1 if moved <= 1e-3 * self.tol else 0
            beside = float(np.linalg.norm(w - saddle)) <= away
            if failed or solver.status == "finished" or (short and not beside):
                rest = self._rest(w)
                if rest is not None:
                    return np.concatenate([*points, rest[None]]), True
            if failed or solver.status == "finished" or short > STALLED:
                break
        return np.concatenate(points), False

    def _points(self, dense: Callable[[Any], np.ndarray], start: float, end: float) -> np.ndarray:
        """Return points of one step, without its first, whose chords are within half the tolerance of the curve."""
        parts = 1
        while True:
            w = dense(np.linspace(start, end, 2 * parts + 1)).T
            apart = np.linalg.norm((w[:-2:2] + w[2::2]) / 2 - w[1:-1:2], axis=1)
            if apart.max() <= self.tol / 2 or parts >= 2**12:
                return w[2::2]
            parts *= 2

    def _rest(self, w: np.ndarray) -> np.ndarray | None:
        """Return the equilibrium within the tolerance of w; where the field jumps, it is a critical point."""
        landscape = self.flow.landscape
        for residual, jacobian in ((self.flow, self.flow.jacobian_at), (landscape.grad, landscape.hessian)):
            here = torch.as_tensor(w)[:, None]
            for _ in range(4):
                # Along a curve of equilibria, the shortest step.
                inverse = torch.linalg.pinv(jacobian(here)[:, :, 0].nan_to_num(0, 0, 0), rtol=1e-9)
                here = here - inverse @ residual(here)
            rest = here[:, 0].numpy()
            if np.linalg.norm(rest - w) <= self.tol:
                return rest
        return None


def _until_it_leaves(curve: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Cut off what lies outside the box for good, at the edge."""
    inside = ((curve >= limits[:, 0]) & (curve <= limits[:, 1])).all(1)
    last = int(np.flatnonzero(inside)[-1]) if inside.any() else 0
    if last == len(curve) - 1:
        return curve
    step = curve[last + 1] - curve[last]
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(step > 0, limits[:, 1] - curve[last], limits[:, 0] - curve[last]) / step
    edge = curve[last] + np.nanmin(np.where(step == 0, np.inf, room)).clip(0, 1) * step
    return np.concatenate([curve[: last + 1], edge[None]])

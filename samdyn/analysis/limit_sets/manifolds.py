"""Computes the stable and unstable manifolds of saddles of planar flows, as curves to a tolerance."""

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

SAME_POINT = 1e-6  # in units of the box; distance from an equilibrium within which the caller's point must lie
TOL = 1e-6  # in the box's unit of length; the default tolerance
MIN_TOL = 1e-10  # in units of the box; the smallest tolerance that rounding allows
MAX_OFFSET = 0.01  # in units of the box; largest distance from the saddle at which the integration starts
START_ERROR = 0.1  # in units of the tolerance; error of the start. The cube of it is the solver's local error
MARGIN = 1.0  # in units of the box, on every side; a curve that goes out no farther may come back
MAX_SHORT_STEPS = 20  # number of successive steps below a thousandth of the tolerance, after which the field has a jump
MAX_STEPS = 20_000  # number of steps of the solver on one branch

Field = Callable[[np.ndarray], np.ndarray]  # (2,) -> (2,)


@dataclass(frozen=True, eq=False)
class Manifolds:
    """The invariant curves through a saddle of a planar flow, two branches each.

    A branch ``(m, 2)`` begins at the saddle. It ends at an equilibrium, or where it leaves the box for good; parts of
    it may lie outside. The chords between neighbouring points are within the tolerance of the curve.

    Attributes:
        saddle: the equilibrium.
        stable: the two branches along which runs approach the saddle; they form a separatrix.
        unstable: the two branches along which runs leave the saddle.
        complete: whether the solver reached the end of every branch.

    >>> import samdyn as sd
    >>> flow = sd.Flow(sd.landscapes.double_well(), sd.GD())
    >>> curves = sd.analysis.manifolds(flow, (0, 0), tol=1e-3)
    >>> sorted(branch[-1].round(3).tolist() for branch in curves.unstable)  # they end at the minima
    [[-1.0, 0.0], [1.0, 0.0]]
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

    The integration starts on the eigenvectors of the flow's Jacobian, so close to the saddle that the curve is within a
    tenth of the tolerance of its tangent. LSODA integrates from there, forwards or backwards in time.

    Args:
        flow: a flow of two coordinates.
        point: the saddle of the flow (not of the landscape): two numbers, an ``Equilibrium`` or a ``CriticalPoint``.
        box: one (low, high) pair per coordinate, within which the curves are computed. Default: the box of the
            landscape. A curve may leave the box by at most its width and come back.
        tol: the distance between the returned curves and the true ones, in the units of w. Default: 1e-6 of the box's
            unit of length (``simulation.units``), which is 1e-6 for boxes of ordinary size. Local error estimates
            control it, so that it is a goal and no bound.

    Raises:
        InputError: the flow does not have two coordinates, the point is no equilibrium or no saddle of the flow, the
            field has no Jacobian there, or the box or the tolerance is not valid.

    >>> import samdyn as sd
    >>> curves = sd.analysis.manifolds(sd.Flow(sd.landscapes.saddle(), sd.GD()), (0, 0), tol=1e-3)
    >>> curves.complete, len(curves.stable), len(curves.unstable)
    (True, 2, 2)
    """
    limits = np.array(plane_box(flow, box))
    extent = limits[:, 1] - limits[:, 0]
    smallest = MIN_TOL * float(extent.max())
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
        for index, sense in ((0, -1.0), (1, 1.0)):  # the stable branches are integrated backwards
            for side in (1.0, -1.0):
                offset = _offset(field, saddle, index, side, tol, extent)
                integrator = _BranchIntegrator(flow, limits, tol, sense, abs(float(saddle.rates[index].real)))
                curve, ended = integrator.follow(saddle.w, offset)
                branches[index].append(_until_it_leaves(curve, limits))
                complete &= ended
    return Manifolds(saddle, branches[0], branches[1], complete)


def _saddle(flow: Flow, point: Any, extent: np.ndarray, unit: float) -> Equilibrium:
    """Return the saddle of the flow at a point, refined by Newton's method.

    Raises:
        InputError: the point is not two finite numbers, no equilibrium or no saddle, or has no Jacobian.
    """
    fix = "Take a saddle of analysis.equilibria(flow)"
    try:
        position = np.array(point.w if isinstance(point, (CriticalPoint, Equilibrium)) else point, dtype=float)
    except (TypeError, ValueError, OverflowError):
        checks.reject("point", point, "must be two numbers", fix)
    if position.shape != (2,) or not np.isfinite(position).all():
        checks.reject("point", point, "must be two finite numbers", fix)
    coordinates = tuple(position.tolist())
    # Newton's method refines the point: on the field where that is smooth, on the gradient where the field jumps.
    for residual, jacobian in ((flow, flow.jacobian_at), (flow.landscape.grad, flow.landscape.hessian)):
        w = _newton(residual, jacobian, position, unit)
        if np.abs((w - position) / extent).max() <= SAME_POINT:
            equilibrium = equilibrium_at(flow, w, extent)
            break
    else:
        speed = float(flow(torch.as_tensor(position)[:, None]).norm())
        checks.reject("point", coordinates, f"is no equilibrium of this flow: ‖ẇ‖ = {speed:.3g} there", fix)
    if equilibrium.kind == "no Jacobian":
        rule = f"the field of {type(flow.method).__name__} has no Jacobian here, and so no eigenvectors to start along"
        checks.reject("point", coordinates, rule, f"{fix}: at the edge of a trap there are some")
    if equilibrium.kind != "saddle":
        rule = f"is no saddle of this flow: its kind is {equilibrium.kind!r}, its rates are {equilibrium.rates}"
        checks.reject("point", coordinates, rule, fix)
    return equilibrium


def _newton(residual: Callable[[Any], Any], jacobian: Callable[[Any], Any], w: np.ndarray, unit: float) -> np.ndarray:
    """Return the regular zero of a field to which Newton's method converges, NaN if it does not converge."""
    here = torch.as_tensor(w)[:, None]
    for _ in range(8):
        step = torch.linalg.solve_ex(jacobian(here)[:, :, 0], residual(here))[0]
        here = here - step
    converged = torch.isfinite(here).all() and step.abs().max() <= 1e-12 * here.abs().max().clamp(min=unit)
    return here[:, 0].numpy() if converged else np.full(2, np.nan)


def _offset(field: Field, saddle: Equilibrium, index: int, side: float, tol: float, extent: np.ndarray) -> np.ndarray:
    """Return the displacement of the start from the saddle, where the manifold is START_ERROR · tol off its tangent.

    Let c(s) be the coordinate of the manifold along the other eigenvector u, at s along its own eigenvector v. To
    leading order c = k s², and invariance requires that the field on the tangent has the component
    f_u = (2μ_v − μ_u) k s² along u, so that c = f_u/(2μ_v − μ_u).
    """
    assert saddle.rates is not None
    assert saddle.directions is not None
    rates, v = saddle.rates.real, saddle.directions.real[:, index]
    inverse = np.linalg.inv(saddle.directions.real)
    distance = MAX_OFFSET * float(extent.min())
    while True:
        along, across = (inverse @ field(saddle.w + side * distance * v))[[index, 1 - index]]
        bend = abs(across / (2 * rates[index] - rates[1 - index]))
        straight = abs(along / (rates[index] * side * distance) - 1) <= 0.1
        if (straight and bend <= START_ERROR * tol) or distance <= tol:
            return side * distance * v
        distance /= 2


class _BranchIntegrator:
    """Integrates one branch from a start beside the saddle to its end."""

    def __init__(self, flow: Flow, limits: np.ndarray, tol: float, sense: float, rate: float) -> None:
        self.flow, self.tol, self.sense, self.rate = flow, tol, sense, rate
        extent = limits[:, 1] - limits[:, 0]
        self.low, self.high = limits[:, 0] - MARGIN * extent, limits[:, 1] + MARGIN * extent
        self.fastest = rate * float(extent.max())
        self.error = START_ERROR**3 * tol
        self.relative = max(self.error / float(extent.max()), 1e-13)

    def velocity(self, _: float, w: np.ndarray) -> np.ndarray:
        """Return ±ẇ with its speed bounded, which gives the same curves and no blow-up."""
        velocity = self.flow(torch.as_tensor(w)[:, None])[:, 0].numpy()
        return self.sense * velocity / (1 + np.linalg.norm(velocity) / self.fastest)

    def follow(self, saddle: np.ndarray, offset: np.ndarray) -> tuple[np.ndarray, bool]:
        """Return the curve's points ``(m, 2)``, the saddle first, and whether the solver reached its end."""
        from scipy.integrate import LSODA

        start = saddle + offset
        away = 2 * float(np.linalg.norm(offset))
        solver = LSODA(self.velocity, 0.0, start, 1e9 / self.rate, rtol=self.relative, atol=self.error)
        points, w, short = [saddle[None], start[None]], start, 0
        for _ in range(MAX_STEPS):
            t = solver.t
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # LSODA reports a failure by its status too
                solver.step()
            failed = solver.status == "failed" or not np.isfinite(solver.y).all()
            if not failed:
                length, w = float(np.linalg.norm(solver.y - w)), solver.y.copy()
                points.append(self._points(solver.dense_output(), t, solver.t))
                if ((w < self.low) | (w > self.high)).any():
                    return np.concatenate(points), True
                short = short + 1 if length <= 1e-3 * self.tol else 0
            beside = float(np.linalg.norm(w - saddle)) <= away
            if failed or solver.status == "finished" or (short and not beside):
                rest = self._rest(w)
                if rest is not None:
                    return np.concatenate([*points, rest[None]]), True
            if failed or solver.status == "finished" or short > MAX_SHORT_STEPS:
                break
        return np.concatenate(points), False

    def _points(self, dense: Callable[[Any], np.ndarray], start: float, end: float) -> np.ndarray:
        """Return points of one step, without the first; their chords are within half the tolerance of the curve."""
        parts = 1
        while True:
            w = dense(np.linspace(start, end, 2 * parts + 1)).T
            deviation = np.linalg.norm((w[:-2:2] + w[2::2]) / 2 - w[1:-1:2], axis=1)
            if deviation.max() <= self.tol / 2 or parts >= 2**12:
                return w[2::2]
            parts *= 2

    def _rest(self, w: np.ndarray) -> np.ndarray | None:
        """Return the equilibrium within the tolerance of w, a critical point if the field jumps there; else None."""
        landscape = self.flow.landscape
        for residual, jacobian in ((self.flow, self.flow.jacobian_at), (landscape.grad, landscape.hessian)):
            here = torch.as_tensor(w)[:, None]
            for _ in range(4):
                # The pseudoinverse takes the shortest step, which is defined on a curve of equilibria too.
                inverse = torch.linalg.pinv(jacobian(here)[:, :, 0].nan_to_num(0, 0, 0), rtol=1e-9)
                here = here - inverse @ residual(here)
            rest = here[:, 0].numpy()
            if np.linalg.norm(rest - w) <= self.tol:
                return rest
        return None


def _until_it_leaves(curve: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Return the curve up to the point on the box's edge where it leaves the box for good."""
    inside = ((curve >= limits[:, 0]) & (curve <= limits[:, 1])).all(1)
    last = int(np.flatnonzero(inside)[-1]) if inside.any() else 0
    if last == len(curve) - 1:
        return curve
    step = curve[last + 1] - curve[last]
    with np.errstate(divide="ignore", invalid="ignore"):
        fractions = np.where(step > 0, limits[:, 1] - curve[last], limits[:, 0] - curve[last]) / step
    edge = curve[last] + np.nanmin(np.where(step == 0, np.inf, fractions)).clip(0, 1) * step
    return np.concatenate([curve[: last + 1], edge[None]])

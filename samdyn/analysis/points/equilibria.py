"""Searches a box for the equilibria of a planar flow: the critical points of its landscape, and others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from ... import checks, html
from ...arguments import checked
from ...dynamics import Flow
from ...simulation.discontinuities.resting import traps
from ..sobol import sobol
from .critical_points import SAME_POINT, CriticalPoint, critical_points
from .degree import cell_degrees
from .points_in_box import PointsInBox
from .proof.flow import prove_flow

STARTS = 1024  # number of starts of Newton's method
CELLS = 24  # number of cells per side in which the degree is compared with the equilibria
ITERATIONS = 50  # number of Newton steps
WIDE, NARROW = 1e-5, 1e-7  # in units of the box; distances from a point at which the Jacobian must predict the field
DIFFERENCE_STEP = 1e-6  # in units of the box; step of the central differences, between NARROW and WIDE
DIRECTIONS = 32  # number of directions in which the field is compared with the Jacobian's prediction
AROUND_POINT = 1e-4  # in units of the box; half the side of the square along which the index of a point is counted
SEARCHES = 3  # number of searches, the first included
NEARBY = 1e-2  # in units of the box; distance at which the variation of the field is measured
SMOOTH = 1e-3  # relative error of the Jacobian's prediction that a smooth field may have
COLUMNS = ("equilibrium", "at", "rates", "attracts", "critical point of the loss")
ZERO_FIELD = 1e-6  # relative to the field nearby; smaller fields count as zero
ZERO_RATE = 1e-9  # relative to the variation of the field nearby; smaller rates count as zero


@dataclass(frozen=True, eq=False)
class Equilibrium:
    """A point at which a flow rests.

    Attributes:
        w: its position, ``(2,)``.
        kind: "attractor", "saddle" or "repeller"; "not hyperbolic" if a rate is zero; "no Jacobian" where the field is
            not differentiable, as that of normalised SAM at the critical points of its landscape.
        rates: the eigenvalues of the flow's Jacobian, in 1/t, by ascending real part, ``(2,)``; None if the field has
            no Jacobian.
        directions: their eigenvectors, in the columns, ``(2, 2)``; None if the field has no Jacobian.
        attracts: whether runs that start nearby end there. The rates decide this or, without a Jacobian, a sufficient
            condition: the field points inward all around the point.
        critical: the critical point of the landscape at the same position; None if there is none.

    >>> import samdyn as sd
    >>> trap, *edges = sd.analysis.equilibria(sd.Flow(sd.landscapes.saddle(), sd.SAM(rho=0.5)))
    >>> trap.kind, trap.attracts, trap.critical.kind
    ('no Jacobian', True, 'saddle')
    """

    w: np.ndarray
    kind: str
    rates: np.ndarray | None
    directions: np.ndarray | None
    attracts: bool
    critical: CriticalPoint | None = None

    @property
    def held(self) -> bool:
        """Whether the point attracts although the field has no Jacobian there."""
        return self.kind == "no Jacobian" and self.attracts

    def _repr_html_(self) -> str:
        return html.block(html.table(COLUMNS, [_cells(self)]))


@dataclass(frozen=True, eq=False)
class Equilibria(PointsInBox[Equilibrium]):
    """The equilibria of a planar flow in a box.

    Attributes:
        points: the equilibria; the sequence iterates over them.
        missing: the cells, each a (low, high) pair per coordinate, in which the degree of the field proves that there
            are equilibria which the search did not find (``PointsInBox``).
        unchecked: the fraction of the box that no degree checks: around curves of equilibria, and where the field
            jumps.
        unproved: the parts of the box in which there may be other equilibria (``Unproved``). Interval arithmetic proves
            that there are none elsewhere.

    >>> import samdyn as sd
    >>> points = sd.analysis.equilibria(sd.Flow(sd.landscapes.saddle(), sd.USAM(rho=1.0)))
    >>> [p.kind for p in points], points.missing, points.complete
    (['attractor'], (), True)
    """

    def _repr_html_(self) -> str:
        rows = map(_cells, self.points)
        return html.block(html.table(COLUMNS, rows) if self.points else "no equilibria", *self.remarks)


def _cells(point: Equilibrium) -> tuple[Any, ...]:
    """Return what a table says about an equilibrium, below ``COLUMNS``."""
    critical = point.critical and point.critical.kind
    return point.kind, np.round(point.w, 12), point.rates, point.attracts, critical


@checked
def equilibria(flow: Flow, box: Sequence[tuple[float, float]] | None = None) -> Equilibria:
    """Return the equilibria of a planar flow in a box: the critical points of its landscape, and others.

    Smoothed methods do not rest at the critical points, unless the landscape is quadratic. A method that ascends also
    rests where its perturbed point is a critical point, as normalised SAM on x² − y² at (0, ±ρ), the edges of its trap.
    Newton's method searches for such points from 1024 starts spread evenly over the box. Where the degree of the field
    in one of 24 × 24 cells differs from the sum of the indices of the equilibria there, it starts again in that cell
    and on rings around points at which the field jumps. ``missing`` reports the cells that still differ. Of these
    further equilibria the search returns the hyperbolic ones, and no curves; ``critical_points`` returns the curves of
    the landscape.

    Interval arithmetic then proves which equilibria there are, as in ``critical_points``, and adds those that the
    search missed. Around a point at which the field of a normalised method jumps, a critical point or one from which
    the ascent comes to a critical point, it shows that the field vanishes for no direction of the gradient. Points of
    the second kind are equilibria if 0 lies in the convex hull of the field's values around them, in Filippov's sense:
    the flow of n ascent steps on x² − y² rests at |y| = ρ(n − 1 − 2j)/n. ``complete`` says whether every part of the
    box was decided; ``unproved`` lists the others.

    Args:
        flow: a flow of two coordinates.
        box: one (low, high) pair per coordinate. Default: the box of the landscape.

    Raises:
        InputError: the flow does not have two coordinates, or the box is not valid.

    >>> import samdyn as sd
    >>> points = sd.analysis.equilibria(sd.Flow(sd.landscapes.saddle(), sd.SAM(rho=0.5)))
    >>> [(p.kind, abs(p.w).round(6).tolist()) for p in points]
    [('no Jacobian', [0.0, 0.0]), ('saddle', [0.0, 0.5]), ('saddle', [0.0, 0.5])]
    """

    limits = np.array(plane_box(flow, box))
    low, extent = limits[:, 0], limits[:, 1] - limits[:, 0]
    points = critical_points(flow.landscape, [(float(a), float(b)) for a, b in limits])
    # Newton's method would not find the critical points where the field jumps.
    resting = [p for p in points if _rests(flow, p.w, extent)]
    degenerate = [p for p in points.degenerate if _rests(flow, p.w, extent)]
    equilibria_ = [equilibrium_at(flow, p.w, extent, p) for p in resting]
    equilibria_ += [equilibrium_at(flow, p.w, extent) for p in degenerate]
    places = [p.w for p in equilibria_] + [w for s in points.sets for w in s.w]

    # Uneven margins keep the cells' lines off points with round coordinates.
    lines = [np.linspace(a - 1e-3 * e, b + 1.3e-3 * e, CELLS + 1) for (a, b), e in zip(limits, extent, strict=True)]
    degree = cell_degrees(flow, *lines)
    starts = low + extent * sobol(STARTS, 2, 0)
    for search in range(SEARCHES):
        for w in _newton(flow, starts, extent):
            distances = np.abs((np.reshape(places, (-1, 2)) - w) / extent).max(axis=1)
            if ((w < limits[:, 0]) | (w > limits[:, 1])).any() or distances.min(initial=np.inf) <= SAME_POINT:
                continue
            point = equilibrium_at(flow, w, extent)
            if point.kind in ("attractor", "saddle", "repeller"):
                equilibria_.append(point)
                places.append(w)
        difference = degree - _indices(flow, lines, equilibria_, extent)
        cells = np.argwhere((difference != 0) & ~np.isnan(difference))
        if not len(cells):
            break
        corner = np.array([[lines[0][i], lines[1][j]] for i, j in cells])
        starts = (corner[:, None] + extent / CELLS * sobol(64, 2, search + 1)).reshape(-1, 2)
        starts = np.concatenate([starts, *(_rings(p.w, extent) for p in equilibria_ if p.kind == "no Jacobian")])
    searched = low - 1e-3 * np.sqrt(2) * extent, limits[:, 1] + 1e-3 * np.sqrt(3) * extent  # as critical_points does
    regular = np.reshape([p.w for p in equilibria_ if p.rates is not None], (-1, 2))
    proof = prove_flow(flow, limits, searched, regular, points, resting)
    for w in proof.new_zeros(equilibria_, limits):
        equilibria_.append(equilibrium_at(flow, w, extent))
    difference = degree - _indices(flow, lines, equilibria_, extent)
    cells = np.argwhere((difference != 0) & ~np.isnan(difference))
    missing = [((lines[0][i], lines[0][i + 1]), (lines[1][j], lines[1][j + 1])) for i, j in cells]
    return Equilibria(
        points=tuple(equilibria_),
        missing=tuple(missing),
        unchecked=float(np.isnan(difference).mean()),
        unproved=proof.unproved,
    )


def _rests(flow: Flow, w: np.ndarray, extent: np.ndarray) -> bool:
    """Return whether a flow rests at a critical point w ``(2,)`` of its landscape, as all methods but smoothed ones do.

    The gradient at w counts as zero, since normalised methods would magnify its rounding.
    """
    here, grad = torch.as_tensor(w)[:, None], flow.landscape.grad
    exact = replace(grad, gradient=lambda p: torch.where((p == here).all(0), torch.zeros_like(p), grad(p)))
    return bool(flow.method(here, exact).norm() <= ZERO_FIELD * _largest_nearby(flow, here, extent))


def _largest_nearby(flow: Flow, here: torch.Tensor, extent: np.ndarray) -> float:
    """Return the largest size of the field at the distance ``NEARBY`` from a point ``(2, 1)``."""
    return float(flow(here + NEARBY * _around(extent)).norm(dim=0).max())


def _around(extent: np.ndarray) -> torch.Tensor:
    """Return directions, as long as the shorter side of the box, ``(2, n)``."""
    # The offset keeps them off the axes, where a kink may lie.
    angle = torch.arange(DIRECTIONS) * (2 * torch.pi / DIRECTIONS) + 0.1
    return float(extent.min()) * torch.stack([angle.cos(), angle.sin()]).double()


def _rings(w: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Return starts ``(n, 2)`` on rings around a point at which the field jumps, since it may turn fast there."""
    angle = 2 * np.pi * (np.arange(64) + 0.3) / 64
    radii = 0.5 ** np.arange(4, 12)
    return w + (radii[:, None, None] * np.stack([np.cos(angle), np.sin(angle)], 1) * extent).reshape(-1, 2)


def plane_box(flow: Flow, box: Sequence[tuple[float, float]] | None) -> tuple[tuple[float, float], ...]:
    """Return the box of a planar flow, by default that of its landscape.

    Raises:
        InputError: the flow does not have two coordinates, or the box is not valid.
    """
    landscape = flow.landscape
    if landscape.dim != 2:
        fix = "Look at a slice: landscape.restrict({'z': 0.0}) fixes the coordinates that it names"
        checks.reject("landscape", landscape, f"has {landscape.dim} coordinates; a plane has two", fix)
    return landscape.box if box is None else checks.box(box, 2)


def equilibrium_at(flow: Flow, w: np.ndarray, extent: np.ndarray, critical: CriticalPoint | None = None) -> Equilibrium:
    """Return the equilibrium at a position w ``(2,)``, with its kind and rates.

    Args:
        flow: a flow of two coordinates, which rests at w.
        w: the position, ``(2,)``.
        extent: the sides of the box, ``(2,)``.
        critical: the critical point of the landscape at w, if there is one.
    """
    here = torch.as_tensor(w)[:, None]
    around = _around(extent)
    # Central differences give derivatives that automatic differentiation misses, as that of √(g·g)·g at g = 0.
    slopes = (flow.jacobian_at(here)[:, :, 0], _differences(flow, here, DIFFERENCE_STEP * float(extent.min())))
    jacobian = next((slope for slope in slopes if _predicts(flow, here, slope, around)), None)
    if jacobian is None:
        attracts = bool(traps(flow, here, torch.full_like(here[0], WIDE * float(extent.min())))[0])
        return Equilibrium(w, "no Jacobian", None, None, attracts, critical)
    rates, directions = np.linalg.eig(jacobian.numpy())
    order = np.argsort(rates.real)
    rates, directions = rates[order], directions[:, order]
    nearby = _largest_nearby(flow, here, extent) / (NEARBY * float(extent.min()))
    if np.abs(rates.real).min() <= ZERO_RATE * max(nearby, float(jacobian.norm())):
        kind = "not hyperbolic"
    else:
        kind = ("attractor", "saddle", "repeller")[int((rates.real > 0).sum())]
    return Equilibrium(w, kind, rates, directions, kind == "attractor", critical)


def _predicts(flow: Flow, here: torch.Tensor, jacobian: torch.Tensor, around: torch.Tensor) -> bool:
    """Return whether a matrix ``(2, 2)`` predicts the field at small multiples of ``around``, ``(2, n)``."""
    wide, narrow = (float((flow(here + h * around) - h * (jacobian @ around)).norm()) for h in (WIDE, NARROW))
    # The error of a true Jacobian's prediction falls with the square of the distance. An error that falls more slowly
    # refutes the Jacobian. A Jacobian of zero has no prediction to compare the error with, so that it is compared with
    # the error farther out.
    return narrow <= SMOOTH * NARROW * float((jacobian @ around).norm()) or narrow <= SMOOTH * wide


def _differences(flow: Flow, here: torch.Tensor, step: float) -> torch.Tensor:
    """Return the central difference quotients of the field along the axes, ``(2, 2)``."""
    axes = step * torch.eye(2, dtype=here.dtype)
    return (flow(here + axes) - flow(here - axes)) / (2 * step)


def _newton(flow: Flow, starts: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Return regular zeros of the field to which Newton's method leads from the starts ``(n, 2)``: ``(m, 2)``."""
    w, size = torch.as_tensor(starts.T.copy()), torch.as_tensor(extent)[:, None]
    middle = torch.as_tensor(starts.mean(0))[:, None]
    ends = [torch.empty(2, 0, dtype=w.dtype)]
    for _ in range(ITERATIONS):
        jacobian = flow.jacobian_at(w).movedim(-1, 0)
        step = torch.linalg.solve_ex(jacobian, flow(w).T)[0].T
        # A step is at most a tenth of the box, as the linearisation is wrong farther away.
        step = step * (0.1 / (step / size).abs().amax(0)).clamp(max=1)
        converged = ((step / size).abs() <= 1e-12).all(0)
        regular = torch.linalg.det(jacobian).abs() > ZERO_RATE * torch.linalg.matrix_norm(jacobian) ** 2
        ends.append((w - step)[:, converged & regular])
        active = ~converged & torch.isfinite(step).all(0) & ((w - middle).abs() <= 2 * size).all(0)
        w = (w - step)[:, active]
    zeros = torch.cat(ends, 1)
    _, first = np.unique((zeros / size).numpy().round(7), axis=1, return_index=True)
    return zeros[:, first].T.numpy()


def _indices(flow: Flow, lines: list[np.ndarray], equilibria_: list[Equilibrium], extent: np.ndarray) -> np.ndarray:
    """Return for each cell the sum of the indices of the equilibria there, NaN where an index has no value."""
    count = np.zeros([len(line) - 1 for line in lines])
    for point in equilibria_:
        i, j = (int(np.searchsorted(line, w)) - 1 for line, w in zip(lines, point.w, strict=True))
        if point.kind in ("no Jacobian", "not hyperbolic"):  # its Jacobian does not give its index
            around = [
                np.array([w - AROUND_POINT * e, w + AROUND_POINT * e]) for w, e in zip(point.w, extent, strict=True)
            ]
            count[i, j] += float(cell_degrees(flow, *around)[0, 0])
        else:
            count[i, j] += -1 if point.kind == "saddle" else 1
    return count

"""Where a planar flow rests: at critical points of its landscape, and where its perturbed point meets one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ... import checks
from ...arguments import checked
from ...dynamics import Flow
from ...simulation.discontinuities.resting import traps
from .critical_points import SAME, CriticalPoint, critical_points
from .degree import cell_degrees

STARTS = 1024
CELLS = 24  # a side, in which degrees are compared with what was found
ITERATIONS = 50
WIDE, NARROW = 1e-5, 1e-7  # of the box: how far from a point its neighbourhood is probed
BETWEEN = 1e-6  # of the box: how far differences reach; they must hold nearer by and further away
AROUND = 32  # directions
AROUND_POINT = 1e-4  # of the box: half the side of the square on which the index of a point is counted
SEARCHES = 3
NEARBY = 1e-2  # of the box: how far to look for how strongly the field varies
SMOOTH = 1e-3  # how well the Jacobian must predict the field
NEUTRAL = 1e-9  # a rate below this, relative to how strongly the field varies nearby, counts as zero


@dataclass(frozen=True, eq=False)
class Equilibrium:
    """A point at which a flow rests.

    Attributes:
        w: where, ``(2,)``.
        kind: "attractor", "saddle" or "repeller"; "not hyperbolic" if a rate is zero; "no Jacobian" where the field is
            not differentiable, as that of normalised SAM at the critical points of its landscape.
        rates: the eigenvalues of the flow's Jacobian, by ascending real part, ``(2,)``; None where there is none.
        directions: their eigenvectors, in the columns, ``(2, 2)``; likewise.
        attracts: whether what starts near ends there: for its rates or, where there is no Jacobian, because the field
            points inward all around it, which is sufficient.
        critical: the critical point of the landscape that it is, if it is one.
    """

    w: np.ndarray
    kind: str
    rates: np.ndarray | None
    directions: np.ndarray | None
    attracts: bool
    critical: CriticalPoint | None = None


@dataclass(frozen=True, eq=False)
class Equilibria(Sequence[Equilibrium]):
    """The equilibria of a planar flow in a box, and where there must be others.

    Attributes:
        points: the equilibria; the sequence itself goes over them.
        missing: cells of the box, a (low, high) pair per coordinate, in which the degree of the field says that there
            are equilibria which were not found. A pair of opposite index in one cell of 24 × 24 is not seen.
        unchecked: the share of the box in which there is no degree to compare with: around curves of equilibria, and
            where the field jumps.
    """

    points: tuple[Equilibrium, ...]
    missing: tuple[tuple[tuple[float, float], ...], ...]
    unchecked: float

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # a point, or for a slice a tuple of them
        return self.points[index]

    def __len__(self) -> int:
        return len(self.points)

    def __iter__(self) -> Iterator[Equilibrium]:
        return iter(self.points)


@checked
def equilibria(flow: Flow, box: Sequence[tuple[float, float]] | None = None) -> Equilibria:
    """Return the equilibria of a planar flow in a box: the critical points of its landscape, and others.

    A method that climbs also rests where its perturbed point is a critical point: normalised SAM on x² − y² at (0, ±ρ),
    the edges of its trap. Such points are found by Newton's method from 1024 starts spread evenly over the box; where
    the degree of the field on 24 × 24 cells does not agree with what was found there, more starts are put, also on
    rings around points at which the field jumps. Cells in which it still does not are ``missing``. Only hyperbolic ones
    of them are returned, and no curves: ``critical_points`` has those of the landscape.

    Args:
        flow: of two coordinates.
        box: one (low, high) pair per coordinate; the landscape's own where not given.

    Raises:
        InputError: a flow that is not of the plane, or a bad box.
    """
    from scipy.stats import qmc

    limits = np.array(plane_box(flow, box))
    low, extent = limits[:, 0], limits[:, 1] - limits[:, 0]
    points = critical_points(flow.landscape, [(float(a), float(b)) for a, b in limits])
    # At a critical point every method here rests; where the field jumps Newton's method would not find it.
    found = [equilibrium_at(flow, p.w, extent, p) for p in points]
    found += [equilibrium_at(flow, p.w, extent) for p in points.degenerate]
    known = [p.w for p in points] + [p.w for p in points.degenerate] + [w for s in points.sets for w in s.w]

    # The cells' lines must miss points at round coordinates.
    lines = [np.linspace(a - 1e-3 * e, b + 1.3e-3 * e, CELLS + 1) for (a, b), e in zip(limits, extent, strict=True)]
    degree = cell_degrees(flow, *lines)
    starts = low + extent * qmc.Sobol(2, rng=0).random(STARTS)
    for search in range(SEARCHES):
        for w in _newton(flow, starts, extent):
            apart = np.abs((np.reshape(known, (-1, 2)) - w) / extent).max(axis=1)
            if ((w < limits[:, 0]) | (w > limits[:, 1])).any() or apart.min(initial=np.inf) <= SAME:
                continue
            point = equilibrium_at(flow, w, extent)
            if point.kind in ("attractor", "saddle", "repeller"):
                found.append(point)
                known.append(w)
        difference = degree - _indices(flow, lines, found, extent)
        cells = np.argwhere((difference != 0) & ~np.isnan(difference))
        if not len(cells):
            break
        corner = np.array([[lines[0][i], lines[1][j]] for i, j in cells])
        starts = (corner[:, None] + extent / CELLS * qmc.Sobol(2, rng=search + 1).random(64)).reshape(-1, 2)
        starts = np.concatenate([starts, *(_rings(p.w, extent) for p in found if p.kind == "no Jacobian")])
    missing = [((lines[0][i], lines[0][i + 1]), (lines[1][j], lines[1][j + 1])) for i, j in cells]
    return Equilibria(tuple(found), tuple(missing), float(np.isnan(difference).mean()))


def _rings(w: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Return points around one at which the field jumps, where it may turn fast: ``(n, 2)``."""
    angle = 2 * np.pi * (np.arange(64) + 0.3) / 64
    radii = 0.5 ** np.arange(4, 12)
    return w + (radii[:, None, None] * np.stack([np.cos(angle), np.sin(angle)], 1) * extent).reshape(-1, 2)


def plane_box(flow: Flow, box: Sequence[tuple[float, float]] | None) -> tuple[tuple[float, float], ...]:
    """Return the box to look at in the plane.

    Raises:
        InputError: a flow that is not of the plane, or a bad box.
    """
    landscape = flow.landscape
    if landscape.dim != 2:
        fix = "Look at a slice: landscape.restrict({'z': 0.0}) fixes the coordinates that it names"
        checks.reject("landscape", landscape, f"has {landscape.dim} coordinates; a plane has two", fix)
    return landscape.box if box is None else checks.box(box, 2)


def equilibrium_at(flow: Flow, w: np.ndarray, extent: np.ndarray, critical: CriticalPoint | None = None) -> Equilibrium:
    """Say of what kind an equilibrium is, given where it is, ``(2,)``, and the extent of the box, ``(2,)``."""
    here = torch.as_tensor(w)[:, None]
    angle = torch.arange(AROUND) * (2 * torch.pi / AROUND) + 0.1  # no direction along an axis, where a kink may lie
    around = float(extent.min()) * torch.stack([angle.cos(), angle.sin()]).double()
    # Automatic differentiation does not know every derivative, as that of √(g·g)·g at g = 0: differences do.
    slopes = (flow.jacobian_at(here)[:, :, 0], _differences(flow, here, BETWEEN * float(extent.min())))
    jacobian = next((slope for slope in slopes if _predicts(flow, here, slope, around)), None)
    if jacobian is None:
        attracts = bool(traps(flow, here, torch.full_like(here[0], WIDE * float(extent.min())))[0])
        return Equilibrium(w, "no Jacobian", None, None, attracts, critical)
    rates, directions = np.linalg.eig(jacobian.numpy())
    order = np.argsort(rates.real)
    rates, directions = rates[order], directions[:, order]
    nearby = float((flow(here + NEARBY * around).norm(dim=0) / (NEARBY * around).norm(dim=0)).max())
    if np.abs(rates.real).min() <= NEUTRAL * max(nearby, float(jacobian.norm())):
        kind = "not hyperbolic"
    else:
        kind = ("attractor", "saddle", "repeller")[int((rates.real > 0).sum())]
    return Equilibrium(w, kind, rates, directions, kind == "attractor", critical)


def _predicts(flow: Flow, here: torch.Tensor, jacobian: torch.Tensor, around: torch.Tensor) -> bool:
    """Say whether a matrix ``(2, 2)`` is the field's Jacobian at a point, looking in the directions ``(2, n)``."""
    wide, narrow = (float((flow(here + h * around) - h * (jacobian @ around)).norm()) for h in (WIDE, NARROW))
    # What the Jacobian leaves over falls with the square of the distance; if it falls with the distance, or not at all,
    # it was none. A Jacobian of zero predicts nothing to compare with.
    return narrow <= SMOOTH * NARROW * float((jacobian @ around).norm()) or narrow <= SMOOTH * wide


def _differences(flow: Flow, here: torch.Tensor, step: float) -> torch.Tensor:
    """Return the central difference quotients of the field along the axes, ``(2, 2)``."""
    axes = step * torch.eye(2, dtype=here.dtype)
    return (flow(here + axes) - flow(here - axes)) / (2 * step)


def _newton(flow: Flow, starts: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Return where Newton's method arrives from the starts ``(n, 2)``: regular zeros of the field, few repetitions."""
    w, size = torch.as_tensor(starts.T.copy()), torch.as_tensor(extent)[:, None]
    middle = torch.as_tensor(starts.mean(0))[:, None]
    arrived = [torch.empty(2, 0, dtype=w.dtype)]
    for _ in range(ITERATIONS):
        jacobian = flow.jacobian_at(w).movedim(-1, 0)
        step = torch.linalg.solve_ex(jacobian, flow(w).T)[0].T
        # Steps of more than a tenth of the box would leave where the field was linearised.
        step = step * (0.1 / (step / size).abs().amax(0)).clamp(max=1)
        there = ((step / size).abs() <= 1e-12).all(0)
        regular = torch.linalg.det(jacobian).abs() > NEUTRAL * torch.linalg.matrix_norm(jacobian) ** 2
        arrived.append((w - step)[:, there & regular])
        going = ~there & torch.isfinite(step).all(0) & ((w - middle).abs() <= 2 * size).all(0)
        w = (w - step)[:, going]
    found = torch.cat(arrived, 1)
    _, first = np.unique((found / size).numpy().round(7), axis=1, return_index=True)
    return found[:, first].T.numpy()


def _indices(flow: Flow, lines: list[np.ndarray], found: list[Equilibrium], extent: np.ndarray) -> np.ndarray:
    """Return for each cell the sum of the indices of the equilibria found there, NaN where one is not known."""
    count = np.zeros([len(line) - 1 for line in lines])
    for point in found:
        i, j = (int(np.searchsorted(line, w)) - 1 for line, w in zip(lines, point.w, strict=True))
        if point.kind in ("no Jacobian", "not hyperbolic"):  # its index is not that of a Jacobian
            around = [
                np.array([w - AROUND_POINT * e, w + AROUND_POINT * e]) for w, e in zip(point.w, extent, strict=True)
            ]
            count[i, j] += float(cell_degrees(flow, *around)[0, 0])
        else:
            count[i, j] += -1 if point.kind == "saddle" else 1
    return count

"""Computes what organises a planar flow: its equilibria, and the manifolds of its saddles."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ... import checks
from ...arguments import checked
from ...dynamics import Flow
from ..points.critical_points import CriticalPoint
from ..points.equilibria import Equilibria, equilibria, plane_box
from .basins import Basins
from .manifolds import Manifolds, manifolds

if TYPE_CHECKING:
    import xarray

TOLERANCE = 1e-3  # distance of a returned manifold from the true curve, in units of the longer side of the box


@dataclass(frozen=True, eq=False)
class PhasePlane:
    """The phase plane of a flow, which ``plot.phase_portrait`` draws.

    Attributes:
        flow: the flow, of two coordinates.
        box: the part of the plane, one (low, high) pair per coordinate.
        equilibria: the equilibria in the box.
        manifolds: the stable and unstable manifolds of each saddle of the flow, to a thousandth of the box.

    >>> import samdyn as sd
    >>> plane = sd.analysis.phase_plane(sd.Flow(sd.landscapes.saddle(), sd.GD()), [(-1, 1), (-1, 1)])
    >>> plane.box, plane.manifolds[0].complete, plane.held
    (((-1.0, 1.0), (-1.0, 1.0)), True, [])
    """

    flow: Flow
    box: tuple[tuple[float, float], ...]
    equilibria: Equilibria
    manifolds: tuple[Manifolds, ...]

    @property
    def held(self) -> list[CriticalPoint]:
        """The critical points of the landscape that attract although the field has no Jacobian there.

        Normalised SAM has a trap around each; ``stability(flow, point).region`` is its closed form, or None.
        """
        return [p.critical for p in self.equilibria if p.held and p.critical is not None]


@checked
def phase_plane(flow: Flow, box: Sequence[tuple[float, float]] | None = None) -> PhasePlane:
    """Compute what a phase portrait shows: the equilibria of a planar flow and the manifolds of its saddles.

    Args:
        flow: a flow of two coordinates.
        box: one (low, high) pair per coordinate. Default: the box of the landscape.

    Raises:
        InputError: the flow does not have two coordinates, or the box is not valid.

    >>> import samdyn as sd
    >>> plane = sd.analysis.phase_plane(sd.Flow(sd.landscapes.saddle(), sd.GD()))
    >>> [p.kind for p in plane.equilibria], len(plane.manifolds)
    (['saddle'], 1)
    """
    limits = plane_box(flow, box)
    points = equilibria(flow, limits)
    tol = TOLERANCE * max(high - low for low, high in limits)
    curves = tuple(manifolds(flow, p, limits, tol=tol) for p in points if p.kind == "saddle")
    return PhasePlane(flow, limits, points, curves)


@checked
def equilibria_dataset(planes: Sequence[PhasePlane], basins: Sequence[Basins] = ()) -> "xarray.Dataset":
    """Return the equilibria of several flows on one plane as data.

    Args:
        planes: a phase plane for each flow.
        basins: the basins of each flow, or none.

    Returns:
        Over ``equilibrium``: ``of``, the index of the flow; ``w`` (equilibrium, coord) in the units of the coordinates;
        ``kind``, ``attracts`` and ``held``; ``critical``, the kind of the critical point of the loss there, or "";
        ``rate`` and ``frequency`` (equilibrium, direction): the real and imaginary parts of ``Equilibrium.rates``, in
        1/t, nan without a Jacobian; ``share``, the fraction of the starts that end there, nan without basins. Over
        ``flow``: ``method``, and ``label`` (flow, y, x) of the starts if there are basins.

    Raises:
        InputError: no phase plane, or not one result of ``basins`` for each.

    >>> import samdyn as sd
    >>> planes = [sd.analysis.phase_plane(sd.Flow(sd.landscapes.saddle(), sd.GD()))]
    >>> sd.analysis.equilibria_dataset(planes).rate.values
    array([[-2., 2.]])
    """
    import xarray as xr

    if not planes or (basins and len(basins) != len(planes)):
        rule = f"are for {len(basins)} flow(s), the phase planes for {len(planes)}"
        checks.reject("basins", list(basins), rule, "Give one or more phase planes, and basins for each or none")
    rows = [(number, point) for number, plane in enumerate(planes) for point in plane.equilibria]
    points = [point for _, point in rows]
    rates = np.array([np.full(2, np.nan) if p.rates is None else p.rates for p in points]).reshape(-1, 2)
    data = xr.Dataset(
        {
            "method": ("flow", [repr(plane.flow.method) for plane in planes]),
            "of": ("equilibrium", np.array([number for number, _ in rows], dtype=int)),
            "w": (("equilibrium", "coord"), np.array([p.w for p in points]).reshape(-1, 2)),
            "kind": ("equilibrium", np.array([p.kind for p in points], dtype="U14")),
            "critical": ("equilibrium", np.array([p.critical.kind if p.critical else "" for p in points], "U14")),
            "attracts": ("equilibrium", np.array([p.attracts for p in points], dtype=bool)),
            "held": ("equilibrium", np.array([p.held for p in points], dtype=bool)),
            "rate": (("equilibrium", "direction"), np.real(rates)),
            "frequency": (("equilibrium", "direction"), np.imag(rates)),
            "share": ("equilibrium", [basins[n].fraction_at(p.w) if basins else np.nan for n, p in rows]),
        },
        coords={"coord": [str(symbol) for symbol in planes[0].flow.landscape.symbols]},
    )
    if basins:
        data["label"] = (("flow", "y", "x"), np.stack([one.label for one in basins]))
        data = data.assign_coords(x=basins[0].x, y=basins[0].y)
    return data

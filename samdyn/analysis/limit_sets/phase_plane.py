"""Computes what organises a planar flow: its equilibria, and the manifolds of its saddles."""

from collections.abc import Sequence
from dataclasses import dataclass

from ...arguments import checked
from ...dynamics import Flow
from ..points.critical_points import CriticalPoint
from ..points.equilibria import Equilibria, equilibria, plane_box
from .manifolds import Manifolds, manifolds

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
        points = [p for p in self.equilibria if p.kind == "no Jacobian" and p.attracts]
        return [p.critical for p in points if p.critical is not None]


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

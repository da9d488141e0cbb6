"""Proves which critical points a landscape has in a box."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import sympy

from ....landscapes import Landscape, Sampled
from ...intervals.formula import UnknownFunctionError
from ...trees import tree
from ..degenerate import CriticalSet, DegeneratePoint
from .field import GradientField
from .pruning import NEAR_SET, Zones, near_sets, prune
from .report import Unproved, around, connected_parts, unproved

MAX_DIM = 32  # number of coordinates of a proof; a formula of more has too many second derivatives
MAX_SAMPLES = 100  # number of samples whose formulas are added
REASONS = {
    "singular": "where the Hessian is singular, or nearly",
    "rough": "where the formula has a kink, a jump or a pole",
    "budget": "where the proof stopped, since too many boxes were left",
    "plateau": "where the gradient vanishes, beside the sets that were found",
}


@dataclass(frozen=True, eq=False)
class Proof:
    """What interval arithmetic proves about the critical points in a box.

    Attributes:
        zones: the points that were proved, each with a box in which it is alone; None if there is no proof.
        unproved: the parts of the box in which there may be other points.
    """

    zones: Zones | None
    unproved: tuple[Unproved, ...]


def prove(
    landscape: Landscape,
    box: np.ndarray,
    searched: tuple[np.ndarray, np.ndarray],
    points: np.ndarray,
    degenerate: Sequence[DegeneratePoint],
    sets: Sequence[CriticalSet],
) -> Proof:
    """Prove which critical points lie in a box.

    Args:
        landscape: the loss.
        box: the box, ``(d, 2)``.
        searched: the bounds of a slightly larger box, ``(d,)`` each, on whose edge no point lies.
        points: the points that a search found, ``(n, d)``, from which the proof starts.
        degenerate: the degenerate points that it found.
        sets: the sets that it found.
    """
    low, high = searched
    extent = high - low
    field = _field_of(landscape)
    if isinstance(field, str):
        return Proof(None, (Unproved(field, np.stack(searched, 1)[None], 1.0),))
    singular = [p.w[None] for p in degenerate]
    samples = [(s.w, _spacing(s, extent)) for s in sets]
    pruned = prune(field, low, high, points, np.concatenate([np.empty((0, len(low))), *singular]), samples)
    left = {
        reason: b[(b[:, :, 0] <= box[:, 1]).all(1) & (b[:, :, 1] >= box[:, 0]).all(1)]
        for reason, b in pruned.unproved.items()
    }
    flat = pruned.plateau
    left["plateau"] = flat[~near_sets((flat[:, :, 0], flat[:, :, 1]), samples, extent)]

    parts: list[Unproved] = []
    for reason, boxes in left.items():
        match reason:
            case _ if not len(boxes):
                pass
            case "point":
                names = [f"the degenerate point at {coordinates(p.w)}" for p in degenerate]
                parts += around(names, singular, boxes, extent)
            case "set":
                names = [f"the {s.noun}, through {coordinates(s.w[len(s.w) // 2])}" for s in sets]
                parts += around(names, [s.w for s in sets], boxes, extent)
            case "rough" | "singular":
                parts += connected_parts(REASONS[reason], boxes, extent)
            case _:
                parts.append(unproved(REASONS[reason], boxes, extent))
    return Proof(pruned.zones, tuple(parts))


def _spacing(set_: CriticalSet, extent: np.ndarray) -> float:
    """Return how far the points of a set may be from those that were found, in units of the box."""
    if set_.dimension == 1 or len(set_.w) < 2:
        return NEAR_SET
    nearest = tree(set_.w / extent).query(set_.w / extent, 2)[0][:, 1]
    return max(NEAR_SET, 2 * float(nearest.max()))  # a random sample has gaps of about twice the largest distance


def coordinates(w: np.ndarray) -> str:
    """Return a position for print; what is 0 to rounding is 0."""
    return "(" + ", ".join(f"{v:.6g}" for v in np.where(np.abs(w) > 1e-6 * np.abs(w).max(initial=1), w, 0.0)) + ")"


def _field_of(landscape: Landscape) -> GradientField | str:
    """Return the gradient on boxes, or the reason why there is no proof."""
    if not landscape.has_formula:
        return "the landscape has no formula"
    if landscape.dim > MAX_DIM:
        return f"the landscape has more than {MAX_DIM} coordinates"
    if isinstance(landscape, Sampled) and landscape.samples > MAX_SAMPLES:
        return f"the landscape has more than {MAX_SAMPLES} samples"
    try:
        return _gradient_field(landscape.expr, landscape.symbols)
    except UnknownFunctionError as error:
        return f"intervals of the function {error} are not known"


@lru_cache(maxsize=32)
def _gradient_field(expr: sympy.Expr, symbols: tuple[sympy.Symbol, ...]) -> GradientField:
    return GradientField(expr, symbols)

"""Proves which critical points a landscape has in a box."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
import sympy

from ....landscapes import Landscape, Sampled
from ...intervals.formula import UnknownFunctionError
from ...trees import tree
from ..degenerate import CriticalSet, DegeneratePoint
from .field import GradientField
from .pruning import NEAR_SET, Zones, prune
from .report import Unproved, coordinates, sorted_parts

MAX_DIM = 32  # number of coordinates of a proof; a formula of more has too many second derivatives
MAX_SAMPLES = 100  # number of samples whose formulas are added


class Placed(Protocol):
    """A point with a position."""

    @property
    def w(self) -> np.ndarray:
        """The position, ``(d,)``."""


@dataclass(frozen=True, eq=False)
class Proof:
    """What interval arithmetic proves about the critical points in a box.

    Attributes:
        zones: the points that were proved, each with a box in which it is alone; None if there is no proof.
        unproved: the parts of the box in which there may be other points.
    """

    zones: Zones | None
    unproved: tuple[Unproved, ...]

    def new_zeros(self, points: Sequence[Placed], box: np.ndarray) -> list[np.ndarray]:
        """Return the proved points of a box ``(d, 2)`` that are not among those that a search found, ``(d,)`` each."""
        if self.zones is None:
            return []
        bounds = zip(self.zones.low, self.zones.high, self.zones.alone_low, self.zones.alone_high, strict=True)
        return [
            (low + high) / 2
            for low, high, alone_low, alone_high in bounds
            if not any(((p.w >= alone_low) & (p.w <= alone_high)).all() for p in points)
            and ((high >= box[:, 0]) & (low <= box[:, 1])).all()
        ]


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
    extent = searched[1] - searched[0]
    field = field_of(landscape)
    if isinstance(field, str):
        return not_tried(field, searched)
    singular = [(f"the degenerate point at {coordinates(p.w)}", p.w) for p in degenerate]
    named = named_sets(sets, extent)
    places = np.reshape([w for _, w in singular], (-1, landscape.dim))
    pruned = prune(field, *searched, points, places, [(w, spacing) for _, w, spacing in named])
    return Proof(pruned.zones, sorted_parts(pruned, box, extent, singular, named))


def not_tried(reason: str, searched: tuple[np.ndarray, np.ndarray]) -> Proof:
    """Return the proof that says nothing about the searched box."""
    return Proof(None, (Unproved(reason, np.stack(searched, 1)[None], 1.0),))


def named_sets(sets: Sequence[CriticalSet], extent: np.ndarray) -> list[tuple[str, np.ndarray, float]]:
    """Return for each set its name, its points, and how far others on it may be from them, in units of the box."""
    return [(f"the {s.noun}, through {coordinates(s.w[len(s.w) // 2])}", s.w, _spacing(s, extent)) for s in sets]


def _spacing(set_: CriticalSet, extent: np.ndarray) -> float:
    if set_.dimension == 1 or len(set_.w) < 2:
        return NEAR_SET
    nearest = tree(set_.w / extent).query(set_.w / extent, 2)[0][:, 1]
    return max(NEAR_SET, 2 * float(nearest.max()))  # a random sample has gaps of about twice the largest distance


def field_of(landscape: Landscape) -> GradientField | str:
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

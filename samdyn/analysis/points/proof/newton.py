"""Interval Newton's method in Krawczyk's form, on many boxes at once."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from ...intervals.interval import TINY
from .field import Enclosure

# Relative error of a sum of d products of floating-point numbers, per term; each is rounded twice, by 2⁻⁵³.
SUM_ERROR = 2.0**-50
RADII = 0.5 ** np.arange(2, 48)  # in units of the box; half the sides of the boxes in which a zero is proved unique

POLISHES = 5  # number of steps that shrink the bounds of a zero; each about doubles the number of digits


class Field(Protocol):
    """A field whose values and derivatives have bounds on boxes."""

    dim: int
    cost: int

    def values(self, low: np.ndarray, high: np.ndarray) -> Enclosure:
        """Return the bounds of the values on boxes ``(d, n)``."""

    def slopes(self, low: np.ndarray, high: np.ndarray) -> Enclosure:
        """Return the bounds of the values and of the derivatives on boxes ``(d, n)``."""


@dataclass(frozen=True)
class KrawczykStep:
    """What one step says about the zeros in each of n boxes.

    Attributes:
        empty: whether the box has no zero, ``(n,)``.
        single: whether the box has at most one zero, ``(n,)``.
        exists: whether the box has exactly one zero, ``(n,)``.
        low, high: bounds of the part of the box that contains its zeros, if any, ``(d, n)``.
        centre: the point to which Newton's method goes from the middle, ``(d, n)``.
        influence: the most that each coordinate changes a component of the field within the box; NaN where unknown,
            ``(d, n)``.
        smooth: whether the field is smooth on the box; otherwise nothing is known, ``(n,)``.
    """

    empty: np.ndarray
    single: np.ndarray
    exists: np.ndarray
    low: np.ndarray
    high: np.ndarray
    centre: np.ndarray
    influence: np.ndarray
    smooth: np.ndarray


def krawczyk(field: Field, low: np.ndarray, high: np.ndarray) -> KrawczykStep:
    """Enclose the zeros of a field in boxes ``(d, n)``.

    On a box X with the middle m each zero w satisfies w = w − Y F(w) for any matrix Y, and so lies in
    K = m − Y F(m) + (I − Y F'(X))(X − m), where Y is the inverse of the middle of F'(X). If K misses X, the box has no
    zero. If K lies inside X, the box has exactly one.

    Source: Krawczyk (1969), Computing 4, 187; Neumaier (1990), Interval methods for systems of equations, chapter 5.
    """
    d = len(low)
    middle = low + (high - low) / 2
    radius = _up(np.maximum(high - middle, middle - low))
    on_box, at_middle = field.slopes(low, high), field.values(middle, middle)
    smooth = on_box.smooth & ~at_middle.undefined & np.isfinite(at_middle.low + at_middle.high).all(0)
    # Matrices have their box on the first axis: (n, d, d).
    slopes_low = np.where(smooth, on_box.slopes_low, 0.0).transpose(2, 0, 1)
    slopes_high = np.where(smooth, on_box.slopes_high, 0.0).transpose(2, 0, 1)
    slope = slopes_low + (slopes_high - slopes_low) / 2
    slope_error = _up(np.maximum(slopes_high - slope, slope - slopes_low))
    value_low, value_high = (np.where(smooth, v, 0.0).T[:, :, None] for v in (at_middle.low, at_middle.high))
    value = value_low + (value_high - value_low) / 2
    value_error = _up(np.maximum(value_high - value, value - value_low))
    r = radius.T[:, :, None]

    largest = np.maximum(np.abs(slopes_low), np.abs(slopes_high))
    reach = _up(largest @ r, d)
    empty = (np.maximum(value_low, -value_high) > reach).any((1, 2))

    inverse, failed = _inverses(slope)
    size = np.abs(inverse)
    shift = inverse @ value
    shift_error = _up(size @ value_error + SUM_ERROR * d * (size @ np.abs(value)), d)
    product = inverse @ slope
    remainder = np.abs(np.eye(d) - product) + size @ slope_error
    remainder = _up(remainder + SUM_ERROR * d * (size @ np.abs(slope) + np.eye(d)), d)
    spread = _up(remainder @ r, d)
    regular = ~failed & np.isfinite(spread + shift + shift_error).all((1, 2)) & smooth
    distance = np.abs(shift)
    empty |= regular & (distance > _up(shift_error + spread + r)).any((1, 2))
    single = regular & (spread < r).all((1, 2))
    exists = single & (_up(distance + shift_error + spread) < r).all((1, 2))

    centre = middle - np.where(regular[:, None, None], shift, 0.0)[:, :, 0].T
    half = np.where(regular[:, None, None], _up(shift_error + spread), np.inf)[:, :, 0].T
    half = _up(half + 2.0**-52 * np.abs(centre))  # the centre is rounded
    influence = np.where(smooth, (largest * r.transpose(0, 2, 1)).max(1).T, np.nan)
    return KrawczykStep(
        empty & smooth,
        single,
        exists,
        np.maximum(low, centre - half),
        np.minimum(high, centre + half),
        centre,
        influence,
        smooth,
    )


def _up(numbers: np.ndarray, terms: int = 1) -> np.ndarray:
    """Return numbers ≥ 0 that exceed what was computed with some rounding errors, of sums of several terms each."""
    return numbers * (1 + SUM_ERROR * (terms + 2)) + terms * TINY


def _inverses(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the inverses of matrices ``(n, d, d)``, and for which there is none, ``(n,)``."""
    inverses, info = torch.linalg.inv_ex(torch.as_tensor(matrices))
    found = inverses.numpy()
    failed = (info.numpy() != 0) | ~np.isfinite(found).all((1, 2))
    return np.where(failed[:, None, None], 0.0, found), failed


@dataclass(frozen=True)
class ProvedZeros:
    """Zeros that were proved to exist.

    Attributes:
        low, high: bounds of each zero, ``(m, d)``.
        alone_low, alone_high: bounds of a box in which there is no other zero, ``(m, d)``.
    """

    low: np.ndarray
    high: np.ndarray
    alone_low: np.ndarray
    alone_high: np.ndarray


def prove_zeros(field: Field, points: np.ndarray, extent: np.ndarray) -> tuple[ProvedZeros, np.ndarray]:
    """Prove that there is a zero close to each of some points ``(n, d)``, and no other one around it.

    Returns:
        The zeros that were proved, and for which points there is one, ``(n,)``.
    """
    n, d = points.shape
    if not n:
        return ProvedZeros(points, points, points, points), np.zeros(0, dtype=bool)
    half = RADII[:, None, None] * extent  # (radii, 1, d)
    low, high = points - half, points + half
    step = krawczyk(field, low.reshape(-1, d).T, high.reshape(-1, d).T)
    single, exists = step.single.reshape(-1, n), step.exists.reshape(-1, n)
    # The largest box with at most one zero, and the smallest one with a zero, which lies inside.
    widest = single.argmax(0)
    tightest = len(RADII) - 1 - exists[::-1].argmax(0)
    proved: np.ndarray = np.asarray(exists.any(0))
    at = np.arange(n)[proved]
    outer, inner = widest[proved], tightest[proved]
    shape = (len(RADII), n, d)
    bounds = step.low.T.reshape(shape)[inner, at], step.high.T.reshape(shape)[inner, at]
    for _ in range(POLISHES):
        closer = krawczyk(field, bounds[0].T, bounds[1].T)
        bounds = closer.low.T, closer.high.T
    return ProvedZeros(*bounds, low[outer, at], high[outer, at]), proved

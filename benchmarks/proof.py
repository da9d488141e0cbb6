"""Intervals of a gradient on many boxes, beside mpmath's intervals and Arb's balls, and the proofs of the catalogue."""

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import mpmath
import numpy as np
from harness import Case, Check, Contender, Effort, Missing, gather

import samdyn as sd
from samdyn.analysis.points.proof.field import GradientField

LOSS = sd.landscapes.beale()
FIELD = GradientField(LOSS.expr, LOSS.symbols)
SINGLE = 200  # boxes of a rival that takes one after the other


def cases(effort: Effort) -> Iterator[Case]:
    """Yield one case for each number of boxes; the last one has the seconds of the catalogue."""
    for boxes in [1000] if effort.quick else [100, 10_000]:
        low = np.random.default_rng(0).uniform([[-0.5], [-1.0]], [[4.0], [2.2]], (2, boxes))
        high = low + 0.01
        rivals, missing = gather({"mpmath.iv": partial(mpmath_boxes, low, high), "flint.arb": partial(arb, low, high)})
        contenders = [Contender("samdyn", partial(ours, low, high), boxes)]
        contenders += [Contender(name, work, min(boxes, SINGLE)) for name, work in rivals.items()]
        setting = {"workload": "proof", "N": boxes, "dtype": "float64", "d": 2}
        yield Case(setting, "boxes", contenders, checks(low, high), missing, catalogue() if boxes != 100 else {})


def ours(low: np.ndarray, high: np.ndarray, times: int) -> None:
    """Enclose the gradient on all boxes, so many times."""
    for _ in range(times):
        FIELD.values(low, high)


def gradient(x: Any, y: Any) -> tuple[Any, Any]:
    """Return Beale's gradient, written for any kind of numbers."""
    a, b, c = x * y - x + 1.5, x * y**2 - x + 2.25, x * y**3 - x + 2.625
    return 2 * (a * (y - 1) + b * (y**2 - 1) + c * (y**3 - 1)), 2 * x * (a + 2 * b * y + 3 * c * y**2)


def mpmath_boxes(low: np.ndarray, high: np.ndarray) -> Any:
    """Return mpmath's work on the boxes."""
    boxes = [[mpmath.iv.mpf([a, b]) for a, b in zip(*w, strict=True)] for w in zip(low.T, high.T, strict=True)]
    return partial(one_by_one, boxes[:SINGLE])


def arb(low: np.ndarray, high: np.ndarray) -> Any:
    """Return Arb's work on the boxes.

    Raises:
        Missing: python-flint is not installed.
    """
    try:
        import flint
    except ImportError:
        raise Missing("python-flint is not installed") from None
    middle, half = (low + high) / 2, (high - low) / 2
    boxes = [[flint.arb(m, r) for m, r in zip(*w, strict=True)] for w in zip(middle.T, half.T, strict=True)]
    return partial(one_by_one, boxes[:SINGLE])


def one_by_one(boxes: list[list[Any]], times: int) -> None:
    """Enclose the gradient on the boxes, so many times."""
    for _ in range(times):
        for x, y in boxes:
            gradient(x, y)


def checks(low: np.ndarray, high: np.ndarray) -> list[Check]:
    """Return how far gradients at the middles of boxes lie outside of our intervals."""
    bounds, middle = FIELD.values(low, high), LOSS.grad((low + high) / 2).numpy()
    outside = np.maximum(bounds.low - middle, middle - bounds.high).max()
    return [Check("samdyn", "a gradient's distance from its interval", max(0.0, float(outside)), 0.0)]


def catalogue() -> dict[str, float]:
    """Return the seconds of critical_points, search and proof, for each landscape of the catalogue."""
    seconds = {}
    for name, make in sd.landscapes.catalogue().items():
        began = time.perf_counter()
        found = sd.critical_points(make())
        seconds[f"s, {name}{'' if found.complete else ', in part unproved'}"] = time.perf_counter() - began
    return seconds

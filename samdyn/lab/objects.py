"""Landscapes, saddles and methods, from what an experiment's options say."""

from collections.abc import Sequence

import numpy as np

from .. import checks, landscapes
from ..analysis import CriticalPoint
from ..landscapes import Landscape
from ..methods import Ascent, Method
from .readers import point

MAX_COORDINATES = 16  # largest number of coordinates of a formula; experiments search its critical points


def landscape(text: str, coordinates: str) -> Landscape:
    """Return the landscape of a name from the catalogue, or of a formula.

    Args:
        text: the text of ``--landscape``.
        coordinates: the text of ``--coordinates``.

    Raises:
        InputError: an unknown name, a text that is not a formula, or too many coordinates to search.

    >>> landscape("saddle", ""), landscape("x**2 - y**4", "x y")
    (Landscape('saddle', 'x y'), Landscape('x**2 - y**4', 'x y'))
    """
    if text.replace("-", "_").isidentifier():
        return landscapes.named(text.replace("-", "_"))
    count = len(coordinates.replace(",", " ").split())
    if count > MAX_COORDINATES:
        rule = f"are {count}; experiments search critical points in up to {MAX_COORDINATES}"
        checks.reject("--coordinates", coordinates, rule, "Use fewer, or samdyn as a library")
    return Landscape(text, coordinates)


def saddle(landscape: Landscape, points: Sequence[CriticalPoint], near: str) -> CriticalPoint:
    """Return the saddle that an experiment looks at.

    Args:
        landscape: the landscape.
        points: its critical points, in ascending order of their loss.
        near: the text of ``--saddle``, a point. The result is the saddle nearest to it, or the lowest saddle if the
            text is empty.

    Raises:
        InputError: no saddle among the points, or a text that is not a point.
    """
    saddles = [p for p in points if p.kind == "saddle"]
    if not saddles:
        fix = "Choose a landscape with one; a degenerate saddle has no λ to compare with"
        checks.reject("--landscape", landscape.name, f"no non-degenerate saddle in the box {landscape.box}", fix)
    if not near:
        return saddles[0]
    target = np.array(point("--saddle", near, landscape.dim))
    return min(saddles, key=lambda p: float(np.linalg.norm(p.w - target)))


def with_radii(methods: Sequence[type[Method]], radii: Sequence[float]) -> list[Method]:
    """Return every method once for each radius if it has one, and once otherwise.

    Raises:
        InputError: a radius out of range.

    >>> import samdyn as sd
    >>> with_radii([sd.GD, sd.SAM], [0.1, 0.2])
    [GD(), SAM(rho=0.1, ascent_steps=1, average=False), SAM(rho=0.2, ascent_steps=1, average=False)]
    """
    result: list[Method] = []
    for cls in methods:
        result.extend([cls(rho) for rho in radii] if issubclass(cls, Ascent) else [cls()])
    return list(dict.fromkeys(result))

"""Landscapes, saddles, starts around them and methods, from what an experiment's options say."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .. import checks, landscapes
from ..analysis import CriticalPoint, starts_around
from ..landscapes import Landscape
from ..methods import Ascent, Method
from .readers import point

MAX_COORDINATES = 16  # largest number of coordinates of a formula; experiments search its critical points
NEARER = 0.75  # how far runs are followed, in units of the distance to the next critical point


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


def steps_in(time: float, lr: float, fewest: int = 1) -> int:
    """Return the number of steps of length η in a time t = kη, rounded.

    Args:
        time, lr: the values of ``--time`` and ``--lr``.
        fewest: the smallest number of steps with which an experiment makes sense.

    Raises:
        InputError: fewer steps.

    >>> steps_in(1.0, 0.01)
    100
    """
    steps = round(time / lr)
    if steps < fewest:
        fix = f"Use at least --time {fewest * lr:g}, or a smaller --lr"
        checks.reject("--time", time, f"is {steps} steps of η = {lr:g}", fix)
    return steps


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


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """Starts around a saddle, and how far from it runs are followed.

    Attributes:
        starts: the starts, ``(n, d)``.
        spread: the width of their distribution.
        room: the distance to the nearest other critical point, along one coordinate; inf if there is none.
        reach: the largest distance of a start, along one coordinate.
    """

    starts: np.ndarray
    spread: float
    room: float
    reach: float

    @property
    def limit(self) -> float:
        """The distance up to which runs are followed, short of the next critical point."""
        return NEARER * self.room

    @property
    def exit(self) -> float:
        """Half the width of the box to escape from."""
        return min(2 * self.reach, self.limit)


def neighbourhood(
    point: CriticalPoint,
    points: Sequence[CriticalPoint],
    number: int,
    distribution: str,
    spread: float | None,
    seed: int,
) -> Neighbourhood:
    """Return starts that fill a region of size 1/|λ| around a saddle, or less if another critical point is near.

    Args:
        point: the saddle.
        points: the critical points of its landscape, the saddle among them.
        number, distribution, seed: what ``analysis.starts_around`` takes.
        spread: the value of ``--spread``: the width of the distribution, or None for this default.

    Raises:
        InputError: starts as near to another critical point as to the saddle.

    >>> import samdyn as sd
    >>> from samdyn import lab
    >>> points = sd.critical_points(sd.landscapes.saddle())
    >>> near = lab.neighbourhood(points[0], points, 100, "disc", None, 0)
    >>> near.starts.shape, near.spread, near.room
    ((100, 2), 0.5, inf)
    """
    room = min((float(abs(p.w - point.w).max()) for p in points if p is not point), default=math.inf)
    default = min(1 / float(abs(point.eigenvalues[0])), room / 4) / (4 if distribution == "normal" else 1)
    width = spread or default
    starts = starts_around(point, number, distribution, width, seed)
    reach = float(abs(starts - point.w).max())
    if reach >= room / 2:
        rule = f"puts starts at {reach:.3g} from the saddle, and there is another critical point at {room:.3g}"
        checks.reject("--spread", width, rule, f"Use a smaller one, e.g. --spread {default:.3g}")
    return Neighbourhood(starts, width, room, reach)

"""Starts around a critical point."""

import numpy as np

from .. import checks
from ..arguments import checked
from ..simulation.starts import check_memory
from .points.critical_points import CriticalPoint

DISTRIBUTIONS = ("disc", "normal", "line")


@checked
def starts_around(point: CriticalPoint, number: int, distribution: str, width: float, seed: int = 0) -> np.ndarray:
    """Draw starts around a critical point.

    Args:
        point: the critical point.
        number: how many, ≥ 1.
        distribution: "disc": uniform in a ball of radius ``width``; "normal": Gaussian of standard deviation ``width``
            in every coordinate; "line": uniform within ``width`` along the direction of the lowest eigenvalue, and
            a millionth of that off it, because the line itself is invariant in symmetric landscapes.
        width: > 0, in the units of w.
        seed: of NumPy's generator, an integer ≥ 0.

    Returns:
        The starts ``(number, d)``.

    Raises:
        InputError: an unknown distribution, or a number, width or seed out of range.
    """
    number = checks.count("starts", number, "Use e.g. 1000")
    width = checks.positive("spread", width, "Use e.g. 0.1")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        checks.reject("seed", seed, "must be an integer >= 0", "Use e.g. 0")
    rng, d = np.random.default_rng(seed), len(point.w)
    check_memory("starts", number, 4, d, number)  # the starts, and a few copies of a step
    match checks.known("distribution", distribution, DISTRIBUTIONS):
        case "normal":
            return point.w + width * rng.standard_normal((number, d))
        case "line":
            along = rng.uniform(-width, width, (number, 1)) * point.eigenvectors[:, 0]
            return point.w + along + 1e-6 * width * rng.standard_normal((number, d))
        case _:
            direction = rng.standard_normal((number, d))
            direction /= np.linalg.norm(direction, axis=1, keepdims=True)
            return point.w + width * rng.uniform(0, 1, (number, 1)) ** (1 / d) * direction

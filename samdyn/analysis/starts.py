"""Draws starts around a critical point."""

import numpy as np

from .. import checks
from ..arguments import checked
from ..simulation.starts import check_memory
from .points.critical_points import CriticalPoint

DISTRIBUTIONS = ("disc", "sphere", "normal", "line")


@checked
def starts_around(point: CriticalPoint, number: int, distribution: str, width: float, seed: int = 0) -> np.ndarray:
    """Draw starts around a critical point.

    Args:
        point: the critical point.
        number: the number of starts, ≥ 1.
        distribution: "disc": uniform in a ball of radius ``width``; "sphere": uniform on its surface; "normal":
            Gaussian of standard deviation ``width`` in every coordinate; "line": uniform within ``width`` along the
            eigenvector of the lowest eigenvalue, with a Gaussian displacement of ``width``/10⁶ in every coordinate,
            because the line itself is invariant in symmetric landscapes.
        width: a length > 0, in the units of w.
        seed: the seed of NumPy's generator, an integer ≥ 0.

    Returns:
        The starts ``(number, d)``.

    Raises:
        InputError: the distribution is unknown, or the number, the width or the seed is out of range.

    >>> import numpy as np
    >>> import samdyn as sd
    >>> (point,) = sd.critical_points(sd.landscapes.saddle())
    >>> starts = sd.analysis.starts_around(point, 1000, "disc", 0.1)
    >>> starts.shape, bool((np.linalg.norm(starts - point.w, axis=1) <= 0.1).all())
    ((1000, 2), True)
    """
    number = checks.count("starts", number, "Use e.g. 1000")
    width = checks.positive("spread", width, "Use e.g. 0.1")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        checks.reject("seed", seed, "must be an integer >= 0", "Use e.g. 0")
    rng, d = np.random.default_rng(seed), len(point.w)
    check_memory("starts", number, 4, d, number)  # a step holds a few copies of the starts
    match checks.known("distribution", distribution, DISTRIBUTIONS):
        case "normal":
            return point.w + width * rng.standard_normal((number, d))
        case "line":
            along = rng.uniform(-width, width, (number, 1)) * point.eigenvectors[:, 0]
            return point.w + along + 1e-6 * width * rng.standard_normal((number, d))
        case disc_or_sphere:
            direction = rng.standard_normal((number, d))
            direction /= np.linalg.norm(direction, axis=1, keepdims=True)
            share = 1.0 if disc_or_sphere == "sphere" else rng.uniform(0, 1, (number, 1)) ** (1 / d)
            return point.w + width * share * direction

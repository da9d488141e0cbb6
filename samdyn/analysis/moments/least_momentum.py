"""Solves for the momentum that makes up for something that slows a method down."""

import math
from collections.abc import Callable

import numpy as np

from ... import checks
from ...arguments import checked

LARGEST = 0.98  # γ up to which momenta are searched, if ``largest`` is not given
PARTS = 11  # number of parts of the range in which a sign change is sought, equal in log (1 − γ)
XTOL = 1e-6  # accuracy of γ


@checked
def least_momentum(excess: Callable[[float], float], *, largest: float = LARGEST) -> float:
    """Return the least momentum γ at which a quantity reaches what it should: the first zero of its excess.

    What depends on γ does so by 1/(1−γ). The search therefore looks for a change of sign between 12 values of γ that
    are equidistant in log (1−γ), and may miss two changes between neighbours.

    Args:
        excess: the function of γ, negative where γ is too small, e.g. a displacement over the one wanted, minus 1.
        largest: the largest γ, < 1.

    Returns:
        γ to 1e-6. It is −inf if the excess is positive at γ = 0, and inf if it is negative at all 12 values.

    Raises:
        InputError: largest is not in (0, 1).

    >>> import samdyn as sd
    >>> round(sd.analysis.least_momentum(lambda gamma: 1 / (1 - gamma) - 3), 4)
    0.6667
    """
    from scipy.optimize import brentq

    largest = checks.number("largest", largest, "must lie in (0, 1)", "Use e.g. 0.98", lambda gamma: 0 < gamma < 1)
    if excess(0.0) > 0:
        return -math.inf
    below = 0.0
    for gamma in map(float, 1 - np.geomspace(1, 1 - largest, PARTS + 1)[1:]):
        if excess(gamma) >= 0:
            return float(brentq(excess, below, gamma, xtol=XTOL))
        below = gamma
    return math.inf

"""Where SAM with several ascent steps rests beside a saddle."""

import numpy as np

from .. import checks
from ..arguments import checked


@checked
def rest_distances(*, rho: float, ascent_steps: int = 1, average: bool = False) -> np.ndarray:
    """Return the distances from a saddle at which normalised SAM with n ascent steps rests, along its escape direction.

    On the line of the escape direction an ascent step moves the point by ρ/n towards the saddle, and across it once
    the saddle is nearer than that. SAM's field therefore changes its sign at multiples of ρ/n alone. A run rests where
    the field pushes from both sides.

    - SAM that follows the gradient at the last ascent point rests at (n − 1 − 2j)ρ/n for j = 0, 1, …: for odd n at the
      saddle too, for even n only beside it.
    - SAM that follows the mean gradient of the n points rests at jρ/n for those j = 0, 1, … with
      (j+1)(2−j) + 2⌊(n−1−j)/2⌋ > 0: at the saddle for every n.

    The step is small, and so is the bounce along the other directions: both shift the rest by the order of ηρ.

    Args:
        rho: ρ > 0, in the units of w.
        ascent_steps: n.
        average: whether SAM follows the mean of the gradients at the n ascent points. [Our reading of M23.]

    Returns:
        The distances in rising order, in the units of w. The rests on both sides of the saddle have them.

    Raises:
        InputError: a radius that is not finite and > 0, or ascent_steps < 1.

    Source: derived; the largest distance is the claim several-steps-rest-beside-saddle.

    >>> import samdyn as sd
    >>> sd.theory.rest_distances(rho=0.5, ascent_steps=4).tolist()
    [0.125, 0.375]
    >>> sd.theory.rest_distances(rho=0.5, ascent_steps=4, average=True).tolist()
    [0.0, 0.125]
    """
    rho = checks.positive("rho", rho, "Use e.g. rho=0.5")
    n = checks.count("ascent_steps", ascent_steps, "Use e.g. ascent_steps=2")
    j = np.arange(n)
    attracts = (j + 1) * (2 - j) + 2 * ((n - 1 - j) // 2) > 0 if average else (n - 1 - j) % 2 == 0
    return rho / n * j[attracts]

"""Training that ends at a loss."""

from collections.abc import Iterator

import numpy as np
import torch

from ... import checks
from ...arguments import checked
from ...landscapes import Landscape


@checked
def first_at_loss(
    landscape: Landscape, saves: Iterator[tuple[int, torch.Tensor]], loss: float
) -> tuple[torch.Tensor, np.ndarray]:
    """Return each network as it is at the first save at which its loss is no higher than a bound.

    Networks are compared at equal training loss, not after equally many steps. The function draws saves until all
    networks are there, so that the training of ``networks.train`` ends then.

    Args:
        landscape: the loss.
        saves: the number of steps and the networks ``(d, n)`` at every save, as ``networks.train`` yields them.
        loss: the bound, in the units of the loss.

    Returns:
        The networks, ``(d, n)``, and the number of steps after which they were there, ``(n,)``. It is nan for networks
        that never were: they are as they are at the last save.

    Raises:
        InputError: there is no save, or the loss is not a finite number.

    >>> import samdyn as sd
    >>> parabola = sd.landscapes.quadratic([2.0])
    >>> saves = sd.networks.train(sd.Map(parabola, sd.GD(), lr=0.25), [[1.0], [100.0]], 4, save_every=2)
    >>> w, step = sd.networks.first_at_loss(parabola, saves, loss=0.1)
    >>> w.tolist(), step.tolist()
    ([[0.25, 6.25]], [2.0, nan])
    """
    checks.number("loss", loss, "must be finite", "Use e.g. loss=0.02")
    w, steps = None, np.empty(0)
    for step, now in saves:
        if w is None:
            w, steps = now.clone(), np.full(now.shape[1], np.nan)
        on_the_way = np.isnan(steps)
        w[:, on_the_way] = now[:, on_the_way]
        steps[on_the_way & (landscape.value(now) <= loss).cpu().numpy()] = step
        if not np.isnan(steps).any():
            break
    if w is None:
        checks.reject("saves", "nothing", "there is no save", "Give networks.train(map_, starts, steps, save_every=10)")
    return w, steps

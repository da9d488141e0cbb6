"""Computes mean squared displacements without sampling error."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import checks
from ...arguments import checked
from ...dynamics import Diffusion, Map
from .linear_diffusion import LinearDiffusion, linear_diffusion
from .linear_step import LinearStep, linear_step, start_point


@checked
def exact_msd(
    system: Map | Diffusion, w0: Any, direction: np.ndarray | Sequence[float], times: np.ndarray | Sequence[float]
) -> np.ndarray:
    """Return the exact mean squared displacement along a direction at times t = kη, from rest at w0.

    Args:
        system: a map with a linear step, or a diffusion with a linear drift and constant noise; see ``linear_step`` and
            ``linear_diffusion``.
        w0: the start ``(d,)``.
        direction: the direction e, ``(d,)``, e.g. an eigenvector of the Hessian.
        times: the times t, ``(m,)``, in any order. A map's displacement is linear in t between two steps.

    Returns:
        E ((w(t) − w0)·e)², ``(m,)``, in the units of w².

    Raises:
        InputError: the system has no exact moments, a time is not finite and ≥ 0, or the start or the direction has
            another dimension.

    >>> import samdyn as sd
    >>> noise = sd.noise.Gaussian(1.0)
    >>> map_ = sd.Map(sd.Landscape("x**2", "x"), sd.GD(), lr=0.1, noise=noise)
    >>> sd.analysis.exact_msd(map_, [0.0], [1.0], [0.1, 0.2]).round(6)  # η²σ² and η²σ²(1 + (1 − ηλ)²)
    array([0.01  , 0.0164])
    >>> sde = sd.Diffusion(map_.landscape, map_.method, noise, lr=0.1)
    >>> sd.analysis.exact_msd(sde, [0.0], [1.0], [0.1, 0.2]).round(6)  # ησ²(1 − exp(−2λt))/(2λ)
    array([0.008242, 0.013767])
    """
    linear = linear_of(system)
    return msd_along(linear, *checked_along(system.landscape.dim, w0, direction, times))


def linear_of(system: Map | Diffusion) -> LinearStep | LinearDiffusion:
    """Return the linear step or diffusion of a system.

    Raises:
        InputError: there is none.
    """
    return linear_diffusion(system) if isinstance(system, Diffusion) else linear_step(system)


def checked_along(d: int, w0: Any, direction: Any, times: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a start ``(d,)``, a direction ``(d,)`` and times ``(m,)`` as arrays.

    Raises:
        InputError: one of them has another shape, or a time is not finite and >= 0.
    """
    start, direction, times = start_point(w0, d), np.asarray(direction), np.asarray(times)
    if direction.shape != start.shape:
        rule = f"is the shape of a direction for {len(start)} coordinate(s)"
        checks.reject("direction", direction.shape, rule, "Give one vector, e.g. an eigenvector of the Hessian")
    if times.ndim != 1 or not times.size or not np.isfinite(times).all() or (times < 0).any():
        checks.reject("times", times.tolist(), "must be one or more finite numbers >= 0", "Use e.g. times=[0.5, 1]")
    return start, direction, times


def msd_along(
    system: LinearStep | LinearDiffusion, start: np.ndarray, direction: np.ndarray, times: np.ndarray
) -> np.ndarray:
    """Return what ``exact_msd`` returns for a map or a diffusion whose linear step or diffusion is known."""

    def along(moments: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        mean, covariance = moments
        msd: np.ndarray = ((mean - start) @ direction) ** 2 + covariance @ direction @ direction
        return msd

    if isinstance(system, LinearDiffusion):
        return along(system.moments(start, times))
    steps = times / system.map_.dt
    of_steps = along(system.moments(start, max(1, int(np.ceil(steps.max())))))
    return np.interp(steps, np.arange(len(of_steps)), of_steps)

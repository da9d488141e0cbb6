"""Measures what runs do at their end: rest, bounce, or drift along a valley."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import checks
from ...arguments import checked, for_any_map
from ...dynamics import Map
from ...simulation import Status, simulate

LEAST = 8  # smallest number of steps in the window, for each step of the map's period


@dataclass(frozen=True)
class LateMotion:
    """The motion of N runs over the last steps of a simulation.

    >>> import numpy as np
    >>> import samdyn as sd
    >>> one = np.zeros((1, 2))
    >>> sd.analysis.LateMotion(center=one, amplitude=one, drift=one).reach.tolist()
    [[0.0, 0.0]]

    Attributes:
        center: the mean place, ``(N, d)``, in the units of w.
        amplitude: half the range of every coordinate about its drift, ``(N, d)``, in the units of w: the size of a
            bounce, 0 at rest. Of chaotic or random motion it is the range of these steps, and not its variance.
        drift: the change of the mean place in a step, ``(N, d)``, in the units of w.

    All are nan for runs that diverge.
    """

    center: np.ndarray
    amplitude: np.ndarray
    drift: np.ndarray

    @property
    def reach(self) -> np.ndarray:
        """The largest distance of every coordinate from 0 about the drift, ``(N, d)``, in the units of w."""
        reach: np.ndarray = np.abs(self.center) + self.amplitude
        return reach


@checked
@for_any_map
def late_motion(map_: Map, w0: Any, steps: int, window: int) -> LateMotion:
    """Measure the motion of runs over the last steps, the window.

    The drift is that between the means of both halves of the window. A 2-cycle counts as a bounce without drift.
    The window is shortened to a multiple of four times the period of the map.

    Args:
        map_: the iterates of any method and base optimizer, with or without noise.
        w0: the starts ``(N, d)``.
        steps: the number of steps of each run, after which transients are over.
        window: the number of its last steps that are measured.

    Raises:
        InputError: the window is shorter than eight times the period of the map or longer than the run, or ``simulate``
            refuses an argument.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.ravine("2 + 0.1*z"), sd.SAM(0.1), lr=0.5)  # y ↔ −y with |y| = ηρλ/(2 − ηλ)
    >>> motion = sd.analysis.late_motion(map_, [(0.3, 0.0)], steps=40, window=16)
    >>> motion.amplitude.round(2).tolist(), motion.drift.round(6).tolist()
    ([[0.1, 0.0]], [[0.0, -0.000997]])
    """
    steps = checks.count("steps", steps, "Use e.g. steps=1000")
    unit = math.lcm(4, 2 * map_.period)
    rule = f"must lie between {LEAST * map_.period} and {steps}, the number of steps"
    fix = f"Use e.g. window={max(LEAST * map_.period, steps // 4)}, and enough steps"
    length = checks.number("window", window, rule, fix, lambda n: LEAST * map_.period <= n <= steps)
    window = max(int(length) // unit * unit, unit)
    runs = simulate(map_, w0, steps, save_every=1, progress=False)
    w = np.where(runs.status.values[:, None, None] == Status.DIVERGED, np.nan, runs.w.values[:, -window:])
    half = window // 2
    first, second = w[:, :half].mean(1), w[:, half:].mean(1)
    drift = (second - first) / half
    center = w.mean(1)
    about = w - center[:, None] - drift[:, None] * (np.arange(window) - (window - 1) / 2)[None, :, None]
    return LateMotion(center, np.ptp(about, axis=1) / 2, drift)

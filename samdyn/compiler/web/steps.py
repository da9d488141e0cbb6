"""The programs of the steps of a map: plain, heavy ball and Nesterov's momentum."""

from typing import Any

import torch

from ...dynamics import Map
from ...dynamics.settings import filled
from .opaque import OpaqueLandscape
from .program import Program
from .tracing import Trace, tracing

INPUTS = ("x", "y", "vx", "vy", "Fx", "Fy", "lr", "momentum")


def step_program(momentum: bool, nesterov: bool = False) -> Program:
    """Return the program of ``Map.step`` for a given F: from INPUTS to the next x, y, vx and vy.

    Without momentum the velocity stays as it is.

    >>> step_program(momentum=False)["inputs"]
    ['x', 'y', 'vx', 'vy', 'Fx', 'Fy', 'lr', 'momentum']
    """

    trace = Trace(torch.float64)
    with tracing():
        inputs = [trace.input(name) for name in INPUTS]
        (w, v, update), (lr, gamma) = (torch.stack(inputs[i : i + 2]) for i in (0, 2, 4)), inputs[6:]
        method: Any = lambda w, grad: update  # noqa: E731 (Map takes a function of w and a gradient oracle, too)
        map_ = Map(OpaqueLandscape(), method, lr=1.0, momentum=0.5 * momentum, nesterov=nesterov)
        map_ = filled(map_, {("lr",): lr, ("momentum",): gamma} if momentum else {("lr",): lr})
        w, *velocity = map_.step((w, v) if momentum else (w,))
        return trace.programs({"step": (INPUTS, torch.cat([w, *(velocity or [v])]))})["step"]

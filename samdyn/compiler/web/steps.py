"""The programs of the steps of a map: plain, heavy ball and Nesterov's momentum."""

import torch

from ...dynamics import Map
from ...dynamics.settings import filled
from .opaque import OpaqueLandscape
from .program import Program
from .tracing import programs

INPUTS = ("x", "y", "vx", "vy", "Fx", "Fy", "lr", "momentum")


def step_program(momentum: bool, nesterov: bool = False) -> Program:
    """Return the program of ``Map.step`` for a given F: from INPUTS to the next x, y, vx and vy.

    Without momentum the velocity stays as it is.

    >>> step_program(momentum=False)["inputs"]
    ['x', 'y', 'vx', 'vy', 'Fx', 'Fy', 'lr', 'momentum']
    """

    def result(*inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        (w, v, update), (lr, gamma) = (torch.stack(inputs[i : i + 2]) for i in (0, 2, 4)), inputs[6:]
        map_ = Map(OpaqueLandscape(), lambda w, grad: update, lr=1.0, momentum=0.5 * momentum, nesterov=nesterov)
        traced = filled(map_, {("lr",): lr, ("momentum",): gamma})
        w, *velocity = traced.step((w, v) if momentum else (w,))
        return {"step": torch.cat([w, *(velocity or [v])])}

    return programs(result, INPUTS, torch.float64)["step"]

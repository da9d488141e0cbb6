"""Passes the corners of surfaces, at which these have no normal, by steps so small that sides do not matter."""

import torch

from ...compiler import LANES, STATIC, VARYING, Input, Kernel, NotCompilable
from ...ops import norm
from ..backends import Compiled
from .compiled import built
from .jumps import Function, size

CORNER_DISTANCE = 1e-4  # distance that runs are moved past a corner of surfaces, relative to max(1, ‖w‖∞)
CORNER_STEP = 2.5e-8  # length of a step there, relative to max(1, ‖w‖∞)
STEPS = round(CORNER_DISTANCE / CORNER_STEP)


def past_corner(
    field: Function, w: torch.Tensor, rest: torch.Tensor, backend: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Follow runs ``(d, n)`` past a corner by Euler's method, at most for the times ``rest`` (n,).

    Euler's method follows Filippov's solution there, to about CORNER_STEP. Thousands of steps take longer in torch than
    to compile.

    Returns:
        The positions ``(d, n)`` and the times that passed ``(n,)``.
    """
    time = torch.zeros_like(rest)
    if backend != "eager" and w.device.type == "cpu":
        try:
            kernel = built("corner", field, len(w), _traced)
        except NotCompilable:
            pass
        else:
            n = len(rest)
            columns = torch.arange(n + -n % LANES) % n  # copies fill the last block
            state = [part[..., columns].contiguous() for part in (w, time)]
            w, time = Compiled(kernel).advance(state, [rest[columns].contiguous()], STEPS)
            return w[:, :n], time[:n]
    for _ in range(STEPS):
        w, time = _step(field, w, time, rest)
    return w, time


def _step(
    field: Function, w: torch.Tensor, time: torch.Tensor, rest: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    velocity = field(w)
    h = torch.minimum(CORNER_STEP * size(w) / norm(velocity).clamp(min=1e-300), rest - time)
    return w + h * velocity, time + h


def _traced(field: Function, d: int) -> Kernel:
    number = torch.float64
    state = [Input("w", (d,), number, VARYING), Input("time", (), number, VARYING)]
    others = [Input("rest", (), number, STATIC)]
    return Kernel(lambda w, time, rest: _step(field, w, time, rest), state, others, None, None)

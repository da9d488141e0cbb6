"""Advances many runs together with frames of tangent vectors, and sums the logarithms of the frames' growth."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from ...compiler import CONSTANT, LANES, STATIC, UNIFORM, VARYING, Input, Kernel, NotCompilable
from ...dynamics import Flow, Map
from ...dynamics.settings import Path, filled, per_run
from ...noise import Draws
from ...ops import directional_derivative, jacobian
from ...simulation.backends import COSTS, Backend, Compiled, Eager, check_agreement
from ...simulation.threads import one_thread

ROUNDING = 1e-12  # relative to the unit of length and the state; a step that is shorter may be a rounding error
CHANGED = 5  # number of tensors that a step updates: z, the frame, the logarithms, running and end


@dataclass(frozen=True)
class RungeKutta:
    """The map that takes one step of the classical Runge–Kutta method of a flow, of order 4.

    Attributes:
        flow: the flow.
        h: the length of a step, in units of t.
    """

    flow: Flow
    h: float

    def flat_step(self, z: torch.Tensor, draws: object = None) -> torch.Tensor:
        """Return the state after one step: ``(d, N) -> (d, N)``."""
        a = self.flow(z)
        b = self.flow(z + self.h / 2 * a)
        c = self.flow(z + self.h / 2 * b)
        d = self.flow(z + self.h * c)
        return z + self.h / 6 * (a + 2 * b + 2 * c + d)


@dataclass(frozen=True)
class TangentStep:
    """One step of runs and of their tangent vectors, which Gram and Schmidt's method makes orthonormal again.

    This is the QR decomposition of J·frame at every step: the diagonal of R has the lengths whose logarithms are added.

    Attributes:
        system: the map, or a flow's step.
        low, high: the box, ``(d, 1)`` each; a run that leaves it stops.
    """

    system: Map | RungeKutta
    low: torch.Tensor
    high: torch.Tensor

    @cached_property
    def per_run(self) -> dict[Path, torch.Tensor]:
        """The parameters with one value per run, by their paths."""
        return per_run(self.system)

    def __call__(self, *tensors: Any) -> tuple[torch.Tensor, ...]:
        """Advance every running run. Returns the updated (z, frame, logs, running, end).

        Args:
            tensors: z ``(D, N)``, the frame ``(D, m, N)``, logs ``(m, N)``, running and end ``(N,)``, the indices of
                the runs ``(N,)``, the parameters with one value per run, seed, step.
        """
        z, frame, logs, running, end, runs, *settings, seed, step = tensors
        system = filled(self.system, dict(zip(self.per_run, settings, strict=True)))
        draws = Draws(seed, runs, step)  # the tangent vectors get the noise of the run

        def advance(z: torch.Tensor) -> torch.Tensor:
            return system.flat_step(z, draws)

        new = advance(z)
        if hasattr(z, "directional_derivative"):  # expressions, which the compiler traces
            images = [directional_derivative(advance, z, column) for column in frame.unbind(1)]
        else:
            matrix = jacobian(advance, z)
            images = [(matrix * column).sum(1) for column in frame.unbind(1)]
        columns: list[torch.Tensor] = []
        growth = []
        for image, before in zip(images, frame.unbind(1), strict=True):
            rest = image
            for column in columns:
                rest = rest - (column * rest).sum(0) * column
            length = (rest * rest).sum(0).sqrt()
            vanished = length == 0  # the step maps the direction to a point: its exponent is −∞
            columns.append(torch.where(vanished, before, rest / torch.where(vanished, 1.0, length)))
            growth.append(length.log())
        d = len(self.low)
        inside = ((new[:d] >= self.low) & (new[:d] <= self.high)).all(0)  # false for NaN
        goes_on = running & inside
        return (
            torch.where(goes_on, new, z),
            torch.where(goes_on, torch.stack(columns, 1), frame),
            torch.where(goes_on, logs + torch.stack(growth), logs),
            goes_on,
            end + running,
        )


class TangentRuns:
    """Runs with frames of m tangent vectors, in one process and without recorded gradients.

    Attributes:
        backend: the name of the backend, "eager" or "compiled".
        tensors: the state and the other tensors of ``TangentStep``, padded to the backend's multiple.
    """

    def __init__(
        self, step: TangentStep, z: torch.Tensor, count: int, *, steps: int, seed: int, runs: torch.Tensor
    ) -> None:
        """Put the runs at their starts.

        Args:
            step: the step.
            z: the states ``(D, N)``.
            count: the number of tangent vectors.
            steps: the number of steps that the caller expects to take, which decides on the backend.
            seed: the seed of the noise.
            runs: the indices by which the runs draw their noise, ``(N,)``.
        """
        self._step, self._seed, self._n, self._done = step, seed, z.shape[1], 0
        backend = _compiled(step, z, count, steps)
        self._backend: Backend = backend or Eager(step)
        padding = -self._n % self._backend.multiple
        z, runs, *settings = (
            torch.cat([part, part[..., :1].expand(*part.shape[:-1], padding)], -1)
            for part in (z, runs, *step.per_run.values())
        )
        frame = torch.eye(len(z), count, dtype=z.dtype)[..., None].repeat(1, 1, z.shape[1])
        # A frame along the axes might miss a direction for ever; a fixed rotation of it does not.
        mixed = torch.linalg.qr(torch.sin(torch.arange(1.0, len(z) ** 2 + 1, dtype=z.dtype)).reshape(len(z), -1))[0]
        frame = torch.einsum("ij,jkn->ikn", mixed, frame)
        n = z.shape[1]
        running, end = torch.ones(n, dtype=torch.bool), torch.zeros(n, dtype=torch.int64)
        running[self._n :] = False
        self.tensors = [z, frame, torch.zeros(count, n, dtype=z.dtype), running, end, runs, *settings]
        if isinstance(self._backend, Compiled):
            try:
                self._check()
            except NotCompilable:
                self._backend = Eager(step)

    @property
    def backend(self) -> str:
        """The name of the backend."""
        return self._backend.name

    def advance(self, steps: int) -> torch.Tensor:
        """Take steps and return the sums of the logarithms of the growth in them, ``(m, N)``."""
        self.tensors[2] = torch.zeros_like(self.tensors[2])
        with torch.no_grad(), one_thread():
            new = self._backend.advance(
                self.tensors[:CHANGED],
                self.tensors[CHANGED:],
                steps,
                begin=self._done + 1,
                shared={"seed": self._seed},
            )
        self.tensors[:CHANGED] = list(new)
        self._done += steps
        return self.tensors[2][:, : self._n].clone()

    @property
    def z(self) -> torch.Tensor:
        """The states of the runs, ``(D, N)``."""
        return self.tensors[0][:, : self._n]

    @property
    def running(self) -> torch.Tensor:
        """Which runs go on, ``(N,)``."""
        return self.tensors[3][: self._n]

    @property
    def end(self) -> torch.Tensor:
        """The number of steps that each run took, ``(N,)``."""
        return self.tensors[4][: self._n]

    def _check(self) -> None:
        some = [tensor[..., :LANES].contiguous() for tensor in self.tensors]
        options = {"begin": 1, "shared": {"seed": self._seed}}
        assert isinstance(self._backend, Compiled)
        with torch.no_grad():
            check_agreement(Eager(self._step), self._backend, some[:CHANGED], some[CHANGED:], (0, 2, 3, 4), **options)


def _compiled(step: TangentStep, z: torch.Tensor, count: int, steps: int) -> Compiled | None:
    """Return the compiled backend if it is possible and takes less time than torch, else None."""
    costs = COSTS["cpu"]
    work = costs.torch(steps, z.shape[1])
    if not costs.may_trace(work):
        return None
    state = [
        Input("z", (len(z),), z.dtype, VARYING),
        Input("frame", (len(z), count), z.dtype, VARYING),
        Input("logs", (count,), z.dtype, VARYING),
        Input("running", (), torch.bool, VARYING),
        Input("end", (), torch.int64, VARYING),
    ]
    others = [
        Input("runs", (), torch.int64, STATIC),
        *(Input(f"setting{n}", (), values.dtype, STATIC) for n, values in enumerate(step.per_run.values())),
        Input("seed", (), torch.int64, CONSTANT),
        Input("step", (), torch.int64, UNIFORM),
    ]
    try:
        kernel = Kernel(step, state, others, "running", "step")
        if costs.why_not(work, kernel) is not None:
            return None
        kernel.build()
    except NotCompilable:
        return None
    return Compiled(kernel)


def local_error(flow: Flow, z: torch.Tensor, h: float, unit: float) -> torch.Tensor:
    """Return the error of one Runge–Kutta step at states ``(d, N)``, relative to the larger of unit and ‖z‖∞: ``(N,)``.

    It is that of one step beside two half steps, or inf where the velocity changes by half of itself in half a step:
    where the field jumps, the steps may agree by chance.
    """
    size = z.abs().amax(0).clamp(min=unit)
    whole, half = RungeKutta(flow, h), RungeKutta(flow, h / 2)
    error = (whole.flat_step(z) - half.flat_step(half.flat_step(z))).abs().amax(0) * 16 / 15
    velocity = flow(z)
    change = (flow(z + h / 2 * velocity) - velocity).abs().amax(0)
    speed = velocity.abs().amax(0)
    jumps = (change > speed / 2) & (h * speed > ROUNDING * size)
    return torch.where(jumps, torch.inf, error / size)


def axes(box: Sequence[tuple[float, float]], factor: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return low and high, ``(d, 1)`` each, of a box that is enlarged by a factor about its centre."""
    low, high = torch.tensor(box, dtype=torch.float64).T[..., None]
    middle, half = (low + high) / 2, (high - low) / 2
    return middle - factor * half, middle + factor * half

"""The velocity of a flow, compiled once torch has worked on it for as long as compiling takes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import torch

from ...compiler import LANES, VARYING, Input, Kernel, NotCompilable
from ..backends import COSTS, FIRST_TRACE, MIN_AGREEMENT, Operations, prepared, same_numbers, warn_once
from ..threads import user_threads
from ..units import ScaledFlow

MAX_FIELDS = 32  # number of fields that the process keeps in memory


@dataclass(frozen=True)
class CompiledFlow(ScaledFlow):
    """A flow in a unit of length, whose velocity at numbers on the CPU is compiled if that saves time.

    A velocity is a hundred operations, of some microseconds each in torch, however few the points. What traces or
    differentiates it, or needs it elsewhere, gets torch's.

    Attributes:
        flow, unit: as those of a ``ScaledFlow``.
        backend: "eager", "compiled" or "auto", as in ``integrate``.
    """

    backend: str = field(compare=False)  # all backends share compiled code

    def __call__(self, u: torch.Tensor) -> torch.Tensor:
        """Return the velocity at points that ``torch.func`` does not transform: ``(d, …) -> (d, …)``."""
        plain = type(u) is torch.Tensor and u.dtype == torch.float64 and u.device.type == "cpu"
        if not plain or u.requires_grad or not u.numel() or self.backend == "eager":
            return self.eager(u)
        code = self._code
        return code(u, self.backend) if code.kernel is None else _run(code.kernel, u)

    def repeated(self, n: int) -> Callable[[torch.Tensor], torch.Tensor]:
        """Return the velocity at n points, many times one after another: ``(d, n) -> (d, n)``.

        A result is valid until the next call.
        """
        call: Callable[[], None] | None = None
        block = torch.zeros(self.flow.landscape.dim, n + -n % LANES, dtype=torch.float64)
        inner = block[:, :n]

        def velocity(u: torch.Tensor) -> torch.Tensor:
            nonlocal call
            if call is None:
                if self.backend == "eager" or self._code.kernel is None or u.device.type != "cpu":
                    return self(u)
                call = self._code.kernel.bound([block], user_threads())
            inner.copy_(u)
            call()
            return inner

        return velocity

    @cached_property
    def eager(self) -> ScaledFlow:
        """The flow in torch."""
        return ScaledFlow(self.flow, self.unit)

    @cached_property
    def _code(self) -> "_Code":
        try:
            code = _codes.get(self.eager)
            if code is None:
                while len(_codes) >= MAX_FIELDS:
                    _codes.pop(next(iter(_codes)))
                code = _codes[self.eager] = _Code(self.eager)
        except TypeError:  # a field that cannot be hashed has code of its own
            code = _Code(self.eager)
        return code


@dataclass
class _Code:
    """The code of a field, which all its integrations share.

    Attributes:
        field: the velocity in torch.
        kernel: the compiled velocity; None before it is worth it, or if it cannot be compiled.
        traced: the same before it is built.
        over: whether the velocity cannot be compiled.
        work: the time that torch took for the velocity so far, estimated, in seconds.
        operations, numbers: the number of torch's operations, and that of the numbers that they compute for each point.
    """

    field: ScaledFlow
    kernel: Kernel | None = None
    traced: Kernel | None = None
    over: bool = False
    work: float = 0.0
    operations: int = 0
    numbers: float = 0.0

    def __call__(self, u: torch.Tensor, backend: str) -> torch.Tensor:
        """Return the velocity by torch; compile it for the next calls if torch worked on it as long as that takes."""
        points = u.numel() // len(u)
        if not self.operations:
            with Operations() as count:
                velocity = self.field(u)
            self.operations, self.numbers = max(count.calls, 1), count.numbers / points
        else:
            velocity = self.field(u)
        self.work += COSTS["cpu"].torch(1, points, self.operations, self.numbers)
        try:
            if not self.over and (backend == "compiled" or self._pays(len(u))):
                self._build(u, velocity)
        except NotCompilable as error:
            self.over = True
            if backend == "compiled":
                warn_once(str(error))
        return velocity

    def _pays(self, d: int) -> bool:
        """Say whether torch worked on the velocity for as long as compiling takes."""
        costs = COSTS["cpu"]
        trace = costs.trace * self.operations
        if self.work < trace + (0.0 if prepared() else FIRST_TRACE):
            return False
        self.traced = self.traced or _traced(self.field, d)
        return self.work >= trace + costs.build(self.traced)

    def _build(self, u: torch.Tensor, velocity: torch.Tensor) -> None:
        kernel = self.traced or _traced(self.field, len(u))
        kernel.build()
        same = same_numbers(_run(kernel, u).reshape(len(u), -1), velocity.reshape(len(u), -1))
        if same.double().mean() < MIN_AGREEMENT:  # where the field jumps some differ
            raise NotCompilable("the compiled code does not do what torch does")
        self.kernel = kernel


_codes: dict[ScaledFlow, _Code] = {}


def _traced(field: ScaledFlow, d: int) -> Kernel:
    """Trace the velocity.

    Raises:
        NotCompilable: it cannot be traced.
    """
    return Kernel(lambda w: [field(w)], [Input("w", (d,), torch.float64, VARYING)], [], None, None)


def _run(kernel: Kernel, u: torch.Tensor) -> torch.Tensor:
    """Return the velocity by compiled code: ``(d, …) -> (d, …)``."""
    points = u.reshape(len(u), -1)
    n = points.shape[1]
    if n % LANES:
        block = points.new_empty(len(u), n + -n % LANES)
        block[:, :n], block[:, n:] = points, points[:, :1]  # copies fill the last block
    else:
        block = points.clone(memory_format=torch.contiguous_format)
    kernel.run([block], {}, 0, 1, user_threads())
    return block[:, :n].reshape(u.shape)

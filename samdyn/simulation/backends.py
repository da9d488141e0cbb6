"""The two backends of a step, eager torch and compiled code: their costs, and the check that they agree."""

import sys
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from ..compiler import LANES, CUDAKernel, Kernel, NotCompilable
from .threads import user_threads

BACKENDS = ("auto", "eager", "compiled")
MIN_GAIN = 2.0  # expected time of eager torch over the time to build compiled code, above which it is built
MAX_TRACE_SHARE = 0.1  # time to trace a step over the time of eager torch; a trace may show that compiling does not pay
UNKNOWN_CALLS = 300  # guess of the operations on tensors of a step that was not traced
UNKNOWN_NUMBERS = 1500  # guess of the numbers that a step computes for each run
FIRST_TRACE = 0.6  # seconds that torch takes to prepare for the first trace of a process
MIN_AGREEMENT = (
    0.5  # share of runs whose first compiled step must equal torch's to rounding; where fields jump some differ
)

Step = Callable[..., Sequence[torch.Tensor]]
AnyKernel = Kernel | CUDAKernel


@dataclass(frozen=True)
class Costs:
    """Times on a kind of device, in seconds, as ``benchmarks/backend_costs.py`` measures them.

    Attributes:
        operation: time of one operation of torch on tensors, Python's share included.
        number: time of each number that such an operation computes.
        trace: time to trace one operation on tensors.
        load: time to find and load code that was compiled before.
        compile: time to compile the shortest code.
        line: time to compile one more operation on scalars.
    """

    operation: float
    number: float
    trace: float
    load: float
    compile: float
    line: float

    def torch(self, steps: float, runs: int, calls: float = UNKNOWN_CALLS, numbers: float = UNKNOWN_NUMBERS) -> float:
        """Return the time of eager torch for steps of ``calls`` operations that compute ``numbers`` numbers per run."""
        return steps * (calls * self.operation + numbers * runs * self.number)

    def build(self, kernel: AnyKernel) -> float:
        """Return the time to build a kernel, or to load one that was compiled before.

        Raises:
            NotCompilable: there is no compiler.
        """
        return self.load if kernel.is_built else self.compile + self.line * kernel.operations

    def may_trace(self, work: float, calls: int = UNKNOWN_CALLS) -> bool:
        """Say whether a step of ``calls`` operations is traced in a time short beside ``work``, that of eager torch."""
        return MAX_TRACE_SHARE * work >= self.trace * calls

    def why_not(self, work: float, kernel: AnyKernel, before: float = 0.0) -> str | None:
        """Return the reason not to build a kernel; None if it is worth building.

        Args:
            work: time that eager torch would take, in seconds.
            kernel: the kernel.
            before: time that eager torch took for the same code earlier in this process, in seconds.

        Raises:
            NotCompilable: there is no compiler.
        """
        build_time = self.build(kernel)
        return (
            None
            if work + before >= MIN_GAIN * build_time
            else f"{work_of(work)}, and compiling takes up to {build_time:.2g} s"
        )


# The times of the CPU are for one thread of a Xeon at 2.1 GHz and gcc 12, those of CUDA for an H100.
COSTS = {
    "cpu": Costs(operation=2.9e-6, number=5.9e-10, trace=7e-5, load=1e-4, compile=0.08, line=2.6e-4),
    "cuda": Costs(operation=8e-6, number=1e-11, trace=7e-5, load=0.01, compile=0.5, line=1e-3),
}


def work_of(seconds: float) -> str:
    """Return the words for a time of eager torch."""
    return f"about {seconds:.2g} s of work"


class Backend(ABC):
    """A way to compute steps."""

    name: str
    multiple = 1  # the number of runs must be a multiple of this

    @abstractmethod
    def advance(
        self,
        state: Sequence[torch.Tensor],
        others: Sequence[torch.Tensor],
        steps: int,
        *,
        begin: int = 0,
        shared: Mapping[str, int] | None = None,
    ) -> Sequence[torch.Tensor]:
        """Return the state after some steps. The tensors of ``state`` may be overwritten.

        Args:
            state: the tensors that a step updates, with the runs on the last axis.
            others: the other tensors with one entry per run.
            steps: number of steps.
            begin: number of the first step, for steps that take a number.
            shared: the integers that all runs share, by name; None if a step takes neither such integers nor a number.
        """


class Eager(Backend):
    """Torch, one operation after another."""

    name = "eager"

    def __init__(self, step: Step) -> None:
        self._step = step

    def advance(
        self,
        state: Sequence[torch.Tensor],
        others: Sequence[torch.Tensor],
        steps: int,
        *,
        begin: int = 0,
        shared: Mapping[str, int] | None = None,
    ) -> Sequence[torch.Tensor]:
        """Take the steps."""
        for k in range(begin, begin + steps):
            state = self._step(*state, *others, *(() if shared is None else (*shared.values(), k)))
        return state


class Compiled(Backend):
    """Compiled code that loops over the steps, in blocks of runs on a processor, with one thread per run on a GPU."""

    name = "compiled"

    def __init__(self, kernel: AnyKernel) -> None:
        self.kernel = kernel
        self.multiple = LANES if isinstance(kernel, Kernel) else 1

    def advance(
        self,
        state: Sequence[torch.Tensor],
        others: Sequence[torch.Tensor],
        steps: int,
        *,
        begin: int = 0,
        shared: Mapping[str, int] | None = None,
    ) -> Sequence[torch.Tensor]:
        """Take the steps, in place where the state is contiguous.

        Raises:
            NotCompilable: the GPU refuses the code.
        """
        state = [tensor.contiguous() for tensor in state]
        per_run, common = [*state, *others], dict(shared or {})
        if isinstance(self.kernel, CUDAKernel):
            self.kernel.run(per_run, common, begin, steps)
        else:
            self.kernel.run(per_run, common, begin, steps, user_threads())
        return state


def check_agreement(
    eager: Eager,
    compiled: Compiled,
    state: Sequence[torch.Tensor],
    others: Sequence[torch.Tensor],
    compared: Sequence[int],
    **step: Any,
) -> None:
    """Take one step of copies with both backends, and refuse compiled code that disagrees with torch.

    Args:
        eager, compiled: the backends.
        state, others, step: as for ``Backend.advance``.
        compared: indices of the tensors of the state to compare. Floats must agree to rounding, the others exactly.

    Raises:
        NotCompilable: the states differ in more than half of the runs.
    """
    both = (backend.advance([t.clone() for t in state], others, 1, **step) for backend in (eager, compiled))
    same = torch.ones_like(state[0][0], dtype=torch.bool)
    for number, (a, b) in enumerate(zip(*both, strict=True)):
        if number in compared:
            same &= same_numbers(a.reshape(-1, a.shape[-1]), b.reshape(-1, b.shape[-1]))
    if same.double().mean() < MIN_AGREEMENT:
        raise NotCompilable("the compiled code does not do what torch does")


def same_numbers(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Say which columns of two results ``(m, N)`` are the same: ``(N,)`` bool.

    Floats may differ by rounding, relative to the largest of the column.
    """
    if not a.is_floating_point():
        return (a == b).all(0)
    tolerance = torch.finfo(a.dtype).eps ** 0.5
    size = a.nan_to_num(0, 0, 0).abs().amax(0).clamp(min=tolerance)
    return ((a == b) | (a.isnan() & b.isnan()) | ((a - b).abs() <= tolerance * size)).all(0)


class Operations(TorchFunctionMode):
    """Counts the operations on tensors within its context.

    Attributes:
        calls: number of operations.
        numbers: number of entries of all their results.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls, self.numbers = 0, 0

    @classmethod
    def of(cls, step: Step, *arguments: Any) -> "Operations":
        """Count the operations of one step."""
        with cls() as operations:
            step(*arguments)
        return operations

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count an operation. A call that returns no tensor, such as the look-up of a shape, does not count."""
        result = func(*args, **(kwargs or {}))
        for part in result if isinstance(result, tuple | list) else (result,):
            if torch.is_tensor(part):
                self.calls += 1
                self.numbers += part.numel()
        return result


def prepared() -> bool:
    """Say whether this process has traced a step."""
    # Torch imports this module at the first operation on a tensor of a subclass.
    return "torch.distributed.tensor" in sys.modules


@cache
def warn_once(why: str) -> None:
    """Warn, once for each reason, that a simulation runs in eager torch."""
    warnings.warn(f"simulating in eager torch: {why}", RuntimeWarning, stacklevel=4)

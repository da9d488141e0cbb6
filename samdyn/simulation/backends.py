"""The two ways to compute the same steps, torch operation by operation or compiled: which is chosen, and its check."""

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
GAIN = 2.0  # torch must be expected to take so many times as long as it takes to build compiled code
FELT = 0.1  # share of torch's time that may go into tracing a step, since it may turn out that compiling does not pay
UNKNOWN_CALLS, UNKNOWN_NUMBERS = 300, 1500  # operations on tensors, and numbers computed, of a step before it is traced
FIRST_TRACE = 0.6  # seconds that torch takes to prepare for the first trace of a process
AGREE = 0.5  # share of runs whose first compiled step must be torch's, to rounding; where fields jump some may differ

Step = Callable[..., Sequence[torch.Tensor]]
AnyKernel = Kernel | CUDAKernel


@dataclass(frozen=True)
class Costs:
    """What things take on a kind of device, in seconds, as ``benchmarks/backend_costs.py`` measures them.

    Attributes:
        operation: an operation of torch on tensors, with Python's share.
        number: each number that such an operation computes.
        trace: each operation on tensors of a step that is traced.
        load: to find and load code that was compiled before.
        compile: to compile code, however short it is.
        line: to compile each operation on scalars in it.
    """

    operation: float
    number: float
    trace: float
    load: float
    compile: float
    line: float

    def torch(self, steps: float, runs: int, calls: float = UNKNOWN_CALLS, numbers: float = UNKNOWN_NUMBERS) -> float:
        """Return how long torch takes: steps of some operations on tensors, which compute some numbers for each run."""
        return steps * (calls * self.operation + numbers * runs * self.number)

    def build(self, kernel: AnyKernel) -> float:
        """Return how long it takes to have a kernel ready.

        Raises:
            NotCompilable: there is no compiler.
        """
        return self.load if kernel.is_built else self.compile + self.line * kernel.operations

    def may_trace(self, work: float, calls: int = UNKNOWN_CALLS) -> bool:
        """Whether tracing a step of some operations on tensors is little beside the time that torch would take."""
        return FELT * work >= self.trace * calls

    def why_not(self, work: float, kernel: AnyKernel, before: float = 0.0) -> str | None:
        """Return why a kernel should not be built for what takes torch so long; None if it should.

        Args:
            work: how long torch would take, in seconds.
            kernel: the kernel.
            before: for how long torch did what the kernel would have done, earlier in this process.

        Raises:
            NotCompilable: there is no compiler.
        """
        needed = self.build(kernel)
        return None if work + before >= GAIN * needed else f"{work_of(work)}, and compiling takes up to {needed:.2g} s"


# Measured with one thread of a server's processor (Xeon, 2.1 GHz) and gcc 12; those of CUDA are of an H100.
COSTS = {
    "cpu": Costs(operation=2.9e-6, number=5.9e-10, trace=7e-5, load=1e-4, compile=0.08, line=2.6e-4),
    "cuda": Costs(operation=8e-6, number=1e-11, trace=7e-5, load=0.01, compile=0.5, line=1e-3),
}


def work_of(seconds: float) -> str:
    """Say how long torch would take."""
    return f"about {seconds:.2g} s of work"


class Backend(ABC):
    """A way to compute steps."""

    name: str
    multiple = 1  # the number of runs must be one of this

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
        """Return the state some steps later; the one that was given may be overwritten.

        Args:
            state: what steps change, with the runs on the last axis.
            others: what else every run has.
            steps: how many.
            begin: the number of the first, where steps have one.
            shared: what all runs share, by name; None: steps have neither such things nor a number.
        """


class Eager(Backend):
    """Every operation of a step by itself, in torch."""

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
    """All steps of a run in one loop of compiled code: on a processor in blocks of runs, on a GPU in a thread each."""

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
            NotCompilable: a GPU refuses the code.
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
    """Take one step both ways, of copies. Code that does not do what torch does is not trusted, whatever is to blame.

    Args:
        eager, compiled: the two.
        state, others, step: as for ``Backend.advance``.
        compared: which tensors of the state to compare. Numbers must agree to rounding, all else exactly.

    Raises:
        NotCompilable: they do not agree.
    """
    both = (backend.advance([t.clone() for t in state], others, 1, **step) for backend in (eager, compiled))
    same = torch.ones_like(state[0][0], dtype=torch.bool)
    for number, (a, b) in enumerate(zip(*both, strict=True)):
        if number in compared:
            same &= same_numbers(a.reshape(-1, a.shape[-1]), b.reshape(-1, b.shape[-1]))
    if same.double().mean() < AGREE:
        raise NotCompilable("the compiled code does not do what torch does")


def same_numbers(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Say in which columns ``(m, N)`` two results are the same.

    Numbers are but for rounding, relative to the column's largest.
    """
    if not a.is_floating_point():
        return (a == b).all(0)
    near = torch.finfo(a.dtype).eps ** 0.5
    size = a.nan_to_num(0, 0, 0).abs().amax(0).clamp(min=near)
    return ((a == b) | (a.isnan() & b.isnan()) | ((a - b).abs() <= near * size)).all(0)


class Operations(TorchFunctionMode):
    """Counts operations on tensors, and the numbers that they give.

    Attributes:
        calls, numbers: how many.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls, self.numbers = 0, 0

    @classmethod
    def of(cls, step: Step, *arguments: Any) -> "Operations":
        """Count those of one step."""
        with cls() as operations:
            step(*arguments)
        return operations

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count an operation; what is no operation, as to look up a shape, gives no tensor."""
        found = func(*args, **(kwargs or {}))
        for part in found if isinstance(found, tuple | list) else (found,):
            if torch.is_tensor(part):
                self.calls += 1
                self.numbers += part.numel()
        return found


def prepared() -> bool:
    """Whether something was traced in this process before."""
    # The first operation on any tensor that is not quite one imports this, in torch's C++.
    return "torch.distributed.tensor" in sys.modules


@cache
def warn_once(why: str) -> None:
    """Say once why runs take longer than they need to."""
    warnings.warn(f"simulating in eager torch: {why}", RuntimeWarning, stacklevel=4)

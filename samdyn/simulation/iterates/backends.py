"""Two ways to take the same steps: torch operation by operation, or compiled; and which is the faster."""

import sys
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from ...compiler import CONSTANT, LANES, STATIC, UNIFORM, VARYING, CUDAKernel, Input, Kernel, NotCompilable
from ..threads import user_threads
from .stepping import Ensemble, Steps

BACKENDS = ("auto", "eager", "compiled")
LOOK = 64  # steps after which it is seen whether any run goes on
TRACE, FIRST_TRACE = 0.02, 0.6  # seconds to trace, and that torch takes to prepare for it, once in a process
MANY_OPERATIONS, MANY_NUMBERS = 300, 1500  # in a step of one run: few take more
PORTION = 2e10  # operations on scalars between two looks at the progress: some tenths of a second
CUDA_PORTION, CUDA_RUNS = 5e11, 2**17  # the same on a GPU, and runs that fill one
AGREE = 0.5  # share of runs whose first compiled step must be torch's, to rounding; where fields jump some may differ


@dataclass(frozen=True)
class Costs:
    """What things take on a kind of device, in seconds.

    Attributes:
        operation, number: an operation of eager torch, with Python's share, and each number that it computes.
        load, compile, line: code that was compiled before, code that was not, and each operation in it.
    """

    operation: float
    number: float
    load: float
    compile: float
    line: float


COSTS = {"cpu": Costs(3.5e-6, 7e-10, 0.03, 0.2, 6e-4), "cuda": Costs(8e-6, 1e-11, 0.01, 0.5, 1e-3)}


class Backend(ABC):
    """A way to take steps."""

    name: str
    multiple = 1  # the number of runs must be one of this

    @abstractmethod
    def run(self, state: Ensemble, seed: int, begin: int, steps: int, show: Callable[[int], None]) -> None:
        """Bring an ensemble forward, steps ``begin`` and following; ``show`` is told of steps done, now and then.

        With no run left that goes on it may stop early.
        """


class Eager(Backend):
    """Every operation of a step by itself, in torch."""

    name = "eager"

    def __init__(self, steps: Steps) -> None:
        self._steps = steps

    def run(self, state: Ensemble, seed: int, begin: int, steps: int, show: Callable[[int], None]) -> None:
        """Take the steps."""
        step = self._steps.bound(state.settings)
        for k in range(steps):
            *parts, state.running, state.end = step(*state.parts, state.running, state.end, state.runs, seed, begin + k)
            state.parts = tuple(parts)
            if k % LOOK == LOOK - 1:
                show(k + 1)
                if not state.running.any():
                    break


class Compiled(Backend):
    """All steps of a run in one loop of compiled code: on a processor in blocks of runs, on a GPU in a thread each."""

    name = "compiled"

    def __init__(self, kernel: Kernel | CUDAKernel, steps: Steps) -> None:
        self._kernel, self._eager, self._checked = kernel, Eager(steps), False
        self.multiple = LANES if isinstance(kernel, Kernel) else 1

    def run(self, state: Ensemble, seed: int, begin: int, steps: int, show: Callable[[int], None]) -> None:
        """Take the steps.

        Raises:
            NotCompilable: the first step is not torch's.
        """
        state.parts = tuple(part.contiguous() for part in state.parts)
        if not self._checked:
            self._check(state, seed, begin)
            self._checked = True
        runs = len(state.runs)
        portion = PORTION / (self._kernel.operations * runs)
        if isinstance(self._kernel, CUDAKernel):  # which takes as long for few runs as for those that fill a card
            portion = CUDA_PORTION / (self._kernel.operations * max(runs, CUDA_RUNS))
        portion = max(LOOK, int(portion))
        for first in range(0, steps, portion):
            number = min(portion, steps - first)
            self._take(state, seed, begin + first, number)
            show(first + number)
            if not state.running.any():
                break

    def _take(self, state: Ensemble, seed: int, begin: int, steps: int) -> None:
        per_run = state.tensors
        if isinstance(self._kernel, CUDAKernel):
            self._kernel.run(per_run, {"seed": seed}, begin, steps)
        else:
            self._kernel.run(per_run, {"seed": seed}, begin, steps, user_threads())

    def _check(self, state: Ensemble, seed: int, begin: int) -> None:
        # Code that does not do what torch does must not be trusted, whatever is to blame.
        eager, compiled = (state.part(slice(0, LANES)) for _ in range(2))
        self._eager.run(eager, seed, begin, 1, lambda _: None)
        self._take(compiled, seed, begin, 1)
        same = (eager.running == compiled.running) & (eager.end == compiled.end)
        for a, b in zip(eager.parts, compiled.parts, strict=True):
            same &= same_numbers(a, b)
        if same.float().mean() < AGREE:
            raise NotCompilable("the compiled code does not do what torch does")


def same_numbers(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Say in which columns ``(m, N)`` two results are the same but for rounding, relative to the column's largest."""
    near = torch.finfo(a.dtype).eps ** 0.5
    size = a.nan_to_num(0, 0, 0).abs().amax(0).clamp(min=near)
    return ((a == b) | (a.isnan() & b.isnan()) | ((a - b).abs() <= near * size)).all(0)


def kernel_of(steps: Steps, like: Ensemble) -> Kernel | CUDAKernel:
    """Trace the steps of a map or scheme, for runs like these on their device.

    Raises:
        NotCompilable: they cannot be.
    """
    w = like.parts[0]
    state = [Input(name, (len(w),), w.dtype, VARYING) for name in ("w", "v")[: len(like.parts)]]
    state += [Input("running", (), torch.bool, VARYING), Input("end", (), torch.int64, VARYING)]
    others = [
        Input("runs", (), torch.int64, STATIC),
        *(Input(f"setting{n}", (), values.dtype, STATIC) for n, values in enumerate(like.settings)),
        Input("seed", (), torch.int64, CONSTANT),
        Input("step", (), torch.int64, UNIFORM),
    ]
    if steps.box:  # what is traced is on the processor
        steps = replace(steps, box=(steps.box[0].cpu(), steps.box[1].cpu()))
    return (CUDAKernel if w.is_cuda else Kernel)(steps, state, others, "running", "step")


def choose(backend: str, steps: Steps, like: Ensemble, runs: int, number: int) -> tuple[Backend, str]:
    """Return the backend for some runs and a number of steps, and why it is that.

    Args:
        backend: "eager", "compiled", or "auto", which takes what takes less time, that of compiling included.
        steps: the step.
        like: one of the runs.
        runs: how many there are.
        number: how many steps they take.
    """
    if backend == "eager":
        return Eager(steps), "asked for"
    costs = COSTS[like.parts[0].device.type]
    eager = 0.0
    if backend == "auto":
        # Tracing must take little beside what is to do; and so must a step that shows how many operations it takes.
        soon, why = max(10 * TRACE, 0 if _prepared() else FIRST_TRACE), f"{number} steps of {runs} runs are soon done"
        if number * (MANY_OPERATIONS * costs.operation + MANY_NUMBERS * runs * costs.number) < soon:
            return Eager(steps), why
        operations = _Operations.of(steps, like)
        eager = number * (operations.calls * costs.operation + operations.numbers * runs * costs.number)
        if eager < soon:
            return Eager(steps), why
    try:
        kernel = kernel_of(steps, like)
    except NotCompilable as error:
        if backend == "compiled":
            warn_once(str(error))
        return Eager(steps), f"not compiled: {error}"
    try:
        needed = costs.load if kernel.is_built else costs.compile + costs.line * kernel.operations
        if backend == "auto" and eager < 1.5 * needed:
            return Eager(steps), f"about {eager:.2g} s of work, and compiling takes up to {needed:.2g} s"
        kernel.build()
    except NotCompilable as error:
        warn_once(str(error))
        return Eager(steps), f"not compiled: {error}"
    return Compiled(kernel, steps), "asked for" if backend == "compiled" else f"about {eager:.2g} s of work for torch"


class _Operations(TorchFunctionMode):
    """Counts operations on tensors, and the numbers that they give."""

    def __init__(self) -> None:
        super().__init__()
        self.calls, self.numbers = 0, 0

    @classmethod
    def of(cls, steps: Steps, like: Ensemble) -> "_Operations":
        """Count those of a step of one run."""
        step: Callable[..., Any] = steps  # which takes numbers in place of tensors too
        with cls() as operations:
            step(*like.tensors, 0, 1)
        return operations

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count an operation; what is no operation, as to look up a shape, gives no tensor."""
        found = func(*args, **(kwargs or {}))
        for part in found if isinstance(found, tuple | list) else (found,):
            if torch.is_tensor(part):
                self.calls += 1
                self.numbers += part.numel()
        return found


def _prepared() -> bool:
    # The first operation on any tensor that is not quite one imports this, in torch's C++.
    return "torch.distributed.tensor" in sys.modules


@cache
def warn_once(why: str) -> None:
    """Say once why runs take longer than they need to."""
    warnings.warn(f"simulating in eager torch: {why}", RuntimeWarning, stacklevel=4)

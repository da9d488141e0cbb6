"""Two ways to take the same steps: torch operation by operation, or compiled; and which is the faster."""

import sys
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from ..compiler import CONSTANT, LANES, STATIC, UNIFORM, VARYING, Input, Kernel, NotCompilable
from .stepping import Ensemble, Steps
from .threads import user_threads

BACKENDS = ("auto", "eager", "compiled")
LOOK = 64  # steps after which it is seen whether any run goes on
# What things take, in seconds: an operation of eager torch, with Python's share, and each number it computes; to trace,
# and what torch prepares once in a process to do so; code that is there, code that is not, and each operation in it.
OPERATION, NUMBER = 3.5e-6, 7e-10
TRACE, FIRST_TRACE = 0.02, 0.6
LOAD, COMPILE, LINE = 0.03, 0.2, 6e-4
CUDA_COMPILE = 60.0
MANY_OPERATIONS, MANY_NUMBERS = 300, 1500  # in a step of one run: few take more
PORTION = 2e10  # operations on scalars between two looks at the progress: some tenths of a second
AGREE = 0.5  # share of runs whose first compiled step must be torch's, to rounding; where fields jump some may differ
SMALL = 2**16  # numbers in a state below which a GPU waits for its launches


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
        self._step: Callable[..., Any] = steps

    def run(self, state: Ensemble, seed: int, begin: int, steps: int, show: Callable[[int], None]) -> None:
        """Take the steps."""
        for k in range(steps):
            *parts, state.running, state.end = self._step(
                *state.parts, state.running, state.end, state.runs, seed, begin + k
            )
            state.parts = tuple(parts)
            if k % LOOK == LOOK - 1:
                show(k + 1)
                if not state.running.any():
                    break


class OnCUDA(Eager):
    """The steps in few kernels that torch.compile makes, through CUDA graphs where the ensemble is small."""

    name = "compiled"

    def __init__(self, steps: Steps, numbers: int) -> None:
        mode = "reduce-overhead" if numbers < SMALL else None
        compiled = torch.compile(steps.__call__, mode=mode, dynamic=False, fullgraph=True)

        def step(*tensors: Any) -> tuple[torch.Tensor, ...]:
            # As tensors, since for every number it would compile anew; cloned, since CUDA graphs reuse their memory.
            *state, seed, number = tensors
            torch.compiler.cudagraph_mark_step_begin()
            words = (torch.tensor(value, device=state[0].device) for value in (seed, number))
            try:
                found = compiled(*state, *words)
            except torch.OutOfMemoryError:
                raise
            except Exception as error:  # whatever compilers raise
                raise NotCompilable(f"torch.compile: {type(error).__name__}: {error}") from error
            return tuple(part.clone() for part in found) if mode else found

        self._step = step


class OnCPU(Backend):
    """All steps of a block of runs in one loop of compiled code."""

    name = "compiled"
    multiple = LANES

    def __init__(self, kernel: Kernel, steps: Steps) -> None:
        self._kernel, self._eager, self._checked = kernel, Eager(steps), False

    def run(self, state: Ensemble, seed: int, begin: int, steps: int, show: Callable[[int], None]) -> None:
        """Take the steps.

        Raises:
            NotCompilable: the first step is not torch's.
        """
        state.parts = tuple(part.contiguous() for part in state.parts)
        if not self._checked:
            self._check(state, seed, begin)
            self._checked = True
        portion = max(LOOK, int(PORTION / (self._kernel.operations * len(state.runs))))
        for first in range(0, steps, portion):
            number = min(portion, steps - first)
            self._take(state, seed, begin + first, number)
            show(first + number)
            if not state.running.any():
                break

    def _take(self, state: Ensemble, seed: int, begin: int, steps: int) -> None:
        per_run = [*state.parts, state.running, state.end, state.runs]
        self._kernel.run(per_run, {"seed": seed}, begin, steps, user_threads())

    def _check(self, state: Ensemble, seed: int, begin: int) -> None:
        # Code that does not do what torch does must not be trusted, whatever is to blame.
        few = slice(0, LANES)
        eager, compiled = (
            Ensemble(
                tuple(part[:, few].clone() for part in state.parts),
                *(part[few].clone() for part in (state.running, state.end, state.runs)),
            )
            for _ in range(2)
        )
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


def kernel_of(steps: Steps, d: int, parts: int, dtype: torch.dtype) -> Kernel:
    """Trace the steps of a map or scheme.

    Raises:
        NotCompilable: they cannot be.
    """
    state = [Input(name, (d,), dtype, VARYING) for name in ("w", "v")[:parts]]
    state += [Input("running", (), torch.bool, VARYING), Input("end", (), torch.int64, VARYING)]
    others = [
        Input("runs", (), torch.int64, STATIC),
        Input("seed", (), torch.int64, CONSTANT),
        Input("step", (), torch.int64, UNIFORM),
    ]
    return Kernel(steps, state, others, "running", "step")


def choose(backend: str, steps: Steps, like: Ensemble, runs: int, number: int) -> tuple[Backend, str]:
    """Return the backend for some runs and a number of steps, and why it is that.

    Args:
        backend: "eager", "compiled", or "auto", which takes what takes less time, that of compiling included.
        steps: the step.
        like: one of the runs.
        runs: how many there are.
        number: how many steps they take.
    """
    w = like.parts[0]
    if backend == "eager":
        return Eager(steps), "asked for"
    if w.device.type == "cuda":
        return _on_cuda(backend, steps, len(w) * runs, number)
    eager = 0.0
    if backend == "auto":
        # Tracing must take little beside what is to do; and so must a step that shows how many operations it takes.
        soon, why = max(10 * TRACE, 0 if _prepared() else FIRST_TRACE), f"{number} steps of {runs} runs are soon done"
        if number * (MANY_OPERATIONS * OPERATION + MANY_NUMBERS * runs * NUMBER) < soon:
            return Eager(steps), why
        operations = _Operations.of(steps, like)
        eager = number * (operations.calls * OPERATION + operations.numbers * runs * NUMBER)
        if eager < soon:
            return Eager(steps), why
    try:
        kernel = kernel_of(steps, len(w), len(like.parts), w.dtype)
    except NotCompilable as error:
        if backend == "compiled":
            warn_once(str(error))
        return Eager(steps), f"not compiled: {error}"
    try:
        needed = LOAD if kernel.is_built else COMPILE + LINE * kernel.operations
        if backend == "auto" and eager < 1.5 * needed:
            return Eager(steps), f"about {eager:.2g} s of work, and compiling takes up to {needed:.2g} s"
        kernel.build()
    except NotCompilable as error:
        warn_once(str(error))
        return Eager(steps), f"not compiled: {error}"
    return OnCPU(kernel, steps), "asked for" if backend == "compiled" else f"about {eager:.2g} s of work for torch"


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
            step(*like.parts, like.running, like.end, like.runs, 0, 1)
        return operations

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count an operation; what is no operation, as to look up a shape, gives no tensor."""
        found = func(*args, **(kwargs or {}))
        for part in found if isinstance(found, tuple | list) else (found,):
            if torch.is_tensor(part):
                self.calls += 1
                self.numbers += part.numel()
        return found


def _on_cuda(backend: str, steps: Steps, numbers: int, number: int) -> tuple[Backend, str]:
    work = number * 100 * OPERATION
    if backend == "auto" and work < CUDA_COMPILE:
        return Eager(steps), f"about {work:.2g} s of work, and compiling takes up to {CUDA_COMPILE:.2g} s"
    return OnCUDA(steps, numbers), "asked for" if backend == "compiled" else f"about {work:.2g} s of work for torch"


def _prepared() -> bool:
    # The first operation on any tensor that is not quite one imports this, in torch's C++.
    return "torch.distributed.tensor" in sys.modules


@cache
def warn_once(why: str) -> None:
    """Say once why runs take longer than they need to."""
    warnings.warn(f"simulating in eager torch: {why}", RuntimeWarning, stacklevel=4)

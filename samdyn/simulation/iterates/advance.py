"""The backend that advances the runs of a map, and the choice of the one that needs less time."""

import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from ...compiler import CONSTANT, LANES, STATIC, UNIFORM, VARYING, CUDAKernel, Input, Kernel, NotCompilable
from ...methods import Method
from ..backends import (
    COSTS,
    FIRST_TRACE,
    AnyKernel,
    Backend,
    Compiled,
    Eager,
    Operations,
    check_agreement,
    prepared,
    warn_once,
    work_of,
)
from .stepping import Ensemble, Steps

LOOK = 64  # steps of eager torch between two checks whether any run goes on
PORTION = 2e10  # operations on scalars between two progress reports of compiled code: some tenths of a second
CUDA_PORTION = 5e11  # operations on scalars between two progress reports on a GPU
CUDA_RUNS = 2**17  # number of runs that fill a GPU; fewer take as long

# Seconds of work that eager torch did in this process, by the code that was not compiled for it; "" before any trace.
# Many short calls are compiled once their sum is as long as one call that is compiled: at most twice the best choice.
_eager_work: dict[str, float] = {}
# Kernels of the maps and schemes that live, by the identity of these.
_kernels: dict[int, dict[tuple[Any, ...], AnyKernel]] = {}


class Advance:
    """Advances runs.

    Attributes:
        name: name of the backend.
        reason: reason for its choice.
        multiple: the number of runs must be a multiple of this.
    """

    def __init__(self, steps: Steps, kernel: AnyKernel | None, reason: str) -> None:
        """Use the kernel, or eager torch if there is none."""
        self._steps = steps
        self._backend: Backend = Eager(steps) if kernel is None else Compiled(kernel)
        self.name, self.multiple, self.reason = self._backend.name, self._backend.multiple, reason
        self._checked = kernel is None

    def run(self, state: Ensemble, seed: int, begin: int, steps: int, show: Callable[[int], None]) -> None:
        """Take the steps ``begin``, ``begin`` + 1, …, in place; ``show`` gets the count of steps from time to time.

        It stops early when no run goes on.

        Raises:
            NotCompilable: the first compiled step differs from torch's.
        """
        if not self._checked:
            self._check(state, seed, begin)
            self._checked = True
        split, backend = len(state.parts) + 2, self._backend  # a step updates the tensors before ``split``
        others = state.tensors[split:]
        if isinstance(backend, Eager):  # eager torch need not replace the parameters at every step
            backend, others = Eager(self._steps.bound(state.settings)), (state.runs,)
        portion = self._portion(len(state.runs))
        for offset in range(0, steps, portion):
            number = min(portion, steps - offset)
            new = backend.advance(state.tensors[:split], others, number, begin=begin + offset, shared={"seed": seed})
            *parts, state.running, state.end = new
            state.parts = tuple(parts)
            show(offset + number)
            if not state.running.any():
                break

    def _portion(self, runs: int) -> int:
        """Return the number of steps between two progress reports."""
        if not isinstance(self._backend, Compiled):
            return LOOK
        kernel = self._backend.kernel
        portion = PORTION / (kernel.operations * runs)
        if isinstance(kernel, CUDAKernel):
            portion = CUDA_PORTION / (kernel.operations * max(runs, CUDA_RUNS))
        return max(LOOK, int(portion))

    def _check(self, state: Ensemble, seed: int, begin: int) -> None:
        tensors, split = state.part(slice(0, LANES)).tensors, len(state.parts) + 2
        if isinstance(self._backend, Compiled):
            compared = range(split)
            eager, step = Eager(self._steps), {"begin": begin, "shared": {"seed": seed}}
            check_agreement(eager, self._backend, tensors[:split], tensors[split:], compared, **step)


def eager(steps: Steps, reason: str = "asked for") -> Advance:
    """Return the eager backend of a step."""
    return Advance(steps, None, reason)


def choose(backend: str, steps: Steps, like: Ensemble, runs: int, number: int) -> Advance:
    """Return the backend for an ensemble.

    Args:
        backend: "eager", "compiled", or "auto" for the one that needs less time, compile time included.
        steps: the step.
        like: one of the runs.
        runs: the number of runs.
        number: the number of steps.
    """
    if backend == "eager":
        return eager(steps)
    costs, auto, work = COSTS[like.parts[0].device.type], backend == "auto", 0.0
    if auto:
        # Tracing must be short beside the work. So must be the one step that counts the operations.
        soon = f"{number} steps of {runs} runs are soon done"
        if not costs.may_trace(costs.torch(number, runs)):
            return eager(steps, soon)
        operations = Operations.of(steps, *like.tensors, 0, 1)
        work = costs.torch(number, runs, operations.calls, operations.numbers)
        if not costs.may_trace(work, operations.calls):
            return eager(steps, soon)
        if not prepared() and _eager_work.get("", 0.0) + work < FIRST_TRACE:
            _add_eager_work("", work)
            return eager(steps, soon)
    try:
        kernel = kernel_of(steps, like)
    except NotCompilable as error:
        if not auto:
            warn_once(str(error))
        return eager(steps, f"not compiled: {error}")
    try:
        if auto and (why_not := costs.why_not(work, kernel, _eager_work.get(kernel.text, 0.0))):
            _add_eager_work(kernel.text, work)
            return eager(steps, why_not)
        kernel.build()
    except NotCompilable as error:
        warn_once(str(error))
        return eager(steps, f"not compiled: {error}")
    return Advance(steps, kernel, f"{work_of(work)} for torch" if auto else "asked for")


def _add_eager_work(code: str, work: float) -> None:
    _eager_work[code] = _eager_work.get(code, 0.0) + work


def kernel_of(steps: Steps, like: Ensemble) -> AnyKernel:
    """Trace the step of a map or a scheme, for runs with the shapes, dtypes and device of ``like``.

    A map or a scheme whose method is a ``Method`` is traced once, since all its parts are frozen.

    Raises:
        NotCompilable: the step cannot be traced.
    """
    if not isinstance(steps.map_.method, Method):  # a function, which may read what changes
        return traced(steps, like)
    if id(steps.map_) not in _kernels:
        _kernels[id(steps.map_)] = {}
        weakref.finalize(steps.map_, _kernels.pop, id(steps.map_)).atexit = False
    key = (like.parts[0].is_cuda, *((tensor.dtype, len(tensor)) for tensor in like.parts))
    key += tuple(values.dtype for values in like.settings)
    key += tuple(number for side in steps.box or () for number in side.flatten().tolist())
    kernels = _kernels[id(steps.map_)]
    if key not in kernels:
        kernels[key] = traced(steps, like)
    return kernels[key]


def traced(steps: Steps, like: Ensemble) -> AnyKernel:
    """Do what ``kernel_of`` does, in any case anew."""
    w = like.parts[0]
    state = [Input(f"part{n}", (len(w),), w.dtype, VARYING) for n in range(len(like.parts))]
    state += [Input("running", (), torch.bool, VARYING), Input("end", (), torch.int64, VARYING)]
    others = [
        Input("runs", (), torch.int64, STATIC),
        *(Input(f"setting{n}", (), values.dtype, STATIC) for n, values in enumerate(like.settings)),
        Input("seed", (), torch.int64, CONSTANT),
        Input("step", (), torch.int64, UNIFORM),
    ]
    if steps.box:  # the traced tensors are on the CPU
        steps = replace(steps, box=(steps.box[0].cpu(), steps.box[1].cpu()))
    return (CUDAKernel if w.is_cuda else Kernel)(steps, state, others, "running", "step")

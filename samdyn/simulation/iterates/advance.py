"""Runs of a map brought forward, by the backend that takes less time."""

from collections.abc import Callable
from dataclasses import replace

import torch

from ...compiler import CONSTANT, LANES, STATIC, UNIFORM, VARYING, CUDAKernel, Input, Kernel, NotCompilable
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

LOOK = 64  # steps after which it is seen whether any run goes on
PORTION = 2e10  # operations on scalars between two looks at the progress: some tenths of a second
CUDA_PORTION, CUDA_RUNS = 5e11, 2**17  # the same on a GPU, and runs that fill one

# Seconds of work that was left to torch in this process, by the code that would have done it; "": nothing was traced.
# Many short calls are compiled when they have taken as long as one that would have been: at most twice the best choice.
_left: dict[str, float] = {}


class Advance:
    """Brings runs forward.

    Attributes:
        name, reason: of the backend that does, and why it is that.
        multiple: the number of runs must be one of this.
    """

    def __init__(self, steps: Steps, kernel: AnyKernel | None, reason: str) -> None:
        """Take the step, compiled if there is a kernel."""
        self._steps = steps
        self._backend: Backend = Eager(steps) if kernel is None else Compiled(kernel)
        self.name, self.multiple, self.reason = self._backend.name, self._backend.multiple, reason
        self._checked = kernel is None

    def run(self, state: Ensemble, seed: int, begin: int, steps: int, show: Callable[[int], None]) -> None:
        """Bring runs forward, steps ``begin`` and following; ``show`` is told of steps done, now and then.

        With no run left that goes on it may stop early.

        Raises:
            NotCompilable: the first compiled step is not torch's.
        """
        if not self._checked:
            self._check(state, seed, begin)
            self._checked = True
        changed, backend = len(state.parts) + 2, self._backend
        others = state.tensors[changed:]
        if isinstance(backend, Eager):  # which need not fill in the parameters at every step
            backend, others = Eager(self._steps.bound(state.settings)), (state.runs,)
        portion = self._portion(len(state.runs))
        for done in range(0, steps, portion):
            number = min(portion, steps - done)
            moved = backend.advance(state.tensors[:changed], others, number, begin=begin + done, shared={"seed": seed})
            *parts, state.running, state.end = moved
            state.parts = tuple(parts)
            show(done + number)
            if not state.running.any():
                break

    def _portion(self, runs: int) -> int:
        """Return how many steps are taken between two looks."""
        if not isinstance(self._backend, Compiled):
            return LOOK
        kernel = self._backend.kernel
        portion = PORTION / (kernel.operations * runs)
        if isinstance(kernel, CUDAKernel):  # which takes as long for few runs as for those that fill a card
            portion = CUDA_PORTION / (kernel.operations * max(runs, CUDA_RUNS))
        return max(LOOK, int(portion))

    def _check(self, state: Ensemble, seed: int, begin: int) -> None:
        few, changed = state.part(slice(0, LANES)).tensors, len(state.parts) + 2
        if isinstance(self._backend, Compiled):
            everything = range(changed)
            eager, step = Eager(self._steps), {"begin": begin, "shared": {"seed": seed}}
            check_agreement(eager, self._backend, few[:changed], few[changed:], everything, **step)


def eager(steps: Steps, reason: str = "asked for") -> Advance:
    """Return what brings runs forward in torch."""
    return Advance(steps, None, reason)


def choose(backend: str, steps: Steps, like: Ensemble, runs: int, number: int) -> Advance:
    """Return what brings some runs forward a number of steps.

    Args:
        backend: "eager", "compiled", or "auto", which takes what takes less time, that of compiling included.
        steps: the step.
        like: one of the runs.
        runs: how many there are.
        number: how many steps they take.
    """
    if backend == "eager":
        return eager(steps)
    costs, auto, work = COSTS[like.parts[0].device.type], backend == "auto", 0.0
    if auto:
        # Tracing must take little beside what is to do; and so must a step that shows how many operations it takes.
        soon = f"{number} steps of {runs} runs are soon done"
        if not costs.may_trace(costs.torch(number, runs)):
            return eager(steps, soon)
        counted = Operations.of(steps, *like.tensors, 0, 1)
        work = costs.torch(number, runs, counted.calls, counted.numbers)
        if not costs.may_trace(work, counted.calls):
            return eager(steps, soon)
        if not prepared() and _left.get("", 0.0) + work < FIRST_TRACE:
            _leave("", work)
            return eager(steps, soon)
    try:
        kernel = kernel_of(steps, like)
    except NotCompilable as error:
        if not auto:
            warn_once(str(error))
        return eager(steps, f"not compiled: {error}")
    try:
        if auto and (why_not := costs.why_not(work, kernel, _left.get(kernel.text, 0.0))):
            _leave(kernel.text, work)
            return eager(steps, why_not)
        kernel.build()
    except NotCompilable as error:
        warn_once(str(error))
        return eager(steps, f"not compiled: {error}")
    return Advance(steps, kernel, f"{work_of(work)} for torch" if auto else "asked for")


def _leave(code: str, work: float) -> None:
    _left[code] = _left.get(code, 0.0) + work


def kernel_of(steps: Steps, like: Ensemble) -> AnyKernel:
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

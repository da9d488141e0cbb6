"""The choice between eager and compiled trial steps of a flow, during the integration that shows their number."""

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import fields

import torch

from ...compiler import LANES, STATIC, VARYING, CUDAKernel, Input, Kernel, NotCompilable
from ..backends import COSTS, UNKNOWN_CALLS, AnyKernel, Backend, Compiled, Eager, check_agreement, warn_once, work_of
from ..threads import one_thread
from .trial import CHANGED, Batch, Trial

FIRST = 4  # number of steps after which their lengths predict how many there will be
USUAL = 150  # number of steps that some run usually takes
PROBE_DISTANCE = 0.1  # distance from the runs at which compiled steps are compared, relative to max(1, ‖w‖∞)
COMPARED = ("w", "k", "t", "active")  # attributes of a batch in which compiled steps must agree with torch's
MAX_KERNELS = 16  # number of kernels that the process keeps in memory for further calls


def advance(backend: Backend, batch: Batch, steps: int) -> Batch:
    """Return the runs after some trial steps. The tensors of ``batch`` may be overwritten."""
    tensors = batch.tensors
    return Batch(*backend.advance(tensors[:CHANGED], tensors[CHANGED:], steps), *tensors[CHANGED:])


class Chooser:
    """Chooses the backend of a flow where it is smooth.

    It is a context manager. Beside compiled steps torch uses one thread; at the end it uses as many as before.

    Attributes:
        name: name of the latest choice.
        reason: reason for it.
        expected: number of runs that will come, if it is more than the number of the first ones.
    """

    def __init__(self, backend: str, trial: Trial) -> None:
        """Begin in torch.

        Args:
            backend: "eager", "compiled", or "auto" for the one that needs less time, compile time included.
            trial: the step.
        """
        self.name, self.reason = "eager", "asked for" if backend == "eager" else "nothing was integrated in a batch"
        self.expected = 0
        self._backend, self._trial = backend, trial
        self._compiled: Compiled | None = None
        self._over = backend == "eager"
        self._end = ExitStack()

    def __enter__(self) -> "Chooser":
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give torch its threads back."""
        self._end.close()

    def choose(self, batch: Batch, runs: int, count: int) -> Compiled | None:
        """Return the compiled backend if it is worth it, else None.

        Args:
            batch: the runs, which may be padded with copies.
            runs: number of runs without copies.
            count: number of steps that they have tried.
        """
        if self._compiled or self._over:
            return self._compiled
        device = batch.w.device.type
        if device not in COSTS:
            return self._not(f"there is no compiler for {device}", self._backend == "compiled")
        many = max(runs, self.expected)
        auto, was_traced = self._backend == "auto", _cached_kernel(self._trial, device) is not None
        costs = COSTS[device]
        ahead = USUAL
        if count:  # the number at the present pace, at most the larger of USUAL and ``count``
            steps_left = (batch.last - batch.t)[batch.active] / batch.h[batch.active]
            ahead = int(steps_left.clamp(max=max(count, USUAL)).mean())
        elif auto and not was_traced and costs.torch(FIRST, many) < costs.trace * UNKNOWN_CALLS:
            self.reason = "soon done"  # the first steps will show the pace
            return None
        work = costs.torch(count + ahead, many)
        if auto and not was_traced and not costs.may_trace(work):
            self.reason = f"{work_of(work)}, and to see whether it can be compiled takes time"
            return None
        try:
            kernel = kernel_of(self._trial, len(batch.w), device)
        except NotCompilable as error:
            return self._not(str(error), not auto)
        try:
            if auto and not count and not was_traced and not kernel.is_built:
                self.reason = "soon done"  # to compile takes longer than the first steps, which will show the pace
                return None
            work = costs.torch(ahead, many, kernel.calls, kernel.operations)
            if auto and (why_not := costs.why_not(work, kernel)):
                self.reason = why_not
                return None
            kernel.build()
            compiled = Compiled(kernel)
            self._check(compiled, batch.select(torch.arange(LANES, device=batch.w.device) % runs))
        except NotCompilable as error:
            return self._not(str(error), True)
        self.name, self._compiled = "compiled", compiled
        self._end.enter_context(one_thread())
        self.reason = f"{work_of(work)} for torch" if auto else "asked for"
        return compiled

    def _not(self, why: str, warn: bool) -> Compiled | None:
        self._over, self.reason = True, f"not compiled: {why}"
        if warn:
            warn_once(why)
        return None

    def _check(self, compiled: Compiled, probe: Batch) -> None:
        # Compare beside the runs: on a surface where the field jumps, rounding decides the side.
        lanes = torch.arange(LANES, dtype=probe.w.dtype, device=probe.w.device)
        offsets = torch.stack([torch.sin((axis + 1) * lanes) for axis in range(len(probe.w))])
        probe.w = probe.w + PROBE_DISTANCE * probe.w.abs().amax(0).clamp(min=1) * offsets
        probe.f = self._trial.field(probe.w)
        compared = [number for number, part in enumerate(fields(Batch)) if part.name in COMPARED]
        tensors: Sequence[torch.Tensor] = probe.tensors
        check_agreement(Eager(self._trial), compiled, tensors[:CHANGED], tensors[CHANGED:], compared)


_traced: dict[tuple[Trial, str], AnyKernel] = {}


def kernel_of(trial: Trial, d: int, device: str = "cpu") -> AnyKernel:
    """Return the kernel of the trial step of a flow in d coordinates for a device; trace it at the first call.

    Raises:
        NotCompilable: the step cannot be traced.
    """
    kernel = _cached_kernel(trial, device)
    if kernel is None:
        shapes = {"w": (d,), "f": (d,), "k": (7, d), "low": (d,), "high": (d,)}
        kinds = dict.fromkeys(("excess", "jump_evidence", "patience"), torch.int64)
        kinds |= dict.fromkeys(("at_jump", "active"), torch.bool)
        inputs = [
            Input(
                part.name,
                shapes.get(part.name, ()),
                kinds.get(part.name, torch.float64),
                VARYING if number < CHANGED else STATIC,
            )
            for number, part in enumerate(fields(Batch))
        ]
        make = CUDAKernel if device == "cuda" else Kernel
        kernel = make(trial, inputs[:CHANGED], inputs[CHANGED:], "active", None)
        while len(_traced) >= MAX_KERNELS:
            _traced.pop(next(iter(_traced)))
        with suppress(TypeError):  # a field that cannot be hashed is traced at every call
            _traced[trial, device] = kernel
    return kernel


def _cached_kernel(trial: Trial, device: str) -> AnyKernel | None:
    try:
        return _traced.get((trial, device))
    except TypeError:  # it cannot be hashed
        return None

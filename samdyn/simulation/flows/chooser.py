"""Trial steps of a flow: in torch or compiled, chosen on the way, since nobody knows before how many there will be."""

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import fields

import torch

from ...compiler import LANES, STATIC, VARYING, Input, Kernel, NotCompilable
from ..backends import COSTS, Backend, Compiled, Eager, check_agreement, warn_once, work_of
from ..threads import one_thread
from .trial import CHANGED, Batch, Trial

FIRST, USUAL = 4, 150  # steps after which their lengths say how many there will be; and that some run takes
ASIDE = 0.1  # how far from the runs, relative to max(1, ‖w‖∞), compiled steps are tried out
COMPARED = ("w", "k", "t", "going")  # parts of a batch by which it is seen whether compiled steps are torch's
KERNELS = 16  # traced, and kept for further calls


def advanced(backend: Backend, batch: Batch, steps: int) -> Batch:
    """Return the runs so many trial steps later; what was given may be overwritten."""
    tensors = batch.tensors
    return Batch(*backend.advance(tensors[:CHANGED], tensors[CHANGED:], steps), *tensors[CHANGED:])


class Chooser:
    """Chooses the backend of a flow where it is smooth.

    Used as a context, at whose end torch uses as many threads as before; beside compiled steps it uses one.

    Attributes:
        name, reason: what was chosen last, and why.
    """

    def __init__(self, backend: str, trial: Trial) -> None:
        """Begin in torch.

        Args:
            backend: "eager", "compiled", or "auto", which takes what takes less time, that of compiling included.
            trial: the step.
        """
        self.name, self.reason = "eager", "asked for" if backend == "eager" else "nothing was integrated in a batch"
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
        """Return the compiled steps if they are to be taken.

        Args:
            batch: the runs, which may be filled up with others.
            runs: how many there are.
            count: how many steps they have tried.
        """
        if self._compiled or self._over:
            return self._compiled
        if batch.w.device.type != "cpu":
            return self._not("flows are compiled for the CPU alone", self._backend == "compiled")
        auto, known, costs = self._backend == "auto", _known(self._trial) is not None, COSTS["cpu"]
        ahead = USUAL
        if count:  # no more than at this pace; and than usual, or as many as there were already
            pace = (batch.last - batch.t)[batch.going] / batch.h[batch.going]
            ahead = int(pace.clamp(max=max(count, USUAL)).mean())
        elif auto and not known:
            self.reason = "soon done"  # until there is a pace
            return None
        work = costs.torch(count + ahead, runs)
        if auto and not known and not costs.may_trace(work):
            self.reason = f"{work_of(work)}, and to see whether it can be compiled takes time"
            return None
        try:
            kernel = kernel_of(self._trial, len(batch.w))
        except NotCompilable as error:
            return self._not(str(error), not auto)
        try:
            work = costs.torch(ahead, runs, kernel.calls, kernel.operations)
            if auto and (why_not := costs.why_not(work, kernel)):
                self.reason = why_not
                return None
            kernel.build()
            compiled = Compiled(kernel)
            self._check(compiled, batch.select(torch.arange(LANES) % runs))
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
        # Beside the runs, not where they are: on a surface where the field jumps rounding decides.
        everyone = torch.arange(LANES, dtype=probe.w.dtype)
        aside = torch.stack([torch.sin((axis + 1) * everyone) for axis in range(len(probe.w))])
        probe.w = probe.w + ASIDE * probe.w.abs().amax(0).clamp(min=1) * aside
        probe.f = self._trial.field(probe.w)
        compared = [number for number, part in enumerate(fields(Batch)) if part.name in COMPARED]
        tensors: Sequence[torch.Tensor] = probe.tensors
        check_agreement(Eager(self._trial), compiled, tensors[:CHANGED], tensors[CHANGED:], compared)


_traced: dict[Trial, Kernel] = {}


def kernel_of(trial: Trial, d: int) -> Kernel:
    """Trace the trial step of a flow in d coordinates, unless that was done before.

    Raises:
        NotCompilable: it cannot be.
    """
    kernel = _known(trial)
    if kernel is None:
        shapes = {"w": (d,), "f": (d,), "k": (7, d), "low": (d,), "high": (d,)}
        kinds = dict.fromkeys(("excess", "jump_evidence", "patience"), torch.int64)
        kinds |= dict.fromkeys(("at_jump", "going"), torch.bool)
        inputs = [
            Input(
                part.name,
                shapes.get(part.name, ()),
                kinds.get(part.name, torch.float64),
                VARYING if number < CHANGED else STATIC,
            )
            for number, part in enumerate(fields(Batch))
        ]
        kernel = Kernel(trial, inputs[:CHANGED], inputs[CHANGED:], "going", None)
        while len(_traced) >= KERNELS:
            _traced.pop(next(iter(_traced)))
        with suppress(TypeError):  # of what is compared by value and may change: not kept
            _traced[trial] = kernel
    return kernel


def _known(trial: Trial) -> Kernel | None:
    try:
        return _traced.get(trial)
    except TypeError:  # it cannot be hashed
        return None

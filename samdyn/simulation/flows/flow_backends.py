"""Two ways to compute the trial steps of a flow: torch operation by operation, or compiled; and which is the faster."""

from abc import ABC, abstractmethod
from contextlib import ExitStack, suppress
from dataclasses import fields

import torch

from ...compiler import LANES, STATIC, VARYING, Input, Kernel, NotCompilable
from ..iterates.backends import AGREE, COSTS, same_numbers, warn_once
from ..threads import one_thread, user_threads
from .trial import CHANGED, Batch, Trial

# What things cost, in seconds, to choose by.
TRACED, LOADED = 7e-5, 0.01  # every operation of torch that is traced, and code that is there
COMPILED, LINE = 0.3, 3e-4  # code that is not there, and each operation in it
FIRST, USUAL = 4, 150  # steps after which their lengths say how many there will be; and that some run takes
UNTRACED = 300  # operations on tensors in a step of which nothing is known
FELT = 0.1  # what tracing may add to the time of an integration that is then left to torch
ASIDE = 0.1  # how far from the runs, relative to max(1, ‖w‖∞), compiled steps are tried out
KERNELS = 16  # traced, and kept for further calls


class FlowBackend(ABC):
    """A way to compute trial steps."""

    name: str
    multiple = 1  # the number of runs must be one of this

    @abstractmethod
    def run(self, batch: Batch, steps: int) -> Batch:
        """Return the runs so many trial steps later; what was given may be overwritten."""


class Eager(FlowBackend):
    """Every operation of a step by itself, in torch."""

    name = "eager"

    def __init__(self, trial: Trial) -> None:
        self._trial = trial

    def run(self, batch: Batch, steps: int) -> Batch:
        """Try the steps."""
        for _ in range(steps):
            batch = Batch(*self._trial(*batch.tensors), *batch.tensors[CHANGED:])
        return batch


class Compiled(FlowBackend):
    """The steps of a block of runs in one loop of compiled code."""

    name = "compiled"
    multiple = LANES

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def run(self, batch: Batch, steps: int) -> Batch:
        """Try the steps, in place."""
        self._kernel.run(batch.tensors, {}, 0, steps, user_threads())
        return batch


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
        auto, known = self._backend == "auto", _known(self._trial) is not None
        ahead = USUAL
        if count:  # no more than at this pace; and than usual, or as many as there were already
            pace = (batch.last - batch.t)[batch.going] / batch.h[batch.going]
            ahead = int(pace.clamp(max=max(count, USUAL)).mean())
        elif auto and not known:
            self.reason = "soon done"  # until there is a pace
            return None
        work = (count + ahead) * UNTRACED * (COSTS["cpu"].operation + runs * COSTS["cpu"].number)
        if auto and not known and FELT * work < TRACED * UNTRACED:
            self.reason = f"about {work:.2g} s of work, and to see whether it can be compiled takes time"
            return None
        try:
            kernel = kernel_of(self._trial, len(batch.w))
        except NotCompilable as error:
            return self._not(str(error), not auto)
        try:
            work = ahead * (kernel.calls * COSTS["cpu"].operation + kernel.operations * runs * COSTS["cpu"].number)
            needed = LOADED if kernel.is_built else COMPILED + LINE * kernel.operations
            if auto and work < 2 * needed:
                self.reason = f"about {work:.2g} s of work, and compiling takes up to {needed:.2g} s"
                return None
            kernel.build()
            compiled = Compiled(kernel)
            if not self._agrees(compiled, batch.select(torch.arange(LANES) % runs)):
                raise NotCompilable("the compiled code does not do what torch does")
        except NotCompilable as error:
            return self._not(str(error), True)
        self.name, self._compiled = "compiled", compiled
        self._end.enter_context(one_thread())
        self.reason = f"about {work:.2g} s of work for torch" if auto else "asked for"
        return compiled

    def _not(self, why: str, warn: bool) -> Compiled | None:
        self._over, self.reason = True, f"not compiled: {why}"
        if warn:
            warn_once(why)
        return None

    def _agrees(self, compiled: Compiled, probe: Batch) -> bool:
        # Code that does not do what torch does must not be trusted, whatever is to blame. Beside the runs, not where
        # they are: on a surface where the field jumps rounding decides.
        everyone = torch.arange(LANES, dtype=probe.w.dtype)
        aside = torch.stack([torch.sin((axis + 1) * everyone) for axis in range(len(probe.w))])
        probe.w = probe.w + ASIDE * probe.w.abs().amax(0).clamp(min=1) * aside
        probe.f = self._trial.field(probe.w)
        torchs = Eager(self._trial).run(probe, 1)
        torchs.k = torchs.k.clone()  # whose memory both use
        found = compiled.run(probe, 1)
        same = torchs.going == found.going
        for a, b in ((torchs.w, found.w), (torchs.t[None], found.t[None]), (torchs.k, found.k)):
            same &= same_numbers(a.flatten(0, -2), b.flatten(0, -2))
        return bool(same.double().mean() >= AGREE)


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

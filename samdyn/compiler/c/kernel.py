"""The step of an ensemble, compiled for a processor."""

import ctypes
from collections.abc import Callable, Sequence
from functools import partial

import torch

from ..tracing.trace import LIMIT, Input, Step, trace
from .build import build, is_built
from .source import LANES, write
from .workers import call_in_threads

# Operations on scalars, some milliseconds of work. So many run in the calling thread, and further threads get at least
# as many each: to start a thread may take as long where other programs run, and Ctrl-C may wait so long.
SHORT = 2e6


class Kernel:
    """The step of an ensemble, traced at construction, compiled by ``build`` and called by ``run``.

    Attributes:
        text: the C code.
        operations: number of operations on the scalars of a run.
        calls: number of operations on tensors that torch would make.

    >>> import torch
    >>> from samdyn.compiler import LANES, Input, Kernel, VARYING
    >>> kernel = Kernel(lambda w: [0.5 * w], [Input("w", (), torch.float64, VARYING)], [], None, None)
    >>> kernel.calls
    1
    >>> kernel.build()
    >>> w = torch.full((LANES,), 8.0, dtype=torch.float64)
    >>> kernel.run([w], {}, begin=0, steps=3)
    >>> w[0].item()
    1.0
    """

    def __init__(
        self, function: Step, state: Sequence[Input], others: Sequence[Input], going: str | None, step: str | None
    ) -> None:
        """Trace a function of the tensors of a state and others that returns the next state.

        Args:
            function: takes the tensors of ``state`` and ``others``, and returns tensors with the shapes and dtypes of
                ``state``.
            state: the inputs that a step updates; each run has its own.
            others: the inputs that a step does not change.
            going: name of the entry of the state that is true while a run goes on. A block stops when none of its runs
                goes on. None for none.
            step: name of the input that is the number of the step; None for none.

        Raises:
            NotCompilable: the function cannot be traced.
        """
        inputs = [*state, *others]
        values, self.calls = trace(function, inputs, LIMIT)
        self._per_run = [i for i in inputs if i.per_run]
        self._shared = [i.name for i in others if not i.per_run and i.name != step]
        self._source = write(inputs, values, going, step)
        self.text = self._source.text
        self.operations = self.text.count("const ")

    @property
    def is_built(self) -> bool:
        """Whether the code was compiled before, by any process of this machine.

        Raises:
            NotCompilable: there is no compiler.
        """
        return is_built(self.text)

    def build(self) -> None:
        """Compile the code, unless that was done before, and load it.

        Raises:
            NotCompilable: there is no compiler, or it failed.
        """
        self._library = build(self.text)

    def run(
        self, per_run: Sequence[torch.Tensor], shared: dict[str, int], begin: int, steps: int, threads: int = 1
    ) -> None:
        """Take steps in place.

        After an interrupt such as Ctrl-C, all threads end before the exception is passed on. The runs may then be at
        different steps.

        Args:
            per_run: the state and the other tensors with one entry per run, contiguous. The length of their last axis
                is a multiple of LANES.
            shared: the integers that all runs share, by name.
            begin: number of the first step.
            steps: number of steps.
            threads: largest number of threads; the bits do not depend on it.

        Raises:
            ValueError: a tensor has another shape, dtype or device than the kernel. The kernel would write beside it.
        """
        runs = per_run[0].shape[-1]
        self._check(per_run, runs)
        arrays = (ctypes.c_void_p * len(per_run))(*(t.data_ptr() for t in per_run))
        common = (ctypes.c_int64 * len(self._shared))(*(shared[name] for name in self._shared))
        numbers = self._source.numbers.ctypes.data_as(ctypes.c_void_p)
        whole = [ctypes.c_int64(n) for n in (runs, begin, steps)]
        blocks = runs // LANES
        work = self.operations * runs * steps
        threads = max(1, min(threads, blocks, int(work / SHORT)))
        stop = ctypes.c_int32(0)

        def part(number: int, owners: Sequence[torch.Tensor] = per_run) -> None:
            # The default argument keeps the tensors alive while a thread may write to them.
            first, last = (ctypes.c_int64(blocks * n // threads) for n in (number, number + 1))
            # ctypes releases the interpreter lock during the call.
            self._library.run(first, last, *whole, common, numbers, arrays, ctypes.byref(stop))

        if work > SHORT:
            call_in_threads(part, threads, stop)
        else:
            part(0)

    def bound(self, per_run: Sequence[torch.Tensor], threads: int = 1) -> Callable[[], None]:
        """Return a call that takes one step in place, for kernels without shared integers.

        ``run`` prepares every call, which takes ten times as long as a step of few runs.

        Args:
            per_run, threads: as of ``run``. The call writes to these tensors.

        Raises:
            ValueError: a tensor has another shape, dtype or device than the kernel.
        """
        runs = per_run[0].shape[-1]
        if self.operations * runs > SHORT:
            return partial(self.run, per_run, {}, 0, 1, threads)
        self._check(per_run, runs)
        arrays = (ctypes.c_void_p * len(per_run))(*(t.data_ptr() for t in per_run))
        numbers = self._source.numbers.ctypes.data_as(ctypes.c_void_p)
        whole = [ctypes.c_int64(n) for n in (0, runs // LANES, runs, 0, 1)]
        stop, run = ctypes.byref(ctypes.c_int32(0)), self._library.run

        def call(owners: Sequence[torch.Tensor] = per_run) -> None:  # the default argument keeps the tensors alive
            run(*whole, None, numbers, arrays, stop)

        return call

    def _check(self, per_run: Sequence[torch.Tensor], runs: int) -> None:
        if len(per_run) != len(self._per_run) or not runs or runs % LANES:
            raise ValueError(f"{len(per_run)} tensors of {runs} runs: needs {len(self._per_run)}, of whole blocks")
        for entry, tensor in zip(self._per_run, per_run, strict=True):
            fits = tensor.dtype == entry.dtype and tensor.shape == (*entry.shape, runs)
            if not (fits and tensor.is_contiguous() and tensor.is_cpu):
                raise ValueError(
                    f"{entry.name} is {tensor.dtype} {tuple(tensor.shape)}, strides {tensor.stride()}, on "
                    f"{tensor.device}: needs contiguous {entry.dtype} {(*entry.shape, runs)} on the CPU"
                )

"""A step of an ensemble, compiled: the same step, of the same tensors, many times faster."""

import ctypes
from collections.abc import Callable, Sequence

import torch

from .build import build, is_built
from .source import LANES, write
from .trace import Input, trace
from .workers import call_in_threads

LIMIT = 24_000  # operations on scalars, of the runs traced; beyond, compiling takes long and torch is not that slow
# Operations on scalars, some milliseconds of work, that are done in the thread that asks for them, and that each other
# is given at least: to start them may take as long where other programs run, and Ctrl-C may wait so long.
SHORT = 2e6

Step = Callable[..., Sequence[torch.Tensor]]


class Kernel:
    """A function that takes a step, traced; run after it was built.

    Attributes:
        text: the code.
        operations: how many operations on a run's scalars it comes down to.
        calls: how many operations on tensors torch would make.
    """

    def __init__(
        self, function: Step, state: Sequence[Input], others: Sequence[Input], going: str | None, step: str | None
    ) -> None:
        """Trace a function of the tensors of a state and others, which gives the next state.

        Args:
            function: it gets what ``state`` and ``others`` list, and gives as many tensors as ``state`` lists, of the
                same shapes and dtypes.
            state: what steps change; one for every run.
            others: what they do not.
            going: the part of the state that says whether a run still goes on, if there is one; where none of a block
                does, no more steps are taken.
            step: the one of others that is the number of the step, if there is one.

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
        """Whether it was compiled before, maybe by another process.

        Raises:
            NotCompilable: there is no compiler.
        """
        return is_built(self.text)

    def build(self) -> None:
        """Compile it, if that was not done before.

        Raises:
            NotCompilable: there is no compiler, or it failed.
        """
        self._library = build(self.text)

    def run(
        self, per_run: Sequence[torch.Tensor], shared: dict[str, int], begin: int, steps: int, threads: int = 1
    ) -> None:
        """Take steps, in place.

        Where that is interrupted, as by Ctrl-C, all threads have ended before the exception is passed on. The tensors
        are then at any step.

        Args:
            per_run: the state and what else every run has, contiguous, their last axis a multiple of LANES long.
            shared: by name, what all runs share.
            begin: the first step's number.
            steps: how many.
            threads: on how many threads at most; the bits do not depend on it.

        Raises:
            ValueError: tensors of other shapes or dtypes than the kernel was made for: it would write beside them.
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
            # The default holds the tensors: no memory is given back while a thread may write into it.
            first, last = (ctypes.c_int64(blocks * n // threads) for n in (number, number + 1))
            # Which lets other threads run.
            self._library.run(first, last, *whole, common, numbers, arrays, ctypes.byref(stop))

        if work > SHORT:
            call_in_threads(part, threads, stop)
        else:
            part(0)

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

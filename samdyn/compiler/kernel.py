"""A step of an ensemble, compiled: the same step, of the same tensors, many times faster."""

import ctypes
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import torch

from .build import build, is_built
from .source import LANES, write
from .trace import Input, trace

LIMIT = 24_000  # operations on scalars, of the runs traced; beyond, compiling takes long and torch is not that slow

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
        self._shared = [i.name for i in others if not i.per_run and i.name != step]
        self._threads = torch.get_num_threads()
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

    def run(self, per_run: Sequence[torch.Tensor], shared: dict[str, int], begin: int, steps: int) -> None:
        """Take steps, in place, on as many threads as torch used when the kernel was made.

        Args:
            per_run: the state and what else every run has, contiguous, their last axis a multiple of LANES long.
            shared: by name, what all runs share.
            begin: the first step's number.
            steps: how many.
        """
        runs = per_run[0].shape[-1]
        arrays = (ctypes.c_void_p * len(per_run))(*(t.data_ptr() for t in per_run))
        common = (ctypes.c_int64 * len(self._shared))(*(shared[name] for name in self._shared))
        numbers = self._source.numbers.ctypes.data_as(ctypes.c_void_p)
        whole = [ctypes.c_int64(n) for n in (runs, begin, steps)]
        blocks = runs // LANES
        threads = min(self._threads, blocks)

        def part(number: int) -> None:
            first, last = (ctypes.c_int64(blocks * n // threads) for n in (number, number + 1))
            self._library.run(first, last, *whole, common, numbers, arrays)  # which lets other threads run

        if threads == 1:
            part(0)
            return
        list(_pool(threads).map(part, range(threads)))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a fork has none of its parent's threads

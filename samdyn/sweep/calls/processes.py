"""Processes of this machine for the calls of a sweep, each with one thread."""

import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from ... import checks
from ...simulation.threads import single_threaded_children
from ..cells.blocks import Block
from .call import Outcome, call_all


class Processes(Executor):
    """An executor whose processes hold one function, and end when it is closed or its process dies, also in a call."""

    def __init__(self, function: Callable[..., Any], number: int) -> None:
        """Prepare processes, which start with the first calls.

        Args:
            function: the function.
            number: the number of processes.
        """
        self._text = pickle.dumps(function)
        self.number = number
        self._start()

    def _start(self) -> None:
        # Not fork: the copy of a process with other threads, such as that of a progress bar, may hang.
        context = get_context("spawn")
        # The pipe ends when this process closes it or dies. ProcessPoolExecutor waits for running calls instead.
        reader, self._writer = context.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(self.number, context, _begin, (reader, self._text))
        self._reader = reader
        self._first: Future[Any] | None = None

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        """Call a function in one of the processes."""
        with _surroundings():
            if self._first is None:
                self._first = self._pool.submit(os.getpid)
            return self._pool.submit(function, *arguments, **options)

    def restart(self) -> None:
        """Start other processes in place of those that died.

        Raises:
            InputError: no process ever started.
        """
        self.close()
        if self._first is not None and (self._first.cancelled() or self._first.exception() is not None):
            fix = 'Call sweep below if __name__ == "__main__":, as every script must that starts processes'
            checks.reject("processes", self.number, "they end when they start; see standard error", fix)
        self._start()

    def close(self) -> None:
        """End the processes, also those in a call."""
        self._writer.close()
        self._reader.close()
        self._pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _surroundings() -> Iterator[None]:
    """Prepare what new processes inherit: an environment that asks for one thread, and no Ctrl-C.

    Once BLAS is loaded, and while Python starts, it would be too late. A Ctrl-C for this process waits for the end.
    """
    can_block = hasattr(signal, "pthread_sigmask")
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if can_block else set()
    try:
        with single_threaded_children():
            yield
    finally:
        if can_block:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


_function: list[Callable[..., Any]] = []  # that of this process


def _begin(pipe: Connection, text: bytes) -> None:
    """Prepare a process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all processes; the first one ends the others
    threading.Thread(target=_end_with, args=(pipe,), daemon=True).start()
    sys.stdout = sys.stderr  # what a cell prints is no part of the result
    _function.append(pickle.loads(text))


def _end_with(pipe: Connection) -> None:
    """End this process when the other end of a pipe is closed."""
    with suppress(EOFError, OSError):
        pipe.recv_bytes()
    os._exit(1)


def call_here(blocks: Sequence[Block]) -> list[Outcome]:
    """Call the function of this process for some blocks."""
    return call_all(_function[0], blocks)

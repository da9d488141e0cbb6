"""Threads that share one call into C. All have ended when the call returns, also after an exception."""

import ctypes
import time
from _thread import start_new_thread
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue

from ...interrupts import HeldSignals

POLL = 1e-3  # seconds between two checks whether the threads of an interrupted call have ended


def call_in_threads(call: Callable[[int], None], number: int, stop: ctypes.c_int32) -> None:
    """Call ``call(0)`` … ``call(number - 1)`` in as many other threads, and wait for them.

    This thread only waits, in Python, so that the handler of a signal can run at any time. If the handler raises an
    exception, as that of Ctrl-C does, this function sets ``stop`` to 1, waits for the threads, and raises it again.
    Further signals are handled after that.

    Args:
        call: the work. It must hold a reference to all memory that it writes to. When ``stop`` is not 0 it must return
            soon and write nothing more.
        number: number of threads.
        stop: a variable of C with the value 0.

    Raises:
        BaseException: the exception of a call or of a signal's handler.
    """
    parts = list(range(number))
    starts: list[int] = []
    ends: list[int] = []
    results: SimpleQueue[BaseException | None] = SimpleQueue()

    def work() -> None:
        starts.append(1)
        try:
            with suppress(IndexError):  # no part is left
                while True:
                    results.put(_error(call, parts.pop()))
        finally:
            ends.append(1)

    def start_and_collect() -> None:
        for _ in range(number):
            try:
                # A pool of threads does not end a thread if an interrupt comes while the pool starts it.
                start_new_thread(work, ())
            except RuntimeError:  # Python is about to end and starts no thread; this one does the work
                work()
        for _ in range(number):
            error = results.get()
            if error is not None:
                raise error

    with HeldSignals() as signals:
        try:
            signals.let_through(start_and_collect)
        except BaseException:
            stop.value = 1
            _wait(starts, ends)  # a second Ctrl-C is held until the threads have ended
            raise


def _error(call: Callable[[int], None], part: int) -> BaseException | None:
    """Do a part; return its exception."""
    try:
        call(part)
    except BaseException as error:
        return error
    return None


def _wait(starts: list[int], ends: list[int]) -> None:
    """Wait until all started calls have ended; a call that starts later stops at once."""
    while len(ends) < len(starts):
        time.sleep(POLL)

"""Threads that share one call into C, and have ended when it returns, whatever is raised meanwhile."""

import ctypes
import time
from _thread import start_new_thread
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue

POLL = 1e-3  # seconds between two looks at whether the threads of an interrupted call have ended


def call_in_threads(call: Callable[[int], None], number: int, stop: ctypes.c_int32) -> None:
    """Call ``call(0)`` … ``call(number - 1)`` in as many other threads, and wait for them.

    This thread only waits, in Python, so that a signal's handler can run at any time. Whatever it raises here, as
    Ctrl-C does, ``stop`` is set to 1, the threads are waited for, and then it is passed on.

    Args:
        call: the work. It must refer to all memory that it writes to, so that this memory outlives it, and return
            soon, with nothing more written, when ``stop`` is not 0.
        number: of threads.
        stop: 0.

    Raises:
        BaseException: what a call or a signal's handler raised.
    """
    parts = list(range(number))
    begun: list[int] = []
    ended: list[int] = []
    results: SimpleQueue[BaseException | None] = SimpleQueue()

    def work() -> None:
        begun.append(1)
        try:
            with suppress(IndexError):  # no part is left
                while True:
                    results.put(_error(call, parts.pop()))
        finally:
            ended.append(1)

    try:
        for _ in range(number):
            try:
                # No pool of threads: interrupted while it starts one, it forgets to end it when Python ends.
                start_new_thread(work, ())
            except RuntimeError:  # no thread can be started, as when Python is about to end: this one does the work
                work()
        for _ in range(number):
            error = results.get()
            if error is not None:
                raise error
    except BaseException:
        stop.value = 1
        _wait(begun, ended)
        raise


def _error(call: Callable[[int], None], part: int) -> BaseException | None:
    """Do a part; return what it raised."""
    try:
        call(part)
    except BaseException as error:
        return error
    return None


def _wait(begun: list[int], ended: list[int]) -> None:
    """Wait until as many calls have ended as had begun; one that begins later finds that it must stop."""
    while len(ended) < len(begun):
        try:
            time.sleep(POLL)
        except BaseException:  # a second Ctrl-C: the first is about to be raised, when the threads have ended
            continue

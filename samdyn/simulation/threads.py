"""How many threads torch, and what is compiled, may use."""

import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

SMALL = 2**18  # numbers in a tensor below which one thread is used: two megabytes, which a core's cache holds


class _Inside(threading.local):
    """How many times over this thread is in ``one_thread``, and how many threads torch is to use afterwards."""

    depth = 0
    afterwards = 1


_here = _Inside()
_lock = threading.Lock()
_elsewhere = [0, 1]  # how many threads are in ``one_thread``, and what the first of them found


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep torch from splitting operations among threads; afterwards it uses as many as before, whatever is raised.

    Between compiled steps, and in pieces that fit a cache, operations are short. Each would wait for all threads: a
    gain of a fifth at best on an idle machine, and hundreds of times slower where other programs run.
    """
    if _here.depth:
        yield
        return
    _here.afterwards = user_threads()
    with _lock:
        if not _elsewhere[0]:
            _elsewhere[1] = _here.afterwards
        _elsewhere[0] += 1
    try:
        _here.depth = 1
        torch.set_num_threads(1)
        yield
    finally:
        torch.set_num_threads(_here.afterwards)
        _here.depth = 0
        with _lock:
            _elsewhere[0] -= 1


def threads_for(numbers: int) -> AbstractContextManager[None]:
    """Keep torch to one thread where its tensors have no more numbers than this, if they are ``SMALL``."""
    return one_thread() if numbers <= SMALL else nullcontext()


def user_threads() -> int:
    """Return how many threads torch uses, or where it is kept to one, will use afterwards."""
    if _here.depth:
        return _here.afterwards
    threads = torch.get_num_threads()
    # A thread in which torch was not used before begins with the number that another one set last.
    return _elsewhere[1] if threads == 1 and _elsewhere[0] else threads


def _in_child() -> None:
    """Use one thread in a process that was forked.

    OpenMP, with which torch starts threads, does not survive a fork: the first operation that is split waits for ever.
    """
    torch.set_num_threads(1)
    _elsewhere[:] = 0, 1
    _here.afterwards = 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)

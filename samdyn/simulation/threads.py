"""The number of threads that torch and compiled code use."""

import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

# Environment variables that limit the threads of OpenMP, OpenBLAS and MKL; each library reads them when it is loaded.
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SMALL = 2**18  # numbers in a tensor up to which one thread is used: two megabytes, which a core's cache holds


class _Inside(threading.local):
    """Whether this thread is in ``one_thread`` (depth 1), and the number of threads that torch uses afterwards."""

    depth = 0
    afterwards = 1


_local = _Inside()
_lock = threading.Lock()
_global = [0, 1]  # number of threads in ``one_thread``, and torch's number of threads before the first entered


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit torch to one thread in the block; afterwards it uses as many as before, also after an exception.

    Compiled code in the block uses as many threads as before. The result decorates functions too: ``@one_thread()``.

    Between compiled steps, and in pieces that fit a cache, operations are short. Several threads would gain a fifth at
    best on an idle machine, and where other programs run each operation would wait for the slowest thread, hundreds of
    times longer.
    """
    if _local.depth:
        yield
        return
    _local.afterwards = user_threads()
    with _lock:
        if not _global[0]:
            _global[1] = _local.afterwards
        _global[0] += 1
    try:
        _local.depth = 1
        torch.set_num_threads(1)
        yield
    finally:
        torch.set_num_threads(_local.afterwards)
        _local.depth = 0
        with _lock:
            _global[0] -= 1


def threads_for(numbers: int) -> AbstractContextManager[None]:
    """Return ``one_thread()`` for tensors of at most ``SMALL`` numbers, else a context without effect."""
    return one_thread() if numbers <= SMALL else nullcontext()


def user_threads() -> int:
    """Return the number of threads that torch uses outside of ``one_thread``."""
    if _local.depth:
        return _local.afterwards
    threads = torch.get_num_threads()
    # A new thread starts with the number that another thread set last, which may be the 1 of ``one_thread``.
    return _global[1] if threads == 1 and _global[0] else threads


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit the BLAS of NumPy and SciPy to one thread in the block, for products of matrices that fit a cache.

    Where another program runs, each product would wait for the slower of its threads.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield


@contextmanager
def single_threaded_children() -> Iterator[None]:
    """Give the processes that are started in the block one thread each, in torch and in the BLAS of NumPy and SciPy.

    Several processes share the cores. With more threads than cores a matrix product waits for its slowest thread: with
    two threads in each of two processes on two cores it took four times as long.
    """
    before = {name: os.environ.get(name) for name in VARIABLES}
    try:
        os.environ.update(dict.fromkeys(VARIABLES, "1"))
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _in_child() -> None:
    """Use one thread in a forked process.

    OpenMP, which runs torch's threads, does not survive a fork: the first operation on several threads waits for ever.
    """
    torch.set_num_threads(1)
    _global[:] = 0, 1
    _local.afterwards = 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)

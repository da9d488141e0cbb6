"""How torch divides its work."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep torch from splitting operations among threads.

    Between compiled steps, and in pieces that fit a cache, operations are short. Each would wait for all threads: a
    gain of a fifth at best on an idle machine, and hundreds of times slower where other programs run.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)

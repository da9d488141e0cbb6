"""Signals that ask a process to stop, held back over the few steps that must not be left half done."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def held() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back while the block runs; what arrived meanwhile is delivered at its end."""
    if threading.current_thread() is not threading.main_thread():  # Python handles signals in the main thread alone
        yield
        return
    arrived: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        arrived.append(number)

    # A handler that Python did not install (None) could not be put back.
    earlier = {number: handler for number in STOPPING if (handler := signal.getsignal(number)) is not None}
    try:
        for number in earlier:
            signal.signal(number, note)
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
    for first in arrived[:1]:
        signal.raise_signal(first)

"""Delay of the signals that stop a process, for steps that must not be left half done."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM)  # the signals to delay


@contextmanager
def delay() -> Iterator[None]:
    """Delay Ctrl-C and SIGTERM while the block runs. The first of them arrives at its end."""
    if threading.current_thread() is not threading.main_thread():  # Python handles signals only in the main thread
        yield
        return
    signals: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        signals.append(number)

    # Python cannot restore a handler that it did not install (None).
    earlier = {number: handler for number in STOPPING if (handler := signal.getsignal(number)) is not None}
    try:
        for number in earlier:
            signal.signal(number, note)
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
    for first in signals[:1]:
        signal.raise_signal(first)

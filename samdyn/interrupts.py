"""Delay of signals while something must be completed or undone."""

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar

Result = TypeVar("Result")

# The signals by which programs end or interrupt work. Windows and Unix each have some of them.
NAMES = ("SIGINT", "SIGTERM", "SIGALRM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGBREAK")
SIGNALS = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]


class HeldSignals:
    """A context in which signals wait until its end or until a call of ``let_through``.

    Python runs the handler of a signal between any two operations of the main thread. The handler may raise there, as
    that of Ctrl-C does, in the middle of a change that must be complete or undone. In this context the calls of
    handlers that are written in Python wait until its end. In other threads than the main one no handler runs, and the
    context does nothing.
    """

    def __init__(self) -> None:
        """Start without delaying signals."""
        self._handlers: dict[int, Callable[[int, FrameType | None], Any]] = {}
        self._waiting: list[int] = []
        self._open = False

    def __enter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            return self
        try:
            for number in SIGNALS:
                handler = signal.getsignal(number)
                if callable(handler):
                    self._handlers[number] = handler
                    signal.signal(number, self._handle)
        except BaseException:  # a handler that does not wait yet may raise
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self._restore_handlers()
        finally:
            self._restore_handlers()  # the others, if a restored handler has raised at once
            self._deliver()

    def let_through(self, function: Callable[[], Result]) -> Result:
        """Return ``function()``. Signals that waited are handled before it, and new ones as they arrive.

        If a handler raises, further signals wait again, so that they do not interrupt the cleaning up.
        """
        try:
            self._open = True
            self._deliver()
            return function()
        finally:
            self._open = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self._open:
            self._waiting.append(number)
            return
        self._open = False
        self._handlers[number](number, frame)
        self._open = True

    def _restore_handlers(self) -> None:
        """Restore the handlers from before the context."""
        for number, handler in [*self._handlers.items()]:
            if signal.getsignal(number) == self._handle:  # a handler that a closure has set stays
                signal.signal(number, handler)
            del self._handlers[number]  # a second call has only the others to restore

    def _deliver(self) -> None:
        """Raise the signals that have waited."""
        waiting, self._waiting = self._waiting, []
        _raise_each(waiting)


def _raise_each(numbers: list[int]) -> None:
    """Raise signals one after the other, even if the handler of an earlier one raises an exception."""
    if numbers:
        try:
            signal.raise_signal(numbers[0])
        finally:
            _raise_each(numbers[1:])

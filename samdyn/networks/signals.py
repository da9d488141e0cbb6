"""Signals that wait while a step changes things."""

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar

Result = TypeVar("Result")

# Those that programs end or interrupt work by; Windows and Unix have some of them each.
NAMES = ("SIGINT", "SIGTERM", "SIGALRM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGBREAK")
SIGNALS = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]


class HeldSignals:
    """A context in which signals wait, but for calls that let them through.

    Python runs a signal's handler between any two operations of the main thread, and the handler may raise there, as
    Ctrl-C's does: in the midst of what must be done as a whole, or undone. In this context handlers that are written
    in Python wait until its end; by then what had to be done is done. Handlers do not run in other threads than the
    main one: there is nothing to hold in them.
    """

    def __init__(self) -> None:
        """Hold nothing yet."""
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
        except BaseException:  # of a handler that does not wait yet
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self._give_back()
        finally:
            self._give_back()  # the rest, if a handler that was given back has raised at once
            self._deliver()

    def let_through(self, function: Callable[[], Result]) -> Result:
        """Return ``function()``; signals that waited come before it, and those that arrive meanwhile at once.

        After one whose handler raises they wait again, so that what cleans up is not interrupted by the next.
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

    def _give_back(self) -> None:
        for number, handler in [*self._handlers.items()]:
            if signal.getsignal(number) == self._handle:  # and not one that a closure has set
                signal.signal(number, handler)

    def _deliver(self) -> None:
        waiting, self._waiting = self._waiting, []
        _raise_each(waiting)


def _raise_each(numbers: list[int]) -> None:
    """Raise signals one after the other, the later ones also where the handler of an earlier one raises."""
    if numbers:
        try:
            signal.raise_signal(numbers[0])
        finally:
            _raise_each(numbers[1:])

"""Threads have ended when a call returns, whatever happens meanwhile."""

import ctypes
import signal
import threading
import time
from typing import Any

import pytest

from samdyn.compiler.c import workers
from samdyn.compiler.c.workers import call_in_threads


def test_every_part_is_done_once() -> None:
    done: list[int] = []
    call_in_threads(done.append, 5, ctypes.c_int32(0))
    assert sorted(done) == [0, 1, 2, 3, 4]


def test_what_a_part_raises_stops_the_others_and_is_passed_on() -> None:
    stop, ended = ctypes.c_int32(0), []

    def call(part: int) -> None:
        if part == 1:
            raise MemoryError("no room for the second part")
        while not stop.value:
            time.sleep(1e-3)
        ended.append(part)

    with pytest.raises(MemoryError, match="second part"):
        call_in_threads(call, 3, stop)
    assert sorted(ended) == [0, 2]


def test_an_error_of_no_part_left_is_told_from_one_inside_a_part() -> None:
    def call(part: int) -> None:
        raise IndexError("inside")

    with pytest.raises(IndexError, match="inside"):
        call_in_threads(call, 2, ctypes.c_int32(0))


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no such signal")
def test_several_interruptions_let_go_of_nothing_before_the_threads_have_ended() -> None:
    # The signals begin when both parts run, and come again and again while these take long to end.
    stop, begun, ended, raised = ctypes.c_int32(0), [], [], []

    def interrupt(*_: Any) -> None:
        raised.append(1)
        raise KeyboardInterrupt

    def call(part: int) -> None:
        begun.append(part)
        if len(begun) == 2:
            signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
        while not stop.value:
            time.sleep(1e-3)
        time.sleep(0.1)
        ended.append(part)

    def interrupted() -> None:
        try:
            call_in_threads(call, 2, stop)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert sorted(ended) == [0, 1]
    assert len(raised) > 1


def test_where_no_thread_can_be_started_the_caller_does_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(workers, "start_new_thread", refuse)
    done: list[tuple[int, threading.Thread]] = []
    call_in_threads(lambda part: done.append((part, threading.current_thread())), 3, ctypes.c_int32(0))
    assert {part for part, _ in done} == {0, 1, 2}
    assert {thread for _, thread in done} == {threading.current_thread()}

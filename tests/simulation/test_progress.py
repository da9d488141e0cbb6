"""Progress: who sees it, how often, and when not."""

import io
import itertools
import sys

import pytest

from samdyn.simulation import progress
from samdyn.simulation.progress import progress_bar


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes on ten seconds whenever it is asked; pytest's standard error is no terminal."""
    clock = itertools.count(step=10)
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(progress, "FIRST_LINE", 20.0)


Capture = pytest.CaptureFixture[str]


def work(steps: int, shown: bool = True) -> None:
    with progress_bar("runs, ρ = 0.5", steps, shown) as show:
        for done in range(1, steps + 1):
            show(done)


def test_a_line_after_twenty_seconds_and_then_every_minute(capsys: Capture) -> None:
    work(20)
    assert capsys.readouterr().err.splitlines() == [
        "runs, ρ = 0.5: 10% done, about 3 min left",  # 20 s for 2 of 20
        "runs, ρ = 0.5: 40% done, about 2 min left",
        "runs, ρ = 0.5: 70% done, about 60 s left",
    ]


def test_the_rate_is_shown_with_its_unit(capsys: Capture) -> None:
    with progress_bar("grid", 20, unit="cells") as show:
        show(1)
        show(4)
    assert capsys.readouterr().err == "grid: 20% done, about 80 s left, 0.2 cells/s\n"


def test_short_work_and_the_end_are_silent(capsys: Capture) -> None:
    work(1)
    work(2)
    assert capsys.readouterr().err == ""


def test_one_progress_at_a_time(capsys: Capture) -> None:
    with progress_bar("all", 4) as show:
        work(20)
        for done in range(5):
            show(done)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("all: ")
    work(20)
    assert "runs" in capsys.readouterr().err


def test_silenced(capsys: Capture) -> None:
    with progress.silenced():
        work(20)
    work(20, shown=False)
    assert capsys.readouterr().err == ""
    with progress.silenced(False):
        work(20)
    assert capsys.readouterr().err


def test_a_failure_leaves_the_next_progress_shown(capsys: Capture) -> None:
    with pytest.raises(ZeroDivisionError), progress_bar("fails", 2):
        raise ZeroDivisionError
    work(20)
    assert "runs" in capsys.readouterr().err


@pytest.mark.parametrize(("seconds", "said"), [(3.2, "3 s"), (89, "89 s"), (200, "3 min"), (9000, "2.5 h")])
def test_times(seconds: float, said: str) -> None:
    assert progress.duration(seconds) == said


def test_a_bar_on_a_terminal_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal)
    work(20)
    assert "runs, ρ = 0.5" in terminal.getvalue()
    assert "\x1b[2K" in terminal.getvalue()[-20:]  # the line is erased


def test_tracked(capsys: Capture) -> None:
    assert list(progress.tracked("settings", range(8))) == [*range(8)]
    assert capsys.readouterr().err.splitlines()[0].startswith("settings: 25% done")
    assert list(progress.tracked("settings", [])) == []

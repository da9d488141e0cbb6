"""What all tests share.

Nothing of samdyn is imported until it is needed: pytest-xdist's own process reads this file too, and runs no test.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import samdyn as sd


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out scripts that tests run in processes of their own: --doctest-modules would import them here."""
    return True if collection_path.suffix == ".py" and not collection_path.name.startswith("test_") else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    import torch

    if not torch.cuda.is_available():
        for item in items:
            if item.get_closest_marker("gpu"):  # a folder named gpu would be among the keywords
                item.add_marker(pytest.mark.skip(reason="no CUDA"))


@pytest.fixture(scope="session")
def saddle() -> sd.Landscape:
    """x² − y²."""
    import samdyn as sd

    return sd.landscapes.saddle()


@pytest.fixture(scope="session")
def origin(saddle: sd.Landscape) -> sd.analysis.CriticalPoint:
    """The saddle point of x² − y²."""
    import samdyn as sd

    (point,) = sd.critical_points(saddle)
    assert point.kind == "saddle"
    return point


@pytest.fixture(scope="session")
def experiment() -> Callable[[str], ModuleType]:
    """An experiment's script as a module: the same code without a new process for every input."""

    from samdyn import lab

    return lab.load


@pytest.fixture
def run_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    """Run a script's command line in this process, in an empty folder; return its exit status."""

    from samdyn import lab

    def command(script: ModuleType, *arguments: str) -> int:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [str(script.__file__), *arguments])
        with pytest.raises(SystemExit) as stopped:
            lab.run(script.main)
        return int(stopped.value.code or 0)

    return command


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Path, str]]:
    """Run a script for all tests of a module, with some of its constants changed.

    Return its folder of results, and what it printed: nothing on standard error.
    """

    from samdyn import lab

    def command(script: ModuleType, *arguments: str, **constants: Any) -> tuple[Path, str]:
        empty, printed, told = tmp_path_factory.mktemp(script.__name__), io.StringIO(), io.StringIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(told),
        ):
            patch.chdir(empty)
            patch.setattr(sys, "argv", [str(script.__file__), *arguments])
            for name, value in constants.items():
                patch.setattr(script, name, value)
            with pytest.raises(SystemExit) as stopped:
                lab.run(script.main)
        assert (stopped.value.code, told.getvalue()) == (0, "")
        (folder,) = (empty / "results").iterdir()
        return folder, printed.getvalue()

    return command


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[[int], str]:
    """Check, by its exit status, that a command line was refused in one line and left nothing; return the line."""

    def said(status: int) -> str:
        printed, told = capsys.readouterr()
        assert (status, printed, told.count("\n")) == (2, "", 1)
        assert told.startswith("error: ")
        assert not list(tmp_path.iterdir())
        return told

    return said

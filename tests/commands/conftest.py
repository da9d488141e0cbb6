"""What the tests of the command line share."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from samdyn.commands import main


@pytest.fixture
def samdyn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    """Run ``samdyn`` with arguments in an empty folder, and return its exit status."""

    def command(*arguments: str) -> int:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["samdyn", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        return int(stopped.value.code or 0)

    return command

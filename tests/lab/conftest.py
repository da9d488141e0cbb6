"""What the tests of experiments share."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from samdyn import lab


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    """Run a ``main`` as an experiment with arguments in an empty folder, and return its exit status."""

    def command(main: Callable[..., Any], *arguments: str) -> int:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["script.py", *arguments])
        with pytest.raises(SystemExit) as stopped:
            lab.run(main)
        return int(stopped.value.code or 0)

    return command

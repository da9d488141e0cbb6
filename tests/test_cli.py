"""What all command lines share."""

import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pytest
from typer import Option

import samdyn as sd
from samdyn import cli
from samdyn.output import OutputFolder
from samdyn.simulation.progress import progress_bar

SCRIPT = """
import sys
from typing import Annotated
from typer import Option
from samdyn import checks, cli
from samdyn.output.terminal import Console

def main(rho: Annotated[str, Option(help="Radii ρ, λ² ≥ 0.")] = "ρ") -> None:
    "What does ρ do?"
    Console().print(f"−1 ± {rho}")
    print("plain: λ")
    if rho != "ρ":
        checks.reject("ρ", rho, "there is no λ to compare with", "Use −1")

for arguments in ([], ["--help"], ["--rho", "2"]):
    sys.argv[1:] = arguments
    try:
        cli.run(main)
    except SystemExit as stopped:
        print("status", stopped.code)
"""


def run(main: object, *arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["script.py", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cli.run(main)  # type: ignore[arg-type]
    return int(stopped.value.code or 0)


def check_streams(printed: str, told: str) -> None:
    assert printed.startswith("-1 +/- rho\nplain: lambda\nstatus 0\n")
    assert "Radii rho" in printed
    assert printed.endswith("status 2\n")
    assert "lambda to compare with" in told


def test_streams_that_are_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = {name: io.TextIOWrapper(io.BytesIO(), "ascii", write_through=True) for name in ("stdout", "stderr")}
    for name, stream in streams.items():
        monkeypatch.setattr(sys, name, stream)
    monkeypatch.setattr(sys, "argv", ["script.py"])
    exec(SCRIPT, {})
    check_streams(*(stream.buffer.getvalue().decode("ascii") for stream in streams.values()))  # type: ignore[attr-defined]


def test_streams_of_a_process_in_the_c_locale(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    environment = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    here = {**os.environ, "PYTHONPATH": str(Path(sd.__file__).parent.parent), **environment}
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, env=here)
    assert done.returncode == 0, done.stderr
    check_streams(done.stdout.decode("ascii"), done.stderr.decode("ascii"))


def test_quiet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    shown = []

    def main(count: Annotated[int, Option(help="How many.")] = 3) -> None:
        """Count."""
        with progress_bar("counting", 3) as show:
            shown.append("_lines" in show.__qualname__)
        print(count, sorted(locals()))

    for arguments in ([], ["--quiet"], ["--count", "4"]):
        assert run(main, *arguments, monkeypatch=monkeypatch) == 0
    assert shown == [True, False, True]
    assert "quiet" not in capsys.readouterr().out
    assert run(main, "--help", monkeypatch=monkeypatch) == 0
    assert "--quiet" in capsys.readouterr().out


def test_sigterm_keeps_finished_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def main() -> None:
        """Be terminated."""
        with OutputFolder(tmp_path / "out", "escape", {}) as folder:
            with folder.writing("a.txt") as path:
                path.write_text("finished")
            signal.raise_signal(signal.SIGTERM)
            pytest.fail("not stopped")

    before = signal.getsignal(signal.SIGTERM)
    assert run(main, monkeypatch=monkeypatch) == 143
    assert (tmp_path / "out" / "a.txt").read_text() == "finished"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert signal.getsignal(signal.SIGTERM) is before

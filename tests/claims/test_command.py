"""The command ``samdyn verify``."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import samdyn as sd
from samdyn.claims.judge import Judgement
from samdyn.claims.verdict import HOLDS, fails
from samdyn.commands import main
from samdyn.commands import verify as command


@pytest.mark.slow
def test_one_claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    files = [tmp_path / f"report.{kind}" for kind in ("json", "html", "xml", "md")]
    options = zip(("--json", "--html", "--junit", "--markdown"), map(str, files), strict=True)
    words = ("verify", "usam-threshold", "--quick", "--quiet", *(word for pair in options for word in pair))
    monkeypatch.setattr(sys, "argv", ["samdyn", *words])
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code
    printed = capsys.readouterr().out
    assert "usam-threshold: holds" in printed
    assert "1 claim from 1 paper: 1 holds; every verdict as recorded" in printed
    assert json.loads(files[0].read_text())["claims"][0]["id"] == "usam-threshold"
    assert all(file.stat().st_size > 200 for file in files)


def test_a_changed_verdict_is_status_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def outcome(verdict: sd.claims.Verdict) -> None:
        monkeypatch.setattr(command, "judgements", lambda *_: [(0, (Judgement("usam-threshold", verdict), []))])
        command.verify(["usam-threshold"])

    outcome(HOLDS)
    with pytest.raises(command.Exit) as stop:
        outcome(fails(2.0))
    assert stop.value.exit_code == 1
    assert "CHANGED, recorded: holds" in capsys.readouterr().out


def test_a_surviving_mutation_is_status_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    found = [SimpleNamespace(description="+ → −", caught=caught) for caught in (True, False, None)]
    monkeypatch.setattr(command, "judgements", lambda *_: [(0, (Judgement("usam-threshold", HOLDS), found))])
    with pytest.raises(command.Exit):
        command.verify(["usam-threshold"], mutate=True)
    out = capsys.readouterr().out
    assert "survived: usam-threshold: + → −" in out
    assert "mutations: 1 of 2 caught; 1 further ones change no predicted value" in out


def test_refusals_before_any_work(tmp_path: Path) -> None:
    calls = [
        ({"claims": ["usam-treshold"]}, "Did you mean 'usam-threshold'"),
        ({"claims": [str(tmp_path / "none.py")]}, "there is no such file"),
        ({"claims": ["usam-threshold", "usam-threshold"]}, "have it"),
        ({"claims": [f"{tmp_path}/"]}, "is a folder"),
        ({"json": tmp_path}, "is a folder"),
        ({"json": tmp_path / "x", "html": tmp_path / "." / "x"}, "another report goes there"),
        ({"html": tmp_path / "none" / "page.html"}, "there is no folder"),
        ({"quick": True, "full": True}, "contradicts --full"),
        ({"processes": -1}, "processes = -1"),
        ({"limit": 0.0}, "limit = 0.0"),
    ]
    for arguments, words in calls:
        with pytest.raises(sd.InputError) as error:
            command.verify(**arguments)  # type: ignore[arg-type]
        assert words in str(error.value)


def test_the_name_of_a_file_without_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text("")
    with pytest.raises(sd.InputError, match=r"Did you mean mine\.py"):
        command.selected(["mine"])


def test_a_report_does_not_replace_the_claims(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("from samdyn.claims import named\nclaim = named('usam-threshold')\n")
    with pytest.raises(sd.InputError, match="is a file of claims"):
        command.verify([str(file)], markdown_=file)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is full")
def test_a_full_disk_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "judgements", lambda *_: [(0, (Judgement("usam-threshold", HOLDS), []))])
    with pytest.raises(command.Exit) as stop:
        command.verify(["usam-threshold"], json=Path("/dev/full"), junit=tmp_path / "report.xml")
    assert stop.value.exit_code == 2
    text = capsys.readouterr()
    assert "usam-threshold: holds" in text.out
    assert "path = '/dev/full': cannot be written: No space left on device" in text.err
    assert (tmp_path / "report.xml").stat().st_size > 0  # the others are written


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_the_run_and_its_processes(tmp_path: Path, number: signal.Signals, status: int) -> None:
    file = tmp_path / "mine.py"
    file.write_text(SLOW)
    parts = [sys.executable, "-m", "samdyn", "verify", str(file), "--processes", "1"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(parts, **pipes, start_new_session=True, cwd=tmp_path) as process:
        try:
            while not (tmp_path / "started").exists() or not (tmp_path / "started").read_text():
                assert process.poll() is None
                time.sleep(0.1)
            os.killpg(process.pid, number)
            output, error = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == status
    assert "Traceback" not in error
    assert "before" in output
    assert "stopped after 1 of 2 claims" in output
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "started").read_text()), 0)


SLOW = """
import os, time
from dataclasses import replace
from samdyn.claims import named


def slow(eigenvalues):
    with open("started", "w") as file:
        file.write(str(os.getpid()))
    time.sleep(600)


def quick(eigenvalues):
    return 1 / abs(max(lam for lam in eigenvalues if lam < 0))


before = replace(named("usam-threshold"), id="before", measure=quick)
claim = replace(named("usam-threshold"), id="slow", measure=slow)
"""

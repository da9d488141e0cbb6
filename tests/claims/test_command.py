"""The command ``samdyn verify``."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import samdyn as sd
from samdyn.claims.judge import Judgement
from samdyn.claims.verdict import HOLDS, fails
from samdyn.commands import verify as command


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "samdyn", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_one_claim(tmp_path: Path) -> None:
    files = [tmp_path / f"report.{kind}" for kind in ("json", "html", "xml", "md")]
    options = zip(("--json", "--html", "--junit", "--markdown"), map(str, files), strict=True)
    done = run("verify", "usam-threshold", "--quick", "--quiet", *(word for pair in options for word in pair))
    assert done.returncode == 0, done.stderr
    assert "usam-threshold: holds" in done.stdout
    assert "1 claims from 1 papers: 1 holds; every verdict as recorded" in done.stdout
    assert json.loads(files[0].read_text())["claims"][0]["id"] == "usam-threshold"
    assert all(file.stat().st_size > 200 for file in files)


def test_a_changed_verdict_is_status_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def outcome(verdict: sd.claims.Verdict) -> None:
        monkeypatch.setattr(command, "judgements", lambda *_: [(Judgement("usam-threshold", verdict), [])])
        command.verify(["usam-threshold"])

    outcome(HOLDS)
    with pytest.raises(command.Exit) as stop:
        outcome(fails(2.0))
    assert stop.value.exit_code == 1
    assert "CHANGED, recorded: holds" in capsys.readouterr().out


def test_a_surviving_mutation_is_status_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    found = [SimpleNamespace(description="+ → −", caught=caught) for caught in (True, False, None)]
    monkeypatch.setattr(command, "judgements", lambda *_: [(Judgement("usam-threshold", HOLDS), found)])
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
        ({"json": tmp_path}, "is a folder"),
        ({"html": tmp_path / "none" / "page.html"}, "there is no folder"),
        ({"quick": True, "full": True}, "contradicts --full"),
        ({"processes": -1}, "processes = -1"),
        ({"limit": 0.0}, "limit = 0.0"),
    ]
    for arguments, words in calls:
        with pytest.raises(sd.InputError) as error:
            command.verify(**arguments)  # type: ignore[arg-type]
        assert words in str(error.value)

"""The command ``samdyn sweep``."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr

import samdyn as sd
from samdyn.commands import sweep as command

MEASURE = """
import time

def growth(rho, lr, name="a"):
    if rho > 0.5:
        raise ArithmeticError("too far")
    return rho * lr

def slow(n):
    time.sleep(0.2)
    return n
"""
FILE = """
function = "sweep_command_measure.py:growth"
processes = 1
batch = []
[grid]
rho = [0.1, 0.2, 0.6]
"lr, name" = [[1.0, "a"], [2.0, "b"]]
"""


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Write a file of TOML, and the file with its function."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "sweep_command_measure", raising=False)
    (tmp_path / "sweep_command_measure.py").write_text(MEASURE)

    def write(old: str = "", new: str = "") -> Path:
        assert old in FILE
        (tmp_path / "grid.toml").write_text(FILE.replace(old, new))
        return tmp_path / "grid.toml"

    return write


def test_it_runs_a_file_and_says_what_failed(
    written: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for retry in (False, True):
        with pytest.raises(command.Exit) as stop:
            command.sweep(written(), retry_failed=retry)
        assert stop.value.exit_code == 1
        said = capsys.readouterr().out
        assert "growth: 4 of 6 cells done, 2 failed, 0 missing" in said
        assert "rho = 0.6, lr = 1.0, name = 'a': ArithmeticError: too far" in said
        assert "--retry-failed" in said
    opened = xr.open_zarr(tmp_path / "grid.zarr")
    assert opened.value.sel(rho=0.2).values.tolist() == [0.2, 0.4]
    assert opened.name.values.tolist() == ["a", "b"]
    command.sweep(status=tmp_path / "grid.zarr")
    assert capsys.readouterr().out.startswith("growth: 4 of 6 cells done, 2 failed, 0 missing\n  rho = 0.6")


def test_a_dry_run_times_three_cells(
    written: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written('growth"', 'slow"')
    file.write_text(file.read_text().partition("[grid]")[0] + f"[grid]\nn = {list(range(1000))}\n")
    command.sweep(file, dry_run=True, processes=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1000 cells in 1000 calls; 3 of them timed"
    assert lines[1] in [f"about {minutes} min in 2 process(es)" for minutes in (2, 3)]
    assert lines[2] == "about 8 kB on disk before compression"
    assert not (tmp_path / "grid.zarr").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("processes", "proceses", r"key = 'proceses': no key has this name. Did you mean 'processes'\?"),
        ("[grid]", "Grid = 1\n[grid]", "keys have small letters"),
        (FILE, "function = 'math:hypot'", r"grid = None: the file .* needs it. Write \[grid\]"),
        ("function", "# function", "function = None: the file"),
        ("processes = 1", "processes = -1", "must be 0, for one on each core, or more"),
        ("batch = []", "batch = [1]", "must be a list of names"),
        ("batch = []", "store = 3", "must be the path of a folder"),
        ("[grid]", "[grid", "is not TOML"),
        (":growth", ":grwth", r"no function has this name. Did you mean 'growth'\?"),
        ("_measure.py", "_other.py", "there is no file"),
        ("sweep_command_measure.py:", "samdyn.nowhere:", "importing it raises ModuleNotFoundError"),
        (":growth", "", "must be a module or a file, a colon, and a name"),
        ("rho = ", "rhoo = ", r"no parameter of growth has this name. Did you mean 'rho'\?"),
        ("rho = [0.1, 0.2, 0.6]", "rho = []", "the axis is empty"),
        ("rho = [0.1, 0.2, 0.6]", "rho = 1979-05-27", "must be a list of numbers or names"),
    ],
)
def test_bad_files_are_refused(written: Callable[..., Path], tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(sd.InputError, match=message):
        command.sweep(written(old, new))
    assert not (tmp_path / "grid.zarr").exists()


def test_a_module_with_the_name_of_another_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "json.py").write_text("def f(x): return x")
    (tmp_path / "grid.toml").write_text('function = "json.py:f"\n[grid]\nx = [1]\n')
    with pytest.raises(sd.InputError, match="another module has the name json"):
        command.sweep(tmp_path / "grid.toml")


def test_commands_that_make_no_sense_are_refused(written: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(sd.InputError, match="file = None: is missing"):
        command.sweep()
    with pytest.raises(sd.InputError, match="contradicts the file"):
        command.sweep(written(), status=tmp_path)
    with pytest.raises(sd.InputError, match="is not the store of a sweep"):
        command.sweep(status=tmp_path)


@pytest.mark.slow
def test_it_stops_on_ctrl_c_and_its_processes_end_with_it(
    written: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written('growth"', 'slow"')
    file.write_text(file.read_text().partition("[grid]")[0] + f"[grid]\nn = {list(range(200))}\n")
    store = tmp_path / "grid.zarr"
    for stop, status, said in ((signal.SIGINT, 130, "start the same sweep again"), (signal.SIGKILL, -9, "")):
        arguments = [sys.executable, "-m", "samdyn", "sweep", str(file), "--processes", "2"]
        with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
            until = time.monotonic() + 60
            before = (store / "journal.samdyn").stat().st_size if (store / "journal.samdyn").exists() else 0
            while not (journal := store / "journal.samdyn").exists() or journal.stat().st_size <= before:
                assert time.monotonic() < until
                time.sleep(0.05)
            if stop == signal.SIGKILL:
                process.send_signal(stop)
            else:
                os.killpg(process.pid, stop)  # as a terminal does
            assert said in process.communicate(timeout=30)[1]
            assert process.returncode == status
        until = time.monotonic() + 10
        while _is_alive(process.pid):
            assert time.monotonic() < until, "processes of the sweep still run"
            time.sleep(0.05)
    command.sweep(status=store)
    result = capsys.readouterr().out
    assert "missing; no sweep is running" in result
    assert "slow: 0 of" not in result


def _is_alive(group: int) -> bool:
    """Return whether a process of a group runs."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True

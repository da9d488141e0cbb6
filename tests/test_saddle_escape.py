"""The saddle-escape experiment, as a user runs it."""

import json
import os
import pty
import re
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from PIL import Image

from samdyn.methods import Ascent
from samdyn.ops import Point, norm, unit
from samdyn.oracle import Oracle

SCRIPT = Path(__file__).parent.parent / "experiments" / "saddle_escape.py"
SMALL = ["--starts", "20", "--steps", "200", "--methods", "GD,SAM", "--rho", "0.3"]
FIGURES = {"trapped_fraction.png", "escape_times.png", "trajectories.png", "cosine.png"}
OPTIONS = ["landscape", "coordinates", "saddle", "methods", "rho", "lr", "momentum", "starts", "distribution"]
OPTIONS += ["spread", "steps", "seed", "device", "dtype", "out"]


Small = tuple[Path, str]


@pytest.fixture(scope="module")
def script(experiment: Callable[[str], ModuleType]) -> ModuleType:
    return experiment("saddle_escape")


def read(folder: Path) -> xr.Dataset:
    return xr.open_zarr(folder / "runs.zarr", consolidated=False).load()


# A run.


@pytest.fixture(scope="module")
def small(script: ModuleType, finished: Callable[..., tuple[Path, str]]) -> Small:
    return finished(script, *SMALL, "--out", "results/small")


def test_runs(small: Small) -> None:
    out, printed = small
    assert {p.name for p in out.iterdir()} == {*FIGURES, "runs.zarr", "provenance.json"}
    assert {p.name for p in out.parent.iterdir()} == {"small"}
    assert "results/small" in printed


def test_figures_are_pictures_that_say_what_made_them(small: Small) -> None:
    out, _ = small
    for name in FIGURES:
        with Image.open(out / name) as image:
            about = json.loads(image.info["Description"])
            pixels = np.asarray(image.convert("L"))
        assert about["parameters"]["rho"] == "0.3"
        assert min(pixels.shape) > 300
        assert pixels.std() > 10  # something is drawn


def rows(printed: str) -> dict[str, str]:
    """Return the table's rows by method."""
    return {line.split()[0]: line for line in printed.splitlines() if re.match(r"(GD|U?SAM) ", line)}


def test_prints_the_documented_columns(small: Small) -> None:
    printed = small[1]
    head = printed[: printed.index("───")]
    for column in ("method", "ρ", "trap", "esc", "div", "und", "median escape", "time [95 %]", "capture", "measured"):
        assert column in head
    assert "theory" in head
    for explained in ("trapped, escaped, diverged, undecided", "t = kη", "Kaplan-Meier"):
        assert explained in printed
    assert "20 runs a setting" in head
    assert "η = 0.01" in head  # the default 0.02/max|λ| is told
    assert set(rows(printed)) == {"GD", "SAM"}
    assert max(map(len, printed.splitlines())) <= 100


def test_dataset_holds_what_is_printed(small: Small) -> None:
    out, printed = small
    runs = read(out)
    assert runs.method.values.tolist() == ["GD", "SAM"]
    assert runs.rho.values.tolist() == [0.0, 0.3]
    shares = ["trapped", "escaped", "diverged", "undecided"]
    for i, line in enumerate(rows(printed).values()):
        one = runs.isel(setting=i)
        numbers = line.split()[2:] if one.rho else line.split()[1:]
        # Printed with one decimal of a percent: 20 runs give multiples of 5 %.
        assert [float(n) for n in numbers[:4]] == [pytest.approx(100 * one[s].item()) for s in shares]
        for share in shares:
            assert (one.outcome == share).mean().item() == one[share].item()
        if np.isfinite(one.median_time):
            low, high = re.search(r"\[(\S+), (\S+)\]", line).groups()
            told = [float(numbers[4]), float(low), float(high)]
            # Three significant digits.
            held = [one.median_time, one.median_time_low, one.median_time_high]
            np.testing.assert_allclose(told, held, rtol=5e-3)
        else:
            assert "> 2" in line  # 200 steps of 0.01
    edges = np.array([runs.boundary_low.values[1], runs.boundary_high.values[1]])
    first, _, last = re.search(r"w<(\S+)", rows(printed)["SAM"])[1].partition("…")
    if last:  # an interval, with two significant digits
        np.testing.assert_allclose([float(first), float(last)], edges, rtol=5e-2)
    else:  # a sharp edge, the interval's middle with four
        np.testing.assert_allclose(float(first), edges.mean(), rtol=5e-4)
    assert runs.boundary.values.tolist() == ["rho", "width"]
    assert "never" in rows(printed)["GD"]


@dataclass(frozen=True)
class OwnBounded(Ascent):
    """A user's own method with a Jacobian: three times USAM's perturbation near the saddle, bounded far away."""

    def direction(self, w: Point, g: Point, grad: Oracle) -> Point:
        return 3 * g / (1 + norm(g))


@dataclass(frozen=True)
class OwnNormalised(Ascent):
    """A user's own method without one: twice SAM's perturbation."""

    def direction(self, w: Point, g: Point, grad: Oracle) -> Point:
        return 2 * unit(g)


def test_a_users_own_methods_are_predicted(script: ModuleType, finished: Callable[..., tuple[Path, str]]) -> None:
    out, printed = finished(
        script, *SMALL, "--methods", "OwnBounded,OwnNormalised", "--rho", "0.1", "--out", "results/own"
    )
    runs = read(out)
    np.testing.assert_allclose(runs.boundary_predicted, [1 / 6, 0.2], rtol=1e-12)
    assert runs.boundary.values.tolist() == ["rho", "width"]
    np.testing.assert_allclose(runs.boundary_low[0], 1 / 6, rtol=1e-3)
    assert runs.boundary_low[1] <= 0.2 <= runs.boundary_high[1]  # 200 steps leave it open near the edge
    told = {line.split()[0]: line.split()[-1] for line in printed.splitlines() if line.startswith("Own")}
    assert told == {"OwnBounded": "ρ>0.1667", "OwnNormalised": "w<0.2"}


def test_the_outcomes_are_right(small: Small) -> None:
    runs = read(small[0])
    np.testing.assert_allclose(runs.saddle, [0, 0], atol=1e-12)
    # GD leaves x² − y² in the end; SAM stays iff |y| < ρ (theory 2), but for starts within a step of it.
    y = runs.start.values[:, 1]
    clear = np.abs(np.abs(y) - 0.3) > 0.02
    assert clear.sum() >= 15
    stays = (runs.outcome.isel(setting=1) == "trapped").values
    assert (stays == (np.abs(y) < 0.3))[clear].all()
    assert (runs.outcome.isel(setting=0) == "escaped").all()
    # Left at the first step beyond twice the farthest coordinate: y 1.02ᵏ.
    reach = np.abs(runs.start.values).max()
    steps = np.ceil(np.log(2 * reach / np.abs(y)) / np.log(1.02))
    np.testing.assert_array_equal(runs.end.isel(setting=0), steps)


def test_provenance(small: Small) -> None:
    about = json.loads((small[0] / "provenance.json").read_text())
    assert about["experiment"] == "saddle_escape"
    assert set(about["parameters"]) == set(OPTIONS)
    assert (about["parameters"]["starts"], about["parameters"]["seed"]) == (20, 0)
    assert about["finished"] == "2 of 2 settings"
    assert len(about["commit"]) >= 7


def test_the_same_seed_gives_the_same_numbers(
    small: Small, script: ModuleType, run_here: Callable[..., int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(script, "draw", lambda *_: None)
    assert run_here(script, *SMALL, "--out", str(tmp_path / "0")) == 0
    short = ["--methods", "GD", "--rho", "", "--steps", "1", "--seed", "1"]
    assert run_here(script, *SMALL, *short, "--out", str(tmp_path / "1")) == 0
    xr.testing.assert_equal(read(tmp_path / "0"), read(small[0]))
    assert not (read(tmp_path / "1").start == read(small[0]).start).any()


def test_help_lists_the_options(
    script: ModuleType, run_here: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_here(script, "--help") == 0
    told = capsys.readouterr().out
    for option in OPTIONS:
        assert f"--{option}" in told
    assert "does SAM stay at a saddle" in told


# Bad input.

HACK = "__import__('os').system('touch HACKED')"
BAD: list[tuple[list[str], list[str]]] = [
    # options, what the line must say: the value, the rule, the fix
    (["--landscape", "sadle"], ["'sadle'", "no landscape", "Did you mean 'saddle'?"]),
    (["--landscape", "rosenbrock"], ["'Rosenbrock'", "no non-degenerate saddle", "Choose a landscape"]),
    (["--landscape", "monkey-saddle"], ["'monkey saddle'", "no non-degenerate saddle", "Choose a landscape"]),
    (["--landscape", "x**2 + y**2"], ["'x**2 + y**2'", "no non-degenerate saddle", "Choose a landscape"]),
    (["--landscape", HACK], ["HACKED", "not allowed", "Functions:"]),
    (["--landscape", "x.__class__"], ["x.__class__", "not allowed", "Functions:"]),
    (["--landscape", "x**2 - z**2"], ["'z'", "unknown symbol", "coordinates"]),
    (["--landscape", "x**2 -"], ["'x**2 -'", "cannot be read", "Write it like"]),
    (["--landscape", ""], ["''", "cannot be read", "Write it like"]),
    (["--landscape", "9**9**9 - y**2"], ["9**9", "64", "smaller"]),
    (["--landscape", "x**2 - y**2", "--coordinates", "x x"], ["'x x'", "name of its own", "Name"]),
    (["--landscape", "x**2 - y**2", "--coordinates", ""], ["''", "at least one", "Name"]),
    (["--methods", "GD,SAMM"], ["'SAMM'", "no method", "Did you mean"]),
    (["--methods", ""], ["''", "at least one method", "Use"]),
    (["--rho", "-1"], ["-1", ">= 0", "Use"]),
    (["--rho", "0.1,nan"], ["nan", "finite", "Use"]),
    (["--rho", "inf"], ["inf", "finite", "Use"]),
    (["--rho", "large"], ["'large'", "numbers separated by commas", "Use"]),
    (["--rho", ","], ["','", "at least one number", "Use"]),
    (["--lr", "0"], ["0", "> 0", "Use"]),
    (["--lr", "-0.1"], ["-0.1", "> 0", "Use"]),
    (["--lr", "nan"], ["nan", "finite", "Use"]),
    (["--lr", "fast"], ["'fast'", "numbers separated by commas", "Use"]),
    (["--momentum", "1"], ["1", "[0, 1)", "Use"]),
    (["--momentum", "-0.5"], ["-0.5", "[0, 1)", "Use"]),
    (["--momentum", "1e-320"], ["1e-320", "at least 1e-12", "Use 0"]),
    (["--landscape", "x**2", "--coordinates", "x " + " ".join(f"z{i}" for i in range(40))], ["are 41", "up to 16"]),
    (["--momentum", "nan"], ["nan", "[0, 1)", "Use"]),
    (["--steps", "0"], ["0", ">= 1", "Use"]),
    (["--steps", "-5"], ["-5", ">= 1", "Use"]),
    (["--starts", "0"], ["0", ">= 1", "Use"]),
    (["--starts", "-1"], ["-1", ">= 1", "Use"]),
    (["--distribution", "normla"], ["'normla'", "no distribution", "Did you mean 'normal'?"]),
    (["--spread", "0"], ["0", "> 0", "Use"]),
    (["--spread", "-1"], ["-1", "> 0", "Use"]),
    (["--spread", "nan"], ["nan", "must be a number", "Use"]),
    (["--spread", "inf"], ["inf", "finite", "Use"]),
    (["--landscape", "beale", "--spread", "5"], ["5", "critical point", "Use a smaller"]),
    (["--saddle", "left"], ["'left'", "numbers separated by commas", "Use"]),
    (["--saddle", "0"], ["'0'", "2 coordinates", "Use"]),
    (["--saddle", "0,0,0"], ["'0,0,0'", "2 coordinates", "Use"]),
    (["--saddle", "nan,0"], ["nan", "finite", "Use"]),
    (["--saddle", "inf,0"], ["inf", "finite", "Use"]),
    (["--seed", "-1"], ["-1", ">= 0", "Use"]),
    (["--dtype", "int32"], ["'int32'", "float64 or float32", "Use"]),
    (["--device", "tpu"], ["'tpu'", "no such device", "Use"]),
]


@pytest.mark.parametrize(("arguments", "said"), BAD, ids=[" ".join(b[0]) for b in BAD])
def test_bad_input(
    arguments: list[str],
    said: list[str],
    script: ModuleType,
    run_here: Callable[..., int],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    given = [*SMALL, *arguments]
    assert run_here(script, *given, "--out", str(tmp_path / "out")) == 2
    printed, told = capfd.readouterr()
    assert printed == ""
    assert told.startswith("error: ")
    assert told.count("\n") == 1
    for part in said:
        assert part in told
    assert list(tmp_path.iterdir()) == []  # neither results nor HACKED


def test_bad_input_to_the_file_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *SMALL, "--landscape", HACK, "--out", "out"])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    assert stopped.value.code == 2
    printed, told = capfd.readouterr()
    assert printed == ""
    assert told.startswith("error: formula ")
    assert told.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_cuda_where_there_is_none(
    device: str,
    script: ModuleType,
    run_here: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert run_here(script, *SMALL, "--device", device, "--out", str(tmp_path / "out")) == 2
    told = capfd.readouterr().err
    assert re.fullmatch(rf"error: device = '{device}': .*0 CUDA device.*Use .*\n", told)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_things(
    script: ModuleType,
    run_here: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("mine")
    monkeypatch.setattr(script.analysis, "escape", lambda *_, **__: pytest.fail("the work began"))
    assert run_here(script, *SMALL, "--out", str(tmp_path / "out")) == 2
    told = capfd.readouterr().err
    assert re.fullmatch(r"error: .*/out': .*other things \(thesis.tex\).*--out.*\n", told)
    assert (tmp_path / "out" / "thesis.tex").read_text() == "mine"
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["thesis.tex"]


def test_drawing_takes_no_longer_with_a_small_learning_rate(
    script: ModuleType, run_here: Callable[..., int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # The example paths cover a fixed time, so their steps grow as 1/η and every one of them is saved.
    asked: list[int] = []
    simulate = script.sd.simulate

    def counted(map_: Any, w0: Any, steps: int, **options: Any) -> xr.Dataset:
        if options.get("save_every"):
            asked.append(steps)
        return simulate(map_, w0, min(steps, 100), **options)

    monkeypatch.setattr(script.sd, "simulate", counted)
    status = run_here(script, *SMALL, "--steps", "10", "--lr", "1e-6", "--out", str(tmp_path / "out"))
    assert status == 0
    assert asked
    assert max(asked) <= 100_000  # half a minute of steps; far more than a picture shows


# Ctrl-C.


def interrupt_at(call: int, script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Press Ctrl-C during the n-th method."""
    calls = iter(range(1, 1000))
    escapes = script.analysis.escapes

    def interrupted(*arguments: Any, **options: Any) -> Any:
        if next(calls) == call:
            raise KeyboardInterrupt
        return escapes(*arguments, **options)

    monkeypatch.setattr(script.analysis, "escapes", interrupted)


def test_control_c_before_the_first_setting_leaves_nothing(
    script: ModuleType,
    run_here: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    interrupt_at(1, script, monkeypatch)
    assert run_here(script, *SMALL, "--out", str(tmp_path / "out")) != 0
    assert list(tmp_path.iterdir()) == []
    assert "Traceback" not in capfd.readouterr().err


def test_control_c_keeps_the_finished_settings(
    script: ModuleType,
    run_here: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    interrupt_at(2, script, monkeypatch)
    monkeypatch.setattr(script, "draw", lambda *_: None)
    given = [*SMALL, "--methods", "GD,USAM", "--rho", "0.1,0.2,0.7", "--out", str(tmp_path / "out")]
    assert run_here(script, *given) == 130
    runs = read(tmp_path / "out")
    assert runs.method.values.tolist() == ["GD"]
    assert json.loads(runs.attrs["provenance"])["finished"] == "1 of 4 settings"
    assert "stopped after 1 of 4 settings" in capfd.readouterr().out


@pytest.mark.slow
def test_control_c_by_a_real_signal(tmp_path: Path) -> None:
    radii = ",".join(f"{r:.3f}" for r in np.linspace(0.05, 0.45, 40))
    given = ["--starts", "50", "--steps", "300", "--methods", "SAM", "--rho", radii, "--out", "out"]
    outside, inside = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, str(SCRIPT), *given],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=inside,
        text=True,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(inside)
    shown, sent, began = "", False, time.monotonic()
    while time.monotonic() - began < 100:
        try:
            part = os.read(outside, 4096)
        except OSError:  # Linux's way to say that the other end has closed
            break
        if not part:
            break
        shown += part.decode(errors="replace")
        if not sent and re.search(r"\b([5-9]|[1-7]\d)%", shown):  # of 40 settings: two or more are finished, not all
            child.send_signal(signal.SIGINT)
            sent = True
    os.close(outside)
    assert child.stdout is not None
    printed = child.stdout.read()
    child.stdout.close()
    status = child.wait(timeout=30)
    assert sent, shown[-500:]
    assert status == 130, shown[-500:]
    runs = read(tmp_path / "out")
    finished = runs.sizes["setting"]
    assert 2 <= finished < 40
    assert json.loads(runs.attrs["provenance"])["finished"] == f"{finished} of 40 settings"
    assert f"stopped after {finished} of 40 settings" in printed
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert "Traceback" not in shown + printed

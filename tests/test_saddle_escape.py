"""The saddle-escape experiment, as a user runs it."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xarray as xr
from PIL import Image

SCRIPT = Path(__file__).parent.parent / "experiments" / "saddle_escape.py"
SMALL = ["--starts", "20", "--steps", "200", "--methods", "GD,SAM", "--rho", "0.3"]
FIGURES = {"trapped_fraction.png", "escape_times.png", "trajectories.png", "cosine.png"}

Small = tuple[Path, str]


@pytest.fixture(scope="module")
def script(experiment: Callable[[str], ModuleType]) -> ModuleType:
    return experiment("saddle_escape")


def read(folder: Path) -> xr.Dataset:
    return xr.open_zarr(folder / "runs.zarr", consolidated=False).load()


@pytest.fixture(scope="module")
def small(script: ModuleType, finished: Callable[..., tuple[Path, str]]) -> Small:
    return finished(script, *SMALL, "--out", "results/small")


def test_figures_are_pictures_that_say_what_made_them(small: Small) -> None:
    out, _ = small
    assert {p.name for p in out.iterdir()} == {*FIGURES, "runs.zarr", "provenance.json"}
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
    assert printed.endswith("figures, data and provenance in results/small/\n")


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


BAD: list[tuple[list[str], list[str]]] = [
    # options, what the line must say: the value, the rule, the fix
    (["--landscape", "x**2 + y**2"], ["'x**2 + y**2'", "no non-degenerate saddle", "Choose a landscape"]),
    (["--saddle", "0"], ["'0'", "2 coordinates", "Use"]),
    (["--methods", "GD,SAMM"], ["'SAMM'", "no method", "Did you mean"]),
    (["--rho", "-1"], ["-1", ">= 0", "Use"]),
    (["--lr", "fast"], ["'fast'", "numbers separated by commas", "Use"]),
    (["--momentum", "1"], ["1", "[0, 1)", "Use"]),
    (["--steps", "0"], ["0", ">= 1", "Use"]),
    (["--starts", "-1"], ["-1", ">= 1", "Use"]),
    (["--distribution", "normla"], ["'normla'", "no distribution", "Did you mean 'normal'?"]),
    (["--spread", "inf"], ["inf", "finite", "Use"]),
    (["--landscape", "beale", "--spread", "5"], ["5", "critical point", "Use a smaller"]),
    (["--dtype", "int32"], ["'int32'", "float64 or float32", "Use"]),
]


@pytest.mark.parametrize(("arguments", "said"), BAD, ids=[" ".join(b[0]) for b in BAD])
def test_bad_input(
    arguments: list[str],
    said: list[str],
    script: ModuleType,
    run_here: Callable[..., int],
    refused: Callable[[int], str],
) -> None:
    told = refused(run_here(script, *SMALL, *arguments))
    assert all(part in told for part in said)


def test_control_c_keeps_the_finished_settings(
    script: ModuleType,
    run_here: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    calls = iter(range(1, 1000))
    escapes = script.analysis.escapes

    def interrupted(*arguments: Any, **options: Any) -> Any:
        if next(calls) == 2:  # during the second method
            raise KeyboardInterrupt
        return escapes(*arguments, **options)

    monkeypatch.setattr(script.analysis, "escapes", interrupted)
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

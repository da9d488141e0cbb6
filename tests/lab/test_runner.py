"""The runner of experiments: what a main receives and what stays on disk."""

import json
from collections.abc import Callable
from pathlib import Path

import matplotlib
import pytest
import torch
import xarray as xr
from matplotlib import pyplot as plt

import samdyn as sd
from samdyn import checks, lab, plot


def main(rho: lab.Radii = (0.1,), device: lab.Device = "auto", *, report: lab.Report) -> None:
    """Does it run?"""
    assert matplotlib.rcParams["savefig.dpi"] == plot.STYLE["savefig.dpi"]
    report.about["resolved"] = {"rho": rho}
    report.print(f"ρ = {rho}", lab.table(xr.Dataset({"rho": ("i", list(rho))}), {"ρ": "{rho:g}"}, "i"))
    report.datasets(radii=xr.Dataset({"rho": ("i", list(rho))}))
    report.figures(picture=plt.figure())
    with report.file("note.txt") as path:
        path.write_text("note")


def test_what_an_experiment_leaves(run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = dict(matplotlib.rcParams)
    assert run(main, "--rho", "0.5,0.2") == 0
    assert dict(matplotlib.rcParams) == before
    printed, told = capsys.readouterr()
    assert told == ""
    assert printed.startswith("ρ = (0.2, 0.5)\nρ")
    assert printed.endswith("figures, data and provenance in results/test_runner/\n")  # after the file of main
    folder = tmp_path / "results" / "test_runner"
    assert sorted(p.name for p in folder.iterdir()) == ["note.txt", "picture.png", "provenance.json", "radii.zarr"]
    about = json.loads((folder / "provenance.json").read_text())
    assert about["experiment"] == "test_runner"
    assert about["parameters"] == {"rho": "0.5,0.2", "device": "auto", "out": "results/test_runner"}
    assert about["device"] == ("cuda" if torch.cuda.is_available() else "cpu")
    assert about["resolved"] == {"rho": [0.2, 0.5]}


def test_the_help_of_a_main_without_docstring(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main, "__doc__", None)
    assert run(main, "--help") == 0
    assert "The runner of experiments: what a main receives" in capsys.readouterr().out


def test_help(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(main, "--help") == 0
    shown = capsys.readouterr().out
    assert all(part in shown for part in ("Does it run?", "--rho", "--device", "--out", "--quiet", "0.1", "Radii ρ"))
    assert "report" not in shown


def test_help_without_a_docstring_is_the_first_line_of_the_script(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main, "__doc__", None)
    assert run(main, "--help") == 0
    assert "The runner of experiments: what a main receives" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--rho", "-1"], ["--seed", "-1", "--out", "a/b/c"]])
def test_a_wrong_option_is_refused_before_main_starts(
    run: Callable[..., int], refused: Callable[[int], str], arguments: list[str]
) -> None:
    def never(rho: lab.Radii = (0.1,), seed: lab.Seed = 0, *, report: lab.Report) -> None:
        pytest.fail("main started")

    assert f"{arguments[0]} = " in refused(run(never, *arguments))


@pytest.mark.parametrize("worked", [False, True])
def test_what_main_refuses_leaves_nothing(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str], worked: bool
) -> None:
    def refusing(*, report: lab.Report) -> None:
        if worked:
            report.data(xr.Dataset({"a": 1}), "a")
        checks.reject("--rho", 1, "contradicts --lr", "Use one of them")

    assert run(refusing, "--out", "deep/below/out") == 2
    assert capsys.readouterr().err == "error: --rho = 1: contradicts --lr. Use one of them\n"
    assert not list(tmp_path.iterdir())  # nor deep, which was made for it


def test_parents_that_were_there_or_have_other_entries_stay(run: Callable[..., int], tmp_path: Path) -> None:
    def refusing(mine: lab.Count, *, report: lab.Report) -> None:
        (tmp_path / "deep" / "mine").mkdir() if mine > 1 else None
        checks.reject("--rho", 1, "is wrong", "Use another")

    (tmp_path / "here").mkdir()
    assert run(refusing, "--mine", "1", "--out", "here/out") == 2
    assert run(refusing, "--mine", "2", "--out", "deep/below/out") == 2
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["deep", "here", "mine"]


def test_a_folder_with_other_things_is_refused_before_main_starts(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(*, report: lab.Report) -> None:
        pytest.fail("main started")

    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("mine")
    assert run(never, "--out", "out") == 2
    assert "other things (thesis.tex)" in capsys.readouterr().err
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("finished", [0, 2])
def test_control_c_in_a_stoppable_block(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str], finished: int
) -> None:
    def stopped(*, report: lab.Report) -> None:
        results: list[int] = []
        with report.stoppable(results, 5):
            results += range(finished)
            raise KeyboardInterrupt
        report.data(xr.Dataset({"a": ("i", results)}), "a")

    assert run(stopped) == 130
    if not finished:
        assert not list(tmp_path.iterdir())
        return
    assert "stopped after 2 of 5 settings; what is finished is saved" in capsys.readouterr().out
    about = json.loads((tmp_path / "results" / "test_runner" / "provenance.json").read_text())
    assert (about["finished"], about["whole"]) == ("2 of 5 settings", False)


def test_control_c_elsewhere_keeps_finished_files(run: Callable[..., int], tmp_path: Path) -> None:
    def stopped(*, report: lab.Report) -> None:
        report.data(xr.Dataset({"a": 1}), "a")
        raise KeyboardInterrupt

    assert run(stopped) == 130
    assert (tmp_path / "results" / "test_runner" / "a.zarr").is_dir()


def test_a_main_that_finishes_a_stoppable_block_is_whole(run: Callable[..., int], tmp_path: Path) -> None:
    def whole(*, report: lab.Report) -> None:
        with report.stoppable([1, 2], 2, "networks"):
            pass
        report.data(xr.Dataset({"a": 1}), "a")

    assert run(whole) == 0
    about = json.loads((tmp_path / "results" / "test_runner" / "provenance.json").read_text())
    assert (about["finished"], about["whole"]) == ("2 of 2 networks", True)


def test_an_option_without_a_default_is_required(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    def needing(rho: lab.Radius, *, report: lab.Report) -> None:
        report.print(f"{rho}")

    assert run(needing) == 2
    assert "--rho" in capsys.readouterr().err
    assert run(needing, "--rho", "0.5") == 0
    assert sd.SAM(0.5).rho == 0.5


@pytest.mark.parametrize(("seeds", "status"), [((0, 1), 0), ((0, 2), 1), ((2, 3), 2)])
def test_failed_cells_of_a_sweep_are_in_the_status(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str], seeds: tuple[int, ...], status: int
) -> None:
    def measure(seed: int) -> float:
        if seed > 1:
            raise ValueError("too large")
        return seed / 2

    def sweeping(*, report: lab.Report) -> None:
        """Does it sweep?"""
        report.data(sd.sweep(measure, {"seed": seeds}), "halves")

    assert run(sweeping) == status
    error = capsys.readouterr().err
    assert ("cells failed, the first at seed = 2" in error) == (status > 0)
    assert ("error: 2 of 2 cells failed" in error) == (status == 2)
    assert (tmp_path / "results" / "test_runner" / "halves.zarr").exists() == (status < 2)

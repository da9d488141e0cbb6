"""Options that experiments share as one parameter."""

import json
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from samdyn import lab

Run = Callable[..., int]


def main(
    report: lab.Report,
    steps: lab.Steps = 5,
    training: lab.Training = lab.Training(seeds=3),
    at: lab.AtSaddle = lab.AtSaddle("beale"),
) -> None:
    """Are they options?"""
    report.print(training, at, steps)


def test_main_receives_the_group_with_what_was_typed(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(main, "--seed", "7", "--device", "cpu", "--landscape", "double_well", "--steps", "2") == 0
    printed = capsys.readouterr().out
    assert "Training(seeds=3, seed=7, processes=2, device='cpu')" in printed
    assert "AtSaddle(landscape='double_well', coordinates='x y', saddle='')\n2" in printed
    about = json.loads((tmp_path / "results" / "test_groups" / "provenance.json").read_text())
    assert about["device"] == "cpu"
    names = ["steps", "seeds", "seed", "processes", "device", "landscape", "coordinates", "saddle", "out"]
    assert list(about["parameters"]) == names  # options alone, in the order of the help


def test_every_field_is_an_option_with_its_help_and_the_default_of_the_script(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert run(main, "--help") == 0
    lines = capsys.readouterr().out.splitlines()
    for option, help, default in (
        ("--seeds", "Networks of every setting", "3"),
        ("--seed ", "Seed of initial weights and batches.", "0"),
        ("--landscape", "A name from the catalogue", "beale"),
    ):
        (line,) = (line for line in lines if option in line)
        assert help in line
        assert f"[default: {default}" in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seeds", "1"], "--seeds = 1: must be at least 2: an interval needs two or more"),
        (["--device", "abacus"], "abacus"),
        (["--seed", str(2**32 - 1)], f"--seed = {2**32 + 2}: must be an integer in [0, 2**32). Use a smaller one"),
    ],
)
def test_a_wrong_value_is_refused_before_main_starts(
    run: Run, refused: Callable[[int], str], arguments: list[str], message: str
) -> None:
    assert message in refused(run(main, *arguments))


def test_a_saddle_from_its_texts() -> None:
    at = lab.AtSaddle("double_well", saddle="0.1, 0")
    assert at.point.kind == "saddle"
    assert at.points is at.points  # searched once
    assert at.text == "saddle at (0, 0), λ = (-1, 1)"
    with pytest.raises(FrozenInstanceError):
        at.saddle = "1, 0"  # type: ignore[misc]

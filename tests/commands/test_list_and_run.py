"""``samdyn list`` and ``samdyn run``, as a user runs them."""

import ast
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import samdyn as sd
from samdyn import lab


def test_the_list_has_a_line_for_everything(samdyn: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert samdyn("list") == 0
    printed = capsys.readouterr().out
    sections = dict(re.findall(r"^(\w+)\n((?:  .+\n)+)", printed, flags=re.MULTILINE))
    assert [*sections] == [
        "experiments",
        "figures",
        "landscapes",
        "methods",
        "bases",
        "noises",
        "schemes",
        "statistics",
        "claims",
    ]
    for kind, names in {
        "experiments": lab.scripts(),
        "figures": lab.scripts("paper_figs"),
        "landscapes": sd.landscapes.catalogue(),
        "noises": sd.noise.catalogue(),
        "claims": sd.claims.catalogue(),
    }.items():
        lines = dict(line.split(maxsplit=1) for line in sections[kind].splitlines())
        assert set(lines) >= set(names)
        assert all(len(text) > 10 for text in lines.values())
    assert re.search(r"  saddle_escape +When, and why, does SAM stay at a saddle", printed)
    assert re.search(r"  EulerMaruyama +The Euler-Maruyama scheme", printed)


def test_an_experiment_by_name_with_its_own_options(
    samdyn: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert samdyn("run", "stability_chart", "--resolution", "3", "--steps", "5", "--methods", "USAM") == 0
    assert "hold" in capsys.readouterr().out
    assert (tmp_path / "results" / "stability_chart" / "provenance.json").exists()
    assert samdyn("run", "stability-chart", "--help") == 0
    assert "--x-range" in capsys.readouterr().out
    assert samdyn("run", "stability_chart", "--rho", "-1") == 2
    assert capsys.readouterr().err.startswith("error: --rho = -1.0: must be")


def test_without_a_command_it_shows_its_help(samdyn: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    samdyn()  # the exit status is the choice of Click, whose versions differ
    assert "list" in "".join(capsys.readouterr())


def test_the_help_lists_the_experiments(samdyn: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert samdyn("run", "--help") == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in lab.scripts())


def test_an_unknown_name(samdyn: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert samdyn("run", "sadle_escape", "--rho", "1") == 2
    assert "Did you mean 'saddle_escape'?" in capsys.readouterr().err


def test_scripts_are_sought_in_the_package_and_then_beside_it(tmp_path: Path) -> None:
    inside, beside = tmp_path / "inside", tmp_path / "beside"
    one, two = beside / "scripts" / "one.py", inside / "scripts" / "two.py"
    one.parent.mkdir(parents=True)
    one.write_text('"""Which?\n\nMore."""')
    assert lab.scripts("scripts", (inside, beside)) == {"one": one}
    assert lab.question(one) == "Which?"
    two.parent.mkdir(parents=True)
    two.touch()
    assert lab.scripts("scripts", (inside, beside)) == {"two": two}
    assert lab.scripts("scripts", (tmp_path / "none",)) == {}


def test_other_processes_can_import_a_script() -> None:
    function = lab.load("stability_chart").main
    assert pickle.loads(pickle.dumps(function)) is function


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[2] / "experiments").glob("*.py")), ids=lambda p: p.stem)
def test_a_script_does_nothing_that_samdyn_run_leaves_out(path: Path) -> None:
    """Its last block, which only runs as a script, has one line."""
    last = ast.parse(path.read_text(encoding="utf-8")).body[-1]
    assert isinstance(last, ast.If)
    assert [ast.unparse(line) for line in last.body] == ["lab.run(main)"]

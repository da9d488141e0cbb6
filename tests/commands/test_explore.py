"""``samdyn explore``, as a user runs it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from samdyn.explorer import explorer, page


@pytest.fixture(autouse=True)
def stub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explorer, "asset", lambda: f"<html>{page.PLACE}</html>")


def data(path: Path) -> Any:
    return page.data_of(path.read_text())


def test_a_page(samdyn: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--landscape", "a**2 - b**2 + a**4", "--methods", "gd,USAM", "--box", "-1,2,-3,4"]
    assert samdyn("explore", *options) == 0
    printed = capsys.readouterr().out
    written = data(tmp_path / "explorer.html")
    assert re.match(r"explorer\.html, 0\.\d\d MB", printed)
    assert written["landscapes"][0]["coordinates"] == ["a", "b"]
    assert written["landscapes"][0]["box"] == [[-1, 2], [-3, 4]]
    assert [method["name"] for method in written["methods"]] == ["GD", "USAM"]


def test_coordinates_and_a_file(samdyn: Callable[..., int], tmp_path: Path) -> None:
    options = ["--landscape", "b*a", "--coordinates", "b a", "--methods", "GD", "--out", "own.html"]
    assert samdyn("explore", *options) == 0
    assert data(tmp_path / "own.html")["landscapes"][0]["coordinates"] == ["b", "a"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--landscape", "bealle"], "Did you mean 'beale'"),
        (["--landscape", "x**2", "--coordinates", "x"], "has 1 coordinate"),
        (["--methods", "SAN"], "Did you mean 'SAM'"),
        (["--landscape", "x*y", "--box", "1,2"], "must be 4 numbers"),
        (["--landscape", "x*y", "--box", "2,1,0,1"], "low < high"),
        (["--box", "-1,1,-1,1"], "belongs to a landscape"),
        (["--coordinates", "x y"], "belongs to a landscape"),
        (["--out", "missing/page.html"], "does not exist"),
        (["--out", "."], "is a folder"),
    ],
)
def test_bad_input(options: list[str], message: str, samdyn: Callable[..., int], capsys: Any, tmp_path: Path) -> None:
    assert samdyn("explore", *options) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("error: ")
    assert not list(tmp_path.iterdir())

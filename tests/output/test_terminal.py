"""Text and tables on terminals of any encoding and width."""

import io
import re
import sys
from typing import Any

import pytest

from samdyn.output.spelling import never_fail, spelled
from samdyn.output.terminal import Console, new_table

NUMBERS = ("trap", "median escape\ntime [95 %]", "ρ > 0.5 measured", "theory, λ²")
ROWS = [("GD", "", "0.0", "0.83 [0.8, 0.86]", "never", "∞"), ("ExactSAM", "0.55", "100.0", "> 50", "ρ>0.5", "−1 ± 2")]


class Terminal(io.TextIOWrapper):
    def __init__(self, encoding: str, tty: bool) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, write_through=True)
        self.tty = tty

    def isatty(self) -> bool:
        return self.tty

    def text(self) -> str:
        return self.buffer.getvalue().decode(self.encoding)  # type: ignore[attr-defined]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the console prints on a terminal of some columns, or on none."""

    def to(*things: Any, encoding: str = "utf-8", columns: int | None = None) -> str:
        stream = Terminal(encoding, columns is not None)
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setenv("COLUMNS", str(columns or 33))  # tells nothing of where there is no terminal
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("NO_COLOR", "1")
        Console().print(*things)
        return re.sub(r"\x1b\[\d*m", "", stream.text())  # bold

    return to


def results() -> Any:
    table = new_table("results, η = 0.1", "method", "ρ", *NUMBERS, gap=1, keys=2)
    for row in ROWS:
        table.add_row(*row)
    return table


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", "λ² − ρ ± ∞…"),
        ("ascii", "lambda^2 - rho +/- inf..."),
        ("latin-1", "lambda² - rho ± inf..."),
        ("cp1252", "lambda² - rho ± inf…"),
        ("cp437", "lambda² - rho ± ∞..."),
        ("koi8-r", "lambda² - rho +/- inf..."),
    ],
)
def test_what_an_encoding_lacks_is_spelled_out(encoding: str, expected: str, printed: Any) -> None:
    assert spelled("λ² − ρ ± ∞…", encoding) == expected
    assert printed("λ² − ρ ± ∞…", encoding=encoding) == f"{expected}\n"
    stream = Terminal(encoding, False)
    never_fail(stream)
    print("λ² − ρ ± ∞…", file=stream)
    assert stream.text() == f"{expected}\n"


def test_letters_nobody_thought_of() -> None:
    assert spelled("ξ Σ é 中 \ud800 ψ̂ wᵖ ‖", "ascii") == "xi Sigma e ? ? psi wp ||"


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1", "cp1252"])
@pytest.mark.parametrize("columns", [60, 70, 80, None])
def test_rows_stay_whole(encoding: str, columns: int | None, printed: Any) -> None:
    """Every line with a method's name has its numbers in it, and all numbers are somewhere behind the keys."""
    text = printed(results(), encoding=encoding, columns=columns).replace("|", " ")  # of a table's lines in ASCII
    lines = text.splitlines()
    assert max(map(len, lines)) <= (columns or 100)
    assert sum("results" in line for line in lines) == 1
    for method, rho, *numbers in ROWS:
        keys = [method, rho] if rho else [method]
        mine = [line.split() for line in lines if line.startswith(method + " ")]
        assert all(words[: len(keys)] == keys and len(words) > len(keys) for words in mine)
        seen = [word for words in mine for word in words[len(keys) :]]
        assert seen == [spelled(word, encoding) for number in numbers for word in number.split()]
    assert text.count("method") == len([line for line in lines if line.startswith("GD ")])


def test_columns_are_aligned_with_letters_spelled_out(printed: Any) -> None:
    lines = printed(results(), encoding="ascii").splitlines()
    assert len({len(line) for line in lines[1:]}) == 1
    assert set(lines[3]) <= {"-", "+", "|"}


def test_what_looks_like_markup_is_printed_as_it_is(printed: Any) -> None:
    assert printed("figures in out[bold]/[/x] :smile: [0.1, 0.2]/") == "figures in out[bold]/[/x] :smile: [0.1, 0.2]/\n"


def test_a_table_that_is_all_keys_is_printed(printed: Any) -> None:
    table = new_table(None, "a long name for a column", "and another that is long", keys=2)
    table.add_row("1", "2")
    assert "1" in printed(table, columns=30)

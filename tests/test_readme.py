"""What the README shows works as shown. What it once had is on pages of docs/, with tests in tests/docs/."""

import builtins
import dis
import re
from collections.abc import Callable
from pathlib import Path
from types import CodeType, ModuleType

import numpy as np
import pytest

import samdyn as sd

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
(BLOCK,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
CLAIMS = (Path(__file__).parent.parent / "docs" / "claims.md").read_text(encoding="utf-8")


def test_it_is_short() -> None:
    assert len(README.splitlines()) < 150


def test_the_block_runs(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict = {}
    exec(BLOCK, names)
    printed = capsys.readouterr().out
    assert [p.kind for p in names["points"]].count("minimum") == 2  # as its comments say, here and below
    assert names["saddle"].eigenvalues[0] == pytest.approx(-1.5)
    assert "ρ > 2/3" in printed
    assert re.search(r"^0\.66666", printed, re.MULTILINE)
    passed, captured = names["runs"].w.values[:, -1]
    assert passed[0] == pytest.approx(1.5)
    np.testing.assert_allclose(captured, 0, atol=0.02)  # SAM ends on a small cycle about the point
    assert "settled" in printed


def test_every_name_comes_from_the_block_itself() -> None:
    assert not free_names(compile(BLOCK, "README.md", "exec"), set()) - set(dir(builtins))


def free_names(code: CodeType, outer: set[str]) -> set[str]:
    """Return the global names that a piece of code reads and nothing in it or around it makes."""
    made, read = set(outer), set()
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("STORE_NAME", "STORE_GLOBAL"):
            made.add(instruction.argval)
        elif instruction.opname in ("LOAD_NAME", "LOAD_GLOBAL"):
            read.add(instruction.argval)
    inner = [free_names(part, made) for part in code.co_consts if isinstance(part, CodeType)]
    return (read - made - {"__name__"}).union(*inner)


@pytest.mark.slow
def test_the_excerpt_is_what_is_printed(
    experiment: Callable[[str], ModuleType], finished: Callable[..., tuple[Path, str]]
) -> None:
    (excerpt,) = re.findall(r"```\n(saddle: .*?)```", README, flags=re.DOTALL)
    rows = excerpt[excerpt.index("GD ") :].splitlines()
    rho = ",".join(dict.fromkeys(row.split()[1] for row in rows[1:]))
    _, printed = finished(experiment("saddle_escape"), "--rho", rho)
    lines = {" ".join(line.split()) for line in printed.splitlines()}
    assert len(rows) > 5
    assert [row for row in rows if " ".join(row.split()) not in lines] == []
    assert " ".join(excerpt.splitlines()[0].split()) in lines


def test_the_numbers_of_claims_are_those_of_the_report() -> None:
    claims, papers, counts = re.search(r"(\d+) claims from (\d+) papers: ([^;]*);", CLAIMS).groups()
    judged = f"{claims} statements from {papers} papers and a few beliefs:"
    assert f"{judged} {counts}" in " ".join(README.split())


def test_the_spread_at_a_saddle_is_the_one_it_gives() -> None:
    """λ = −1, ρ = ½, η = 0.01, B = 16, t = 1: of the theorem, of USAM, and of SGD."""
    at = {"lam": -1.0, "lr": 0.01, "batch_size": 16, "t": 1.0}
    noise = sd.noise.Fisher((0, 0), batch_size=16)
    maps = [sd.Map(sd.landscapes.quadratic([-1.0, 1.0]), sd.USAM(rho), lr=0.01, noise=noise) for rho in (0.5, 0.0)]
    usam, sgd = (sd.analysis.exact_msd(map_, (0, 0), (1.0, 0.0), [1.0]).item() for map_ in maps)
    theorem = sd.theory.theorem_2_msd(**at, rho=0.5)
    assert (f"{1e4 * theorem:.1f}", f"{1e4 * usam:.2f}", f"{1e4 * sgd:.0f}") == ("8.1", "2.67", "20")
    for number in ("8.1 · 10⁻⁴", "2.67 · 10⁻⁴", "20 · 10⁻⁴"):
        assert number in README

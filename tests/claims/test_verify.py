"""Running claims: errors, limits, processes, files."""

import json
import random
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn.claims import Estimate, from_file, mutation, verify
from samdyn.claims.catalogue import check_unique
from samdyn.claims.mutation import mutations
from samdyn.claims.page import formula, page
from samdyn.claims.processes import _loaded, judgements
from samdyn.claims.report import cases_text
from samdyn.claims.tables import markdown, summary
from samdyn.claims.verify import measure

CLAIMS = '''
"""Claims for the tests."""

import os
import time

from samdyn.claims import Claim, grid

TEXTS = {
    "statement": "x < 2 & x is <x>.", "formula": r"x^2", "source": "[K23]", "process": "none", "mistake": "twice",
    "reason": "none is needed",
}


def claim(name, measure):
    return Claim(
        id=name, cases=grid(x=(1.0, 2.0)), predict=lambda x: 1 + x * x, measure=measure, rival=lambda x: 2 * x * x,
        tolerance=1e-3, **TEXTS,
    )


def slow(x):
    time.sleep(60)


def dies(x):
    os._exit(3)


def raises(x):
    raise RuntimeError("no such x")


claims = [
    claim("good", lambda x: 1 + x * x), claim("slow", slow), claim("dies", dies), claim("raises", raises),
    claim("wrong", lambda x: 3.0), claim("text", lambda x: object()),
    claim("late", lambda x, seed: 1 + x * x + 0 * seed),
]
named = {"in-a-dictionary": claim("in-a-dictionary", lambda x: 1 + x * x)}
'''


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "mine.py"
    file.write_text(CLAIMS)
    return file


@pytest.fixture
def claims(path: Path) -> dict[str, sd.Claim]:
    return {claim.id: claim for claim, _ in from_file(path)}


@pytest.mark.slow
def test_a_claim_that_hangs_or_dies_does_not_harm_the_others(path: Path) -> None:
    numbered = dict(judgements(from_file(path), 1.0, 0, 1.0, 2, mutate=True))
    outcomes = [numbered[number] for number in range(8)]
    verdicts = {judgement.id: str(judgement.verdict) for judgement, _ in outcomes}
    assert verdicts["good"] == verdicts["late"] == "holds"
    assert verdicts["slow"] == "undecided: it takes longer than 1 s"
    assert verdicts["dies"] == "undecided: its process ended with status 3"
    assert verdicts["raises"] == "undecided: RuntimeError: no such x"
    assert verdicts["text"].startswith("undecided: TypeError") or "Return a number" in verdicts["text"]
    assert verdicts["wrong"].startswith("fails")
    assert verdicts["in-a-dictionary"] == "holds"
    assert len(numbered) == 8
    assert [bool(found) for _, found in outcomes] == [True, False, False, False, True, False, True, True]


def test_in_this_process(claims: dict[str, sd.Claim]) -> None:
    report = verify([claims["good"], claims["raises"], claims["wrong"]], progress=False)
    assert [judgement.verdict.kind for judgement in report] == ["holds", "undecided", "fails"]
    assert "no such x" in report[1].traceback
    assert report.changed == ["wrong"]
    data = report.dataset()
    assert data.verdict.sel(claim="good").item() == "holds"
    rows = data.where(data.row_claim == "wrong", drop=True)
    np.testing.assert_array_equal(rows.measured, [3.0, 3.0])
    np.testing.assert_array_equal(rows.predicted, [2.0, 5.0])


def test_the_limit_is_looked_at_between_cases(claims: dict[str, sd.Claim], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", iter(np.arange(0.0, 1000.0, 5.0)).__next__)
    (judgement,) = verify(claims["good"], limit=1.0, progress=False)
    assert str(judgement.verdict) == "undecided: it takes longer than 1 s"


def test_reports(claims: dict[str, sd.Claim], path: Path) -> None:
    report = verify([claims["good"], claims["raises"], claims["wrong"]], progress=False)
    files = dict.fromkeys(claims, path)
    stored = json.loads(report.json())
    assert [entry["verdict"] for entry in stored["claims"]] == ["holds", "undecided", "fails"]
    assert stored["claims"][0]["cases"][1]["predicted"] == 5.0
    suite = ElementTree.fromstring(report.junit())
    assert (suite.attrib["tests"], suite.attrib["failures"], suite.attrib["skipped"]) == ("3", "1", "1")
    text = page(report, files)
    assert text.count("<article") == 3
    assert "x &lt; 2 &amp; x is &lt;x&gt;." in text
    loaded = re.findall(r"(?:src|href)=\"([^\"#][^\"]*)", text)
    assert loaded == []  # the page needs nothing else
    assert "CHANGED, recorded: holds" in text
    assert "CHANGED" in summary(report)
    assert "| `good` |" in markdown(report, files)
    assert cases_text(report[0]).splitlines()[1].split() == ["x=1", "2", "2", "2", "yes", "no"]


def test_a_formula_that_cannot_be_drawn_is_shown_as_it_is() -> None:
    assert "<svg" in formula(r"\frac{\eta\rho\lambda}{2 - \eta\lambda}")
    assert formula(r"\nosuchcommand{x<1}") == r"<code>\nosuchcommand{x&lt;1}</code>"


def test_mutations_are_caught(claims: dict[str, sd.Claim]) -> None:
    good = claims["good"]
    estimates = [measure(good, case, 1.0, 0) for case in good.cases]
    found = {mutation.description: mutation.caught for mutation in mutations(good, estimates)}
    assert found == {
        "1.01 × predicted": True,
        "−1 × predicted": True,
        "1 + x * x → 1 - x * x in <lambda>": True,
        "x * x → x / x in <lambda>": True,
        "measured values are the rival's": True,
    }


def test_a_mutation_survives_where_the_measurement_is_too_coarse(claims: dict[str, sd.Claim]) -> None:
    good = claims["good"]
    estimates = [Estimate(1 + case["x"] ** 2, standard_error=0.02 * case["x"]) for case in good.cases]
    found = {mutation.description: mutation.caught for mutation in mutations(good, estimates)}
    assert found["1.01 × predicted"] is False
    assert found["−1 × predicted"] is True


def test_closed_forms_are_mutated_where_they_stand() -> None:
    claim = sd.claims.named("usam-threshold")
    plain = sd.theory.usam_threshold(eigenvalues=(-2.0, 2.0))
    estimates = [Estimate(0.5), Estimate(2.0)]
    found = [mutation for mutation in mutations(claim, estimates) if "_threshold" in mutation.description]
    assert any(mutation.caught for mutation in found)
    assert not any(mutation.caught is False for mutation in found)
    assert sd.theory.usam_threshold(eigenvalues=(-2.0, 2.0)) == plain  # and put back


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "there is no such file"),
        ("import samdyn\n", "has no claim at its top level"),
        ("\n\n1 / 0\n", "raises ZeroDivisionError in line 3"),
        ("x = = 3\n", "raises SyntaxError in line 1"),
        ("raise SystemExit(3)\n", "raises SystemExit"),
        ("import samdyn as sd\nsd.SAM(-1)\n", "the radius must be a finite number"),
        (CLAIMS.replace('"slow", slow', '"good", slow'), "claims in mine.py and mine.py have it"),
    ],
)
def test_files_without_usable_claims(tmp_path: Path, text: str | None, words: str) -> None:
    file = tmp_path / "mine.py"
    if text is not None:
        file.write_text(text)
    with pytest.raises(sd.InputError) as error:
        from_file(file)
    assert words in str(error.value)


def test_bad_arguments(claims: dict[str, sd.Claim]) -> None:
    calls: list[tuple[dict[str, Any], str]] = [
        ({"claims": [3]}, "must be claims"),
        ({"claims": [claims["good"], claims["good"]]}, "two claims have it"),
        ({"budget": 0}, "budget = 0"),
        ({"seed": -1}, "seed = -1"),
        ({"limit": float("nan")}, "limit = nan"),
    ]
    for changes, words in calls:
        with pytest.raises(sd.InputError) as error:
            verify(**{"claims": claims["good"], "progress": False} | changes)
        assert words in str(error.value)
    with pytest.raises(sd.InputError, match="Did you mean 'usam-threshold'"):
        sd.claims.named("usam-treshold")


def test_the_fixture(verify: Any, claims: dict[str, sd.Claim]) -> None:
    """``verify`` is here the fixture of the plugin."""
    verify(claims["good"])
    with pytest.raises(AssertionError, match=r"claim wrong: fails: .*\n.*\ncase +measured"):
        verify(claims["wrong"])
    with pytest.raises(AssertionError, match="undecided"):
        verify(claims["raises"])


LOOP = """
from samdyn.claims import Claim


def power(x):
    while x < 10:
        x = x + 1
    return x


loop = Claim(
    id="loop", statement="x.", formula="x", source="derived", process="none", cases=[{"x": 1.0}], predict=power,
    measure=lambda x: 10.0, rival=lambda x: 2.0, mistake="none", tolerance=1e-3, reason="none",
)
"""


def test_a_mutation_that_does_not_end_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """x = x − 1 never reaches 10."""
    monkeypatch.setattr(mutation, "PATIENCE", 0.1)
    file = tmp_path / "loop.py"
    file.write_text(LOOP)
    ((claim, _),) = from_file(file)
    found = {one.description: one.caught for one in mutations(claim, [Estimate(10.0)])}
    assert found["x + 1 → x - 1 in power"]


def test_a_claim_does_not_change_what_the_next_one_measures(claims: dict[str, sd.Claim]) -> None:
    """It may change torch's default type and the global generators; a verdict must not depend on the order."""

    def draw(x: float) -> float:
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        return float(torch.randn(1).double() + random.random() + np.random.random())  # noqa: NPY002

    first, second = (replace(claims[name], measure=draw) for name in ("good", "wrong"))
    before = torch.get_default_dtype(), random.getstate()
    measurements = [[row.measured for row in judgement.rows] for judgement in verify([first, second], progress=False)]
    assert measurements[0] == measurements[1]
    assert (torch.get_default_dtype(), random.getstate()) == before
    assert torch.is_grad_enabled()


def test_a_claim_that_exits_is_undecided(claims: dict[str, sd.Claim]) -> None:
    def leave(x: float) -> float:
        raise SystemExit(3)

    report = verify([replace(claims["good"], measure=leave), claims["wrong"]], progress=False)
    assert [judgement.verdict.kind for judgement in report] == ["undecided", "fails"]


def test_a_long_error_keeps_its_fix(claims: dict[str, sd.Claim]) -> None:
    (judgement,) = verify(replace(claims["good"], measure=lambda x: ("x" * 300, 1j, None)), progress=False)
    assert str(judgement.verdict).endswith("Return a number, an array, a word or an Estimate")


def test_no_claims() -> None:
    report = verify([], progress=False)
    assert len(report) == 0
    assert report.dataset().sizes["claim"] == 0
    assert summary(report).startswith("0 claims")
    assert json.loads(report.json())["claims"] == []


def test_a_claim_without_a_file() -> None:
    """As in a notebook: the code of its functions is not in a file."""
    space: dict[str, Any] = {}
    exec(LOOP, space)
    claim = space["loop"]
    (judgement,) = report = verify(claim, progress=False)
    assert judgement.verdict.holds
    assert [one.caught for one in mutations(claim, [Estimate(10.0)])] == [True, True, True]
    assert "<article" in page(report, {})


def test_a_file_imports_modules_beside_it_but_they_hide_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "beside_claims.py").write_text(LOOP)
    (tmp_path / "statistics.py").write_text("raise RuntimeError")
    (tmp_path / "mine.py").write_text("import statistics\nfrom beside_claims import loop\n")
    monkeypatch.chdir(tmp_path.parent)
    ((claim, file),) = from_file(Path(tmp_path.name) / "mine.py")
    assert claim.id == "loop"
    assert file == (tmp_path / "mine.py").resolve()


def test_a_file_that_changes_while_its_claims_are_measured(path: Path, claims: dict[str, sd.Claim]) -> None:
    good = claims["good"]
    path.write_text(LOOP)
    with pytest.raises(sd.InputError, match="has no claim good any more"):
        _loaded("good", path, {})
    path.unlink()
    with pytest.raises(sd.InputError, match="there is no such file"):
        _loaded("good", path, {})
    report = verify(good, progress=False)
    assert "cannot be read any more" in page(report, {"good": path})


def test_two_files_with_one_id(tmp_path: Path) -> None:
    pairs = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text(LOOP)
        pairs += from_file(tmp_path / folder / "mine.py")
    with pytest.raises(sd.InputError) as error:
        check_unique(pairs)
    assert all(str(file) in str(error.value) for _, file in pairs)


def test_a_process_imports_the_file_of_a_claim_and_no_other() -> None:
    """The whole literature takes most of a second in every process."""
    code = """
import sys
from samdyn.claims.catalogue import Path, of_file
import samdyn.claims
path = Path(samdyn.claims.__file__).parent / "literature" / "saddles" / "usam_threshold.py"
print([claim.id for claim in of_file(path)], sum("literature.saddles." in name for name in sys.modules))
"""
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "['usam-threshold'] 1"

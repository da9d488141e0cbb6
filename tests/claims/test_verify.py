"""Running claims: errors, limits, processes, files."""

import json
import re
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import samdyn as sd
from samdyn.claims import Estimate, from_file, verify
from samdyn.claims.mutation import mutations
from samdyn.claims.page import formula, page
from samdyn.claims.processes import judgements
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
    counts: list[int] = []
    outcomes = judgements(from_file(path), 1.0, 0, 1.0, 2, counts.append, mutate=True)
    verdicts = {judgement.id: str(judgement.verdict) for judgement, _ in outcomes}
    assert verdicts["good"] == verdicts["late"] == "holds"
    assert verdicts["slow"] == "undecided: it takes longer than 1 s"
    assert verdicts["dies"] == "undecided: its process ended with status 3"
    assert verdicts["raises"] == "undecided: RuntimeError: no such x"
    assert verdicts["text"].startswith("undecided: TypeError") or "Return a number" in verdicts["text"]
    assert verdicts["wrong"].startswith("fails")
    assert counts == [1, 2, 3, 4, 5, 6, 7]
    assert [bool(found) for _, found in outcomes] == [True, False, False, False, True, False, True]


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
        ("import samdyn\n", "has no claim"),
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

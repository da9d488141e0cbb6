"""The tables of the report, and the pages that show them."""

import math
import re
from pathlib import Path

import pytest

import samdyn as sd
from samdyn.claims.judge import Judgement, Row
from samdyn.claims.report import Report
from samdyn.claims.tables import example, summary
from samdyn.claims.verdict import HOLDS, Verdict, fails, in_range

DOCS = Path(__file__).parents[2] / "docs"
FACTOR = re.compile(r"fails: (?:×|measured is )(-?[\d.e+-]+)")


def row(measured: float | str, predicted: float | str) -> Row:
    return Row("x=1", measured, 0.0, 0.0, predicted, 0.0, agrees=measured == predicted, rejects=True)


def shown_ratio(predicted: str, measured: str) -> float:
    """Return the ratio of two cells of a table, NaN if the prediction is a bound."""
    return math.nan if predicted[0] in "≥≤" else float(measured.split()[0]) / float(predicted)


def test_a_failing_claim_shows_the_case_whose_ratio_it_states() -> None:
    rows = [row(1.0, 1.0), row(1.0, 2.0), row(75.0, 2.0), row("never", 2.0), row(1.0, 0.0)]
    assert example(Judgement("x", fails(37.5), rows)) == rows[2]
    assert example(Judgement("x", fails(), rows)) == rows[1]  # without a ratio, the first that fails
    assert example(Judgement("x", fails(2.0))) is None
    assert [row(3.0, "≥ 2").ratio, row(3.0, "≤ 2").ratio] == [1.5, 1.5]
    assert all(math.isnan(one.ratio) for one in (row("never", 2.0), row(1.0, "never"), row(1.0, 0.0)))


@pytest.mark.parametrize(("page", "count"), [("claims.md", 12), ("guide/verify.md", 1)])
def test_the_numbers_of_a_failing_row_give_its_factor(page: str, count: int) -> None:
    tested = 0
    for line in (DOCS / page).read_text(encoding="utf-8").splitlines():
        factor = FACTOR.search(line)
        if not factor:
            continue
        cells = line.rpartition(" |")[0].rsplit(" | ", 4) if line.startswith("|") else ["", *line.split()[1:4]]
        ratio = shown_ratio(*cells[1:3])
        if not math.isnan(ratio):
            assert ratio == pytest.approx(float(factor[1]), rel=5e-3), line  # three digits are shown
            tested += 1
    assert tested >= count


def test_the_summary_counts_in_english() -> None:
    claim = sd.claims.named("usam-threshold")

    def counts(*verdicts: Verdict) -> str:
        judged = [Judgement(claim.id, verdict) for verdict in verdicts]
        return summary(Report(tuple([claim] * len(judged)), tuple(judged), budget=1.0, seed=0)).partition(";")[0]

    assert counts(HOLDS) == "1 claim from 1 paper: 1 holds"
    verdicts = (fails(2.0), fails(2.0), in_range(0, 1), in_range(0, 1), HOLDS)
    assert counts(*verdicts) == "5 claims from 1 paper: 1 holds, 2 hold in a range, 2 fail"

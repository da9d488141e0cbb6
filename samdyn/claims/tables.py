"""The report on claims in a terminal, and as Markdown."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .catalogue import room_title
from .claim import Claim
from .judge import Judgement, Row, value_text
from .report import Report, is_as_recorded
from .verdict import KINDS

if TYPE_CHECKING:
    from ..output.terminal import Table

CASE_WIDTH = 45  # characters of the longest text of a case in a column
COLUMNS = ("claim", "predicted", "measured", "rival", "verdict")


def example(judgement: Judgement) -> Row | None:
    """Return the value that speaks for a claim: that whose ratio a failure states, else one that rejects the rival."""
    rows, verdict = judgement.rows, judgement.verdict
    if verdict.kind == "fails" and math.isfinite(verdict.number):
        with_ratio = (row for row in rows if math.isfinite(row.ratio))
        return min(with_ratio, key=lambda row: abs(row.ratio - verdict.number), default=None)
    wanted = (row for row in rows if (not row.agrees if verdict.kind == "fails" else row.rejects))
    return next(wanted, rows[0] if rows else None)


def table(report: Report, files: dict[str, Path]) -> "Table":
    """Return a table with a line for each claim, by rooms.

    Args:
        report: the report.
        files: the file of each claim, by its id.
    """
    from ..output.terminal import new_table

    result = new_table(None, *COLUMNS, gap=1)
    result.columns[-1].justify = "left"
    for title, pairs in rooms(report, files):
        result.add_row(title.upper())
        for claim, judgement in pairs:
            changed = "" if is_as_recorded(claim, judgement) else "  CHANGED"
            result.add_row(claim.id, *example_texts(judgement), judgement.verdict.short + changed)
        result.add_section()
    return result


def rooms(report: Report, files: dict[str, Path]) -> Iterator[tuple[str, list[tuple[Claim, Judgement]]]]:
    """Yield the title of each room with its claims and judgements."""
    groups: dict[str, list[tuple[Claim, Judgement]]] = {}
    for claim, judgement in report.pairs:
        name = room_title(files[claim.id]) if claim.id in files else "claims"
        groups.setdefault(name, []).append((claim, judgement))
    yield from groups.items()


def verdict_text(claim: Claim, judgement: Judgement) -> str:
    """Return the verdict, with the recorded one if it is another."""
    text = str(judgement.verdict)
    return text if is_as_recorded(claim, judgement) else f"{text}  CHANGED, recorded: {claim.record}"


def details(claim: Claim, judgement: Judgement) -> str:
    """Return everything on one claim as text, but for its cases."""
    lines = [
        f"{claim.id}: {verdict_text(claim, judgement)}",
        f"  {claim.statement}",
        f"  formula    {claim.formula}",
        f"  source     {claim.source}",
        f"  process    {claim.process}",
        f"  rival      {claim.mistake}",
        f"  tolerance  {claim.tolerance:g}: {claim.reason}",
    ]
    return "\n".join([*lines, *([f"  instead    {claim.instead}"] if claim.instead else [])])


def cases(judgement: Judgement) -> "Table":
    """Return the table of a claim's cases; ``long_cases`` has the text of those that it only numbers."""
    from ..output.terminal import new_table

    result = new_table(None, "case", "measured", "predicted", "rival", "agrees", "rejects rival", gap=2)
    numbered = bool(long_cases(judgement))
    for number, row in enumerate(judgement.rows, 1):
        text, *cells = row.texts
        result.add_row(str(number) if numbered else text, *cells)
    return result


def long_cases(judgement: Judgement) -> str:
    """Return a line for each case with its number if a text is too long for a column, else an empty text."""
    texts = [row.case for row in judgement.rows]
    if all(len(text) <= CASE_WIDTH for text in texts):
        return ""
    return "\n".join(f"case {number}: {text}" for number, text in enumerate(texts, 1))


LEGEND = (
    "One value of each claim; measured ± four standard errors. leading order: the error vanishes with a parameter. "
    "for a to b: in this range of a parameter. fails: ×r: measured is r times predicted. samdyn verify ID prints all."
)


def remarks(report: Report) -> str:
    """Return why claims are undecided or changed, a line each; an empty text if none is."""
    return "\n".join(
        f"{claim.id}: {verdict_text(claim, judgement)}"
        for claim, judgement in report.pairs
        if judgement.verdict.kind == "undecided" or not is_as_recorded(claim, judgement)
    )


def summary(report: Report) -> str:
    """Return the counts of the verdicts."""
    kinds = [judgement.verdict.kind for judgement in report]
    papers = {paper for claim in report.claims for paper in claim.papers}
    counts = ", ".join(f"{kinds.count(kind)} {_verb(kind, kinds.count(kind))}" for kind in KINDS if kind in kinds)
    changed = f"; CHANGED: {', '.join(report.changed)}" if report.changed else "; every verdict as recorded"
    return f"{_counted(len(report), 'claim')} from {_counted(len(papers), 'paper')}: {counts}{changed}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _verb(kind: str, count: int) -> str:
    """Return a kind of verdict as what this many claims do: one "holds in a range", two "hold in a range"."""
    if count == 1:
        return kind
    return kind.replace("holds", "hold").replace("fails", "fail")


def markdown(report: Report, files: dict[str, Path]) -> str:
    """Return the whole report as a page in Markdown, with its date and what made it."""
    from ..output import provenance

    about = provenance({})
    versions = ", ".join(f"{name} {about['versions'][name]}" for name in ("samdyn", "torch", "numpy", "python"))
    lines = [
        "# Claims and verdicts",
        "",
        f"Made by `samdyn verify --markdown docs/claims.md` on {about['date'][:10]}, budget {report.budget:g}, "
        f"seed {report.seed}, {versions}.",
        "",
        summary(report) + ".",
        "",
        "Each line shows one case of a claim. `±` is the half-width of the interval: four standard errors and the "
        "width of a bracket. The rival is the value of a plausible mistake, which the cases must reject. Keys such as "
        "[K23] are entries of [references.bib](references.bib). `samdyn verify ID` prints all cases of a claim.",
    ]
    for title, pairs in rooms(report, files):
        lines += ["", f"## {title}", ""]
        lines += ["| claim | statement | predicted | measured | rival | verdict |", "|---|---|---|---|---|---|"]
        for claim, judgement in pairs:
            statement = f"{claim.statement} Source: {claim.source}. Process: {claim.process}. Rival: {claim.mistake}."
            cells = [f"`{claim.id}`", statement, *example_texts(judgement), verdict_text(claim, judgement)]
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def example_texts(judgement: Judgement) -> list[str]:
    """Return the predicted, the measured and the rival value of the case that speaks for a claim, as texts."""
    row = example(judgement)
    if row is None:
        return ["", "", ""]
    measured = value_text(row.measured) + (f" ± {row.radius:.1g}" if row.radius > 0 else "")
    return [value_text(row.predicted), measured, value_text(row.rival)]

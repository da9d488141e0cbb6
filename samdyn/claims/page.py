"""The report on claims as one web page that needs nothing else."""

import html
import io
import math
from pathlib import Path
from typing import Any

import numpy as np

from .claim import Claim, same
from .judge import Judgement
from .report import Report, is_as_recorded
from .tables import rooms, summary, verdict_text

COLOURS = {"measured": "#000000", "predicted": "#0072B2", "rival": "#D55E00"}
WIDE_RANGE = 30.0  # ratio of the largest to the smallest value from which an axis is logarithmic
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #111; }
article { border: 1px solid #ccc; border-radius: 8px; padding: 1rem 1.2rem; margin: 1.2rem 0; }
h3 { margin: 0 0 .4rem; } h3 a { color: inherit; text-decoration: none; }
.verdict { float: right; padding: .1rem .6rem; border-radius: 1rem; font-size: .9rem; border: 1px solid; }
.holds { background: #e3f4e8; color: #11551f; } .fails { background: #fde6dc; color: #8a2f00; }
.undecided { background: #eee; color: #444; } .changed { background: #b00020; color: #fff; }
.formula svg { max-width: 100%; height: auto; } .plot svg { max-width: 100%; height: auto; }
table { border-collapse: collapse; font-size: .9rem; } td, th { padding: .15rem .7rem .15rem 0; text-align: left; }
td { font-variant-numeric: tabular-nums; }
pre { overflow-x: auto; background: #f6f6f6; padding: .8rem; font-size: .8rem; }
dt { font-weight: 600; float: left; clear: left; width: 6rem; } dd { margin-left: 6.5rem; }
.scroll { overflow-x: auto; } nav td:first-child { width: 22rem; }
"""


def page(report: Report, files: dict[str, Path]) -> str:
    """Return the page: a card for each claim, with its formula, a plot, its cases and its code.

    Args:
        report: the report.
        files: the file of each claim, by its id.
    """
    from ..output import provenance

    about = provenance({"budget": report.budget, "seed": report.seed})
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    body = ["<h1>Claims on the dynamics of SAM, and their verdicts</h1>", f"<p>{_text(summary(report))}.</p>"]
    body += [
        f"<p>{about['date'][:10]}, commit {_text(about['commit'])}, budget {report.budget:g}, seed {report.seed}. "
    ]
    body += [f"{_text(versions)}.</p>", "<nav>"]
    sections = list(rooms(report, files))
    for title, pairs in sections:
        body.append(f"<h2>{_text(title)}</h2><table>")
        for claim, judgement in pairs:
            link = f'<a href="#{claim.id}">{claim.id}</a>'
            body.append(f"<tr><td>{link}</td><td>{_text(verdict_text(claim, judgement))}</td></tr>")
        body.append("</table>")
    body.append("</nav>")
    for title, pairs in sections:
        body.append(f"<h2>{_text(title)}</h2>")
        body += [card(claim, judgement, files.get(claim.id)) for claim, judgement in pairs]
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
    title = "<title>Claims on the dynamics of SAM</title>"
    return f'<!doctype html><html lang="en"><head>{head}{title}</head><body>{"".join(body)}</body></html>\n'


def card(claim: Claim, judgement: Judgement, path: Path | None) -> str:
    """Return the card of a claim."""
    kind = "holds" if judgement.verdict.holds else judgement.verdict.kind
    kind = kind if is_as_recorded(claim, judgement) else "changed"
    rows = ["case", "measured", "predicted", "rival", "agrees", "rejects rival"]
    table = "<tr>" + "".join(f"<th>{name}</th>" for name in rows) + "</tr>"
    for row in judgement.rows:
        table += "<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row.texts) + "</tr>"
    facts = {
        "source": claim.source,
        "process": claim.process,
        "rival": claim.mistake,
        "tolerance": f"{claim.tolerance:g}: {claim.reason}",
        "recorded": str(claim.record),
        "time": f"{judgement.seconds:.1f} s",
    }
    if claim.instead:
        facts["instead"] = claim.instead
    listed = "".join(f"<dt>{name}</dt><dd>{_text(value)}</dd>" for name, value in facts.items())
    code = f"<details><summary>code</summary><pre>{_text(_source(path))}</pre></details>" if path else ""
    error = f"<pre>{_text(judgement.traceback)}</pre>" if judgement.traceback else ""
    return (
        f'<article id="{claim.id}"><span class="verdict {kind}">{_text(verdict_text(claim, judgement))}</span>'
        f'<h3><a href="#{claim.id}">{claim.id}</a></h3><p>{_text(claim.statement)}</p>'
        f'<p class="formula">{formula(claim.formula)}</p><div class="plot">{plot(claim, judgement)}</div>'
        f'<dl>{listed}</dl>{error}<details><summary>{len(judgement.rows)} values</summary><div class="scroll">'
        f"<table>{table}</table></div></details>{code}</article>"
    )


def _source(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:  # the file was deleted while its claims were measured
        return f"{path.name} cannot be read any more: {error.strerror}"


def formula(latex: str) -> str:
    """Return a formula as SVG; its source if matplotlib cannot draw it."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    figure = Figure(figsize=(0.01, 0.01))
    with rc_context({"mathtext.fontset": "cm", "svg.fonttype": "path", "svg.hashsalt": "samdyn"}):
        figure.text(0, 0, f"${latex}$", fontsize=15)
        try:
            svg = _svg(figure, pad_inches=0.03)
        except ValueError:  # a command of LaTeX that mathtext does not have
            return f"<code>{_text(latex)}</code>"
    return f'<span role="img" aria-label="{_text(latex)}">{svg}</span>'


def plot(claim: Claim, judgement: Judgement) -> str:
    """Return a plot of measured, predicted and rival values over the cases as SVG; empty if they are words."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    rows = [row for row in judgement.rows if all(_is_number(v) for v in (row.measured, row.predicted, row.rival))]
    if not rows:
        return ""
    name, at = _axis(claim, len(rows)) if len(rows) == len(judgement.rows) else ("case", list(range(1, len(rows) + 1)))
    values = {key: np.array([getattr(row, key) for row in rows], dtype=float) for key in COLOURS}
    order = np.argsort(at, kind="stable")
    at_sorted = np.array(at, dtype=float)[order]
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "samdyn", "axes.spines.top": False}):
        figure = Figure(figsize=(6.4, 2.8), layout="constrained")
        ax = figure.subplots()
        ax.spines["right"].set_visible(False)
        for key, style in (("rival", "s"), ("predicted", "D")):
            ax.plot(at_sorted, values[key][order], style, color=COLOURS[key], ms=9, mfc="none", mew=1.5, label=key)
        errors = np.array([row.radius for row in rows])[order]
        ax.errorbar(
            at_sorted, values["measured"][order], errors, fmt="o", color=COLOURS["measured"], ms=4, capsize=3,
            label="measured",
        )  # fmt: skip
        every = np.concatenate(list(values.values()))
        if (every > 0).all() and every.max() > WIDE_RANGE * every.min():
            ax.set_yscale("log")
        if name == "case":
            ax.set_xticks(at_sorted)
        elif min(at) > 0 and max(at) > WIDE_RANGE * min(at):
            ax.set_xscale("log")
        ax.set_xlabel(name)
        ax.set_ylabel("value")
        ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
        return _svg(figure)


def _axis(claim: Claim, count: int) -> tuple[str, list[float]]:
    """Return the parameter that the cases differ in, and its values; the number of the case if there is no such one."""
    cases = claim.cases
    differing = [name for name in cases[0] if not all(same(case[name], cases[0][name]) for case in cases)]
    if len(differing) == 1 and count == len(cases) and all(_is_number(case[differing[0]]) for case in cases):
        return differing[0], [float(case[differing[0]]) for case in cases]
    return "case", [float(number) for number in range(1, count + 1)]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and math.isfinite(value)


def _svg(figure: Any, **options: Any) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", bbox_inches="tight", transparent=True, metadata={"Date": None}, **options)
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def _text(value: str) -> str:
    return html.escape(value)

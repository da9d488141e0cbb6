"""The gallery: each figure of paper_figs/ with its script's docstring and the lines that made it."""

import ast
import re
from pathlib import Path

from docstrings import markdown

from samdyn import lab

VERDICT = re.compile(r"^(Source|Agrees|Differs|Ours):", re.MULTILINE)
SOURCES = {  # titles of the sections, by the beginning of the scripts' names
    "k23_": "Stability Analysis of Sharpness-Aware Minimization [K23]",
    "m23_": "Multi-step ascent [M23]",
    "a21_": "ASAM [A21]",
    "": "Ours",
}


def gallery() -> str:
    """Return the page below its introduction."""
    scripts = lab.scripts("paper_figs").values()
    parts = []
    for start, title in SOURCES.items():
        own = [script for script in scripts if next(key for key in SOURCES if script.name.startswith(key)) == start]
        parts += [f"## {title}"] if own else []
        parts += [figure(script) for script in own]
    return "\n\n".join(parts)


def figure(script: Path) -> str:
    """Return a section with one figure."""
    source = script.read_text(encoding="utf-8")
    title, _, text = (ast.get_docstring(ast.parse(source)) or script.stem).partition("\n")
    picture = f"{script.stem}.png"
    image = f"```{{image}} ../paper_figs/{picture}\n:alt: {title}\n```"
    code = f":::{{admonition}} paper_figs/{script.name}\n:collapsible: closed\n\n```python\n{body(source)}\n```\n:::"
    said = VERDICT.sub(r"**\1:**", markdown(text.strip()))
    return f"### {markdown(title.rstrip('.'))}\n\n{image}\n\n{said}\n\n{code}"


def body(source: str) -> str:
    """Return a script's text behind its docstring."""
    first, *_ = ast.parse(source).body
    return "\n".join(source.split("\n")[first.end_lineno :]).strip()

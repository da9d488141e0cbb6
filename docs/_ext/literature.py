"""The papers that samdyn cites, from references.bib."""

import re
from pathlib import Path

FILE = Path(__file__).parents[1] / "references.bib"
ENTRY = re.compile(r"^@\w+\{(\w+),\n(.*?)^\}", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"^\s*(\w+)\s*=\s*(.*?),?$", re.MULTILINE)


def papers() -> dict[str, dict[str, str]]:
    """Return the fields of every paper, without TeX's braces."""
    text = FILE.read_text(encoding="utf-8")
    return {key: dict(FIELD.findall(re.sub(r"[{}]", "", body))) for key, body in ENTRY.findall(text)}


def literature() -> str:
    """Return the page below its introduction."""
    return "\n\n".join(entry(key, paper) for key, paper in sorted(papers().items()))


def entry(key: str, paper: dict[str, str]) -> str:
    """Return a section with one paper."""
    *first, last = (" ".join(reversed(name.split(", "))) for name in paper["author"].split(" and "))
    authors = " and ".join(filter(None, [", ".join(first), last]))
    where = ", ".join(paper[name] for name in ("journal", "booktitle", "year") if name in paper)
    link = f" [arXiv:{paper['eprint']}](https://arxiv.org/abs/{paper['eprint']})" if "eprint" in paper else ""
    return f"## {key}\n\n{authors}. *{paper['title']}*. {where}.{link}"

"""What the code cites is in docs/."""

import re
from pathlib import Path

import samdyn as sd

ROOT = Path(__file__).parent.parent
FILES = [*(ROOT / "samdyn").rglob("*.py"), *(ROOT / "experiments").glob("*.py"), *(ROOT / "docs").glob("*.md")]
FILES += (ROOT / "paper_figs").glob("*.py")
FILES.append(ROOT / "README.md")
KEYS = re.compile(r"\[([A-Z]{1,2}[0-9]{2})\b[^\]]*\]")
ENTRIES = re.compile(r"\btheory ([0-9]+)")
CLAIMS = re.compile(r"`([a-z0-9]+(?:-[a-z0-9]+)+)`")


def test_papers_are_in_the_references() -> None:
    known = set(re.findall(r"^@\w+\{(\w+),", (ROOT / "docs" / "references.bib").read_text(), re.M))
    cited = {key: path.name for path in FILES for key in KEYS.findall(path.read_text())}
    assert len(cited) > 5
    assert {key: name for key, name in cited.items() if key not in known} == {}


def test_entries_of_the_theory_exist() -> None:
    known = set(re.findall(r"^### ([0-9]+)\. ", (ROOT / "docs" / "theory.md").read_text(), re.M))
    cited = {number: path.name for path in FILES for number in ENTRIES.findall(path.read_text())}
    assert len(cited) > 5
    assert {number: name for number, name in cited.items() if number not in known} == {}


def test_claims_that_the_theory_names_exist() -> None:
    named = set(CLAIMS.findall((ROOT / "docs" / "theory.md").read_text()))
    assert len(named) > 50
    assert named - set(sd.claims.catalogue()) == set()

"""A name that a docstring or a page writes out can be imported as it is written there."""

import ast
import pkgutil
import re
from pathlib import Path

import samdyn

ROOT = Path(__file__).parent.parent
PAGES = [*ROOT.glob("docs/**/*.md"), ROOT / "README.md"]
PARTS = {p.stem for p in Path(samdyn.__file__).parent.iterdir() if not p.name.startswith("_")}
# In backquotes: samdyn.x, sd.x, or a part of samdyn with a dot behind it.
NAME = re.compile(rf"`(?:(?:samdyn|sd)\.|(?=(?:{'|'.join(sorted(PARTS))})\.))((?:\w+\.)*\w+)(?=[`(\[,])")
LOCAL = {"oracle", "checks", "ops", "portable", "arguments"}  # also usual names of objects


def texts() -> list[str]:
    """Return the docstrings of samdyn and the pages."""
    found = [page.read_text(encoding="utf-8") for page in PAGES]
    for path in Path(samdyn.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                found.append(ast.get_docstring(node) or "")
    return found


def written() -> set[str]:
    """Return the names that are written out, without samdyn in front."""
    return {name for text in texts() for name in NAME.findall(text)}


def exists(name: str) -> bool:
    """Whether a dotted name leads to something, from samdyn."""
    try:
        pkgutil.resolve_name(f"samdyn.{name}")
    except (ImportError, AttributeError):
        return False
    return True


def test_names_are_there() -> None:
    names = written()
    assert "analysis.escape" in names
    assert not sorted(name for name in names if name.split(".")[0] not in LOCAL and not exists(name))
    assert not exists("simulate.settling")  # simulate is a function

"""The house: each part of samdyn imports only what stands above it."""

import ast
import subprocess
import sys
from pathlib import Path

import samdyn

ROOT = Path(samdyn.__file__).parent
ORDER = ["checks", "arguments", "portable", "ops", "oracle", "landscapes", "methods", "noise", "dynamics", "compiler"]
ORDER += ["simulate", "symbolic", "analysis", "theory", "networks", "plot", "output", "cli"]
HEAVY = {"matplotlib", "xarray", "zarr", "typer", "rich", "pandas", "scipy.integrate", "scipy.optimize"}
HEAVY |= {"sklearn", "mnist1d", "requests"}


def part(module: str) -> str:
    return module.split(".")[0]


def imports(path: Path) -> set[str]:
    """Return the parts of samdyn that a file imports."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {part(a.name.removeprefix("samdyn.")) for a in node.names if a.name.startswith("samdyn.")}
        elif isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").startswith("samdyn")):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            base += (node.module or "").removeprefix("samdyn").strip(".").split(".") if node.module else []
            names = [*base] if base else [a.name for a in node.names]
            found |= {part(names[0])} if base else {part(n) for n in names}
    return found


def test_every_part_has_a_place() -> None:
    parts = {p.stem if p.is_file() else p.name for p in ROOT.iterdir() if not p.name.startswith("__")}
    assert parts == set(ORDER)


def test_data_goes_one_way() -> None:
    wrong = []
    for path in ROOT.rglob("*.py"):
        here = path.relative_to(ROOT).with_suffix("").parts[0]
        if here == "__init__":
            continue
        wrong += [f"{path.name} imports {other}" for other in imports(path) if ORDER.index(other) > ORDER.index(here)]
    assert not wrong


def test_what_measures_reads_no_prediction() -> None:
    measuring = [path for name in ("simulate", "analysis", "networks") for path in (ROOT / name).rglob("*.py")]
    assert len(measuring) > 50
    assert not [path.name for path in measuring if imports(path) & {"symbolic", "theory"}]


def test_the_check_sees_imports() -> None:
    assert imports(ROOT / "plot" / "escape.py") == {"analysis", "arguments", "checks", "plot"}
    assert imports(ROOT / "analysis" / "escape.py") >= {"dynamics", "simulate", "analysis"}
    assert "checks" in imports(ROOT / "cli.py")


def test_importing_samdyn_loads_nothing_heavy() -> None:
    code = "import sys, samdyn; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "samdyn.analysis" in loaded
    assert not HEAVY & set(loaded)

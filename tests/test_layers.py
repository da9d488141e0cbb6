"""The house: each part of samdyn imports only what stands above it."""

import ast
import inspect
import operator
import subprocess
import sys
from pathlib import Path

import pytest

import samdyn

ROOT = Path(samdyn.__file__).parent
ORDER = [
    "checks",
    "schedules",
    "catalogues",
    "arguments",
    "portable",
    "html",
    "interrupts",
    "ops",
    "oracle",
    "landscapes",
    "methods",
    "noise",
    "bases",
    "dynamics",
    "compiler",
]
ORDER += [
    "simulation",
    "symbolic",
    "statistics",
    "analysis",
    "theory",
    "networks",
    "minima",
    "plot",
    "output",
    "explorer",
    "sweep",
    "claims",
    "cli",
    "lab",
    "commands",
]
INSIDE = {  # the same within a package
    "landscapes": ["formulas", "values", "landscape", "samples", "entries"],
    "simulation": [
        *["status", "units", "threads", "progress", "results", "starts", "statistics", "settling", "backends"],
        *["schemes", "iterates", "flows", "discontinuities", "ode"],
    ],
    "analysis": [
        *["trees", "gradients", "parameters", "comparisons", "rounding", "sobol", "intervals", "points"],
        *["starts", "orbits", "limit_sets", "bifurcations", "capture", "moments", "escapes", "averaged"],
    ],
    "sweep": ["cells", "calls", "memory", "store", "sweep", "estimate", "file"],
    "networks": [
        *["data", "models", "landscape", "curvature", "measures", "attacks", "saddles", "optimizer", "training"],
        *["top_curvature", "saddle_dynamics", "epochs"],
    ],
    "plot": ["styles", "portraits", "series", "saddles", "grids"],
    "compiler": ["tracing", "cache", "c", "cuda", "web"],
}
PROGRESS = ("simulation", "progress", "tracked")  # shows how far work is, and computes nothing
HEAVY = {"matplotlib", "xarray", "zarr", "typer", "rich", "pandas", "scipy.integrate", "scipy.optimize"}
HEAVY |= {"sklearn", "mnist1d", "requests"}


def imported(path: Path) -> set[tuple[str, ...]]:
    """Return the modules of samdyn that a file imports, each as its path below samdyn; names from them included."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    found: set[tuple[str, ...]] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {tuple(a.name.split(".")[1:]) for a in node.names if a.name.startswith("samdyn.")}
        elif isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").startswith("samdyn")):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            base += [name for name in (node.module or "").removeprefix("samdyn").split(".") if name]
            found |= {(*base, a.name) for a in node.names}
    return found


def imports(path: Path) -> set[str]:
    """Return the parts of samdyn that a file imports."""
    return {module[0] for module in imported(path)}


def parts(folder: Path) -> set[str]:
    """Return the modules and packages in a folder. A folder without code, as git leaves them, is none."""
    below = {path.relative_to(folder).with_suffix("").parts[0] for path in folder.rglob("*.py")}
    return {part for part in below if not part.startswith("__")}


def test_every_part_has_a_place() -> None:
    assert parts(ROOT) == set(ORDER)


def test_data_goes_one_way() -> None:
    wrong = []
    for path in ROOT.rglob("*.py"):
        here = path.relative_to(ROOT).with_suffix("").parts[0]
        if here in ("__init__", "__main__"):
            continue
        wrong += [f"{path.name} imports {other}" for other in imports(path) if ORDER.index(other) > ORDER.index(here)]
    assert not wrong


@pytest.mark.parametrize("package", INSIDE)
def test_data_goes_one_way_inside(package: str) -> None:
    order, wrong = INSIDE[package], []
    rooms = parts(ROOT / package)
    assert rooms == set(order)
    for path in (ROOT / package).rglob("*.py"):
        here = path.relative_to(ROOT / package).with_suffix("").parts[0]
        others = {module[1] for module in imported(path) if module[0] == package and module[1] in rooms}
        if here != "__init__":
            wrong += [f"{here}/{path.name} imports {o}" for o in others if order.index(o) > order.index(here)]
    assert not wrong


def test_plotting_draws_what_it_is_given() -> None:
    """It imports the types of results, and no function that makes or predicts one."""
    predicting = {"theory", "symbolic"}
    computing = {"analysis", "simulation", "statistics", "noise", "compiler", "networks"}
    wrong = []
    for path in (ROOT / "plot").rglob("*.py"):
        for module in imported(path):
            value = operator.attrgetter(".".join(module))(samdyn) if module[0] in computing else None
            if module[0] in predicting or (inspect.isfunction(value) and module != PROGRESS):
                wrong.append(f"{path.name} imports {'.'.join(module)}")
    assert not wrong


def test_what_measures_reads_no_prediction() -> None:
    measuring = [path for name in ("simulation", "analysis", "networks") for path in (ROOT / name).rglob("*.py")]
    assert len(measuring) > 50
    assert not [path.name for path in measuring if imports(path) & {"symbolic", "theory"}]


def test_the_check_sees_imports() -> None:
    assert imports(ROOT / "plot" / "grids" / "chart.py") == {"analysis", "arguments", "plot"}
    assert imports(ROOT / "analysis" / "escapes" / "escape.py") >= {"dynamics", "simulation", "analysis"}
    assert "checks" in imports(ROOT / "cli.py")


def test_importing_samdyn_loads_nothing_heavy() -> None:
    code = "import sys, samdyn; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "samdyn.analysis" in loaded
    assert not HEAVY & set(loaded)

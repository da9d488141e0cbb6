"""What a user installs: the wheel and the source distribution."""

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.metadata import Metadata

import samdyn as sd

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Build a distribution as ``make dist`` does, without a network; return the file."""

    def build(target: str) -> Path:
        folder = tmp_path_factory.mktemp(target)
        command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
        (file,) = folder.iterdir()
        return file

    return build


@pytest.fixture(scope="module")
def wheel(built: Callable[[str], Path]) -> Path:
    return built("wheel")


def test_the_wheel_has_the_code_its_types_and_the_scripts_and_no_more(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = (path for path in (ROOT / "samdyn").rglob("*") if path.is_file() and path.suffix != ".pyc")
    expected = {str(path.relative_to(ROOT)) for path in files} | {"pytest_samdyn.py"}
    expected |= {
        f"samdyn/{path.relative_to(ROOT)}" for f in ("experiments", "paper_figs") for path in ROOT.glob(f"{f}/*.py")
    }
    assert names == expected
    assert {"samdyn/py.typed", "samdyn/experiments/saddle_escape.py", "samdyn/paper_figs/k23_saddle.py"} <= names


def test_an_experiment_runs_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    options = ["--resolution", "3", "--steps", "5", "--methods", "USAM"]
    shown = "print(sys.modules['stability_chart'].__file__)"
    code = f"import sys, samdyn.commands\ntry: samdyn.commands.main()\nfinally: {shown}"
    run = subprocess.run(
        [sys.executable, "-c", code, "run", "stability-chart", *options],
        cwd=empty, env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.endswith(f"{site / 'samdyn' / 'experiments' / 'stability_chart.py'}\n")
    assert (empty / "results" / "stability_chart" / "provenance.json").exists()


def test_the_metadata_are_valid_and_name_the_version_of_the_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        metadata = Metadata.from_email(archive.read(f"samdyn-{sd.__version__}.dist-info/METADATA"), validate=True)
    assert str(metadata.version) == sd.__version__
    assert metadata.license_expression == "MIT"
    assert "Typing :: Typed" in (metadata.classifiers or [])


def test_one_version_everywhere() -> None:
    citation = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), flags=re.MULTILINE)
    changes = re.search(r"^## \[?(\d[\w.]*)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert citation
    assert changes
    assert citation[1] == changes[1] == sd.__version__


def test_the_source_distribution_has_all_that_the_tests_read(built: Callable[[str], Path]) -> None:
    with tarfile.open(built("sdist")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    folders = ("samdyn", "tests", "experiments", "paper_figs", "docs", "benchmarks")
    files = {path for folder in folders for path in (ROOT / folder).rglob("*.py")}
    files |= {
        ROOT / name for name in ("pyproject.toml", "hatch_build.py", "conftest.py", "Makefile", "constraints.txt")
    }
    files |= {*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "LICENSE", ROOT / "CITATION.cff"}
    assert {str(path.relative_to(ROOT)) for path in files} <= names

"""What made a file: parameters, versions, commit, date."""

import json
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PACKAGES = ("samdyn", "torch", "numpy", "scipy", "sympy", "xarray", "zarr", "matplotlib")


def provenance(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return what a file needs to say to be made again: parameters, versions, commit, date."""
    return {
        "parameters": parameters,
        "versions": {"python": platform.python_version(), **{p: _version(p) for p in PACKAGES}},
        "commit": _commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _commit() -> str:
    # The checkout samdyn is imported from; an installed copy stands in none of its own.
    root = Path(__file__).resolve().parent.parent.parent
    if not (root / ".git").exists():
        return "not a checkout"

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + (" with uncommitted changes" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def save_figure(figure: "Figure", path: Path, about: dict[str, Any]) -> None:
    """Write a figure as PNG with what made it in its metadata, under Description, and close it.

    Nothing else goes into the metadata: the same figure with the same ``about`` is the same bytes.
    """
    import matplotlib.pyplot as plt

    figure.savefig(path, metadata={"Description": json.dumps(about, default=str), "Software": None})
    plt.close(figure)

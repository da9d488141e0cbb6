"""The provenance of a file: parameters, versions, commit, date."""

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
    """Return what a reader needs to make a file again: parameters, versions, commit, date.

    >>> sorted(provenance({"rho": 0.1}))
    ['commit', 'date', 'parameters', 'versions']
    """
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
    # The checkout from which samdyn was imported; an installed copy has none.
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
    """Write a figure as PNG with its provenance in the metadata, under Description, and close the figure.

    The metadata has no other entry, so the same figure with the same ``about`` gives the same bytes.

    Args:
        figure: the figure.
        path: the path of the file.
        about: the provenance.

    >>> from matplotlib import pyplot as plt
    >>> from PIL import Image
    >>> save_figure(plt.figure(), Path("empty.png"), {"rho": 0.1})
    >>> with Image.open("empty.png") as image:
    ...     image.info["Description"]
    '{"rho": 0.1}'
    """
    import matplotlib.pyplot as plt

    figure.savefig(path, metadata={"Description": json.dumps(about, default=str), "Software": None})
    plt.close(figure)

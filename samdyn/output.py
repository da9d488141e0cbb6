"""Results on disk: a folder that appears whole or not at all, and says what made it."""

import json
import platform
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .checks import InputError

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

MANIFEST = "provenance.json"
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
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return "not a checkout"

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + (" with uncommitted changes" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def save_figure(figure: "Figure", path: Path, about: dict[str, Any]) -> None:
    """Write a figure as PNG with what made it in its metadata, under Description, and close it."""
    import matplotlib.pyplot as plt

    figure.savefig(path, metadata={"Description": json.dumps(about, default=str)})
    plt.close(figure)


class OutputFolder:
    """A folder of results, written beside its place and moved there when the block ends.

    An earlier result of the same experiment is replaced, at that moment; a folder that holds anything else is left
    alone. If the block raises, nothing of it remains and what was there before stays.

    Attributes:
        about: the provenance, written to provenance.json and into every file.
    """

    def __init__(self, path: str | Path, experiment: str, parameters: dict[str, Any]) -> None:
        """Check that ``path`` can take the results.

        Raises:
            InputError: it exists and is no folder, holds other things than such results, or cannot be written.
        """
        self.path = Path(path)
        self.about = {"experiment": experiment, **provenance(parameters)}
        if self.path.exists():
            self._check_replaceable()

    def _check_replaceable(self) -> None:
        fix = "Choose another folder with --out, or move it away"
        if not self.path.is_dir():
            raise InputError(f"output folder {str(self.path)!r}: it exists and is not a folder. {fix}")
        here = _files(self.path)
        try:
            made = json.loads((self.path / MANIFEST).read_text())
            ours = {MANIFEST, *made["files"]} if made["experiment"] == self.about["experiment"] else set()
        except (OSError, ValueError, KeyError, TypeError):
            ours = set()
        others = sorted(here - ours)
        if others:
            shown = ", ".join(others[:3]) + (", …" if len(others) > 3 else "")
            raise InputError(f"output folder {str(self.path)!r}: it exists and holds other things ({shown}). {fix}")

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._building = Path(tempfile.mkdtemp(prefix=f".{self.path.name}.", dir=self.path.parent))
        except OSError as error:
            raise InputError(
                f"output folder {str(self.path)!r}: it cannot be written ({error.strerror}). Choose another with --out"
            ) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            # What was finished before Ctrl-C is not lost.
            if kind is None or (kind is KeyboardInterrupt and _files(self._building)):
                self._publish()
        finally:
            shutil.rmtree(self._building, ignore_errors=True)

    def _publish(self) -> None:
        files = sorted(_files(self._building))
        (self._building / MANIFEST).write_text(json.dumps({**self.about, "files": files}, indent=1, default=str))
        self._building.chmod(0o755)  # mkdtemp makes folders only their owner can read
        old = self._building.with_name(self._building.name + ".old")
        if self.path.exists():
            self._check_replaceable()
            self.path.rename(old)
        self._building.rename(self.path)
        shutil.rmtree(old, ignore_errors=True)

    def save_dataset(self, dataset: "xarray.Dataset", name: str) -> None:
        """Write a dataset as a Zarr store, with the provenance in its attributes."""
        labelled = dataset.assign_attrs(provenance=json.dumps(self.about, default=str))
        for key, variable in labelled.variables.items():
            if variable.dtype.kind == "U":  # Zarr's format knows strings of any length, not of a fixed one
                labelled[key] = variable.astype(object)
        labelled.to_zarr(self._building / name, consolidated=False)

    def save_figure(self, figure: "Figure", name: str) -> None:
        """Write a figure as PNG, with the provenance in its metadata, and close it."""
        save_figure(figure, self._building / name, self.about)


def _files(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir()}

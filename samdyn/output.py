"""Results on disk: a folder that appears whole or not at all, and says what made it."""

import json
import platform
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

from .checks import InputError

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

MANIFEST = "provenance.json"
UNFINISHED = ".unfinished"
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
        self._check_replaceable()

    def _refuse(self, reason: str, fix: str = "Choose another folder with --out, or move it away") -> NoReturn:
        raise InputError(f"output folder {str(self.path)!r}: {reason}. {fix}") from None

    def _check_replaceable(self) -> None:
        try:
            if self.path.is_symlink():
                self._refuse("it is a link", "Give the folder itself with --out")
            if not self.path.exists():
                return
            # Without a manifest nothing in it is ours, and it may be large: its first level is enough.
            ours = (self.path / MANIFEST).exists()
            here = _entries(self.path) if ours else {p.name for p in self.path.glob("*")}
        except OSError as error:
            self._refuse(f"it cannot be written ({error.strerror})", "Choose another with --out")
        if not self.path.is_dir():
            self._refuse("it exists and is not a folder")
        try:
            made = json.loads((self.path / MANIFEST).read_text())
            files = (
                [Path(MANIFEST), *map(Path, made["files"])] if made["experiment"] == self.about["experiment"] else []
            )
        except (OSError, ValueError, KeyError, TypeError):
            files = []
        others = sorted(here - {str(p) for file in files for p in (file, *file.parents)})
        if others:
            shown = ", ".join(others[:3]) + (", …" if len(others) > 3 else "")
            self._refuse(f"it exists and holds other things ({shown})")

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._building = Path(tempfile.mkdtemp(prefix=f".{self.path.name[:100]}.", dir=self.path.parent))
        except (OSError, ValueError) as error:
            self._refuse(f"it cannot be written ({error})", "Choose another with --out")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            # What was finished before Ctrl-C is not lost.
            shutil.rmtree(self._building / UNFINISHED, ignore_errors=True)
            if kind is None or (kind is KeyboardInterrupt and _entries(self._building)):
                self._publish()
        except InputError as taken:  # since the check at the start
            raise InputError(f"{taken}. The results are kept in {str(self._building)!r}") from None
        except BaseException:
            shutil.rmtree(self._building, ignore_errors=True)
            raise
        if self._building.exists():  # nothing was published
            shutil.rmtree(self._building, ignore_errors=True)

    def _publish(self) -> None:
        files = sorted(entry for entry in _entries(self._building) if not (self._building / entry).is_dir())
        about = {**self.about, "files": files}
        (self._building / MANIFEST).write_text(json.dumps(about, indent=1, default=str))
        self._building.chmod(0o755)  # mkdtemp makes folders only their owner can read
        self._check_replaceable()
        old = self._building.with_name(self._building.name + ".old")
        if self.path.exists():
            self.path.rename(old)
        self._building.rename(self.path)
        shutil.rmtree(old, ignore_errors=True)

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Yield where to write ``name``; it gets there when it is whole."""
        (self._building / UNFINISHED).mkdir(exist_ok=True)
        yield self._building / UNFINISHED / name
        (self._building / UNFINISHED / name).rename(self._building / name)

    def save_dataset(self, dataset: "xarray.Dataset", name: str) -> None:
        """Write a dataset as a Zarr store, with the provenance in its attributes."""
        labelled = dataset.assign_attrs(provenance=json.dumps(self.about, default=str))
        for key, variable in labelled.variables.items():
            if variable.dtype.kind == "U":  # Zarr's format knows strings of any length, not of a fixed one
                labelled[key] = variable.astype(object)
        with self.writing(name) as path, warnings.catch_warnings():
            # One file with all metadata, which xarray looks for; that Zarr's standard does not know it yet is no news.
            warnings.filterwarnings("ignore", "Consolidated metadata")
            labelled.to_zarr(path, consolidated=True)

    def save_figure(self, figure: "Figure", name: str) -> None:
        """Write a figure as PNG, with the provenance in its metadata, and close it."""
        with self.writing(name) as path:
            save_figure(figure, path, self.about)


def _entries(folder: Path) -> set[str]:
    """Return everything below a folder, folders and links included."""
    return {str(p.relative_to(folder)) for p in folder.rglob("*")}

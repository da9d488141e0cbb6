"""Results on disk: a folder that appears whole or not at all, with its provenance."""

import json
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

from ..checks import InputError
from . import signals
from .provenance import provenance, save_figure
from .workspace import MANIFEST, Workspace, collect

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

ASIDE = ".unpublished"  # suffix of the folder for results that may not replace an earlier one, or that have no place


class OutputFolder:
    """A folder of results. A block writes them to a hidden folder, which moves to its place in one step at the end.

    At that moment the results replace an earlier result of the same experiment. A folder with other contents is
    refused. If the block raises, its results are removed and the earlier result stays. If Ctrl-C interrupts the block,
    or SIGTERM in an experiment, the finished files are published as a partial result. A partial result never replaces a
    whole one; it goes to ``NAME.unpublished`` beside it. The next start removes the hidden folder of a killed process.

    Attributes:
        path: the place of the folder.
        about: the provenance. It is written to provenance.json and into every file.
        interrupted: whether the result is partial. The block may set it.
        published: the folder with the results after the block: ``path``, or a folder beside it.

    >>> import xarray
    >>> from samdyn.output import OutputFolder
    >>> with OutputFolder("results", "my experiment", {"rho": 0.1}) as folder:
    ...     folder.save_dataset(xarray.Dataset({"loss": ("step", [1.0, 0.5])}), "runs.zarr")
    >>> sorted(entry.name for entry in folder.published.iterdir())
    ['provenance.json', 'runs.zarr']
    """

    def __init__(self, path: str | Path, experiment: str, parameters: dict[str, Any]) -> None:
        """Check that the results can go to ``path``.

        Args:
            path: the place of the folder.
            experiment: the name of the experiment.
            parameters: the parameters of the experiment, for the provenance.

        Raises:
            InputError: ``path`` is not a folder, holds anything but results of this experiment, or cannot be written.
        """
        self.path = Path(path)
        self.about = {"experiment": experiment, **provenance(parameters)}
        self.interrupted = False
        self.published: Path | None = None
        self._saved: set[str] = set()
        collect(self.path)
        self._earlier(self.path)

    def _refuse(self, reason: str, fix: str = "Choose another folder with --out, or move it away") -> NoReturn:
        raise InputError(f"output folder {str(self.path)!r}: {reason}. {fix}") from None

    def _earlier(self, path: Path) -> dict[str, Any]:
        """Return the manifest of the earlier result at a path. It is empty if the path does not exist.

        Raises:
            InputError: the path holds anything but an earlier result.
        """
        manifest: dict[str, Any] = {}
        try:
            if path.is_symlink():
                self._refuse("it is a link", "Give the folder itself with --out")
            if not path.exists():
                return manifest
            # A folder without a manifest is refused if it has any entry, so its first level is enough.
            has_manifest = (path / MANIFEST).exists()
            here = _entries(path) if has_manifest else set(os.listdir(path) if path.is_dir() else [])
            if os.path.ismount(path) or path.samefile(Path.cwd()):
                self._refuse("it is a mount point or the working folder", "Give a folder inside it with --out")
        except OSError as error:
            self._refuse(f"it cannot be written ({error.strerror})", "Choose another with --out")
        if not path.is_dir():
            self._refuse("it exists and is not a folder")
        try:
            manifest = json.loads((path / MANIFEST).read_text())
            same = manifest["experiment"] == self.about["experiment"]
            files = [Path(MANIFEST), *map(Path, manifest["files"])] if same else []
        except (OSError, ValueError, KeyError, TypeError):
            files = []
        others = sorted(here - {str(p) for file in files for p in (file, *file.parents)})
        if others:
            listing = ", ".join(others[:3]) + (", …" if len(others) > 3 else "")
            self._refuse(f"it exists and holds other things ({listing})")
        return manifest

    def __enter__(self) -> Self:
        try:
            self._workspace = Workspace(self.path)
        except (OSError, ValueError) as error:
            self._refuse(f"it cannot be written ({error})", "Choose another with --out")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        is_interrupt = kind is not None and issubclass(kind, KeyboardInterrupt)
        self.interrupted |= is_interrupt
        try:
            with signals.delay():
                if kind is None or (is_interrupt and self._saved):
                    self._publish()
        finally:
            self._workspace.remove()
        if self.published and self.published != self.path:
            earlier = f"the earlier, whole result in {str(self.path)!r} stays"
            print(f"interrupted: {earlier}; what was finished is in {str(self.published)!r}", file=sys.stderr)

    def _publish(self) -> None:
        self._prepare()
        missing = sorted(name for name in self._saved if not (self._workspace.new / name).exists())
        if missing:
            self.interrupted = True
            warnings.warn(f"somebody removed results while others were made: {', '.join(missing)}", stacklevel=3)
        try:
            self._write_manifest()
            place = self.path
            if _is_whole(self._earlier(place)) and self.interrupted:
                place = self._place_of_partial_result()
            self._workspace.publish(place)
        except (OSError, InputError) as failure:  # a full disk; a place taken since the check at the start
            self._keep(failure)
        self.published = place

    def _write_manifest(self) -> None:
        new = self._workspace.new
        files = sorted(entry for entry in _entries(new) if not (new / entry).is_dir())
        about = {**self.about, "whole": not self.interrupted, "files": files}
        (new / MANIFEST).write_text(json.dumps(about, indent=1, default=str))

    def _keep(self, failure: Exception) -> NoReturn:
        """Move results that could not be published to a visible folder beside their place.

        Raises:
            InputError: always; the message names that folder.
        """
        reason = str(failure)
        if isinstance(failure, OSError):
            reason = f"output folder {str(self.path)!r}: it cannot be written ({failure.strerror})"
        place = self._free_name()
        try:
            os.rename(self._workspace.new, place)
        except OSError:
            raise InputError(f"{reason}. The results are lost; an earlier one is as it was") from failure
        raise InputError(f"{reason}. The results are kept in {str(place)!r}") from None

    def _free_name(self) -> Path:
        """Return a path beside the place that does not exist."""
        return next(path for path in self._places_aside() if not os.path.lexists(path))

    def _place_of_partial_result(self) -> Path:
        """Return the first place beside the folder that is free or holds an earlier partial result."""
        for path in self._places_aside():
            with suppress(InputError):
                if not _is_whole(self._earlier(path)):
                    return path
        raise AssertionError

    def _places_aside(self) -> Iterator[Path]:
        yield self.path.with_name(self.path.name + ASIDE)
        yield from (self.path.with_name(f"{self.path.name}{ASIDE}-{i}") for i in count(2))

    def _prepare(self) -> None:
        """Make a new workspace if somebody has removed the old one."""
        if not self._workspace.exists:
            self._workspace.remove()
            self._workspace = Workspace(self.path)

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Yield the path to write ``name`` to. The file joins the results when the block ends."""
        self._prepare()
        unfinished = self._workspace.unfinished / name
        unfinished.parent.mkdir(exist_ok=True)
        yield unfinished
        unfinished.rename(self._workspace.new / name)
        self._saved.add(name)

    def save_dataset(self, dataset: "xarray.Dataset", name: str) -> None:
        """Write a dataset as a Zarr store with the provenance in its attributes."""
        labelled = dataset.assign_attrs(provenance=json.dumps(self.about, default=str))
        for key, variable in labelled.variables.items():
            if variable.dtype.kind == "U":  # Zarr stores strings of any length, but not of a fixed length
                labelled[key] = variable.astype(object)
        with self.writing(name) as path, warnings.catch_warnings():
            # xarray reads one file with all metadata. Zarr warns that its standard does not include that file yet.
            warnings.filterwarnings("ignore", "Consolidated metadata")
            labelled.to_zarr(path, consolidated=True)

    def save_figure(self, figure: "Figure", name: str) -> None:
        """Write a figure as PNG with the provenance in its metadata, and close the figure."""
        with self.writing(name) as path:
            save_figure(figure, path, self.about)


def _is_whole(manifest: dict[str, Any]) -> bool:
    """Return whether a manifest belongs to a whole result. Old manifests without the entry do."""
    return bool(manifest) and bool(manifest.get("whole", True))


def _entries(folder: Path) -> set[str]:
    """Return the relative paths of all entries below a folder, folders and links included.

    Raises:
        OSError: a folder cannot be read. ``Path.rglob`` leaves out such a folder from Python 3.12 on.
    """

    def fail(error: OSError) -> NoReturn:
        raise error

    below = os.walk(folder, onerror=fail)
    entries = (Path(parent, name) for parent, folders, files in below for name in (*folders, *files))
    return {str(entry.relative_to(folder)) for entry in entries}

"""Results on disk: a folder that appears whole or not at all, and says what made it."""

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

ASIDE = ".unpublished"  # ending of the folder for results that must not replace, or cannot reach, what they were for


class OutputFolder:
    """A folder of results, written beside its place and moved there in one step when the block ends.

    An earlier result of the same experiment is replaced, at that moment; a folder that holds anything else is left
    alone. If the block raises, nothing of it remains and what was there before stays. If it is interrupted (Ctrl-C,
    or SIGTERM in an experiment), what is finished is published as a part of a result; a part never replaces a whole
    result but goes to ``NAME.unpublished`` beside it. What a killed process left behind is removed at the next start.

    Attributes:
        path: the folder's place.
        about: the provenance, written to provenance.json and into every file.
        interrupted: set it if what is written is a part of the work only.
        published: where the results are, once the block has ended: at ``path``, or beside it.
    """

    def __init__(self, path: str | Path, experiment: str, parameters: dict[str, Any]) -> None:
        """Check that ``path`` can take the results.

        Raises:
            InputError: it exists and is no folder, holds other things than such results, or cannot be written.
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
        """Return the manifest of the earlier result at a path, empty if nothing is there; refuse anything else."""
        made: dict[str, Any] = {}
        try:
            if path.is_symlink():
                self._refuse("it is a link", "Give the folder itself with --out")
            if not path.exists():
                return made
            # Without a manifest nothing in it is ours, and it may be large: its first level is enough.
            ours = (path / MANIFEST).exists()
            here = _entries(path) if ours else {p.name for p in path.glob("*")}
            if os.path.ismount(path) or path.samefile(Path.cwd()):
                self._refuse("it is a mount point or the working folder", "Give a folder inside it with --out")
        except OSError as error:
            self._refuse(f"it cannot be written ({error.strerror})", "Choose another with --out")
        if not path.is_dir():
            self._refuse("it exists and is not a folder")
        try:
            made = json.loads((path / MANIFEST).read_text())
            files = (
                [Path(MANIFEST), *map(Path, made["files"])] if made["experiment"] == self.about["experiment"] else []
            )
        except (OSError, ValueError, KeyError, TypeError):
            files = []
        others = sorted(here - {str(p) for file in files for p in (file, *file.parents)})
        if others:
            shown = ", ".join(others[:3]) + (", …" if len(others) > 3 else "")
            self._refuse(f"it exists and holds other things ({shown})")
        return made

    def __enter__(self) -> Self:
        try:
            self._workspace = Workspace(self.path)
        except (OSError, ValueError) as error:
            self._refuse(f"it cannot be written ({error})", "Choose another with --out")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stopped = kind is not None and issubclass(kind, KeyboardInterrupt)
        self.interrupted |= stopped
        try:
            with signals.held():
                if kind is None or (stopped and self._saved):
                    self._publish()
        finally:
            self._workspace.remove()
        if self.published and self.published != self.path:
            kept = f"the earlier, whole result in {str(self.path)!r} stays"
            print(f"interrupted: {kept}; what was finished is in {str(self.published)!r}", file=sys.stderr)

    def _publish(self) -> None:
        self._prepare()
        lost = sorted(name for name in self._saved if not (self._workspace.new / name).exists())
        if lost:
            self.interrupted = True
            warnings.warn(f"somebody removed results while others were made: {', '.join(lost)}", stacklevel=3)
        try:
            self._write_manifest()
            place = self.path
            if _is_whole(self._earlier(place)) and self.interrupted:
                place = self._place_of_a_part()
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
        """Move results that could not be published to where they are seen, and say so."""
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
        """Return a name beside the place that nothing has."""
        return next(path for path in self._places_aside() if not os.path.lexists(path))

    def _place_of_a_part(self) -> Path:
        """Return where a part of a result may go: where nothing is, or an earlier part."""
        for path in self._places_aside():
            with suppress(InputError):
                if not _is_whole(self._earlier(path)):
                    return path
        raise AssertionError

    def _places_aside(self) -> Iterator[Path]:
        yield self.path.with_name(self.path.name + ASIDE)
        yield from (self.path.with_name(f"{self.path.name}{ASIDE}-{i}") for i in count(2))

    def _prepare(self) -> None:
        """Make the workspace again if somebody has removed it, with all that stood around it."""
        if not self._workspace.exists:
            self._workspace.remove()
            self._workspace = Workspace(self.path)

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Yield where to write ``name``; it gets there when it is whole."""
        self._prepare()
        unfinished = self._workspace.unfinished / name
        unfinished.parent.mkdir(exist_ok=True)
        yield unfinished
        unfinished.rename(self._workspace.new / name)
        self._saved.add(name)

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


def _is_whole(manifest: dict[str, Any]) -> bool:
    """Whether a manifest is that of a whole result; those from before parts were marked are."""
    return bool(manifest) and bool(manifest.get("whole", True))


def _entries(folder: Path) -> set[str]:
    """Return everything below a folder, folders and links included."""
    return {str(p.relative_to(folder)) for p in folder.rglob("*")}

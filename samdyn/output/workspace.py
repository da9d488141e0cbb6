"""The hidden folder in which results are written, beside the place that they will have.

It is called ``.NAME.????????.samdyn`` and locked for as long as its process lives. So the next start can tell what a
killed process left behind from what another one is working on.
"""

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .exchange import exchange

try:
    import fcntl
except ImportError:  # Windows has no such locks: there nothing is ever collected
    fcntl = None  # type: ignore[assignment]

MANIFEST = "provenance.json"  # written last: a folder that has it is whole
SUFFIX = ".samdyn"
LONGEST = 100  # bytes of a name that are part of the hidden folder's; file systems allow 255


class Workspace:
    """A locked hidden folder beside ``place``.

    Attributes:
        new: the folder that will be published; made with the rights that the process's umask gives.
        unfinished: where files are until they are whole.
        old: what stood at the place, during a publication that takes two steps.
    """

    def __init__(self, place: Path) -> None:
        """Make the folder, and those above it.

        Raises:
            OSError, ValueError: it cannot be made.
        """
        place.parent.mkdir(parents=True, exist_ok=True)
        while True:  # until no other process has collected it before it was locked
            self._folder = Path(tempfile.mkdtemp(prefix=_prefix(place), suffix=SUFFIX, dir=place.parent))
            try:
                self._lock = _lock(self._folder)
                break
            except (BlockingIOError, FileNotFoundError):
                continue
        self.new, self.unfinished, self.old = (self._folder / name for name in ("new", "unfinished", "old"))
        self.new.mkdir()

    @property
    def exists(self) -> bool:
        """Whether nobody has removed it."""
        return self.new.is_dir()

    def publish(self, place: Path) -> None:
        """Put what is new at a place; what stood there is removed with the workspace.

        It is one step wherever the system can exchange two paths. Elsewhere it is two, and if the process is killed
        between them, ``collect`` takes the second at the next start.
        """
        if not os.path.lexists(place):
            os.rename(self.new, place)
        elif not exchange(self.new, place):
            os.rename(place, self.old)
            try:
                os.rename(self.new, place)
            except OSError:
                os.rename(self.old, place)
                raise

    def remove(self) -> None:
        """Remove the folder and all that is left in it."""
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def collect(place: Path) -> None:
    """Remove the workspaces that killed processes left beside a place, after finishing what one was publishing."""
    if fcntl is None:
        return
    for folder in _left_behind(place):
        try:
            lock = _lock(folder, sure=True)
        except OSError:  # it belongs to a running process, to another user, or has gone
            continue
        try:
            _finish(folder, place)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock) if lock is not None else None


def _finish(folder: Path, place: Path) -> None:
    """Take the second step of a publication that was killed after its first."""
    new, old = folder / "new", folder / "old"
    if old.is_dir() and not os.path.lexists(place):
        with contextlib.suppress(OSError):
            os.rename(new if (new / MANIFEST).exists() else old, place)


def _left_behind(place: Path) -> Iterator[Path]:
    ours = re.compile(re.escape(_prefix(place)) + "[a-z0-9_]{8}" + re.escape(SUFFIX))
    with contextlib.suppress(OSError, ValueError):
        yield from [place.parent / name for name in os.listdir(place.parent) if ours.fullmatch(name)]


def _prefix(place: Path) -> str:
    """Return how a workspace's name begins: with the place's, so that one is not taken for that of another place."""
    name = place.name
    if len(os.fsencode(name)) > LONGEST:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()
    return f".{name}."


def _lock(folder: Path, sure: bool = False) -> int | None:
    """Lock a folder until the process ends or closes the descriptor that is returned.

    Args:
        folder: which.
        sure: whether to fail on a file system without locks; else the folder stays unlocked there (None).

    Raises:
        BlockingIOError: another process has locked it.
        FileNotFoundError: it has been removed.
    """
    if fcntl is None:
        return None
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(handle), os.stat(folder)):
            return handle
        raise FileNotFoundError(folder)  # removed before it was locked, and another made in its place
    except (BlockingIOError, FileNotFoundError):
        os.close(handle)
        raise
    except OSError:
        os.close(handle)
        if sure:
            raise
        return None

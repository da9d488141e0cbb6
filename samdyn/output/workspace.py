"""The hidden folder to which an experiment writes its results, beside their place.

Its name is ``.NAME.????????.samdyn``, and its process locks it as long as it lives. So the next start can distinguish
the folder of a killed process from that of a running one.
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
except ImportError:  # Windows has no such locks, so nothing is collected there
    fcntl = None  # type: ignore[assignment]

MANIFEST = "provenance.json"  # name of the last file to be written; a folder that has it is complete
SUFFIX = ".samdyn"  # suffix of the name of a hidden folder
MAX_NAME = 100  # bytes of a place's name up to which the hidden folder's name contains it; file systems allow 255


class Workspace:
    """A locked hidden folder beside ``place``.

    Attributes:
        new: the folder to publish. It has the permissions that the umask of the process gives.
        unfinished: the folder for files that are being written.
        old: the folder that stood at the place, during a publication that takes two steps.
    """

    def __init__(self, place: Path) -> None:
        """Make the folder and its parents.

        Raises:
            OSError, ValueError: the system cannot make it.
        """
        self._parents = [folder for folder in place.parents if not folder.exists()]
        place.parent.mkdir(parents=True, exist_ok=True)
        while True:  # again if another process collects the folder before this one locks it
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
        """Whether the folder still exists."""
        return self.new.is_dir()

    def publish(self, place: Path) -> None:
        """Move the new folder to a place. The folder that stood there is removed with the workspace.

        This takes one step where the system can exchange two paths, and two steps elsewhere. If the process is killed
        between the two, ``collect`` takes the second at the next start.
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
        """Remove the folder and its contents, and the parents that it made if they are empty."""
        shutil.rmtree(self._folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # a parent has entries, so those above it have some too
            for parent in self._parents:
                parent.rmdir()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def collect(place: Path) -> None:
    """Remove the workspaces of killed processes beside a place, and first finish a publication that one began."""
    if fcntl is None:
        return
    for folder in _left_behind(place):
        try:
            lock = _lock(folder, sure=True)
        except OSError:  # it belongs to a running process or to another user, or no longer exists
            continue
        try:
            _finish(folder, place)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock) if lock is not None else None


def _finish(folder: Path, place: Path) -> None:
    """Take the second step of a publication whose process was killed after the first."""
    new, old = folder / "new", folder / "old"
    if old.is_dir() and not os.path.lexists(place):
        with contextlib.suppress(OSError):
            os.rename(new if (new / MANIFEST).exists() else old, place)


def _left_behind(place: Path) -> Iterator[Path]:
    pattern = re.compile(re.escape(_prefix(place)) + "[a-z0-9_]{8}" + re.escape(SUFFIX))
    with contextlib.suppress(OSError, ValueError):
        yield from [place.parent / name for name in os.listdir(place.parent) if pattern.fullmatch(name)]


def _prefix(place: Path) -> str:
    """Return the prefix of a workspace's name, which contains the place's name or a hash of it."""
    name = place.name
    if len(os.fsencode(name)) > MAX_NAME:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()
    return f".{name}."


def _lock(folder: Path, sure: bool = False) -> int | None:
    """Lock a folder until the process ends or closes the descriptor that this function returns.

    Args:
        folder: the folder.
        sure: whether to raise OSError on a file system without locks. Otherwise the result is None there.

    Raises:
        BlockingIOError: another process has locked it.
        FileNotFoundError: it does not exist.
    """
    if fcntl is None:
        return None
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(handle), os.stat(folder)):
            return handle
        raise FileNotFoundError(folder)  # somebody replaced the folder before this process locked it
    except (BlockingIOError, FileNotFoundError):
        os.close(handle)
        raise
    except OSError:
        os.close(handle)
        if sure:
            raise
        return None

"""Compiled code on disk: found by what it was made from, and used only if it is whole and nobody else's."""

import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "building-"  # of folders in which code is being compiled
ABANDONED = 86_400.0  # seconds after which such a folder is nobody's: whoever made it was killed

ROOT = 0  # the user who can do anything anyway

# Files that were found whole, by name, each with what its system said of it then: whoever writes to it changes that.
_whole: dict[str, tuple[Path, tuple[int, ...]]] = {}


def cache_folder() -> Path:
    """Return where compiled code is kept: the variable SAMDYN_CACHE, or ``samdyn`` in the user's cache folder.

    Raises:
        OSError: no variable names it, and the user has no home folder.
    """
    named = os.environ.get("SAMDYN_CACHE")
    if named:
        return Path(named)
    users = os.environ.get("XDG_CACHE_HOME")
    try:
        return Path(users) / "samdyn" if users else Path.home() / ".cache" / "samdyn"
    except RuntimeError as error:
        raise OSError(f"there is no home folder ({error})") from error


def find(key: str) -> Path | None:
    """Return the file that was kept under a name; one that is damaged is removed.

    A file's name ends with the hash of what it holds: what is cut off or changed would end the process as soon as it is
    loaded, or later, and no exception could tell.
    """
    with suppress(OSError):
        folder = cache_folder()
        _check_folder(folder)
        seen, said = _whole.get(key, (folder, ()))
        if said and seen.parent == folder and _said_of(seen) == said:
            return seen
        for path in sorted(folder.glob(f"{key}-*.so")):
            before = _said_of(path)
            if _is_whole(path):
                _whole[key] = path, before
                return path
            with suppress(OSError):  # where nothing can be written, it stays
                path.unlink()
    return None


def keep(key: str, made: Path) -> None:
    """Move a file that was made in a ``workplace`` to where ``find`` finds it, at once: others see it whole or not.

    Raises:
        OSError: that cannot be done.
    """
    made.chmod(0o700)  # whatever the umask: what others can change is not loaded
    made.replace(made.parent.parent / f"{key}-{_hash(made)}.so")


@contextmanager
def workplace() -> Iterator[Path]:
    """Make a folder beside what is kept, and remove it at the end.

    Raises:
        OSError: nothing can be kept, or must not, as others can write there.
    """
    folder = cache_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_folder(folder)
    for path in folder.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > ABANDONED:
                shutil.rmtree(path, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=folder, ignore_cleanup_errors=True) as name:
        yield Path(name)


def _check_folder(folder: Path) -> None:
    """Refuse a folder in which others can put files: code that is loaded can do all that the user can."""
    found = folder.stat()
    if not _is_ours(found):
        raise PermissionError(f"{folder} belongs to another user")
    if found.st_mode & stat.S_IWOTH and os.name == "posix":
        raise PermissionError(f"{folder} can be written to by all users; chmod o-w it")


def _is_whole(path: Path) -> bool:
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or not _is_ours(found):
            return False
        if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and os.name == "posix":
            return False
        return path.stem.rpartition("-")[2] == _hash(path)
    except OSError:
        return False


def _said_of(path: Path) -> tuple[int, ...]:
    """Return what changes if a file does, or who may write to it; nothing of a file that is not there or not ours."""
    try:
        found = path.lstat()
    except OSError:
        return ()
    if not _is_ours(found):
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mode, found.st_uid, found.st_mtime_ns, found.st_ctime_ns


def _is_ours(found: os.stat_result) -> bool:
    return os.name != "posix" or found.st_uid in (os.geteuid(), ROOT)


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]

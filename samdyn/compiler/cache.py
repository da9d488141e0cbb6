"""The cache of compiled code on disk. It loads a file only if the file is complete and belongs to the user."""

import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "building-"  # prefix of the folders in which a process compiles code
MAX_FOLDER_AGE = 86_400.0  # seconds after which such a folder is removed, since its process must have been killed

ROOT = 0  # user id of root, who can change every file anyway

# Files whose hash was checked, by key, with their file status then: a later write changes the status.
_checked: dict[str, tuple[Path, tuple[int, ...]]] = {}


def cache_folder() -> Path:
    """Return the folder of the cache: the variable SAMDYN_CACHE, or ``samdyn`` in the user's cache folder.

    Raises:
        OSError: no variable is set, and the user has no home folder.
    """
    variable = os.environ.get("SAMDYN_CACHE")
    if variable:
        return Path(variable)
    users = os.environ.get("XDG_CACHE_HOME")
    try:
        return Path(users) / "samdyn" if users else Path.home() / ".cache" / "samdyn"
    except RuntimeError as error:
        raise OSError(f"there is no home folder ({error})") from error


def find(key: str, suffix: str = ".so") -> Path | None:
    """Return the file of a key with a suffix, None if there is none; remove damaged files.

    The name of a file ends with the hash of its content. Loading a damaged library would crash the process.
    """
    with suppress(OSError):
        folder = cache_folder()
        _check_folder(folder)
        file, status = _checked.get(key, (folder, ()))
        if status and file.parent == folder and _status(file) == status:
            return file
        for path in sorted(folder.glob(f"{key}-*{suffix}")):
            status = _status(path)
            if _is_intact(path):
                _checked[key] = path, status
                return path
            with suppress(OSError):  # in a read-only folder it stays
                path.unlink()
    return None


def store(key: str, file: Path) -> None:
    """Move a file from a ``workplace`` to the cache, atomically, so that no process sees a part of it.

    Its suffix stays.

    Raises:
        OSError: the file cannot be moved.
    """
    file.chmod(0o700)  # for every umask, since ``find`` ignores files that others can change
    file.replace(file.parent.parent / f"{key}-{_hash(file)}{file.suffix}")


@contextmanager
def workplace() -> Iterator[Path]:
    """Create a folder inside the cache, and remove it at the end.

    Raises:
        OSError: the cache cannot be written, or other users can write to it.
    """
    folder = cache_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_folder(folder)
    for path in folder.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > MAX_FOLDER_AGE:
                shutil.rmtree(path, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=folder, ignore_cleanup_errors=True) as name:
        yield Path(name)


def _check_folder(folder: Path) -> None:
    """Refuse a folder that other users can write to, since loaded code has all rights of the user."""
    status = folder.stat()
    if not _is_ours(status):
        raise PermissionError(f"{folder} belongs to another user")
    if status.st_mode & stat.S_IWOTH and os.name == "posix":
        raise PermissionError(f"{folder} can be written to by all users; chmod o-w it")


def _is_intact(path: Path) -> bool:
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or not _is_ours(status):
            return False
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and os.name == "posix":
            return False
        return path.stem.rpartition("-")[2] == _hash(path)
    except OSError:
        return False


def _status(path: Path) -> tuple[int, ...]:
    """Return numbers that change with a file or its rights; () if the file is missing or not ours."""
    try:
        file = path.lstat()
    except OSError:
        return ()
    if not _is_ours(file):
        return ()
    return file.st_dev, file.st_ino, file.st_size, file.st_mode, file.st_uid, file.st_mtime_ns, file.st_ctime_ns


def _is_ours(status: os.stat_result) -> bool:
    return os.name != "posix" or status.st_uid in (os.geteuid(), ROOT)


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]

"""The folder of a store: whether a sweep may write there, and who does."""

import errno
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from ... import checks
from ...output.workspace import Workspace, collect, lock
from ..cells.blocks import Blocks
from ..cells.grid import ERROR, STATUS
from . import arrays
from .manifest import Manifest, attributes, difference, manifest_in

NEW = "Give a folder that does not exist yet"


def occupy(path: Path, blocks: Blocks, manifest: Manifest) -> int | None:
    """Create the store of a sweep if there is none, and lock it.

    Returns:
        A descriptor, which holds the lock until it is closed. None on a file system without locks.

    Raises:
        InputError: the path is a file or holds other things, the store is that of another sweep or cannot be written,
            or another sweep writes there.
    """
    if re.match(r"\w{2,}:/", os.fspath(path)):  # pathlib has made one / of two; a drive has one letter
        _refuse(path, "is no folder of this machine", "Give a folder")
    try:
        collect(path)
        if not (path / arrays.METADATA).exists():
            _create(path, blocks, manifest)
        _check(path, manifest)
        return lock(path)
    except BlockingIOError:
        _refuse(path, "another sweep writes to it", "Wait until it ends, or give another store")
    except OSError as error:
        cannot_write(path, error)


def cannot_write(path: Path, error: OSError) -> NoReturn:
    """Raise an InputError about a store that the system does not let us write.

    Raises:
        InputError: always.
    """
    rule = f"cannot be written ({error.strerror or error}). What it holds is unharmed"
    fix = "Make room, or give a folder that you may write to, and start again"
    raise checks.InputError(f"store = {str(path)!r}: {rule}. {fix}") from error


def _refuse(path: Path, rule: str, fix: str) -> NoReturn:
    checks.reject("store", str(path), rule, fix)


def _create(path: Path, blocks: Blocks, manifest: Manifest) -> None:
    """Create an empty store beside a path, and move it there in one step."""
    if path.exists() and not path.is_dir():
        _refuse(path, "is a file", f"{NEW}, or the store of the same sweep")
    if path.is_dir() and any(path.iterdir()):
        _refuse(path, "is a folder with other things", NEW)
    import zarr

    workspace = Workspace(path.absolute())
    try:
        names = blocks.grid.names
        group = zarr.open_group(workspace.new, mode="w", attributes=attributes(manifest))
        arrays.create_labels(group, blocks.grid)
        arrays.publish(workspace.new, [*names, STATUS, ERROR], names)
        with suppress(OSError):  # another start was faster, or the check below finds nothing
            os.rename(workspace.new, path)
        if not path.exists():
            raise OSError(f"the folder {path.parent} cannot be written")
    finally:
        workspace.remove()


def _check(path: Path, manifest: Manifest) -> None:
    """Refuse a store that is not that of a sweep, or that cannot be written."""
    try:
        there = manifest_in(path)
    except ValueError:
        _refuse(path, "is a Zarr store that no sweep has written", NEW)
    if words := difference(there, manifest):
        _refuse(path, f"holds {words}", "Give another store, or sweep what this one holds")
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

"""Two paths changing places in one step, where the operating system can do that."""

import ctypes
import os
from functools import cache
from pathlib import Path
from typing import Any

AT_FDCWD = -100  # paths are relative to the working folder, as everywhere
RENAME_EXCHANGE = 2


def exchange(one: Path, other: Path) -> bool:
    """Let two existing paths of one file system change places, atomically; return whether that could be done.

    It is Linux's renameat2, which not every file system has. Where it fails nothing has happened.
    """
    function = _renameat2()
    return (
        function is not None
        and function(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0
    )


@cache
def _renameat2() -> Any:
    """Return the C library's renameat2; None where there is none."""
    try:
        function = ctypes.CDLL(None).renameat2
    except (OSError, TypeError, AttributeError):  # TypeError: on Windows the process has no library of its own name
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    return function

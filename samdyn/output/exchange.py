"""Exchange of two paths in one step, where the operating system can do that."""

import ctypes
import os
from functools import cache
from pathlib import Path
from typing import Any

AT_FDCWD = -100  # Linux's constant for paths relative to the working folder
RENAME_EXCHANGE = 2  # Linux's flag for an exchange


def exchange(one: Path, other: Path) -> bool:
    """Exchange two existing paths of one file system atomically. Return whether the system could do it.

    The function calls Linux's renameat2, which some file systems lack. If that fails, both paths are unchanged.
    """
    function = _renameat2()
    return (
        function is not None
        and function(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0
    )


@cache
def _renameat2() -> Any:
    """Return the function renameat2 of the C library, or None if the library has none."""
    try:
        function = ctypes.CDLL(None).renameat2
    except (OSError, TypeError, AttributeError):  # TypeError: Windows has no library of the process itself
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    return function

"""The compiled code of the searches and steps at jumps, kept for further calls."""

from collections.abc import Callable
from contextlib import suppress

from ...compiler import Kernel
from .jumps import Function

MAX_KERNELS = 32  # number of kernels that the process keeps in memory

_kernels: dict[tuple[str, Function, int], Kernel] = {}


def is_built(name: str, field: Function, d: int) -> bool:
    """Say whether ``built`` has the kernel of a field ready."""
    try:
        return (name, field, d) in _kernels
    except TypeError:  # the field cannot be hashed
        return False


def built(name: str, field: Function, d: int, trace: Callable[[Function, int], Kernel]) -> Kernel:
    """Return the kernel that ``trace`` makes of a field in d coordinates, ready to run; trace it at the first call.

    Raises:
        NotCompilable: the field cannot be traced, or there is no compiler.
    """
    key = name, field, d
    with suppress(TypeError):  # a field that cannot be hashed is traced at every call
        if key in _kernels:
            return _kernels[key]
    kernel = trace(field, d)
    kernel.build()
    while len(_kernels) >= MAX_KERNELS:
        _kernels.pop(next(iter(_kernels)))
    with suppress(TypeError):
        _kernels[key] = kernel
    return kernel

"""The machine's C compiler, and what it has compiled."""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from .expression import NotCompilable

# No contraction of a*b + c: that rounds otherwise than torch does. No -ffast-math: what is not a number must stay so.
FLAGS = ["-O3", "-march=native", "-shared", "-fPIC", "-std=gnu11", "-fopenmp-simd", "-w"]
FLAGS += ["-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fwrapv"]
# It would call sin and cos of one argument as one function, of which there is none for vectors.
FLAGS_OF_GCC = ["-fno-builtin-sin", "-fno-builtin-cos"]
COMPILERS = ("cc", "gcc", "clang")


@cache
def compiler() -> list[str]:
    """Return the command that compiles: the variable CC, or the first of cc, gcc and clang.

    Raises:
        NotCompilable: there is none.
    """
    wanted = os.environ.get("CC")
    found = shutil.which(wanted) if wanted else next(filter(None, map(shutil.which, COMPILERS)), None)
    if found is None:
        named = f"CC={wanted}" if wanted else ", ".join(COMPILERS)
        raise NotCompilable(f"no C compiler was found ({named}); install gcc or clang, or set CC")
    macros = subprocess.run([found, "-dM", "-E", "-x", "c", os.devnull], capture_output=True, text=True, check=False)
    return [found, *FLAGS, *(FLAGS_OF_GCC if "__clang__" not in macros.stdout else [])]


@cache
def _machine() -> str:
    """Return what code that was compiled before must not be used without: compiler and processor."""
    version = subprocess.run([compiler()[0], "--version"], capture_output=True, text=True, check=False).stdout
    try:
        told = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(line for line in told if line.startswith(("flags", "Features")))
    except (OSError, StopIteration):
        processor = platform.processor()
    return "\n".join([*compiler(), version, processor])


def cache_folder() -> Path:
    """Return where compiled code is kept: the variable SAMDYN_CACHE, or ``samdyn`` in the user's cache folder."""
    users = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("SAMDYN_CACHE") or Path(users) / "samdyn")


def _kept(text: str) -> Path:
    return cache_folder() / f"{hashlib.sha256((text + _machine()).encode()).hexdigest()[:32]}.so"


def is_built(text: str) -> bool:
    """Whether this code was compiled before, by this compiler for this processor.

    Raises:
        NotCompilable: there is no compiler.
    """
    return _kept(text).exists()


def build(text: str) -> ctypes.CDLL:
    """Compile C code, unless that was done before, and load it.

    Raises:
        NotCompilable: there is no compiler, or it failed; the message has the end of what it said.
    """
    path = _kept(text)
    try:
        if path.exists():
            return ctypes.CDLL(str(path))
    except OSError:  # cut off or from elsewhere: made anew
        path.unlink(missing_ok=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(dir=path.parent)
    except OSError:
        folder = tempfile.TemporaryDirectory()  # no place to keep it
    with folder as name:
        code, made = Path(name) / "kernel.c", Path(name) / "kernel.so"
        code.write_text(text)
        try:
            done = subprocess.run([*compiler(), str(code), "-o", str(made), "-lm"], capture_output=True, text=True)
        except OSError as error:
            raise NotCompilable(f"{compiler()[0]} could not be run: {error}") from error
        if done.returncode:
            said = " | ".join(done.stderr.strip().splitlines()[-3:])
            raise NotCompilable(f"{compiler()[0]} failed with status {done.returncode}: {said}")
        try:
            if made.parent.parent == path.parent:
                made = made.replace(path)  # at once: other processes see all of it or nothing
            return ctypes.CDLL(str(made))
        except OSError as error:
            raise NotCompilable(f"what {compiler()[0]} made could not be loaded: {error}") from error

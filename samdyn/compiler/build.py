"""The machine's C compiler, and what it has compiled."""

import ctypes
import hashlib
import os
import platform
import shlex
import shutil
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from .cache import find, keep, workplace
from .expression import NotCompilable

# No contraction of a*b + c: that rounds otherwise than torch does. No -ffast-math: what is not a number must stay so.
FLAGS = ["-O3", "-march=native", "-shared", "-fPIC", "-std=gnu11", "-fopenmp-simd", "-w"]
FLAGS += ["-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fwrapv"]
# It would call sin and cos of one argument as one function, of which there is none for vectors.
FLAGS_OF_GCC = ["-fno-builtin-sin", "-fno-builtin-cos"]
COMPILERS = ("cc", "gcc", "clang")
# Seconds after which a compiler is given up: to say what it is, to begin, and for each line, 50 times what it takes.
ANSWER, COMPILE, LINE = 30.0, 60.0, 0.03

_hanging: dict[str, str] = {}  # programs that were given up, and what was said: called again, each would take as long
_unkept: dict[str, ctypes.CDLL] = {}  # what this process compiled and could not keep on disk


@cache
def compiler() -> list[str]:
    """Return the command that compiles: the variable CC, which may have arguments, or the first of cc, gcc and clang.

    Raises:
        NotCompilable: there is none, or it does not answer.
    """
    words = _words()
    macros = _call([*words, "-dM", "-E", "-x", "c", os.devnull], ANSWER).stdout
    return [*words, *FLAGS, *(FLAGS_OF_GCC if "__clang__" not in macros else [])]


def _words() -> list[str]:
    wanted = os.environ.get("CC", "").strip()
    if not wanted:
        found = next(filter(None, map(shutil.which, COMPILERS)), None)
        words = [found] if found else []
    elif shutil.which(wanted):  # a path with spaces
        words = [wanted]
    else:
        try:
            words = shlex.split(wanted)
        except ValueError:  # a quote without an end
            words = []
    program = shutil.which(words[0]) if words else None
    if program is None:
        named = f"CC={wanted}" if wanted else ", ".join(COMPILERS)
        raise NotCompilable(f"no C compiler was found ({named}); install gcc or clang, or set CC")
    return [program, *words[1:]]


@cache
def _machine() -> str:
    """Return what code that was compiled before must not be used without: compiler and processor."""
    version = _call([*_words(), "--version"], ANSWER).stdout
    return "\n".join([*compiler(), version, platform.machine(), _processor()])


def _processor() -> str:
    """Return what this processor can do, or what tells it from others."""
    if platform.system() == "Darwin":  # where platform.processor() is but "arm"
        return _call(["sysctl", "-n", "machdep.cpu.brand_string", "machdep.cpu.features"], ANSWER).stdout
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        return next(line for line in told if line.startswith(("flags", "Features", "isa")))
    except (OSError, StopIteration):
        return platform.processor()


def _key(text: str) -> str:
    return hashlib.sha256((text + _machine()).encode()).hexdigest()[:32]


def is_built(text: str) -> bool:
    """Whether this code was compiled before, by this compiler for this processor.

    Raises:
        NotCompilable: there is no compiler.
    """
    key = _key(text)
    return key in _unkept or find(key) is not None


def build(text: str) -> ctypes.CDLL:
    """Compile C code, unless that was done before, and load it.

    Where nothing can be kept on disk, as on one that is full, that is said once in a process, as a warning.

    Raises:
        NotCompilable: there is no compiler, it failed, or it does not end; the message has the end of what it said.
    """
    key = _key(text)
    if key in _unkept:
        return _unkept[key]
    path = find(key)
    if path is not None:
        with suppress(OSError):  # removed meanwhile, or nothing may be run from there
            return ctypes.CDLL(str(path))
    try:
        with workplace() as folder:
            library = _compiled(text, folder)
            keep(key, folder / "kernel.so")
            return library
    except (OSError, NotCompilable) as error:
        why = error
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
            _unkept[key] = _compiled(text, Path(name))
    except OSError as error:
        raise NotCompilable(f"there is no room to compile: {error}") from error
    _warn(f"compiled code cannot be kept, and is compiled anew by every process: {why}")
    return _unkept[key]


def _compiled(text: str, folder: Path) -> ctypes.CDLL:
    """Compile code in a folder, to its file kernel.so, and load that."""
    code, made, command = folder / "kernel.c", folder / "kernel.so", compiler()
    code.write_text(text, encoding="utf-8")
    done = _call([*command, str(code), "-o", str(made), "-lm"], COMPILE + LINE * text.count("\n"), folder)
    if done.returncode:
        said = " | ".join(done.stderr.strip().splitlines()[-3:])
        raise NotCompilable(f"{command[0]} failed with status {done.returncode}: {said}")
    try:
        return ctypes.CDLL(str(made))
    except OSError as error:
        raise NotCompilable(f"what {command[0]} made could not be loaded: {error}") from error


def _call(command: Sequence[str], seconds: float, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command, with all that it starts, for so many seconds at most; temporary files go to the folder.

    Raises:
        NotCompilable: it cannot be run, or does not end.
    """
    if command[0] in _hanging:
        raise NotCompilable(_hanging[command[0]])
    environment = {**os.environ, "LC_ALL": "C", **({"TMPDIR": str(folder)} if folder else {})}
    try:
        # In a session of its own, so that what it starts can be ended with it.
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise NotCompilable(f"{command[0]} could not be run: {error}") from error
    with process:
        try:
            said = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            _end(process)
            _hanging[command[0]] = f"{command[0]} did not end within {seconds:.0f} s"
            raise NotCompilable(_hanging[command[0]]) from error
        except BaseException:
            _end(process)
            raise
    out, told = (part.decode(errors="replace") for part in said)
    return subprocess.CompletedProcess(command, process.returncode, out, told)


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


@cache
def _warn(text: str) -> None:
    warnings.warn(f"{text}. Make room, or set SAMDYN_CACHE to a folder of your own", RuntimeWarning, stacklevel=3)

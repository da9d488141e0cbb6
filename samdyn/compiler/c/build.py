"""The machine's C compiler: how to find it, call it and load its libraries."""

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

from ..cache import find, store, workplace
from ..tracing.expression import NotCompilable

# No contraction of a*b + c but those of tracing/fused.py, which keep symmetries. No -ffast-math, which loses nan.
FLAGS = ["-O3", "-march=native", "-shared", "-fPIC", "-std=gnu11", "-fopenmp-simd", "-w"]
FLAGS += ["-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fwrapv"]
# gcc merges sin and cos of one argument into one function, which has no vector version.
FLAGS_OF_GCC = ["-fno-builtin-sin", "-fno-builtin-cos"]
# By default compilers use half of AVX-512's registers, since early processors lowered their clock for the rest. Code
# with very many operations keeps most values in memory, and loses with whole registers.
WIDE = ["-mprefer-vector-width=512"]
MOST_WIDE = 3000  # operations
COMPILERS = ("cc", "gcc", "clang")
# Time limits of the compiler, in seconds, 50 times what it usually takes.
ANSWER = 30.0  # to print its version
COMPILE = 60.0  # to compile the shortest code
LINE = 0.03  # to compile one more line

_hanging: dict[str, str] = {}  # error messages by program that exceeded its time limit; it is not called again
_in_memory: dict[str, ctypes.CDLL] = {}  # libraries by key that this process compiled and could not store on disk


@cache
def compiler() -> list[str]:
    """Return the compiler's command: the variable CC, which may have arguments, or the first of cc, gcc and clang.

    Raises:
        NotCompilable: there is no compiler, or it does not answer.
    """
    words = _words()
    macros = _call([*words, "-dM", "-E", "-x", "c", os.devnull], ANSWER).stdout
    of_compiler = FLAGS_OF_GCC if "__clang__" not in macros else []
    return [*words, *FLAGS, *of_compiler, *(WIDE if "__x86_64__" in macros else [])]


def _words() -> list[str]:
    variable = os.environ.get("CC", "").strip()
    if not variable:
        path = next(filter(None, map(shutil.which, COMPILERS)), None)
        words = [path] if path else []
    elif shutil.which(variable):  # a path with spaces
        words = [variable]
    else:
        try:
            words = shlex.split(variable)
        except ValueError:  # a quote without an end
            words = []
    program = shutil.which(words[0]) if words else None
    if program is None:
        candidates = f"CC={variable}" if variable else ", ".join(COMPILERS)
        raise NotCompilable(f"no C compiler was found ({candidates}); install gcc or clang, or set CC")
    return [program, *words[1:]]


@cache
def _machine() -> str:
    """Return a description of the compiler and the processor; compiled code is valid for the same ones only."""
    version = _call([*_words(), "--version"], ANSWER).stdout
    return "\n".join([*compiler(), version, platform.machine(), _processor()])


def _processor() -> str:
    """Return the instruction sets of this processor, or its name."""
    if platform.system() == "Darwin":  # platform.processor() returns only "arm" there
        return _call(["sysctl", "-n", "machdep.cpu.brand_string", "machdep.cpu.features"], ANSWER).stdout
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        return next(line for line in lines if line.startswith(("flags", "Features", "isa")))
    except (OSError, StopIteration):
        return platform.processor()


def _key(text: str) -> str:
    return hashlib.sha256((text + _machine()).encode()).hexdigest()[:32]


def is_built(text: str) -> bool:
    """Say whether a library of this code exists, from this compiler for this processor.

    Raises:
        NotCompilable: there is no compiler.
    """
    key = _key(text)
    return key in _in_memory or find(key) is not None


def build(text: str) -> ctypes.CDLL:
    """Return the library of C code; compile it if none exists.

    If the disk does not accept the library, as a full one does not, a warning says so once in a process.

    Raises:
        NotCompilable: there is no compiler, it failed, or it exceeded its time limit. The message ends with the last
            lines of the compiler's.
    """
    key = _key(text)
    if key in _in_memory:
        return _in_memory[key]
    path = find(key)
    if path is not None:
        with suppress(OSError):  # another process removed it, or the disk forbids execution
            return ctypes.CDLL(str(path))
    try:
        with workplace() as folder:
            library = _compiled(text, folder)
            store(key, folder / "kernel.so")
            return library
    except (OSError, NotCompilable) as error:
        why = error
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
            _in_memory[key] = _compiled(text, Path(name))
    except OSError as error:
        raise NotCompilable(f"there is no room to compile: {error}") from error
    _warn(f"compiled code cannot be kept, and is compiled anew by every process: {why}")
    return _in_memory[key]


def _compiled(text: str, folder: Path) -> ctypes.CDLL:
    """Compile code to the file kernel.so of a folder, and load it."""
    code, library, command = folder / "kernel.c", folder / "kernel.so", compiler()
    if text.count("const ") > MOST_WIDE:
        command = [word for word in command if word not in WIDE]
    code.write_text(text, encoding="utf-8")
    process = _call([*command, str(code), "-o", str(library), "-lm"], COMPILE + LINE * text.count("\n"), folder)
    if process.returncode:
        message = " | ".join(process.stderr.strip().splitlines()[-3:])
        raise NotCompilable(f"{command[0]} failed with status {process.returncode}: {message}")
    try:
        return ctypes.CDLL(str(library))
    except OSError as error:
        raise NotCompilable(f"what {command[0]} made could not be loaded: {error}") from error


def _call(command: Sequence[str], seconds: float, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command for at most some seconds; its temporary files go to the folder.

    Raises:
        NotCompilable: the command cannot be run, or does not end.
    """
    if command[0] in _hanging:
        raise NotCompilable(_hanging[command[0]])
    environment = {**os.environ, "LC_ALL": "C", **({"TMPDIR": str(folder)} if folder else {})}
    try:
        # A session of its own, so that its child processes can be ended with it.
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
            output = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            _end(process)
            _hanging[command[0]] = f"{command[0]} did not end within {seconds:.0f} s"
            raise NotCompilable(_hanging[command[0]]) from error
        except BaseException:
            _end(process)
            raise
    text, errors = (part.decode(errors="replace") for part in output)
    return subprocess.CompletedProcess(command, process.returncode, text, errors)


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


@cache
def _warn(text: str) -> None:
    warnings.warn(f"{text}. Make room, or set SAMDYN_CACHE to a folder of your own", RuntimeWarning, stacklevel=3)

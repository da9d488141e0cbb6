"""A sweep that is written in a file of TOML."""

import importlib
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import checks

KEYS = ("function", "grid", "store", "processes", "batch")


@dataclass(frozen=True)
class SweepFile:
    """What a file says of a sweep; see ``sweep`` for the meaning.

    Attributes:
        processes: the number of processes, 0 for one on each core.
    """

    function: Callable[..., Any]
    grid: dict[Any, Any]
    store: Path
    processes: int
    batch: tuple[str, ...]


def read(path: Path) -> SweepFile:
    """Read a file and import its function. The paths in it start from its folder.

    Raises:
        InputError: the file is not TOML, has an unknown key, lacks one, or names a function that is not there.
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        checks.reject("file", str(path), f"cannot be read ({error})", "Give a file of TOML, such as sweep.toml")
    except tomllib.TOMLDecodeError as error:
        checks.reject("file", str(path), f"is not TOML: {error}", "See docs/sweeps.md for an example")
    for key in entries:
        if checks.known("key", key, KEYS) != key:
            checks.reject("key", key, "keys have small letters", f"Use {key.lower()}")
    for key, kind, example in (
        ("function", str, 'function = "measure.py:growth"'),
        ("grid", dict, "[grid] with a line like rho = [0.1, 0.2]"),
    ):
        if not isinstance(entries.get(key), kind):
            checks.reject(key, entries.get(key), f"the file {str(path)!r} needs it", f"Write {example}")
    store, batch = entries.get("store", f"{path.stem}.zarr"), entries.get("batch")
    if not isinstance(store, str) or not store:
        checks.reject("store", store, "must be the path of a folder", 'Write e.g. store = "runs.zarr"')
    batch = [batch] if isinstance(batch, str) else batch or []
    if not isinstance(batch, list) or not all(isinstance(name, str) for name in batch):
        checks.reject("batch", batch, "must be a list of names", 'Write e.g. batch = ["rho", "lr"]')
    grid = {
        tuple(name.strip() for name in key.split(",")) if "," in key else key: values
        for key, values in entries["grid"].items()
    }
    folder = path.absolute().parent
    processes = check_processes(entries.get("processes", 0))
    return SweepFile(function_of(entries["function"], folder), grid, folder / store, processes, tuple(batch))


def check_processes(number: Any) -> int:
    """Return a number of processes after a check: 0 or more.

    Raises:
        InputError: it is not.
    """
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        checks.reject("processes", number, "must be 0, for one on each core, or more", "Use e.g. 2")
    return number


def function_of(text: str, folder: Path) -> Callable[..., Any]:
    """Return the function of a text like "package.module:name", or "file.py:name" with a file from a folder.

    Other processes import it in the same way, so that its folder joins the places where Python looks for modules.

    Raises:
        InputError: there is no such file, module or function, or it raises.

    >>> function_of("math:hypot", Path())(3, 4)
    5.0
    """
    fix = 'Write e.g. function = "measure.py:growth" or "package.module:growth"'
    place, _, name = text.rpartition(":")
    if not place or not name:
        checks.reject("function", text, "must be a module or a file, a colon, and a name", fix)
    file = (folder / place).resolve() if place.endswith(".py") else None
    if file is not None and not file.is_file():
        checks.reject("function", text, f"there is no file {str(file)!r}", fix)
    if file is not None and not file.stem.isidentifier():
        checks.reject("function", text, f"{file.stem} is no name of a module", "Rename the file, without - and blanks")
    sys.path.insert(0, str(folder if file is None else file.parent))
    try:
        module = importlib.import_module(place if file is None else file.stem)
    except checks.InputError:
        raise
    except (Exception, SystemExit) as error:
        checks.reject("function", text, f"importing it raises {type(error).__name__}: {error}", fix)
    if file is not None and Path(module.__file__ or "").resolve() != file:
        rule = f"another module has the name {file.stem}: {module.__file__ or 'one of Python'}"
        checks.reject("function", text, rule, "Rename the file")
    function = getattr(module, name, None)
    if function is None:
        functions = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        checks.present("function", name, functions)
    if not callable(function):
        checks.reject("function", text, "is not a function", fix)
    return function

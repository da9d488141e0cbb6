"""The public names of samdyn: which there are, where each is documented, and what a page calls them."""

import ast
import functools
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from samdyn import landscapes
from samdyn.lab.options import Kind

# Each module has a page in docs/reference/. A name that can be imported from two of them is documented under its
# shortest name, to which the other page links.
MODULES = (
    "samdyn",
    *(f"samdyn.{part}" for part in ("landscapes", "methods", "bases", "schedules", "ops", "oracle", "noise")),
    *(f"samdyn.{part}" for part in ("simulation", "analysis", "symbolic", "theory", "networks", "minima")),
    *(f"samdyn.networks.{part}" for part in ("models", "saddles", "saddle_dynamics", "attacks")),
    *(f"samdyn.{part}" for part in ("statistics", "plot", "explorer", "claims", "lab")),
)
# The order of the groups of samdyn itself; elsewhere it is alphabetical.
PARTS = (
    "landscapes",
    "methods",
    "dynamics",
    "simulation",
    "symbolic",
    "analysis",
    "minima",
    "sweep",
    "explorer",
    "claims",
    "checks",
)


@dataclass(frozen=True)
class Name:
    """A public name of a module.

    Attributes:
        path: the name with its module, as it is imported.
        value: what it names.
        group: the folder of the module that defines it; empty if there is none.
        comment: what the source says of a constant: the help of an option, or the comment behind its value or above it.
    """

    path: str
    value: Any
    group: str
    comment: str

    @property
    def is_code(self) -> bool:
        """Whether it is a class or a function."""
        return inspect.isclass(self.value) or inspect.isroutine(inspect.unwrap(self.value))

    @property
    def summary(self) -> str:
        """The first paragraph of its documentation."""
        text = (inspect.getdoc(self.value) or "") if self.is_code else self.comment
        return " ".join(text.partition("\n\n")[0].split()).rstrip(":")


@functools.cache
def public(module: str) -> list[Name]:
    """Return the public names of a module, group by group."""
    code = import_module(module)
    names = [_name(code, name) for name in listed(code) if not inspect.ismodule(getattr(code, name))]
    if code is landscapes:  # the functions of the catalogue are attributes, too
        names += [Name(f"{module}.{key}", value, "entries", "") for key, value in landscapes.catalogue().items()]
    groups: Sequence[str] = PARTS if module == "samdyn" else sorted({name.group for name in names})
    return sorted(names, key=lambda name: (groups.index(name.group), name.path.lower()))


def listed(module: ModuleType) -> list[str]:
    """Return ``__all__`` of a module, or the names of the classes and functions that it defines."""
    own = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
    return list(getattr(module, "__all__", [name for name in own if not name.startswith("_")]))


@functools.cache
def homes() -> dict[str, str]:
    """Return every public name, with the name under which it is documented."""
    names = sorted((name for module in MODULES for name in public(module)), key=lambda name: name.path.count("."))
    first: dict[int, str] = {}
    return {name.path: first.setdefault(id(name.value), name.path) if name.is_code else name.path for name in names}


def home(text: str) -> str:
    """Return the documented name that a text such as ``sd.simulate(…)`` or ``analysis.msd`` writes out, or nothing."""
    name = text.partition("(")[0]
    first, dot, rest = name.partition(".")
    full = f"samdyn.{rest}" if dot and first in ("sd", "samdyn") else f"samdyn.{name}"
    return full if dot and full in MODULES else homes().get(full, "")


def _name(module: ModuleType, name: str) -> Name:
    source = Path(str(module.__file__))
    file, value = _files(source).get(name, source), getattr(module, name)
    places = file.parent.relative_to(source.parent).parts if file.is_relative_to(source.parent) else ()
    if module.__name__ == "samdyn":
        places = places or (file.stem,)
    return Name(f"{module.__name__}.{name}", value, places[0] if places else "", _comment(value, file, name))


@functools.cache
def _files(source: Path) -> dict[str, Path]:
    """Return the file from which a package imports each of its names."""
    files: dict[str, Path] = {}
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module:
            place = source.parent.joinpath(*node.module.split("."))
            file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
            files |= {alias.asname or alias.name: file for alias in node.names}
    return files


def _comment(value: Any, file: Path, name: str) -> str:
    options = [option for option in get_args(value) if isinstance(option, Kind)]
    if options:
        return options[0].help
    source = file.read_text(encoding="utf-8")
    lines = source.splitlines()
    for node in ast.parse(source).body:
        targets = [*getattr(node, "targets", []), *([node.target] if isinstance(node, ast.AnnAssign) else [])]
        if name in (part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)):
            behind = lines[node.lineno - 1].partition("  # ")[2]
            above = [line.removeprefix("# ") for line in takewhile(_is_comment, reversed(lines[: node.lineno - 1]))]
            return behind or " ".join(reversed(above))
    return ""


def _is_comment(line: str) -> bool:
    return line.startswith("# ")

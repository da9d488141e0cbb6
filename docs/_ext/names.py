"""The public names of samdyn: which there are, where each is documented, and what a page calls them."""

import ast
import functools
import inspect
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from samdyn import landscapes
from samdyn.lab.options import Kind

# Each module has a page in docs/reference/, named like the module. Where a name can be imported from two of them, it is
# documented under its shortest name, and the other page has a link.
MODULES = (
    "samdyn",
    *(f"samdyn.{part}" for part in "landscapes methods ops noise analysis symbolic theory statistics".split()),
    *(f"samdyn.networks{part}" for part in ("", ".models", ".saddles", ".saddle_dynamics")),
    *(f"samdyn.{part}" for part in "plot claims lab".split()),
)


@dataclass(frozen=True)
class Name:
    """A public name of a module.

    Attributes:
        path: the name with its module, as it is imported.
        value: what it names.
        group: the folder or file of the module that defines it; empty for the module's own file.
        comment: what the source says of a constant: the help of an option, or the comment behind its value.
    """

    path: str
    value: Any
    group: str
    comment: str

    @property
    def is_code(self) -> bool:
        """Whether it is a class or a function."""
        return inspect.isclass(self.value) or inspect.isroutine(self.value) or hasattr(self.value, "cache_info")

    @property
    def summary(self) -> str:
        """The first sentence of its documentation."""
        text = (inspect.getdoc(self.value) or "") if self.is_code else self.comment
        return " ".join(text.partition("\n\n")[0].split())


def public(module: str) -> list[Name]:
    """Return the public names of a module, in the order of their groups."""
    code = import_module(module)
    names = [_name(code, name) for name in listed(code) if not inspect.ismodule(getattr(code, name))]
    if code is landscapes:  # the catalogue's functions are attributes, too
        names += [Name(f"{module}.{key}", value, "entries", "") for key, value in landscapes.catalogue().items()]
    return sorted(names, key=lambda name: (name.group, name.path.lower()))


def listed(module: ModuleType) -> list[str]:
    """Return ``__all__`` of a module, or the names of the classes and functions that it defines."""
    names = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
    return list(getattr(module, "__all__", [name for name in names if not name.startswith("_")]))


@functools.cache
def homes() -> dict[str, str]:
    """Return every public name, with the name under which it is documented."""
    shortest: dict[int, str] = {}
    names = [name for module in MODULES for name in public(module)]
    for name in sorted(names, key=lambda name: name.path.count(".")):
        shortest.setdefault(id(name.value), name.path)
    return {name.path: shortest[id(name.value)] if name.is_code else name.path for name in names}


def home(text: str) -> str:
    """Return the documented name that a text such as ``sd.simulate(…)`` or ``analysis.msd`` writes out, or nothing."""
    name = text.partition("(")[0]
    short, dot, rest = name.partition(".")
    full = f"samdyn.{rest}" if dot and short in ("sd", "samdyn") else f"samdyn.{name}"
    return full if full in MODULES[1:] and dot else homes().get(full, "")


def _name(module: ModuleType, name: str) -> Name:
    file = _files(module).get(name, Path(str(module.__file__)))
    value = getattr(module, name)
    folder = Path(str(module.__file__)).parent
    places = file.relative_to(folder).with_suffix("").parts if file.is_relative_to(folder) else (file.parent.name,)
    is_package = Path(str(module.__file__)).stem == "__init__"
    group = places[0] if is_package and (len(places) > 1 or module.__name__ == "samdyn") else ""
    return Name(f"{module.__name__}.{name}", value, "" if group == "__init__" else group, _comment(value, file, name))


@functools.cache
def _files(module: ModuleType) -> dict[str, Path]:
    """Return the file from which a package imports each of its names."""
    folder = Path(str(module.__file__)).parent
    found = {}
    for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = folder.joinpath(*[".."] * (node.level - 1), *(node.module or "").split("."))
            file = base.with_suffix(".py") if base.with_suffix(".py").exists() else base / "__init__.py"
            found |= {alias.asname or alias.name: file.resolve() for alias in node.names}
    return found


def _comment(value: Any, file: Path, name: str) -> str:
    for option in get_args(value)[1:]:
        if isinstance(option, Kind):
            return option.help
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith((f"{name} = ", f"{name}: ")) and "#" in line:
            return line.partition("#")[2].strip()
    return ""

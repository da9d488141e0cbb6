"""Catalogues import every file of a folder and contain every concrete class that derives from a base."""

import inspect
import pkgutil
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, TypeVar

T = TypeVar("T")


def import_all(package: str, path: Iterable[str]) -> None:
    """Import every module of a package and of its sub-folders, so that a new file needs no other edit.

    ``path`` is the package's ``__path__``.
    """
    for info in pkgutil.walk_packages(path, f"{package}."):
        import_module(info.name)


def concrete(base: type[T]) -> dict[str, type[T]]:
    """Return every concrete class that derives from ``base``, by name, in alphabetical order.

    The classes that the user defined are included. If several have one name, as after a notebook runs a cell again,
    the catalogue contains the last.
    """
    classes: dict[str, type[T]] = {}
    to_visit = base.__subclasses__()
    for cls in to_visit:  # the loop extends the list
        to_visit += cls.__subclasses__()
        if not inspect.isabstract(cls):
            classes[cls.__name__] = cls
    return dict(sorted(classes.items()))


def is_published(entry: Any) -> bool:
    """Return whether samdyn publishes an entry of a catalogue. Scripts, tests and claims define entries too.

    >>> import samdyn as sd
    >>> is_published(sd.SAM)
    True
    """
    module = entry.__module__
    return module.startswith("samdyn.") and not module.startswith("samdyn.claims.")


def attribute(package: str, name: str, entries: Mapping[str, T]) -> T:
    """Return the entry of this name, for the ``__getattr__`` of its package.

    Raises:
        AttributeError: no entry has this name.
    """
    if name in entries:
        return entries[name]
    raise AttributeError(f"module {package!r} has no attribute {name!r}; known: {', '.join(sorted(entries))}")

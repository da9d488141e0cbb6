"""How catalogues find their entries: every file of a folder is imported, every class derived from its base counts."""

import inspect
import pkgutil
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import TypeVar

T = TypeVar("T")


def import_all(package: str, path: Iterable[str]) -> None:
    """Import every module of a package, of which ``path`` is the ``__path__``: a new file needs no other edit."""
    for info in pkgutil.iter_modules(path):
        import_module(f"{package}.{info.name}")


def concrete(base: type[T]) -> dict[str, type[T]]:
    """Return every class derived from base that can be used, those of the user included, in alphabetical order.

    Of several with one name, as where a notebook's cell runs again, the last one defined counts.
    """
    found: dict[str, type[T]] = {}
    to_visit = base.__subclasses__()
    for cls in to_visit:  # grows on the way
        to_visit += cls.__subclasses__()
        if not inspect.isabstract(cls):
            found[cls.__name__] = cls
    return dict(sorted(found.items()))


def attribute(package: str, name: str, known: Mapping[str, T]) -> T:
    """Return the entry of this name as an attribute of its package, for the package's ``__getattr__``.

    Raises:
        AttributeError: there is none.
    """
    if name in known:
        return known[name]
    raise AttributeError(f"module {package!r} has no attribute {name!r}; known: {', '.join(sorted(known))}")

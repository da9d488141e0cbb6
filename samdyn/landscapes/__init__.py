"""Loss landscapes: the class, and a catalogue that grows by adding a function to any file here.

Every public function defined in a module of this package, callable without arguments and returning a Landscape, is in
the catalogue: under its name in this namespace, on the command line and in the conformance tests.
"""

import inspect
import pkgutil
from collections.abc import Callable
from importlib import import_module

from .. import checks
from .landscape import Box, Landscape
from .quadratics import Quadratic
from .samples import Sampled, SampleLandscape

__all__ = ["Box", "Landscape", "Quadratic", "SampleLandscape", "Sampled", "catalogue", "named"]


def _find() -> dict[str, Callable[..., Landscape]]:
    found: dict[str, Callable[..., Landscape]] = {}
    for info in pkgutil.iter_modules(__path__):
        module = import_module(f"{__name__}.{info.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            returned = function.__annotations__.get("return")
            ours = function.__module__ == module.__name__ and not name.startswith("_")
            if ours and inspect.isclass(returned) and issubclass(returned, Landscape):
                found[name] = function
    return found


_CATALOGUE = _find()


def __getattr__(name: str) -> Callable[..., Landscape]:
    if name in _CATALOGUE:
        return _CATALOGUE[name]
    raise AttributeError(f"no landscape {name!r}; known: {', '.join(sorted(_CATALOGUE))}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_CATALOGUE])


def catalogue() -> dict[str, Callable[..., Landscape]]:
    """Return every landscape that has a name: the functions that make them, by name."""
    return dict(_CATALOGUE)


def named(name: str) -> Landscape:
    """Return the catalogue's landscape of this name.

    Raises:
        InputError: an unknown name; the message lists the known ones and suggests the nearest.
    """
    return _CATALOGUE[checks.known("landscape", name, _CATALOGUE)]()

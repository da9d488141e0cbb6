"""Loss landscapes: the class Landscape, and a catalogue of functions that make landscapes.

The catalogue finds its own entries: every public function in a file of ``entries`` that can be called without
arguments and is annotated to return a Landscape. Such a function has its name in this namespace and on the command
line, and the conformance tests cover it.
"""

import inspect
import pkgutil
from collections.abc import Callable
from importlib import import_module

from .. import catalogues, checks
from . import entries
from .entries.quadratics import Quadratic
from .landscape import Box, Landscape
from .samples import Sampled, SampleLandscape

__all__ = ["Box", "Landscape", "Quadratic", "SampleLandscape", "Sampled", "catalogue", "named"]


def _find() -> dict[str, Callable[..., Landscape]]:
    functions: dict[str, Callable[..., Landscape]] = {}
    for info in pkgutil.iter_modules(entries.__path__):
        module = import_module(f"{entries.__name__}.{info.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            returned = function.__annotations__.get("return")
            defined_here = function.__module__ == module.__name__ and not name.startswith("_")
            if defined_here and inspect.isclass(returned) and issubclass(returned, Landscape):
                functions[name] = function
    return functions


_CATALOGUE = _find()


def __getattr__(name: str) -> Callable[..., Landscape]:
    return catalogues.attribute(__name__, name, _CATALOGUE)


def __dir__() -> list[str]:
    return sorted([*__all__, *_CATALOGUE])


def catalogue() -> dict[str, Callable[..., Landscape]]:
    """Return the functions that make landscapes, by name.

    >>> import samdyn as sd
    >>> sorted(sd.landscapes.catalogue())[:3]
    ['beale', 'double_well', 'himmelblau']
    """
    return dict(_CATALOGUE)


def named(name: str) -> Landscape:
    """Return the landscape of the catalogue with this name, in any case.

    Raises:
        InputError: an unknown name. The message lists the names of the catalogue and suggests the nearest.

    >>> import samdyn as sd
    >>> sd.landscapes.named("saddle")
    Landscape('saddle', 'x y')
    """
    return _CATALOGUE[checks.known("landscape", name, _CATALOGUE)]()

"""Reads which landscapes and methods a page is to have, from what a user gives for them."""

import dataclasses
import re
from collections.abc import Iterable
from typing import Any, NoReturn, TypeVar

from .. import checks
from ..dynamics.parts import check_memoryless
from ..landscapes import Landscape
from ..landscapes import catalogue as landscape_catalogue
from ..landscapes.formulas.parse import CONSTANTS, FUNCTIONS
from ..methods import Ascent, Method
from ..methods import named as named_method

FIRST_LANDSCAPE = "saddle"  # what a page begins with; the others follow
# The methods of a page unless others are asked for. Each takes seconds to trace and a tenth of a megabyte.
METHODS = ("GD", "USAM", "SAM", "ASAM", "DNSAM", "ExactSAM", "UASAM")
START = 0.5  # ρ at the start, in the units of w
OTHER_START = 1.0  # value of another number that a method needs and has no default for
NAME = re.compile(r"(?<![\w.])[^\W\d]\w*")  # a name in a formula; the e of 1e5 is none
METHOD_FIX = 'Give e.g. samdyn.SAM(rho=0.1), "SAM", or a list of methods'

T = TypeVar("T")


def chosen_landscapes(landscape: Landscape | str | None) -> dict[str, Landscape]:
    """Return the user's landscape, if there is one, and those of the catalogue, by the names that the page shows.

    Raises:
        InputError: the landscape cannot be drawn in a plane, has no formula, or its name or formula cannot be read.

    >>> list(chosen_landscapes("x**2 + x*y"))[:2]
    ['x**2 + x*y', 'saddle']
    """
    entries = landscape_catalogue()
    published = [entries.pop(FIRST_LANDSCAPE)(), *(make() for make in entries.values())]
    plane = [one for one in published if one.dim == 2]
    if landscape is None:
        return _by_name((one.name, one) for one in plane)
    own = _landscape(landscape)
    others = [one for one in plane if (one.expr, one.symbols) != (own.expr, own.symbols)]
    return _by_name((one.name, one) for one in [own, *others])


def _landscape(landscape: Landscape | str) -> Landscape:
    if isinstance(landscape, str):
        landscape = landscape_of(landscape)
    if not landscape.has_formula:
        rule = "has no formula, and the page computes with formulas"
        checks.reject("landscape", landscape, rule, 'Give e.g. samdyn.Landscape("x**2 - y**2", "x y")')
    for name, value in landscape.parameters.items():
        checks.number(name, value, "the page needs one number", f"Use e.g. landscape.with_parameters({name}=1.0)")
    if landscape.dim != 2:
        rule = f"has {landscape.dim} coordinate(s), and the page shows a plane"
        fix = "Choose values for the others: landscape.restrict({…})" if landscape.dim > 2 else "Give one of two"
        checks.reject("landscape", landscape, rule, fix)
    return landscape


def landscape_of(text: str, coordinates: str | None = None) -> Landscape:
    """Return the landscape that a text names or writes as a formula.

    Args:
        text: the name of a landscape of the catalogue, or a formula.
        coordinates: the names of the coordinates of a formula. None for x and y, or for the two names in the formula.

    Raises:
        InputError: the text is neither.

    >>> landscape_of("a**2 - b**2").symbols
    (a, b)
    """
    words = text.strip()
    if coordinates is None:
        by_name = landscape_catalogue()
        spelled = words.replace(" ", "_").replace("-", "_").casefold()
        if spelled in by_name:
            return by_name[spelled]()
        names = sorted(set(NAME.findall(words)) - FUNCTIONS.keys() - CONSTANTS.keys())
        if words.isidentifier() and len(words) > 1 and names:
            return by_name[checks.known("landscape", words, by_name)]()
        coordinates = " ".join(names) if len(names) == 2 else "x y"
    return Landscape(text, coordinates)


def chosen_methods(methods: Any) -> dict[str, Any]:
    """Return methods by the names that the page shows.

    Args:
        methods: a method, a class, a name, names separated by commas, or a list of these. None for GD, USAM, SAM, ASAM,
            DNSAM, ExactSAM and UASAM.

    Raises:
        InputError: an entry is no method, or a class needs values that cannot be guessed.

    >>> chosen_methods("usam, gd")
    {'USAM': USAM(rho=0.5, ascent_steps=1, average=False), 'GD': GD()}
    """
    if methods is None:
        return {name: _instance(named_method(name)) for name in METHODS}
    listed = methods.replace(",", " ").split() if isinstance(methods, str) else methods
    if isinstance(listed, type | Method) or not isinstance(listed, Iterable):
        listed = [listed]
    chosen = [_method(one) for one in listed]
    if not chosen:
        checks.reject("methods", methods, "at least one method is needed", METHOD_FIX)
    for one in chosen:
        check_memoryless(one)
    return _by_name((getattr(one, "__name__", type(one).__name__), one) for one in chosen)


def _method(method: Any) -> Any:
    if isinstance(method, str):
        return _instance(named_method(method))
    if isinstance(method, type) and issubclass(method, Method):
        return _instance(method)
    if isinstance(method, type) or not callable(method):
        checks.reject("method", method, "is no method", METHOD_FIX)
    return method


def _instance(cls: type[Method]) -> Method:
    """Return a method of a class, with values for the numbers that it needs."""
    needed = [
        field
        for field in dataclasses.fields(cls)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING and field.init
    ]
    values = {}
    for field in needed:
        if "float" not in str(field.type) and not (issubclass(cls, Ascent) and field.name == "rho"):
            _refuse_class(cls, field.name)
        values[field.name] = START if field.name == "rho" else OTHER_START
    return cls(**values)


def _refuse_class(cls: type[Method], name: str) -> NoReturn:
    fix = f"Make one: {cls.__name__}({name}=…)"
    checks.reject("method", cls, f"needs a value of {name}, which is no plain number", fix)


def _by_name(pairs: Iterable[tuple[str, T]]) -> dict[str, T]:
    """Return a dictionary; a name that is taken gets a number."""
    entries: dict[str, T] = {}
    for name, one in pairs:
        unique, number = name, 1
        while unique in entries:
            number += 1
            unique = f"{name} ({number})"
        entries[unique] = one
    return entries

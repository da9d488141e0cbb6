"""Fingerprints of functions and of the objects in them, the same in every process."""

import functools
import hashlib
import inspect
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import sympy
import torch

from ... import checks
from .source import globals_of, is_of_library, source_of

DEPTH = 200  # levels of objects in objects


def fingerprint_of_function(function: Callable[..., Any]) -> str:
    """Return a hash of the source of a function, and of the functions, classes and constants that it reads by name.

    Comments, docstrings and the arrangement of lines do not matter. The names of functions of libraries stand for them.

    >>> fingerprint_of_function(checks.count) == fingerprint_of_function(checks.positive)
    False
    """
    while isinstance(function, functools.partial):
        function = function.func
    return _digest(function)


def fingerprint_of_arguments(function: Callable[..., Any]) -> str:
    """Return a hash of what ``functools.partial`` gives a function.

    Raises:
        InputError: an argument that has no content to compare, such as an open file.
    """
    arguments: list[Any] = []
    while isinstance(function, functools.partial):
        arguments += [function.args, function.keywords]
        function = function.func
    return _digest(arguments)


def _digest(value: Any) -> str:
    writer = _Writer()
    writer.add(value)
    return writer.hash.hexdigest()


class _Writer:
    """Writes the content of objects to a hash."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256()
        self._seen: dict[int, int] = {}
        self._alive: list[Any] = []  # so that no id is used twice
        self._depth = 0

    def _write(self, *parts: object) -> None:
        for part in parts:
            data = part if isinstance(part, bytes) else str(part).encode()
            self.hash.update(len(data).to_bytes(8, "big") + data)

    def add(self, value: Any) -> None:
        """Write the content of one object."""
        if value is None or value is ... or isinstance(value, bool | int | float | complex | str | bytes):
            self._write(type(value).__name__, repr(value))
            return
        if id(value) in self._seen:
            self._write("again", self._seen[id(value)])
            return
        self._seen[id(value)] = len(self._seen)
        self._alive.append(value)
        self._depth += 1
        if self._depth > DEPTH:
            _reject(value, "is nested too deeply")
        self._add_object(value)
        self._depth -= 1

    def _add_object(self, value: Any) -> None:
        if isinstance(value, torch.Tensor):
            self._write("tensor", value.dtype)
            value = value.detach().cpu()
            value = value.view(torch.int16) if value.dtype is torch.bfloat16 else value
            self.add(value.resolve_conj().resolve_neg().numpy())
        elif isinstance(value, np.ndarray) and value.dtype.kind != "O":
            self._write("array", value.dtype.str, value.shape, np.ascontiguousarray(value).tobytes())
        elif isinstance(value, np.generic):
            self._write("number", value.dtype.str, value.tobytes())
        elif type(value).__module__.startswith("xarray.") and hasattr(value, "to_dict"):
            self.add(value.to_dict(data="array"))
        elif isinstance(value, sympy.Basic):
            self._write("formula", sympy.srepr(value))
        elif isinstance(value, dict):
            self._write("dict", type(value).__qualname__, len(value))
            for key, entry in value.items():
                self.add(key)
                self.add(entry)
        elif isinstance(value, list | tuple):
            self._write(type(value).__qualname__, len(value))
            for entry in value:
                self.add(entry)
        elif isinstance(value, set | frozenset):
            self._write("set", *sorted(_digest(entry) for entry in value))
        elif isinstance(value, functools.partial):
            for entry in (value.func, value.args, value.keywords):
                self.add(entry)
        elif isinstance(value, MethodType):
            self.add(value.__func__)
            self.add(value.__self__)
        elif isinstance(value, FunctionType):
            self._add_function(value)
        elif isinstance(value, ModuleType):
            self._write("module", value.__name__)
        elif isinstance(value, type):
            self._add_class(value)
        elif isinstance(value, BuiltinFunctionType | np.ufunc) or not hasattr(value, "__reduce_ex__"):
            self._write("name", getattr(value, "__module__", ""), getattr(value, "__qualname__", repr(value)))
        else:
            self._add_state(value)

    def _add_function(self, function: Any) -> None:
        function = inspect.unwrap(function)
        if is_of_library(function) and "<locals>" not in function.__qualname__:
            self._write("library", function.__module__, function.__qualname__)
            return
        self._write("function", source_of(function))
        for entry in (function.__defaults__, function.__kwdefaults__):
            self.add(entry)
        for cell in function.__closure__ or ():
            self.add(cell.cell_contents)
        self._add_globals(function)

    def _add_class(self, cls: type) -> None:
        if is_of_library(cls):
            self._write("library", cls.__module__, cls.__qualname__)
            return
        self._write("class", cls.__qualname__, source_of(cls))  # its module may be __main__ at another start
        for base in cls.__bases__:
            self.add(base)
        for entry in vars(cls).values():
            if isinstance(entry, FunctionType):
                self._add_globals(entry)

    def _add_globals(self, function: Any) -> None:
        """Write the constants, functions and classes that a function reads by their names."""
        for name in sorted(set(globals_of(function.__code__))):
            entry = function.__globals__.get(name)
            entry = getattr(entry, "__wrapped__", entry)  # a function with a cache
            if isinstance(entry, bool | int | float | str | tuple | FunctionType | type):
                self._write("global", name)
                self.add(entry)

    def _add_state(self, value: Any) -> None:
        """Write the class and the content of an object, without what it computes once and holds."""
        try:
            reduced = value.__reduce_ex__(4)
        except Exception as error:
            _reject(value, f"cannot be compared with that of another start ({error})")
        if isinstance(reduced, str):
            self._write("name", type(value).__module__, reduced)
            return
        make, arguments, state, *items = (*reduced, None, None, None)[:5]
        self.add(type(value))
        self.add(make)
        self.add(arguments)
        if isinstance(state, dict):
            state = {
                name: entry
                for name, entry in state.items()
                if not isinstance(getattr(type(value), str(name), None), functools.cached_property)
            }
        self.add(state)
        for entries in items:
            self.add(list(entries) if entries is not None else None)


def _reject(value: object, rule: str) -> None:
    fix = "Give functools.partial the name of the object, such as a path, and make it in the function"
    checks.reject("argument", value, rule, fix)

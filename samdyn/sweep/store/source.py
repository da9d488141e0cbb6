"""The source of a function, and the names that it reads."""

import ast
import dis
import inspect
import sys
import sysconfig
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType
from typing import Any

LIBRARIES = [Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")]


def is_of_library(value: Any) -> bool:
    """Return whether a function or a class is of Python, of samdyn, or of an installed package.

    Their names stand for them, and the version of samdyn for its source.
    """
    module = sys.modules.get(value.__module__ or "")
    file = getattr(module, "__file__", None)
    if (value.__module__ or "").split(".")[0] in ("samdyn", "builtins") or (file is None and module is not None):
        return value.__module__ != "__main__"
    return file is not None and any(Path(file).is_relative_to(folder) for folder in LIBRARIES)


def source_of(value: Any) -> str:
    """Return the source of a function or a class without comments and docstrings, or its code if it has no source."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(value)))
    except (OSError, TypeError, SyntaxError):
        tree = None  # an interactive session, or a lambda inside an expression
    if tree is None or getattr(value, "__name__", "") == "<lambda>":
        return "\n".join(_code(value.__code__)) if hasattr(value, "__code__") else repr(value)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef) and ast.get_docstring(node, False):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def _code(code: CodeType) -> Iterator[str]:
    yield code.co_code.hex()
    for constant in code.co_consts:
        yield from _code(constant) if isinstance(constant, CodeType) else [repr(constant)]
    yield from (*code.co_names, *code.co_varnames)


def globals_of(code: CodeType) -> Iterable[str]:
    """Yield the names of globals that a piece of code reads."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield str(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from globals_of(constant)

"""The reference pages: a list of a module's names with their first sentences, and every docstring."""

import inspect
from importlib import import_module
from itertools import groupby
from typing import get_args

import names
from docstrings import markdown


def reference(module: str) -> str:
    """Return a module's page below its title."""
    parts = [f"```{{py:module}} {module}\n```", markdown(inspect.getdoc(import_module(module)) or "")]
    groups = [(group, list(entries)) for group, entries in groupby(names.public(module), lambda name: name.group)]
    for group, entries in groups:
        parts.append(f"**{title(group)}**\n" if group else "")
        parts += [f"- `{name.path.removeprefix('samdyn.')}`: {markdown(name.summary)}" for name in entries]
        parts.append("")
    for group, entries in groups:
        here = [name for name in entries if names.homes()[name.path] == name.path]
        if group and here:
            parts.append(f"## {title(group)}")
        parts += [entry(name) for name in here]
    return "\n".join(parts)


def title(group: str) -> str:
    """Return the title of a group: the folder's name in words."""
    return group.replace("_", " ").capitalize()


def entry(name: names.Name) -> str:
    """Return the directive that documents a name."""
    module, _, short = name.path.rpartition(".")
    if inspect.isclass(name.value):
        lines = [f".. autoclass:: {name.path}"]
    elif name.is_code:
        lines = [f".. autofunction:: {name.path}"]
    else:
        kind = (get_args(name.value) or [type(name.value)])[0]
        text = repr(name.value)
        lines = [f".. py:data:: {short}", f"   :type: {getattr(kind, '__name__', kind)}"]
        lines += [f"   :value: {text}"] if len(text) < 60 else []
        lines += ["", f"   {name.comment}"]
    return "\n".join(["```{eval-rst}", f".. py:currentmodule:: {module}", "", *lines, "```", ""])

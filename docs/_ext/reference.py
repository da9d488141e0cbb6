"""The reference pages: a list of a module's names with their first sentences, and every docstring."""

import inspect
from importlib import import_module
from itertools import groupby
from typing import get_args

import names
from docstrings import markdown


def reference(module: str) -> str:
    """Return a module's page below its title."""
    parts = [f"```{{py:module}} {module}\n```", markdown(inspect.getdoc(import_module(module)) or ""), ""]
    groups = [(group, list(entries)) for group, entries in groupby(names.public(module), lambda name: name.group)]
    for group, entries in groups:
        parts += [f"**{title(group)}**\n"] if group else []
        parts += [f"- `{name.path.removeprefix('samdyn.')}`: {markdown(name.summary)}" for name in entries]
        parts.append("")
    for group, entries in groups:
        here = [line for name in entries if names.homes()[name.path] == name.path for line in entry(name)]
        parts += [f"## {title(group)}"] if group and here else []
        parts += ["```{eval-rst}", f".. py:currentmodule:: {module}", "", *here, "```", ""] if here else []
    return "\n".join(parts)


def modules() -> str:
    """Return the list of the modules' pages."""
    lines = []
    for module in names.MODULES[1:]:
        text = (inspect.getdoc(import_module(module)) or "").partition("\n\n")[0]
        lines.append(f"- `{module.replace('samdyn', 'sd', 1)}`: {markdown(' '.join(text.split()))}")
    return "\n".join(lines)


def title(group: str) -> str:
    """Return the title of a group: the folder's name in words."""
    return group.replace("_", " ").capitalize()


def entry(name: names.Name) -> list[str]:
    """Return the directive that documents a name."""
    if name.is_code:
        return [f".. {'autoclass' if inspect.isclass(name.value) else 'autofunction'}:: {name.path}", ""]
    kind = (get_args(name.value) or [type(name.value)])[0]
    text = repr(name.value)
    lines = [f".. py:data:: {name.path.rpartition('.')[2]}", f"   :type: {getattr(kind, '__name__', kind)}"]
    lines += [f"   :value: {text}"] if len(text) < 60 else []
    return [*lines, "", f"   {name.comment}", ""]

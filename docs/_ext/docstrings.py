"""Docstrings as they are written here, for parsers that give `*`, `|` and `_` a meaning of their own."""

import re
from typing import Any

from sphinx.application import Sphinx

CODE = re.compile(r"(``.+?``|`[^`]+`)")
SPECIAL = re.compile(r"(?<!\\)([*|]|(?<=\w)_(?!\w))")


def restructured(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Make the text of a docstring mean in reStructuredText what it says. Examples stay as they are."""
    in_example = False
    for number, line in enumerate(lines):
        in_example = line.lstrip().startswith(">>>") or (in_example and bool(line.strip()))
        if in_example:
            continue
        field = re.match(r"\s*:\w+ [^:]+:|\s*\.\. .*", line)  # Napoleon's, and directives
        start = field.end() if field else 0
        parts = CODE.split(line[start:])
        parts[::2] = [SPECIAL.sub(r"\\\1", text) for text in parts[::2]]
        parts[1::2] = [f"``{code.strip('`')}``" for code in parts[1::2]]
        lines[number] = line[:start] + "".join(parts)


def markdown(text: str) -> str:
    """Return a docstring as Markdown."""
    lines = text.replace("``", "`").split("\n")
    in_example = False
    for number, line in enumerate(lines):
        if line.startswith(">>>") and not in_example:
            lines[number], in_example = f"```pycon\n{line}", True
        elif not line.strip() and in_example:
            lines[number], in_example = "```\n", False
        elif not in_example and not line.startswith("    "):
            parts = re.split(r"(`[^`]+`)", line)
            parts[::2] = [re.sub(r"([*_$<])", r"\\\1", part) for part in parts[::2]]
            lines[number] = "".join(parts)
    return "\n".join([*lines, "```"] if in_example else lines)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("autodoc-process-docstring", restructured, priority=600)  # behind Napoleon
    return {"parallel_read_safe": True, "parallel_write_safe": True}

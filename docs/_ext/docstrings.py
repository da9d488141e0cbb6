"""What autodoc makes of docstrings: the members it shows, and `*`, `|` and `_`, which have no meaning of their own."""

import pkgutil
import re
from typing import Any

from docutils import nodes
from names import homes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.domains.python import PyObject  # type: ignore[attr-defined]

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


def own(app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leave out what a class inherits from Python or another library."""
    function = getattr(obj, "fget", obj)
    maker = getattr(function, "__module__", None) or getattr(getattr(obj, "__objclass__", None), "__module__", "samdyn")
    return None if str(maker).startswith("samdyn") else True


def short_contents(app: Sphinx, domain: str, kind: str, content: addnodes.desc_content) -> None:
    """Leave methods and attributes out of the contents at a page's side."""
    if kind in ("method", "property", "attribute"):
        for signature in content.parent.findall(addnodes.desc_signature):
            signature["_toc_name"] = ""


def inner(app: Sphinx, env: Any, node: addnodes.pending_xref, text: nodes.Node) -> nodes.Node | None:
    """Leave a type that has no page without a link, if it exists: one that does not is a warning."""
    target = node.get("reftarget", "")
    if target in homes().values() or not target.startswith("samdyn."):
        return None
    try:
        pkgutil.resolve_name(target)
    except (ImportError, AttributeError):
        return None
    return text


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    for field in PyObject.doc_field_types:
        field.label = "Attributes" if field.name == "variable" else field.label
    app.connect("autodoc-process-docstring", restructured, priority=600)  # behind Napoleon
    app.connect("autodoc-skip-member", own)
    app.connect("object-description-transform", short_contents)
    app.connect("missing-reference", inner)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""What the reference shows of a class, and which of its types have links."""

import inspect
import pkgutil
from inspect import Signature
from typing import Annotated, Any, get_origin

from docutils import nodes
from names import homes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.domains.python import PyObject  # type: ignore[attr-defined]
from sphinx.util.inspect import stringify_signature


def own(app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leave out what a class inherits from Python or another library."""
    function = getattr(obj, "fget", obj)
    maker = getattr(function, "__module__", None) or getattr(getattr(obj, "__objclass__", None), "__module__", "samdyn")
    return None if str(maker).startswith("samdyn") else True


def plain_types(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, arguments: str | None, returns: str | None
) -> tuple[str, str | None] | None:
    """Show ``Annotated[int, …]`` as ``int``: its declarations hold functions, whose addresses differ in every build."""
    if not arguments or "Annotated[" not in arguments:
        return None
    signature = inspect.signature(obj)
    parameters = [p.replace(annotation=_plain(p.annotation)) for p in signature.parameters.values()]
    plain = signature.replace(parameters=parameters, return_annotation=Signature.empty)
    return stringify_signature(plain, unqualified_typehints=True), returns


def _plain(annotation: Any) -> Any:
    return annotation.__origin__ if get_origin(annotation) is Annotated else annotation


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
    app.connect("autodoc-process-signature", plain_types)
    app.connect("autodoc-skip-member", own)
    app.connect("object-description-transform", short_contents)
    app.connect("missing-reference", inner)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

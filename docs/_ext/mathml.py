"""Formulas of the pages as MathML, which browsers draw themselves: no script, no network, only latex2mathml."""

from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging

LOG = logging.getLogger(__name__)


def mathml(node: nodes.Element, display: str) -> str:
    """Return a formula as MathML. A formula that cannot be converted is a warning, with which the build fails."""
    latex = node.astext()
    try:
        return convert(latex, display=display)
    except Exception as error:  # latex2mathml has many
        LOG.warning("%r is no formula: %r", latex, error, location=node)
        return f"<code>{latex}</code>"


def inline(writer: Any, node: nodes.Element) -> None:
    """Write a formula within a line."""
    writer.body.append(mathml(node, "inline"))
    raise nodes.SkipNode


def block(writer: Any, node: nodes.Element) -> None:
    """Write a formula on a line of its own, which scrolls if it is too wide."""
    writer.body.append(f'<div class="formula">{mathml(node, "block")}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}

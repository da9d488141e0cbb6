"""Formulas of the pages as MathML, which browsers draw themselves: no script, no network, only latex2mathml."""

import re
from html import unescape
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

LOG = logging.getLogger(__name__)
# Browsers put space around these as if each stood between two terms: 1 / | λ | and = − H.
TIGHT = re.compile(r"<mo[^>]*>(&#x0007C;|&#x02016;|&#x0002F;)</mo>")
RELATION = r"(?:&#x0003D;|&#x0003C;|&#x0003E;|&#x02192;|&#x02190;|&#x02194;|&#x02248;|&#x0002C;|&#x00028;|\()"
SIGN = re.compile(rf"(<mo[^>]*>{RELATION}</mo>)<mo>(&#x02212;)</mo>")
NAME = re.compile(r"<mo>(\w{2,})</mo>(?=(?:<mrow>)?<mo[^>]*>(?:&#x00028;|\()</mo>)")  # OU(…)
OUTPUT = re.compile(r'<span class="samdyn-formula">\$(.*?)\$</span>', re.DOTALL)


def mathml(latex: str, display: str, place: nodes.Node | None = None) -> str:
    """Return a formula as MathML. A formula that cannot be converted is a warning, with which the build fails."""
    try:
        converted = convert(latex, display=display)
    except Exception as error:  # latex2mathml has many
        converted = repr(error)
    if not converted.startswith("<math") or "\\" in converted:  # a command that it does not know stays as it is
        LOG.warning("%r is no formula: %s", latex, converted, location=place)
    converted = TIGHT.sub(r'<mo lspace="0" rspace="0" stretchy="false">\1</mo>', converted)
    converted = NAME.sub(r"<mi>\1</mi>", converted)
    return SIGN.sub(r'\1<mo form="prefix">\2</mo>', converted)


def inline(writer: Any, node: nodes.Element) -> None:
    """Write a formula within a line."""
    writer.body.append(mathml(node.astext(), "inline", node))
    raise nodes.SkipNode


def block(writer: Any, node: nodes.Element) -> None:
    """Write a formula on a line of its own, which scrolls if it is too wide."""
    writer.body.append(f'<div class="formula">{mathml(node.astext(), "block", node)}</div>\n')
    raise nodes.SkipNode


class Outputs(SphinxPostTransform):
    """The formulas in what a tutorial's cells show, for which a notebook has MathJax."""

    default_priority = 400

    def run(self, **options: Any) -> None:
        """Replace them on a page."""
        for raw in self.document.findall(nodes.raw):
            raw.children = [nodes.Text(OUTPUT.sub(lambda found: mathml(unescape(found[1]), "inline"), raw.astext()))]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.add_post_transform(Outputs)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""Links that pages and docstrings have without writing them: from names, papers, claims, the theory and figures."""

import re
from typing import Any

from docutils import nodes
from literature import papers
from names import MODULES, home
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.osutil import relative_uri

from samdyn import claims

CITED = re.compile(rf"\b(?:(?P<literature>{'|'.join(papers())})(?=[\],; ])|theory (?P<theory>\d+))\b")
LEFT_OUT = (nodes.title, nodes.reference, addnodes.pending_xref, addnodes.desc_signature, addnodes.toctree)


class Names(SphinxTransform):
    """A name in backquotes becomes a link to its reference."""

    default_priority = 700

    def apply(self, **options: Any) -> None:
        """Replace the literals of a page that write out a public name."""
        for literal in list(self.document.findall(nodes.literal)):
            target = "" if within(literal) else home(literal.astext())
            if target:
                kind = "mod" if target in MODULES else "obj"
                link = addnodes.pending_xref("", refdomain="py", reftype=kind, reftarget=target, refexplicit=True)
                link["refdoc"] = self.env.docname
                literal.replace_self(link)
                link += literal


class Anchors(SphinxTransform):
    """Papers, claims and entries of the theory have their key, id or number as an anchor."""

    default_priority = 10

    def apply(self, **options: Any) -> None:
        """Add the anchors of a page."""
        if self.env.docname == "claims":
            for row in self.document.findall(nodes.row):
                row["ids"] += [row[0].astext()] if row[0].astext() in claims.catalogue() else []
        for section in self.document.findall(nodes.section):
            key = section[0].astext().partition(" ")[0].strip(".")
            if self.env.docname == "literature" and key in papers():
                section["ids"].insert(0, key)
            if self.env.docname == "theory" and key.isdigit():
                section["ids"].insert(0, f"theory-{key}")


class Citations(SphinxPostTransform):
    """[K23], theory 1 and `usam-threshold` become links to their anchors."""

    default_priority = 5

    def run(self, **options: Any) -> None:
        """Replace them on a page."""
        for text in list(self.document.findall(nodes.Text)):
            if isinstance(text.parent, nodes.literal):
                literal = text.parent
                if str(text) in claims.catalogue() and not within(literal) and self.env.docname != "claims":
                    literal.replace_self(self.link(literal.deepcopy(), "claims", str(text)))
            elif not within(text) and not isinstance(text.parent, (nodes.literal_block, nodes.raw)):
                text.parent.replace(text, self.linked(str(text)))

    def linked(self, text: str) -> list[nodes.Node]:
        """Return a text with links."""
        parts: list[nodes.Node] = []
        end = 0
        for match in CITED.finditer(text):
            page = str(match.lastgroup)
            anchor = f"theory-{match[page]}" if page == "theory" else match[page]
            parts += [nodes.Text(text[end : match.start()]), self.link(nodes.Text(match[0]), page, anchor)]
            end = match.end()
        return [*parts, nodes.Text(text[end:])]

    def link(self, what: nodes.Node, page: str, anchor: str) -> nodes.reference:
        """Return a link to an anchor of a page."""
        uri = self.app.builder.get_relative_uri(self.env.docname, page)
        return nodes.reference("", "", what, refuri=f"{uri}#{anchor}", internal=True)


class Figures(SphinxPostTransform):
    """A figure becomes a link to its file, which is larger than a page shows it."""

    default_priority = 20  # behind the choice of a cell's output

    def run(self, **options: Any) -> None:
        """Replace the figures of a page."""
        page = self.app.builder.get_target_uri(self.env.docname)
        for image in list(self.document.findall(nodes.image)):
            if image["uri"] in self.env.images and not within(image):
                _, name = self.env.images[image["uri"]]
                file = relative_uri(page, f"_images/{name}")
                image.replace_self(nodes.reference("", "", image.deepcopy(), refuri=file, internal=True))


def within(node: nodes.Node) -> bool:
    """Whether a node stands in a link, a title or a signature."""
    while node.parent is not None:
        node = node.parent
        if isinstance(node, LEFT_OUT):
            return True
    return False


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the transforms."""
    app.add_transform(Names)
    app.add_transform(Anchors)
    app.add_post_transform(Citations)
    app.add_post_transform(Figures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

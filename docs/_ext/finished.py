"""What is checked on the built pages: they load nothing from the network, and links among them have a target."""

import functools
import re
from pathlib import Path
from urllib.parse import unquote

from sphinx.application import Sphinx
from sphinx.errors import SphinxError

OUTSIDE = r"""["']?(?:https?:)?//[^"'\s>)]+"""
STYLE = r"""<link\b(?=[^>]*\brel\s*=\s*["']?(?:stylesheet|preload|preconnect|modulepreload|icon))[^>]*\bhref\s*=\s*"""
LOADED = re.compile(
    rf"(?:<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\bsrc\s*=\s*|{STYLE}|@import\s+|url\()\s*{OUTSIDE}",
    re.IGNORECASE,
)
LINK = re.compile(r'<a\b[^>]*\bhref="(?!\w+:|//)([^"#?]*)(?:#([^"]*))?"')
ANCHOR = re.compile(r'\bid="([^"]+)"')


def loaded(folder: Path) -> list[str]:
    """Return what pages and styles load from the network, each with its file."""
    files = [path for suffix in ("*.html", "*.css") for path in sorted(folder.rglob(suffix))]
    return [f"{path}: {text}" for path in files for text in LOADED.findall(path.read_text(encoding="utf-8"))]


def broken(folder: Path) -> list[str]:
    """Return the links among the pages whose file or anchor is missing, each with its page."""
    missing = []
    for page in sorted(folder.rglob("*.html")):
        for file, anchor in set(LINK.findall(page.read_text(encoding="utf-8"))):
            target = (page.parent / unquote(file)).resolve() if file else page.resolve()
            if not target.exists() or (anchor and target.suffix == ".html" and unquote(anchor) not in anchors(target)):
                missing.append(f"{page}: {file}#{anchor}")
    return missing


@functools.cache
def anchors(page: Path) -> frozenset[str]:
    """Return the anchors of a page."""
    return frozenset(ANCHOR.findall(page.read_text(encoding="utf-8")))


def check(app: Sphinx, error: Exception | None) -> None:
    """Fail if a page loads something, or has a broken link."""
    if error is None and app.builder.name == "html":
        wrong = [*loaded(Path(app.outdir)), *broken(Path(app.outdir))]
        if wrong:
            raise SphinxError("\n".join(["loaded from the network, or links without a target:", *wrong]))


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("build-finished", check, priority=900)  # behind the theme, which finishes its styles then
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""The built pages load nothing from the network: a build that finds such a page fails."""

import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import SphinxError

LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\bsrc\s*=\s*["']?(?:https?:)?//[^"'\s>]+"""
    r"""|<link\b(?=[^>]*\brel\s*=\s*["']?(?:stylesheet|preload|preconnect|icon|modulepreload))[^>]*\bhref\s*=\s*["']?(?:https?:)?//[^"'\s>]+"""
    r"""|(?:@import\s+|url\()\s*["']?(?:https?:)?//[^"')]+""",
    re.IGNORECASE,
)


def loaded(folder: Path) -> list[str]:
    """Return what pages and styles load from the network, each with its file."""
    files = [path for suffix in ("*.html", "*.css") for path in folder.rglob(suffix)]
    return [f"{path}: {text}" for path in files for text in LOADED.findall(path.read_text(encoding="utf-8"))]


def check(app: Sphinx, error: Exception | None) -> None:
    """Fail where a page loads something."""
    found = loaded(Path(app.outdir)) if error is None and app.builder.name == "html" else []
    if found:
        raise SphinxError("\n".join(["pages load from the network:", *found]))


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("build-finished", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

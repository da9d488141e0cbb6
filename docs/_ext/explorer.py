"""Writes the explorer's page beside the pages that show it."""

from pathlib import Path

from sphinx.application import Sphinx

import samdyn as sd


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the page with the catalogue."""
    if error is None and app.builder.name == "html":
        sd.explore().save(Path(app.outdir, "_static", "explorer.html"))


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("build-finished", write, priority=800)  # before the pages are checked
    return {"parallel_read_safe": True, "parallel_write_safe": True}

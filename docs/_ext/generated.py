"""Pages that are made from the code: in a page's text a block of `{generated}` stands for what its line names."""

import re

from commands import commands
from gallery import gallery
from literature import literature
from reference import modules, reference
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

MAKERS = {maker.__name__: maker for maker in (commands, gallery, literature, modules, reference)}
BLOCK = re.compile(r"^```\{generated\} (\w+) ?(\S*)\n```$", re.MULTILINE)


def fill(app: Sphinx, page: str, source: list[str]) -> None:
    """Replace the blocks of a page."""
    source[0] = BLOCK.sub(lambda block: MAKERS[block[1]](*block[2].split()), source[0])


def made(app: Sphinx, env: BuildEnvironment, *pages: set[str]) -> list[str]:
    """Return the pages that are made from the code, which every build reads again."""
    return [page for page in env.found_docs if BLOCK.search(env.doc2path(page).read_text(encoding="utf-8"))]


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("env-get-outdated", made)
    app.connect("source-read", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

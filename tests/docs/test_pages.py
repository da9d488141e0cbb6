"""What holds for every page: its blocks of Python run, and its links inside the repository lead somewhere."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from .conftest import ROOT, blocks

PAGES = sorted(
    path.relative_to(ROOT) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")) if "_build" not in path.parts
)
# Tests of their own run these, and look at the results.
CHECKED = {"README.md", "docs/adding.md", "docs/sweeps.md"}
CHECKED |= {f"docs/guide/{name}.md" for name in ("simulate", "analysis", "noise", "training")}
LINK = re.compile(r"\]\(([^)\s]+)\)")
IMAGE = re.compile(r'<img[^>]*src="([^"]+)"')


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page) and str(page) not in CHECKED], ids=str)
def test_blocks_run(page: Path, run_page: Callable[..., dict[str, Any]]) -> None:
    with torch.random.fork_rng(devices=[]):
        run_page(page)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in LINK.findall(text) + IMAGE.findall(text):
        if not re.match(r"\w+:", link):
            file, _, anchor = link.partition("#")
            target = (ROOT / page).parent / file if file else ROOT / page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and MyST make them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_there_are_pages() -> None:
    assert {"README.md", "docs/adding.md", "docs/index.md"} <= {str(page) for page in PAGES}

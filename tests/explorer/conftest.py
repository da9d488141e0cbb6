"""A browser that opens the explorer's page, and a page without its script in place of the built one."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import samdyn as sd
from samdyn.explorer import explorer, page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The first three let Chromium run as root, without a GPU, and with WebGL in software; the rest keep it off the network.
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
FLAGS += ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"]
FLAGS += ["--disable-sync"]
FEW = "#count=2000"  # particles: the page moves and draws them all the time, and in software that takes a whole core
LIMIT = 240_000  # milliseconds that a step of a test may take; drawing in software beside other work is slow


@pytest.fixture(scope="session")
def chromium() -> Iterator["Browser"]:
    """Chromium. Without one the test is skipped, unless SAMDYN_BROWSER names it."""
    sync_api = pytest.importorskip("playwright.sync_api")
    path = os.environ.get("SAMDYN_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium: install it (Debian: apt install chromium), or name it in SAMDYN_BROWSER")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page with the catalogue."""
    path = tmp_path_factory.mktemp("explorer") / "explorer.html"
    sd.explore().save(path)
    return path


@pytest.fixture
def open_page(chromium: "Browser", page_file: Path) -> Iterator[Callable[..., "Page"]]:
    """Open a page in an empty browser, and wait until it has drawn. At the end its console must hold no error."""
    complaints: list[str] = []
    contexts = []

    def start(path: Path = page_file, hash_: str = FEW, **options: object) -> "Page":
        # Playwright waits by evaluating text, which the page forbids; a test of its own looks at that.
        context = chromium.new_context(bypass_csp=True, **{"viewport": {"width": 1400, "height": 900}, **options})
        contexts.append(context)
        context.set_default_timeout(LIMIT)
        tab = context.new_page()
        tab.on("console", lambda line: line.type == "error" and complaints.append(line.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.goto(f"{path.as_uri()}{hash_}")
        tab.wait_for_function("window.samdyn !== undefined && window.samdyn.frames().length > 2")
        return tab

    yield start
    for context in contexts:
        context.close()
    assert not complaints


STUB = f"<!doctype html><html><body>{page.PLACE}<script>start()</script></body></html>"


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the built page be one that only has a place for the data, and return it."""
    monkeypatch.setattr(explorer, "asset", lambda: STUB)
    return STUB

"""A browser that opens the explorer's page, and a page without its script in place of the built one."""

import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import samdyn as sd
from samdyn.explorer import explorer
from samdyn.explorer.page import PLACE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The first three let Chromium run as root, without a GPU, and with WebGL in software; the rest keep it off the network.
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
FLAGS += ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"]
FLAGS += ["--disable-sync"]
FEW = "#count=2000"  # particles: the page moves and draws them all the time, and in software that takes a whole core
LIMIT = 120_000  # milliseconds that a step of a test may take; drawing in software beside other work is slow


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
        left_open = len(browser.contexts)
        browser.close()
    assert not left_open  # such a page goes on drawing, and takes a whole core from all later tests


@pytest.fixture(scope="session")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page with the catalogue."""
    path = tmp_path_factory.mktemp("explorer") / "explorer.html"
    sd.explore().save(path)
    return path


# Ten pictures a second by a timer. Where WebGL is in software, to draw is nearly all that a page costs. And of several
# windows without a screen Chromium gives some no frames at all: neither those that a page asks for come, nor those by
# which Playwright polls.
FEW_FRAMES = """
window.requestAnimationFrame = (callback) => setTimeout(() => callback(performance.now()), 100);
window.cancelAnimationFrame = clearTimeout;
"""
POLLING = 100  # milliseconds


class Tabs:
    """Pages that were opened, and the errors in their consoles."""

    def __init__(self, browser: "Browser", page_file: Path) -> None:
        self.browser, self.page_file = browser, page_file
        self.complaints: list[str] = []
        self.contexts: list[BrowserContext] = []

    def open(self, path: Path | None = None, hash_: str = FEW, **options: Any) -> "Page":
        """Open a page in an empty browser, and wait until it has drawn."""
        # Playwright waits by evaluating text, which the page forbids; a test of its own looks at that.
        context = self.browser.new_context(bypass_csp=True, **{"viewport": {"width": 1400, "height": 900}, **options})
        self.contexts.append(context)
        context.set_default_timeout(LIMIT)
        context.add_init_script(FEW_FRAMES)
        tab = context.new_page()
        tab.wait_for_function = partial(tab.wait_for_function, polling=POLLING)  # type: ignore[method-assign]
        tab.on("console", lambda line: line.type == "error" and self.complaints.append(line.text))
        tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        tab.goto(f"{(path or self.page_file).as_uri()}{hash_}")
        tab.wait_for_function("window.samdyn !== undefined && window.samdyn.frames().length > 2")
        return tab

    def close(self) -> None:
        """Close all pages. Their consoles must hold no error."""
        while self.contexts:
            self.contexts.pop().close()
        assert not self.complaints


@pytest.fixture(scope="module")
def tabs(chromium: "Browser", page_file: Path) -> Iterator[Tabs]:
    """The pages that are open. A test that opens its own closes the others, which would go on drawing."""
    tabs = Tabs(chromium, page_file)
    yield tabs
    tabs.close()


@pytest.fixture
def open_page(tabs: Tabs) -> Iterator[Callable[..., "Page"]]:
    """Open a page in an empty browser, and wait until it has drawn. At the end its console must hold no error."""
    tabs.close()
    yield tabs.open
    tabs.close()


# Of two changes in a row the page is told twice, and sees both times the second one. The first makes sure that there
# is a change: the address may be the one that is asked for, and the settings not yet be in it.
BEGIN_ANEW = """async address => {
  const told = new Promise((resolve) => addEventListener("hashchange", resolve, { once: true }));
  location.hash = "lr=0.02";
  location.hash = address;
  await told;
  for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
}"""


@pytest.fixture
def page(tabs: Tabs) -> Iterator["Page"]:
    """A page that tests share, since to open one takes four seconds, with its first settings. Its console is empty."""
    tab = tabs.contexts[0].pages[0] if tabs.contexts else tabs.open()
    tab.evaluate(BEGIN_ANEW, FEW)
    yield tab
    assert not tabs.complaints


STUB = f"<!doctype html><html><body>{PLACE}<script>start()</script></body></html>"


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the built page be one that only has a place for the data, and return it."""
    monkeypatch.setattr(explorer, "asset", lambda: STUB)
    return STUB

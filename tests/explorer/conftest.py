"""What the tests of the explorer share: a page without its script, in place of the built one."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from samdyn.explorer import explorer, page

STUB = f"<!doctype html><html><body>{page.PLACE}<script>start()</script></body></html>"


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the built page be one that only has a place for the data, and return it."""
    monkeypatch.setattr(explorer, "asset", lambda: STUB)
    return STUB


@pytest.fixture
def data_in() -> Callable[[str], Any]:
    """Return a function that reads the data from a page, as a browser does: up to the first end of a script."""

    def read(text: str) -> Any:
        (found,) = re.findall(r'<script id="samdyn-data" type="application/json">(.*?)</script', text, re.S)
        return json.loads(found)

    return read

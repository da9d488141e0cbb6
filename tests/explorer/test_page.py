"""The page holds its data, and no text in them is more than text."""

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import samdyn as sd
from samdyn.explorer import page
from samdyn.explorer.page import PLACE, asset, data_of, filled

MARKUP = [
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<!-- <script> -->",
    "]]>&lt;&amp;",
    "\u2028\u2029\\u003c\x00\ud800",
    "${alert(1)} `{{x}}`",
]


class Tags(HTMLParser):
    """Collects the tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)


def tags(text: str) -> list[str]:
    parser = Tags()
    parser.feed(text)
    parser.close()
    return parser.tags


@pytest.mark.parametrize("name", MARKUP)
def test_text_stays_text(name: str, stub: str) -> None:
    landscape = sd.Landscape("x**2 - y**2 + x*y", "x y", name=name)
    explorer = sd.explore(landscape, "GD")
    assert tags(explorer.html) == tags(stub)
    data = data_of(explorer.html)
    assert data["landscapes"][0]["name"] == name
    assert explorer.html.isascii()
    outer = tags(explorer._repr_html_())
    assert outer == ["iframe"]


def test_the_frame_of_a_notebook_holds_the_page(stub: str) -> None:
    explorer = sd.explore("x**2 - y**2 + x*y", "GD")

    class Frame(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            self.attributes = dict(attrs)

    frame = Frame()
    frame.feed(explorer._repr_html_())
    assert frame.attributes["srcdoc"] == explorer.html
    assert "allow-same-origin" not in frame.attributes["sandbox"]
    assert len(repr(explorer)) < 100


def test_numbers_that_json_lacks_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        filled(PLACE, {"a": float("nan")})


def test_a_checkout_without_the_built_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(page, "files", lambda package: tmp_path)
    with pytest.raises(sd.InputError, match=r"not built.*npm run build"):
        asset()
    with pytest.raises(sd.InputError, match="not built"):
        sd.explore()


def test_a_page_without_a_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(page, "files", lambda package: tmp_path)
    (tmp_path / "page").mkdir()
    built = tmp_path / "page" / "index.html"
    for text in ("<html></html>", PLACE + PLACE):
        built.write_text(text)
        with pytest.raises(sd.InputError, match="no place"):
            asset()
    built.write_text(f"<p>ρ</p>{PLACE}", encoding="utf-8")
    assert asset() == f"<p>ρ</p>{PLACE}"

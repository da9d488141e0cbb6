"""The page is written whole or not at all, and a file that cannot be written is refused before any work."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

import samdyn as sd
from samdyn.explorer import explorer as module


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a page that is made be an error."""

    def work(*arguments: Any) -> None:
        raise AssertionError("the work began")

    monkeypatch.setattr(module, "page_data", work)


def test_a_saved_page(stub: str, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")
    explorer = sd.explore("saddle", "GD", path=path)
    assert path.read_text(encoding="utf-8") == explorer.html
    assert explorer.save(str(tmp_path / "other.html")).read_text(encoding="utf-8") == explorer.html
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["other.html", "page.html"]
    assert stat.S_IMODE(path.stat().st_mode) & stat.S_IRUSR


@pytest.mark.usefixtures("no_work", "stub")
@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing/page.html", "folder .* does not exist"),
        (".", "is a folder"),
        ("folder", "is a folder"),
        ("file/page.html", "does not exist"),
        ("\0", "must be the path of a file"),
        ("", "is a folder"),
        (3, "path = 3"),
    ],
)
def test_places_where_no_file_can_be(path: Any, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(sd.InputError, match=message):
        sd.explore(path=path)


@pytest.mark.usefixtures("no_work", "stub")
def test_a_place_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    with pytest.raises(sd.InputError, match="does not allow"):
        sd.explore(path=tmp_path / "page.html")


def test_a_disk_that_fails(stub: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    explorer = sd.explore("saddle", "GD")
    path = tmp_path / "page.html"
    path.write_text("old")

    def fail(self: Path, target: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(sd.InputError, match="No space left"):
        explorer.save(path)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["page.html"]

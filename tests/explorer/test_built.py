"""The built page in the package."""

import re
from hashlib import sha256
from pathlib import Path

import samdyn

PAGE = Path(samdyn.__file__).parent / "explorer" / "page" / "index.html"
SOURCES = Path(samdyn.__file__).parents[1] / "web"
LARGEST = 900_000  # bytes; the data, which Python adds, takes up to 600,000 more, and the page is to stay below 1.5 MB


def test_it_is_up_to_date() -> None:
    """The page has the hash of its sources. If the test fails: `make page`."""
    files = ["index.html", "package-lock.json", "vite.config.ts"]
    files += [path.relative_to(SOURCES).as_posix() for path in (SOURCES / "src").rglob("*") if path.is_file()]
    digest = sha256()
    for file in sorted(files):
        digest.update(f"{file}\n".encode() + (SOURCES / file).read_bytes())
    assert re.findall('name="samdyn-sources" content="(.*?)"', PAGE.read_text("utf-8")) == [digest.hexdigest()]


def test_it_is_one_small_file_that_loads_nothing() -> None:
    text = PAGE.read_text("utf-8")
    assert [path.name for path in PAGE.parent.iterdir()] == [PAGE.name]
    assert len(text.encode()) < LARGEST
    assert not re.findall(r"""(?:src|href)=["']?(?!data:|#)[^"' >]+""", text.split("<body", 1)[0].split("<script")[0])
    assert not re.findall(r"(?<![.\w])(?:eval|Function|importScripts|XMLHttpRequest|WebSocket)\(", text)

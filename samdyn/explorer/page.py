"""The page: the built asset, with the data in it."""

import base64
import json
import zlib
from importlib.resources import files
from typing import Any

from .. import checks

START = '<script id="samdyn-data" type="application/json">'
PLACE = f"{START}null</script>"  # where the data stand in the asset
HOW = "In a checkout, build the page with Node: `npm ci` and `npm run build` in the folder web"


def asset() -> str:
    """Return the built page without data.

    Raises:
        InputError: it is missing, as in a checkout whose page was not built, or it is another file.
    """
    path = files(__package__) / "page" / "index.html"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        checks.reject("page", str(path), "the explorer's page is not built", HOW)
    if text.count(PLACE) != 1:
        checks.reject("page", str(path), "has no place for the explorer's data", HOW)
    return text


def filled(page: str, data: dict[str, Any]) -> str:
    """Return a page with its data: JSON, compressed to a tenth, in the letters of base64.

    No text in the data can end the script, begin another or be run: base64 has no markup, and the browser reads JSON.
    """
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    letters = base64.b64encode(zlib.compress(text.encode(), level=9)).decode()
    return page.replace(PLACE, f'{START}"{letters}"</script>')


def data_of(page: str) -> dict[str, Any]:
    """Return the data of a page that ``filled`` has made.

    >>> data_of(filled(PLACE, {"name": "</script>"}))
    {'name': '</script>'}
    """
    letters = page.split(f'{START}"', 1)[1].split('"', 1)[0]
    data: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(letters)))
    return data

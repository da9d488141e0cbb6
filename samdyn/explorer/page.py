"""The page: the built asset, with the data in it."""

import json
from importlib.resources import files
from typing import Any

from .. import checks

START = '<script id="samdyn-data" type="application/json">'
PLACE = f"{START}null</script>"  # where the data stand in the asset
# Characters that could end a script or a line of it, which JSON may hold as escapes instead.
ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}
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
    """Return a page with its data.

    No text in the data can end the script, begin another or be run: the browser reads it as JSON.

    >>> filled(PLACE, {"name": "</script>"})
    '<script id="samdyn-data" type="application/json">{"name":"\\\\u003c/script\\\\u003e"}</script>'
    """
    text = json.dumps(data, separators=(",", ":"), allow_nan=False).translate(ESCAPES)
    return page.replace(PLACE, f"{START}{text}</script>")

"""Plain spellings of Greek letters and mathematical signs, for streams whose encoding lacks them."""

import codecs
import unicodedata
from typing import IO

SIGNS = {  # the plain spelling of each sign
    "\N{MINUS SIGN}": "-", "\N{EN DASH}": "-", "\N{EM DASH}": "-", "\N{HYPHEN}": "-", "\N{NON-BREAKING HYPHEN}": "-",
    "…": "...", "\N{MULTIPLICATION SIGN}": "x", "÷": "/", "±": "+/-", "∞": "inf", "→": "->", "←": "<-", "≤": "<=",
    "≥": ">=", "≠": "!=", "≈": "~", "∝": "~", "≫": ">>", "≪": "<<", "‖": "||", "·": "*", "∇": "grad ", "√": "sqrt",
    "½": "1/2", "∈": " in ", "∂": "d", "°": " deg", "λ": "lambda", "Λ": "Lambda", "▲": "^", "▼": "v", "•": "*",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'", "“": '"', "”": '"',
}  # fmt: skip
HANDLER = "samdyn.spelled"  # name of the codec error handler for streams


def spelled(text: str, encoding: str) -> str:
    """Return a text in which plain letters replace the characters that an encoding lacks.

    >>> spelled("ρ > 1/λ²", "ascii")
    'rho > 1/lambda^2'
    """
    try:
        text.encode(encoding)
        return text
    except UnicodeEncodeError:
        return "".join(character if _has(encoding, character) else _plain(character) for character in text)


def never_fail(stream: IO[str] | None) -> None:
    """Make a stream spell the characters that its encoding lacks, instead of raising UnicodeEncodeError."""
    reconfigure = getattr(stream, "reconfigure", None)  # a stream that replaces sys.stdout may lack it
    if reconfigure is not None:
        reconfigure(errors=HANDLER)


def _has(encoding: str, character: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _plain(character: str) -> str:
    """Return the spelling of a character in ASCII, or "?" if there is none."""
    if character in SIGNS:
        return SIGNS[character]
    name = unicodedata.name(character, "")
    if name.startswith("GREEK ") and " LETTER " in name:
        letter = name.rpartition(" LETTER ")[2].split()[0].lower()
        return letter.capitalize() if " CAPITAL " in name else letter
    bare = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    if name.startswith("SUPERSCRIPT ") and bare:
        return f"^{bare}"
    return bare or ("" if unicodedata.combining(character) else "?")


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain, error.object[error.start : error.end])), error.end


codecs.register_error(HANDLER, _replace)

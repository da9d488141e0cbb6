"""Greek letters and mathematical signs in plain letters, for streams whose encoding lacks them."""

import codecs
import unicodedata
from typing import IO

SIGNS = {
    "\N{MINUS SIGN}": "-", "\N{EN DASH}": "-", "\N{EM DASH}": "-", "\N{HYPHEN}": "-", "\N{NON-BREAKING HYPHEN}": "-",
    "…": "...", "\N{MULTIPLICATION SIGN}": "x", "÷": "/", "±": "+/-", "∞": "inf", "→": "->", "←": "<-", "≤": "<=",
    "≥": ">=", "≠": "!=", "≈": "~", "∝": "~", "≫": ">>", "≪": "<<", "‖": "||", "·": "*", "∇": "grad ", "√": "sqrt",
    "½": "1/2", "∈": " in ", "∂": "d", "°": " deg", "λ": "lambda", "Λ": "Lambda", "▲": "^", "▼": "v", "•": "*",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'", "“": '"', "”": '"',
}  # fmt: skip
HANDLER = "samdyn.spelled"  # name of the error handler for streams


def spelled(text: str, encoding: str) -> str:
    """Return a text with what an encoding lacks written out: ρ as rho, λ² as lambda^2, − as -."""
    try:
        text.encode(encoding)
        return text
    except UnicodeEncodeError:
        return "".join(character if _has(encoding, character) else _plain(character) for character in text)


def never_fail(stream: IO[str] | None) -> None:
    """Let a stream write out what its encoding lacks, where it would raise UnicodeEncodeError."""
    reconfigure = getattr(stream, "reconfigure", None)  # streams that somebody replaced may have none
    if reconfigure is not None:
        reconfigure(errors=HANDLER)


def _has(encoding: str, character: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _plain(character: str) -> str:
    """Return a character in ASCII; "?" if nobody would know how."""
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

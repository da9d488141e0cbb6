"""A text for language models that every Python has: its language reference."""

import hashlib
import platform
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import torch

from ... import checks
from ...arguments import checked

ALPHABET = "\n" + "".join(map(chr, range(32, 127)))  # the line break and the printable characters of ASCII


class Windows(NamedTuple):
    """Pieces of a text, and what follows each of their characters.

    Attributes:
        inputs: characters as their numbers in the alphabet, int64 ``(N, context)``.
        targets: the next character for each, int64 ``(N, context)``.
    """

    inputs: torch.Tensor
    targets: torch.Tensor


@dataclass(frozen=True, eq=False)
class Text:
    """A text in windows that follow one another, for training, for validation and for testing.

    >>> from samdyn import networks
    >>> text = networks.python_reference(context=64, train=8)
    >>> [tuple(part.shape) for part in text.train]  # tokens, and those that follow them
    [(8, 64), (8, 64)]

    Attributes:
        name: what was read, and of which version.
        sha256: the checksum of the whole text, in hexadecimal, before it is cut to windows.
        characters: the number of characters of the whole text.
        alphabet: the characters; the tokens are their indices.
        train, validation, test: the windows of three parts of the text, one after the other.
    """

    name: str
    sha256: str
    characters: int
    alphabet: str
    train: Windows
    validation: Windows
    test: Windows


@checked
def python_reference(
    context: int = 64, *, train: int | None = None, validation: float = 0.1, test: float = 0.1
) -> Text:
    """Return the reference of the Python language as tokens of one character, 96 in all.

    The text is that of Python's ``help("topics")``, which the standard library has as ``pydoc_data.topics``: about
    370,000 characters. It differs between versions of Python, and so do results; ``Text.name`` and ``Text.sha256`` say
    which it was. Topics are in alphabetical order. A paragraph that occurs in several of them, or again, is left out
    after the first time, so that none is both for training and for testing. Characters beyond ASCII are left out, too.

    The parts for training, validation and testing are contiguous, in this order, and so are their windows, which do not
    overlap: every character but the first of a part is a target once. The characters that do not fill a window are
    left.

    Args:
        context: the number of characters of a window.
        train: the number of windows for training, the last ones before the part for validation. None: all.
        validation: the fraction of the text that is for validation, in [0.01, 0.4].
        test: the fraction that is for testing, in [0.01, 0.4].

    Raises:
        InputError: a number out of its range, or more windows than there are.

    >>> from samdyn.networks import python_reference
    >>> text = python_reference(context=32, train=500)
    >>> text.train.inputs.shape, len(text.alphabet)
    (torch.Size([500, 32]), 96)
    >>> "".join(text.alphabet[i] for i in text.test.inputs[0]).isascii()
    True
    """
    context = checks.count("context", context, "Use e.g. context=64")
    rule = "must lie in [0.01, 0.4]"
    shares = {"validation": validation, "test": test}
    for name, share in shares.items():
        shares[name] = checks.number(name, share, rule, f"Use e.g. {name}=0.1", lambda share: 0.01 <= share <= 0.4)
    text = _paragraphs()
    ends = [round(len(text) * (1 - shares["validation"] - shares["test"])), round(len(text) * (1 - shares["test"]))]
    codes = torch.frombuffer(bytearray(text.encode("ascii")), dtype=torch.uint8).long()
    tokens = torch.where(codes == ord("\n"), 0, codes - ord(" ") + 1)
    parts = [_windows(part, context) for part in tokens.tensor_split(ends)]
    if not all(len(part.inputs) for part in parts):
        shortest = min(ends[0], ends[1] - ends[0], len(text) - ends[1])
        checks.reject("context", context, f"must be below the {shortest} characters of a part", "Use e.g. context=64")
    windows = len(parts[0].inputs)
    if train is not None:
        if checks.count("train", train, "Use e.g. train=1000") > windows:
            checks.reject(
                "train", train, f"there are {windows} windows of {context}", "Use fewer, or a shorter context"
            )
        parts[0] = Windows(parts[0].inputs[-train:], parts[0].targets[-train:])
    name = f"pydoc_data.topics of Python {platform.python_version()}"
    return Text(name, hashlib.sha256(text.encode()).hexdigest(), len(text), ALPHABET, *parts)


@cache
def _paragraphs() -> str:
    from pydoc_data.topics import topics

    paragraphs = [one.strip("\n") for topic in sorted(topics) for one in topics[topic].split("\n\n")]
    first: dict[str, str] = {}
    for paragraph in paragraphs:
        first.setdefault(" ".join(paragraph.split()), paragraph)  # topics differ in where lines break
    text = "\n\n".join(first.values())
    return "".join(character for character in text if character in ALPHABET)


def _windows(tokens: torch.Tensor, context: int) -> Windows:
    number = (len(tokens) - 1) // context
    return Windows(*(tokens[first : first + number * context].view(number, context) for first in (0, 1)))

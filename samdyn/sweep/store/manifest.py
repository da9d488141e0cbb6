"""What a store says about the sweep that it belongs to, and which other sweeps it refuses."""

import hashlib
import json
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from ...output.provenance import provenance
from ..cells.blocks import Blocks
from ..cells.function import name_of
from .arrays import METADATA
from .fingerprint import fingerprint_of_arguments, fingerprint_of_function

FORMAT = 1  # number of the way in which stores are written

Manifest = dict[str, Any]

LONGEST = 10_000  # characters of an axis up to which the values stand in the manifest, else their hash

WORDS = {  # of the entries, for messages
    "format": "a store of another format",
    "samdyn": "a sweep by another version of samdyn",
    "function": "a sweep of another function",
    "source": "a sweep of this function with other source",
    "arguments": "a sweep of this function with other arguments of functools.partial",
    "grid": "a sweep over another grid",
    "batch": "a sweep with other batches",
}


def manifest_of(function: Callable[..., Any], blocks: Blocks) -> Manifest:
    """Return what identifies a sweep.

    Raises:
        InputError: an argument of the function that cannot be compared with that of another start.
    """
    return {
        "format": FORMAT,
        "samdyn": _version(),
        "function": name_of(function),
        "source": fingerprint_of_function(function),
        "arguments": fingerprint_of_arguments(function),
        "grid": {name: _text(dims, values) for name, (dims, values, _) in blocks.grid.coords().items()},
        "batch": sorted(blocks.batch),
    }


def manifest_in(path: Path) -> Manifest:
    """Return the manifest of the store in a folder.

    Raises:
        OSError: the folder has no readable metadata.
        ValueError: they are not those of a sweep's store.
    """
    about = json.loads((path / METADATA).read_text(encoding="utf-8"))
    try:
        manifest: Manifest = json.loads(about["attributes"]["sweep"])
    except (KeyError, TypeError) as error:
        raise ValueError("no sweep has written them") from error
    return manifest


def difference(there: Manifest, here: Manifest) -> str:
    """Return in words which other sweep a store belongs to, or "" if it is this one."""
    for entry, words in WORDS.items():
        one, other = there.get(entry), here[entry]
        if one == other:
            continue
        if entry == "grid" and isinstance(one, dict):
            names = [name for name in {**one, **other} if one.get(name) != other.get(name)]
            one, other = one.get(names[0], "no such axis"), other.get(names[0], "no such axis")
            return f"{words}: {names[0]} = {_short(one)} there, {_short(other)} here"
        return words if entry in ("source", "arguments") else f"{words}: {one} there, {other} here"
    return ""


def attributes(manifest: Manifest) -> dict[str, Any]:
    """Return the attributes of a new store."""
    return {
        "sweep": json.dumps(manifest),
        "provenance": json.dumps(provenance({"function": manifest["function"]})),
    }


def _version() -> str:
    try:
        return version("samdyn")
    except PackageNotFoundError:
        return "not installed"


def _text(dims: Any, values: Any) -> str:
    text = json.dumps([dims, np.asarray(values).tolist()])
    if len(text) <= LONGEST:
        return text
    return f"{np.size(values)} values with the hash {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _short(text: str) -> str:
    values = json.dumps(json.loads(text)[1]) if text.startswith("[") else text
    return values if len(values) <= 60 else f"{values[:28]} … {values[-28:]}"

"""Outcomes as bytes, for the journal."""

import json
from typing import Any

import numpy as np

from ..calls.call import Outcome
from ..calls.values import Values, Variable


def encode(outcome: Outcome) -> bytes:
    """Return an outcome as bytes: a header in JSON, then the numbers of the arrays."""
    arrays = [outcome.cells]
    header: dict[str, Any] = {"block": outcome.block, "error": outcome.error, "parts": []}
    if outcome.values is not None:
        for part, variables in (("variable", outcome.values.variables), ("index", outcome.values.indexes)):
            for name, one in variables.items():
                header["parts"].append([part, name, one.dims, one.attrs, one.is_coord])
                arrays.append(np.ascontiguousarray(one.array))
    header["arrays"] = [[array.dtype.str, array.shape] for array in arrays]
    text = json.dumps(header).encode()
    return b"".join([len(text).to_bytes(8, "little"), text, *(array.tobytes() for array in arrays)])


def decode(data: bytes) -> Outcome:
    """Return the outcome of bytes from ``encode``."""
    place = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:place])
    arrays = []
    for dtype, shape in header["arrays"]:
        count = int(np.prod(shape, dtype=np.int64))
        arrays.append(np.frombuffer(data, dtype, count, place).reshape(shape) if count else np.empty(shape, dtype))
        place += count * np.dtype(dtype).itemsize
    parts: dict[str, dict[str, Variable]] = {"variable": {}, "index": {}}
    for (part, name, dims, attrs, is_coord), array in zip(header["parts"], arrays[1:], strict=True):
        parts[part][name] = Variable(tuple(dims), array, attrs, is_coord)
    values = Values(parts["variable"], parts["index"]) if parts["variable"] else None
    return Outcome(header["block"], arrays[0], values, header["error"])

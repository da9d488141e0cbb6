"""Traces functions of scalars per run, such as x and y, to programs."""

from collections.abc import Callable, Mapping, Sequence

import torch

from ..tracing.expression import VARYING
from ..tracing.trace import Input, trace
from .program import LIMIT, Program, program


def programs(
    function: Callable[..., Mapping[str, torch.Tensor]], names: Sequence[str], dtype: torch.dtype
) -> dict[str, Program]:
    """Return a program for each result of a function.

    Args:
        function: takes a tensor ``(N,)`` per name. Returns tensors ``(…, N)`` by name.
        names: the names of the inputs.
        dtype: the precision of the programs.

    Raises:
        NotCompilable: the function has an operation that programs lack, or mixes runs.

    >>> double = programs(lambda x: {"double": x + x}, ["x"], torch.float64)
    >>> double["double"]
    {'inputs': ['x'], 'code': [['+', 0, 0]], 'outputs': [1]}
    """
    results: list[str] = []

    def values(*inputs: torch.Tensor) -> list[torch.Tensor]:
        mapping = function(*inputs)
        results.extend(mapping)
        # A constant does not depend on the runs, and a product with 0 is left out again.
        return [value + 0 * inputs[0] for value in mapping.values()]

    expressions, _ = trace(values, [Input(name, (), dtype, VARYING) for name in names], LIMIT)
    return {name: program(names, list(nodes.flat)) for name, nodes in zip(results, expressions, strict=True)}

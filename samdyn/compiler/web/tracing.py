"""Traces functions of scalars per run, such as x and y, to programs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import torch

from ...checks import InputError
from ..tracing.derivative import differentiate
from ..tracing.expression import VARYING, Graph, NotCompilable
from ..tracing.trace import LIMIT, Traced
from .program import Program, write
from .simplify import simplified


class Trace:
    """Tensors of the expressions of one run, and the programs of what a function makes of them.

    >>> trace = Trace(torch.float64)
    >>> x = trace.input("x")
    >>> trace.programs({"double": (["x"], x + x)})["double"]
    {'inputs': ['x'], 'code': [['+', 0, 0]], 'outputs': [1]}
    """

    def __init__(self, dtype: torch.dtype) -> None:
        """Start with no inputs; all numbers have one dtype."""
        self.dtype = dtype
        # Derivatives are taken of what is traced: so values that are detached must be told apart.
        self._graph = Graph(LIMIT, depth=1)

    def input(self, name: str) -> torch.Tensor:
        """Return an input of the programs, ``(1,)`` since it has one run."""
        node = np.array([self._graph.input((name,), 0, self.dtype, VARYING)], dtype=object)
        return Traced(torch.ones(1, dtype=self.dtype), node, self._graph)

    def jacobian(self, value: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        """Return the derivatives of traced values ``(m, 1)`` along inputs w ``(d, 1)``: ``(m, d, 1)``."""
        value, w = self._traced(value), self._traced(w)
        one = self._graph.literal(1.0, self.dtype)
        columns = [differentiate(self._graph, list(value.nodes.flat), {axis: (axis, one)}) for axis in w.nodes.flat]
        nodes = np.array(columns, dtype=object).T[..., None]
        return Traced(torch.ones(nodes.shape, dtype=self.dtype), nodes, self._graph)

    def programs(self, results: Mapping[str, tuple[Sequence[str], torch.Tensor]]) -> dict[str, Program]:
        """Return the program of each result: the names of its inputs, and what it computes.

        Raises:
            NotCompilable: an expression has an operation that programs lack, or a number that is not finite.
        """
        values = simplified([self._traced(value).nodes for _, value in results.values()], Graph(LIMIT))
        return {
            name: write(inputs, list(nodes.flat))
            for (name, (inputs, _)), nodes in zip(results.items(), values, strict=True)
        }

    def _traced(self, value: torch.Tensor) -> Traced:
        if isinstance(value, Traced):
            return value
        nodes = np.empty(value.shape, dtype=object)
        nodes.flat[:] = [self._graph.literal(number, self.dtype) for number in value.flatten().tolist()]
        return Traced(value.to(self.dtype), nodes, self._graph)


@contextmanager
def tracing() -> Iterator[None]:
    """Run a block that traces, and turn its errors into NotCompilable."""
    try:
        with torch.no_grad():
            yield
    except (NotCompilable, InputError):
        raise
    except Exception as error:  # code may fail on expressions for any reason; torch raises its own errors
        raise NotCompilable(f"tracing failed: {type(error).__name__}: {error}") from error

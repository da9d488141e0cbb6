"""What a function of tensors does to the scalars of one run, found by calling it on tensors of expressions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .derivative import differentiate
from .expression import STATIC, VARYING, Graph, NotCompilable
from .operations import ELEMENTWISE, REDUCTIONS, VIEWS, lookup, matmul

RUNS = 2  # traced side by side, to see that each is made of its own alone; what the first does is what one run does
KINDS = ("dtype", "layout", "device", "pin_memory", "non_blocking", "memory_format")  # which the example shows
# Time that torch takes to differentiate a function forward, in operations per operation of the function: 23 to 50.
DERIVED = 30
FILLED = {"zeros_like": 0, "new_zeros": 0, "ones_like": 1, "new_ones": 1}


@dataclass(frozen=True)
class Input:
    """What a function is given: a tensor of this shape, and after that the runs' axis unless all share it."""

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    level: int

    @property
    def per_run(self) -> bool:
        """Whether every run has its own."""
        return self.level >= STATIC


class Traced(torch.Tensor):
    """A tensor with an expression for every entry. Operations make others; what needs the numbers is refused."""

    example: torch.Tensor  # numbers that go along, for their shapes and dtypes
    nodes: np.ndarray  # of Node, of the tensor's shape
    graph: Graph

    @staticmethod
    def __new__(cls, example: torch.Tensor, nodes: np.ndarray, graph: Graph) -> "Traced":
        """Make the tensor."""
        if nodes.shape != tuple(example.shape):
            raise NotCompilable(f"an operation of shape {tuple(example.shape)} was traced as one of {nodes.shape}")
        traced: Traced = torch.Tensor._make_wrapper_subclass(cls, example.shape, dtype=example.dtype)
        traced.example, traced.nodes, traced.graph = example, nodes, graph
        return traced

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        """Do to the expressions what an operation does to numbers."""
        named = kwargs or {}
        name = func._schema.name.removeprefix("aten::")
        in_place = name.endswith("_") and not name.endswith("__")
        name = name[:-1] if in_place else name
        graph = max((t.graph for t in _flat([args, *named.values()]) if isinstance(t, Traced)), key=lambda g: g.depth)
        graph.calls += 1
        example = func(*_each(_example, args), **{k: _each(_example, v) for k, v in named.items()})
        dtype: Any = getattr(example, "dtype", None)

        def entries(value: Any) -> Any:
            return _entries(graph, value)

        arrays, named_arrays = _each(entries, args), {k: _each(entries, v) for k, v in named.items() if k not in KINDS}
        if name in ELEMENTWISE:
            nodes = ELEMENTWISE[name](graph, _common(args), dtype, *arrays, **named_arrays)
        elif name in REDUCTIONS:
            nodes = REDUCTIONS[name](graph, dtype, *arrays, **named_arrays)
        elif name in VIEWS:
            nodes = VIEWS[name](*arrays, **named_arrays)
        elif name == "mm":
            nodes = matmul(graph, dtype, *arrays)
        elif name in FILLED or name == "full_like":
            nodes = np.full(example.shape, graph.literal(FILLED.get(name, args[-1]), dtype))
        elif name == "index" and not isinstance(args[0], Traced):
            nodes = lookup(graph, args[0], arrays[1])
        elif name == "index" and not any(isinstance(i, Traced) for i in args[1]):
            nodes = arrays[0][tuple(slice(None) if i is None else i.numpy() for i in args[1])]
        else:
            raise NotCompilable(f"{func} is not among the operations that are compiled")
        if in_place:  # views share their expressions with what they are views of, as tensors share their numbers
            args[0].nodes[...] = nodes
            return args[0]
        if isinstance(nodes, list):
            return [cls(e, n, graph) for e, n in zip(example, nodes, strict=True)]
        return cls(example, nodes, graph)

    def directional_derivative(self, function: Callable[[torch.Tensor], torch.Tensor], v: torch.Tensor) -> "Traced":
        """Return D function(self)·v, what ``ops.directional_derivative`` is on numbers.

        torch's own forward mode looks at storages and devices that these tensors have none of.
        """
        # A graph of its own: the function's expressions of the variables are none of the step's.
        inner = Graph(self.graph.limit, depth=self.graph.depth + 1)
        variables, direction = np.empty(self.shape, dtype=object), np.broadcast_to(_entries(self.graph, v), self.shape)
        for place in np.ndindex(*self.shape):
            variables[place] = inner.input(("variable", *place), None, self.dtype, VARYING)
        value = function(Traced(self.example, variables, inner))
        if not isinstance(value, Traced):  # it does not depend on the variables
            return Traced(torch.zeros_like(value), _entries(self.graph, torch.zeros_like(value)), self.graph)
        places = zip(self.nodes.flat, direction.flat, strict=True)
        tangents = dict(zip(variables.flat, places, strict=True))
        nodes = np.empty(value.shape, dtype=object)
        nodes.flat[:] = differentiate(self.graph, list(value.nodes.flat), tangents)
        self.graph.calls += DERIVED * inner.calls
        return Traced(value.example, nodes, self.graph)


def trace(
    function: Callable[..., Sequence[torch.Tensor]], inputs: Sequence[Input], limit: int
) -> tuple[list[np.ndarray], int]:
    """Return the expressions of a function's values for one run, each an array of the value's shape without the runs'.

    And how many operations on tensors were made.

    Args:
        function: of one tensor per input; its values have the runs on their last axis.
        inputs: what it is given.
        limit: how many operations on scalars there may be.

    Raises:
        NotCompilable: the function looks at the numbers, does what is not known, mixes runs, or does too much.
    """
    graph = Graph(limit)
    given = []
    for i in inputs:
        shape = (*i.shape, RUNS) if i.per_run else i.shape
        nodes = np.empty(shape, dtype=object)
        for place in np.ndindex(*shape):
            at = place[:-1] if i.per_run else place
            name = (i.name, *at)
            nodes[place] = graph.input(name, place[-1] if i.per_run else None, i.dtype, i.level)
        given.append(Traced(torch.ones(shape, dtype=i.dtype), nodes, graph))
    try:
        with torch.no_grad():
            values = function(*given)
    except NotCompilable:
        raise
    except Exception as error:  # whatever code does with tensors that are none; if it is wrong, torch will say so
        raise NotCompilable(f"tracing failed: {type(error).__name__}: {error}") from error
    found = []
    for value in values:
        if not isinstance(value, Traced) or value.ndim == 0 or value.shape[-1] != RUNS:
            raise NotCompilable("a value does not depend on the runs")
        found.append(value.nodes)
    for run in range(RUNS):
        _check_alone([nodes[..., run] for nodes in found], run)
    return [nodes[..., 0] for nodes in found], graph.calls


def _check_alone(found: list[np.ndarray], run: int) -> None:
    seen: set[int] = set()
    waiting = [node for array in found for node in array.flat]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.operation == "input" and node.value[1] not in (run, None):
            raise NotCompilable("runs depend on one another")
        waiting.extend(node.arguments)


def _flat(value: Any) -> list[Any]:
    return [v for part in value for v in _flat(part)] if isinstance(value, list | tuple) else [value]


def _each(function: Callable[[Any], Any], value: Any) -> Any:
    return type(value)(_each(function, v) for v in value) if isinstance(value, list | tuple) else function(value)


def _example(value: Any) -> Any:
    return value.example if isinstance(value, Traced) else value


def _entries(graph: Graph, value: Any) -> Any:
    """Return a tensor's expressions; numbers in tensors are literals."""
    if isinstance(value, Traced):
        return value.nodes
    if not torch.is_tensor(value):
        return value
    literals = np.empty(value.shape, dtype=object)
    for place in np.ndindex(*value.shape):
        literals[place] = graph.literal(value[place].item(), value.dtype)
    return literals


def _common(args: Any) -> torch.dtype:
    """Return the dtype that the arguments of an operation are compared in."""
    kinds = [a.example if isinstance(a, Traced) else a for a in args if not isinstance(a, list | tuple | None)]
    return torch.result_type(*kinds[:2]) if len(kinds) > 1 else kinds[0].dtype

"""The trace of a function of tensors: a call with tensors of expressions shows its operations on scalars."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .derivative import differentiate
from .expression import STATIC, VARYING, Graph, NotCompilable
from .operations import ELEMENTWISE, REDUCTIONS, VIEWS, lookup, matmul

LIMIT = 24_000  # largest number of operations on scalars in a trace; more take long to compile and gain little
RUNS = 2  # number of runs in a trace, to check that they do not depend on each other; the first one gives the code
# Keyword arguments of torch's operations that the example tensors handle.
KINDS = ("dtype", "layout", "device", "pin_memory", "non_blocking", "memory_format")
# Time of torch's forward differentiation, in operations per operation of the function; measured values are 23 to 50.
DERIVATIVE_COST = 30
FILL_VALUES = {"zeros_like": 0, "new_zeros": 0, "ones_like": 1, "new_ones": 1}

Step = Callable[..., Sequence[torch.Tensor]]


@dataclass(frozen=True)
class Input:
    """An argument of a traced function.

    Attributes:
        name: name of the argument, a C identifier.
        shape: shape of the tensor, without the last axis of the runs, which it has unless all runs share it.
        dtype: dtype of the tensor.
        level: VARYING or STATIC for one value per run, UNIFORM or CONSTANT for a value that all runs share.

    >>> import torch
    >>> from samdyn.compiler import UNIFORM, Input
    >>> Input("step", (), torch.int64, UNIFORM).per_run
    False
    """

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    level: int

    @property
    def per_run(self) -> bool:
        """Whether every run has its own value."""
        return self.level >= STATIC


class Traced(torch.Tensor):
    """A tensor with an expression for every entry. An operation that needs the numbers raises NotCompilable."""

    example: torch.Tensor  # a tensor of numbers with the same shape and dtype
    nodes: np.ndarray  # of Node, of the tensor's shape
    graph: Graph

    @staticmethod
    def __new__(cls, example: torch.Tensor, nodes: np.ndarray, graph: Graph) -> "Traced":
        """Create the tensor."""
        if nodes.shape != tuple(example.shape):
            raise NotCompilable(f"an operation of shape {tuple(example.shape)} was traced as one of {nodes.shape}")
        traced: Traced = torch.Tensor._make_wrapper_subclass(cls, example.shape, dtype=example.dtype)
        traced.example, traced.nodes, traced.graph = example, nodes, graph
        return traced

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        """Apply an operation to the expressions."""
        keywords = kwargs or {}
        name = func._schema.name.removeprefix("aten::")
        in_place = name.endswith("_") and not name.endswith("__")
        name = name[:-1] if in_place else name
        graph = max(
            (t.graph for t in _flat([args, *keywords.values()]) if isinstance(t, Traced)), key=lambda g: g.depth
        )
        graph.calls += 1
        example = func(*_each(_example, args), **{k: _each(_example, v) for k, v in keywords.items()})
        dtype: Any = getattr(example, "dtype", None)

        def entries(value: Any) -> Any:
            return _entries(graph, value)

        arrays = _each(entries, args)
        options = {k: _each(entries, v) for k, v in keywords.items() if k not in KINDS}
        if name in ELEMENTWISE:
            nodes = ELEMENTWISE[name](graph, _common(args), dtype, *arrays, **options)
        elif name in REDUCTIONS:
            nodes = REDUCTIONS[name](graph, dtype, *arrays, **options)
        elif name in VIEWS:
            nodes = VIEWS[name](*arrays, **options)
        elif name == "mm":
            nodes = matmul(graph, dtype, *arrays)
        elif name in FILL_VALUES or name == "full_like":
            nodes = np.full(example.shape, graph.literal(FILL_VALUES.get(name, args[-1]), dtype))
        elif name == "index" and not isinstance(args[0], Traced):
            nodes = lookup(graph, args[0], arrays[1])
        elif name == "index" and not any(isinstance(i, Traced) for i in args[1]):
            nodes = arrays[0][tuple(slice(None) if i is None else i.numpy() for i in args[1])]
        else:
            raise NotCompilable(f"{func} is not among the operations that are compiled")
        if in_place:  # a view shares its expressions with the original tensor
            args[0].nodes[...] = nodes
            return args[0]
        if isinstance(nodes, list):
            return [cls(e, n, graph) for e, n in zip(example, nodes, strict=True)]
        return cls(example, nodes, graph)

    def directional_derivative(self, function: Callable[[torch.Tensor], torch.Tensor], v: torch.Tensor) -> "Traced":
        """Return D function(self)·v, as ``ops.directional_derivative`` does for numbers.

        torch's forward mode needs storages and devices, which these tensors do not have.
        """
        # A graph of its own, since the expressions of the variables are not part of the step.
        inner = Graph(self.graph.limit, depth=self.graph.depth + 1)
        variables, direction = np.empty(self.shape, dtype=object), np.broadcast_to(_entries(self.graph, v), self.shape)
        for place in np.ndindex(*self.shape):
            variables[place] = inner.input(("variable", *place), None, self.dtype, VARYING)
        value = function(Traced(self.example, variables, inner))
        if not isinstance(value, Traced):  # a function that does not depend on the variables
            return Traced(torch.zeros_like(value), _entries(self.graph, torch.zeros_like(value)), self.graph)
        places = zip(self.nodes.flat, direction.flat, strict=True)
        tangents = dict(zip(variables.flat, places, strict=True))
        nodes = np.empty(value.shape, dtype=object)
        nodes.flat[:] = differentiate(self.graph, list(value.nodes.flat), tangents)
        self.graph.calls += DERIVATIVE_COST * inner.calls
        return Traced(value.example, nodes, self.graph)


def trace(
    function: Callable[..., Sequence[torch.Tensor]], inputs: Sequence[Input], limit: int
) -> tuple[list[np.ndarray], int]:
    """Return the expressions of a function's values for one run, and the number of operations on tensors.

    The expressions of a value are an array with its shape, without the axis of the runs.

    Args:
        function: takes one tensor per input, and returns values with the runs on their last axis.
        inputs: the inputs of the function.
        limit: largest number of operations on scalars.

    Raises:
        NotCompilable: the function needs the numbers, has an operation that is not compiled, mixes runs, or has too
            many operations.
    """
    graph = Graph(limit)
    arguments = []
    for i in inputs:
        shape = (*i.shape, RUNS) if i.per_run else i.shape
        nodes = np.empty(shape, dtype=object)
        for place in np.ndindex(*shape):
            at = place[:-1] if i.per_run else place
            name = (i.name, *at)
            nodes[place] = graph.input(name, place[-1] if i.per_run else None, i.dtype, i.level)
        arguments.append(Traced(torch.ones(shape, dtype=i.dtype), nodes, graph))
    try:
        with torch.no_grad():
            values = function(*arguments)
    except NotCompilable:
        raise
    except Exception as error:  # code may fail on expressions for any reason; torch raises its own errors
        raise NotCompilable(f"tracing failed: {type(error).__name__}: {error}") from error
    expressions = []
    for value in values:
        if not isinstance(value, Traced) or value.ndim == 0 or value.shape[-1] != RUNS:
            raise NotCompilable("a value does not depend on the runs")
        expressions.append(value.nodes)
    for run in range(RUNS):
        _check_alone([nodes[..., run] for nodes in expressions], run)
    return [nodes[..., 0] for nodes in expressions], graph.calls


def _check_alone(expressions: list[np.ndarray], run: int) -> None:
    """Refuse expressions of one run that depend on another run."""
    visited: set[int] = set()
    stack = [node for array in expressions for node in array.flat]
    while stack:
        node = stack.pop()
        if id(node) in visited:
            continue
        visited.add(id(node))
        if node.operation == "input" and node.value[1] not in (run, None):
            raise NotCompilable("runs depend on one another")
        stack.extend(node.arguments)


def _flat(value: Any) -> list[Any]:
    return [v for part in value for v in _flat(part)] if isinstance(value, list | tuple) else [value]


def _each(function: Callable[[Any], Any], value: Any) -> Any:
    return type(value)(_each(function, v) for v in value) if isinstance(value, list | tuple) else function(value)


def _example(value: Any) -> Any:
    return value.example if isinstance(value, Traced) else value


def _entries(graph: Graph, value: Any) -> Any:
    """Return the expressions of a tensor; those of a tensor of numbers are literals."""
    if isinstance(value, Traced):
        return value.nodes
    if not torch.is_tensor(value):
        return value
    literals = np.empty(value.shape, dtype=object)
    for place in np.ndindex(*value.shape):
        literals[place] = graph.literal(value[place].item(), value.dtype)
    return literals


def _common(args: Any) -> torch.dtype:
    """Return the common dtype of the arguments of an operation."""
    kinds = [a.example if isinstance(a, Traced) else a for a in args if not isinstance(a, list | tuple | None)]
    return torch.result_type(*kinds[:2]) if len(kinds) > 1 else kinds[0].dtype

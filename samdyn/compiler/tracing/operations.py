"""torch's operations on arrays of expressions. A step with any other operation is not compiled."""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
import torch

from .expression import Graph, Node, NotCompilable

Operation = Callable[..., Any]


def cast(graph: Graph, node: Node, dtype: torch.dtype) -> Node:
    """Return a value in another dtype."""
    if node.dtype == dtype:
        return node
    if node.operation == "literal":
        return graph.literal(float(node.value) if node.dtype.is_floating_point else int(node.value), dtype)
    return graph.node("cast", (node,), dtype)


def each(graph: Graph, function: Callable[..., Node], *arrays: Any) -> np.ndarray:
    """Apply a function of nodes to the entries of arrays and numbers, which broadcast."""
    result = np.frompyfunc(function, len(arrays), 1)(*arrays)
    return result if isinstance(result, np.ndarray) else np.array(result, dtype=object)


def _simple(operation: str, takes: str = "result", gives: str = "result") -> Operation:
    """Return an operation of C; ``takes`` says if arguments have the dtype of the result or their common dtype."""

    def apply(graph: Graph, common: torch.dtype, dtype: torch.dtype, *arrays: Any) -> np.ndarray:
        argument_dtype = dtype if takes == "result" else common
        result_dtype = dtype if gives == "result" else torch.bool

        def one(*nodes: Any) -> Node:
            return graph.node(operation, tuple(_node(graph, n, argument_dtype) for n in nodes), result_dtype)

        return each(graph, one, *arrays)

    return apply


def _node(graph: Graph, value: Any, dtype: torch.dtype) -> Node:
    return cast(graph, value, dtype) if isinstance(value, Node) else graph.literal(value, dtype)


def _plus(operation: str) -> Operation:
    simple, times = _simple(operation), _simple("*")

    def apply(graph: Graph, common: torch.dtype, dtype: torch.dtype, a: Any, b: Any, *, alpha: Any = 1) -> np.ndarray:
        return simple(graph, common, dtype, a, b if alpha == 1 else times(graph, common, dtype, b, alpha))

    return apply


def _rsub(graph: Graph, common: torch.dtype, dtype: torch.dtype, a: Any, b: Any) -> np.ndarray:
    return _simple("-")(graph, common, dtype, b, a)


def _addcmul(
    graph: Graph, common: torch.dtype, dtype: torch.dtype, total: Any, a: Any, b: Any, *, value: Any = 1
) -> np.ndarray:
    times = _simple("*")
    product = times(graph, common, dtype, a, b)
    return _plus("+")(graph, common, dtype, total, product, alpha=value)


def _square(graph: Graph, common: torch.dtype, dtype: torch.dtype, a: Any) -> np.ndarray:
    return _simple("*")(graph, common, dtype, a, a)


def _power(graph: Graph, common: torch.dtype, dtype: torch.dtype, a: Any, b: Any) -> np.ndarray:
    if not isinstance(b, np.ndarray) and float(b).is_integer() and 1 <= b <= 8:
        return reduce(lambda p, _: _simple("*")(graph, common, dtype, p, a), range(int(b) - 1), a)
    if not isinstance(b, np.ndarray) and b in (0.5, -0.5, -1):
        root = a if b == -1 else _simple("sqrt")(graph, common, dtype, a)
        return root if b == 0.5 else _simple("/")(graph, common, dtype, 1, root)
    return _simple("pow")(graph, common, dtype, a, b)


def _remainder(graph: Graph, common: torch.dtype, dtype: torch.dtype, a: Any, b: Any) -> np.ndarray:
    if dtype.is_floating_point:
        raise NotCompilable("remainders of floating-point numbers are not compiled")
    return _simple("%")(graph, common, dtype, a, b)  # of integers >= 0, such as numbers of steps, as in C


def _reciprocal(graph: Graph, common: torch.dtype, dtype: torch.dtype, a: Any) -> np.ndarray:
    return _simple("/")(graph, common, dtype, 1, a)


def _rsqrt(graph: Graph, common: torch.dtype, dtype: torch.dtype, a: Any) -> np.ndarray:
    return _power(graph, common, dtype, a, -0.5)


def _clamp(
    graph: Graph, common: torch.dtype, dtype: torch.dtype, a: Any, min: Any = None, max: Any = None
) -> np.ndarray:
    # At the bound the derivative is that of the bound, if the one bound is a tensor, else that of the value.
    kind = (
        "clamp"
        if (min is None) == (max is None) or not isinstance(min if max is None else max, np.ndarray)
        else "bound"
    )

    def limited(operation: str) -> Callable[..., Node]:
        return lambda x, y: graph.node(operation, (_node(graph, x, dtype), _node(graph, y, dtype)), dtype, kind)

    for bound, operation in ((min, "max"), (max, "min")):
        a = a if bound is None else each(graph, limited(operation), a, bound)
    return a


def _where(graph: Graph, common: torch.dtype, dtype: torch.dtype, which: Any, a: Any, b: Any) -> np.ndarray:
    def one(c: Node, a: Any, b: Any) -> Node:
        return graph.node("?", (c, _node(graph, a, dtype), _node(graph, b, dtype)), dtype)

    return each(graph, one, which, a, b)


def _convert(graph: Graph, common: torch.dtype, dtype: torch.dtype, a: Any) -> np.ndarray:
    return each(graph, lambda n: cast(graph, n, dtype), a)


def _copy(graph: Graph, common: torch.dtype, dtype: torch.dtype, a: Any, b: Any, *_: Any) -> np.ndarray:
    return np.broadcast_to(each(graph, lambda n: _node(graph, n, dtype), b), a.shape)


def _detach(graph: Graph, common: torch.dtype, dtype: torch.dtype, a: np.ndarray) -> np.ndarray:
    return (
        each(graph, graph.detached, a) if graph.depth else a
    )  # a view, since in-place operations must change the original


def _logical(operation: str) -> Operation:
    simple = _simple(operation, "common")

    def apply(graph: Graph, common: torch.dtype, dtype: torch.dtype, *arrays: Any) -> np.ndarray:
        return simple(graph, torch.bool, dtype, *arrays)

    return apply


FUNCTIONS = ["sqrt", "exp", "expm1", "log", "log1p", "sin", "cos", "tan", "tanh", "sinh", "cosh", "atan"]
FUNCTIONS += ["abs", "neg", "sign"]

# Operations by the name in ATen. They take a graph, the common dtype of the arguments, the dtype of the result and the
# arguments.
ELEMENTWISE: dict[str, Operation] = {
    **{name: _simple(name) for name in FUNCTIONS},
    **{name: _simple(c) for name, c in {"mul": "*", "div": "/", "maximum": "max", "minimum": "min"}.items()},
    **{
        name: _simple(c, "common", "bool")
        for name, c in {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}.items()
    },
    **{f"bitwise_{name}": _simple(c) for name, c in {"and": "&", "or": "|", "xor": "^", "not": "~"}.items()},
    **{f"logical_{name}": _logical(c) for name, c in {"and": "&", "or": "|", "not": "~"}.items()},
    **{f"__{name}__": _simple(c) for name, c in {"and": "&", "or": "|", "xor": "^"}.items()},
    **{name: _simple("<<") for name in ("__lshift__", "bitwise_left_shift")},
    **{name: _simple(">>") for name in ("__rshift__", "bitwise_right_shift")},
    "add": _plus("+"),
    "sub": _plus("-"),
    "rsub": _rsub,
    "addcmul": _addcmul,
    "square": _square,
    "pow": _power,
    "remainder": _remainder,
    "reciprocal": _reciprocal,
    "rsqrt": _rsqrt,
    "clamp": _clamp,
    "clamp_min": _clamp,
    "where": _where,
    "isnan": lambda graph, common, dtype, a: _simple("!=", "common", "bool")(graph, common, dtype, a, a),
    "_to_copy": _convert,
    "copy": _copy,
    "detach": _detach,
}


def _reduction(operation: str) -> Operation:
    def apply(
        graph: Graph, dtype: torch.dtype, a: np.ndarray, axes: Any = None, keep: bool = False, **_: Any
    ) -> np.ndarray:
        axes = range(a.ndim) if axes is None or axes == [] else np.atleast_1d(axes)

        def both(x: Node, y: Node) -> Node:
            return graph.node(operation, (cast(graph, x, dtype), cast(graph, y, dtype)), dtype)

        for axis in sorted((int(i) % a.ndim for i in axes), reverse=True):
            a = reduce(lambda x, y: each(graph, both, x, y), np.moveaxis(a, axis, 0))
            a = np.expand_dims(a, axis) if keep else a
        return np.array(a, dtype=object)

    return apply


def _mean(graph: Graph, dtype: torch.dtype, a: np.ndarray, axes: Any = None, keep: bool = False, **_: Any) -> Any:
    total = REDUCTIONS["sum"](graph, dtype, a, axes, keep)
    return _simple("/")(graph, dtype, dtype, total, a.size // total.size)


REDUCTIONS: dict[str, Operation] = {
    "sum": _reduction("+"),
    "amax": _reduction("max"),
    "amin": _reduction("min"),
    "all": _reduction("&"),
    "any": _reduction("|"),
    "prod": _reduction("*"),
    "mean": _mean,
}


def matmul(graph: Graph, dtype: torch.dtype, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the product of two matrices."""
    return REDUCTIONS["sum"](graph, dtype, _simple("*")(graph, dtype, dtype, a[:, :, None], b[None]), 1)


def _slice(a: np.ndarray, axis: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> np.ndarray:
    return a[(slice(None),) * (axis % a.ndim) + (slice(start, None if end == 2**63 - 1 else end, step),)]


def _select(a: np.ndarray, axis: int, index: int) -> np.ndarray:
    return a[(slice(None),) * (axis % a.ndim) + (index, ...)]


def _split(a: np.ndarray, sizes: Any, axis: int = 0) -> list[np.ndarray]:
    n = a.shape[axis]
    ends = np.cumsum(sizes) if isinstance(sizes, list) else range(sizes, n + sizes, sizes)
    return np.split(a, list(ends)[:-1], axis)


def _expand(a: np.ndarray, sizes: list[int], **_: Any) -> np.ndarray:
    lead = len(sizes) - a.ndim
    return np.broadcast_to(a, [a.shape[i - lead] if s == -1 else s for i, s in enumerate(sizes)])


def _squeeze(a: np.ndarray, axes: Any = None) -> np.ndarray:
    axes = range(a.ndim) if axes is None else np.atleast_1d(axes)
    return np.squeeze(a, tuple(int(i) for i in axes if a.shape[i] == 1))


def _repeat(a: np.ndarray, sizes: list[int]) -> np.ndarray:
    return np.tile(a, sizes)


# Operations by the name in ATen that take only arrays. Views of tensors are views of arrays.
VIEWS: dict[str, Operation] = {
    **{name: lambda a, sizes: a.reshape(sizes) for name in ("view", "_unsafe_view", "reshape")},
    **{name: lambda a, **_: a.copy() for name in ("clone", "lift_fresh")},
    "alias": lambda a: a,
    "unsqueeze": lambda a, axis: np.expand_dims(a, axis),
    "squeeze": _squeeze,
    "select": _select,
    "slice": _slice,
    "expand": _expand,
    "permute": lambda a, axes: a.transpose(axes),
    "t": lambda a: a.T,
    "transpose": lambda a, i, j: a.swapaxes(i, j),
    "unbind": lambda a, axis=0: list(np.moveaxis(a, axis, 0)),
    "split": _split,
    "split_with_sizes": _split,
    "cat": lambda parts, axis=0: np.concatenate(parts, axis),
    "stack": lambda parts, axis=0: np.stack(parts, axis),
    "repeat": _repeat,
}


def lookup(graph: Graph, table: torch.Tensor, indices: Sequence[np.ndarray | None]) -> np.ndarray:
    """Return the entries of a table at indices that are expressions, along one axis."""
    along = [(axis, index) for axis, index in enumerate(indices) if index is not None]
    if len(along) != 1:
        raise NotCompilable("a table is looked up along several axes")
    ((axis, index),) = along
    rows = table.movedim(axis, -1)
    lead = rows.ndim - 1
    result = np.empty((*rows.shape[:-1], *index.shape), dtype=object)
    for at in np.ndindex(*rows.shape[:-1]):
        values = tuple(rows[at].tolist())

        def one(place: Node, values: tuple[float, ...] = values) -> Node:
            return graph.node("lookup", (cast(graph, place, torch.int64),), table.dtype, values)

        result[at] = each(graph, one, index)
    return np.moveaxis(result, list(range(lead, result.ndim)), list(range(axis, axis + index.ndim)))

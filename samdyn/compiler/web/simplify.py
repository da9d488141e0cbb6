"""Expressions without operations that change nothing.

Derivatives along an axis multiply by 0 and 1. The rules hold for finite numbers: 0·a is 0.
"""

from collections.abc import Sequence

import numpy as np

from ..tracing.expression import Graph, Node, ordered


def simplified(values: Sequence[np.ndarray], graph: Graph) -> list[np.ndarray]:
    """Return expressions of the same value with fewer operations; the nodes are those of a new graph.

    >>> import torch
    >>> from samdyn.compiler.tracing.expression import VARYING
    >>> graph = Graph(100)
    >>> x = graph.input(("x",), 0, torch.float64, VARYING)
    >>> product = graph.node("*", (x, graph.literal(1.0, torch.float64)), torch.float64)
    >>> simplified([np.array([product])], Graph(100))[0][0].operation
    'input'
    """

    new: dict[int, Node] = {}
    for node in ordered([node for array in values for node in array.flat]):
        arguments = tuple(new[id(a)] for a in node.arguments)
        new[id(node)] = _simplified(graph, node, arguments)
    return [np.array([new[id(node)] for node in array.flat], dtype=object).reshape(array.shape) for array in values]


def _simplified(graph: Graph, node: Node, arguments: tuple[Node, ...]) -> Node:
    """Return the node of a graph for a node of another, whose arguments were simplified."""
    if node.operation == "detach":
        return arguments[0]
    if node.operation == "input":
        name, run = node.value
        return graph.input(name, run, node.dtype, node.level)
    shorter = _shorter(graph, node, arguments) if arguments and node.dtype.is_floating_point else None
    return shorter or graph.node(node.operation, arguments, node.dtype, node.value)


def _shorter(graph: Graph, node: Node, arguments: tuple[Node, ...]) -> Node | None:
    """Return a shorter expression of numbers, None if there is none."""
    zero = graph.literal(0.0, node.dtype)
    match node.operation, arguments:
        case "+", (a, b):
            return b if _is(a, 0) else a if _is(b, 0) else None
        case "-", (a, b):
            return a if _is(b, 0) else graph.node("neg", (b,), node.dtype) if _is(a, 0) else None
        case "*", (a, b):
            return zero if _is(a, 0) or _is(b, 0) else b if _is(a, 1) else a if _is(b, 1) else None
        case "/", (a, b):
            return zero if _is(a, 0) else a if _is(b, 1) else None
        case "neg", (a,):
            return a.arguments[0] if a.operation == "neg" else a if _is(a, 0) else None
        case "?", (_, a, b):
            return a if a is b else None
    return None


def _is(node: Node, number: float) -> bool:
    return node.operation == "literal" and float(node.value) == number

"""Expressions without operations that change nothing.

Derivatives along an axis multiply by 0 and 1. The rules hold for finite numbers: 0·a is 0.
"""

from collections.abc import Sequence

import numpy as np

from ..tracing.expression import Graph, Node, rewritten


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

    def rule(node: Node, updated: Node) -> Node:
        if node.operation == "detach":
            return updated.arguments[0]
        # Equal expressions become one node again after their parts were simplified.
        return _shorter(updated, graph) or _in(graph, updated)

    return rewritten(values, rule)


def _in(graph: Graph, node: Node) -> Node:
    if node.operation == "input":
        name, run = node.value
        return graph.input(name, run, node.dtype, node.level)
    return graph.node(node.operation, node.arguments, node.dtype, node.value)


def _shorter(node: Node, graph: Graph) -> Node | None:
    """Return a shorter expression for a node, None if there is none."""
    if not node.dtype.is_floating_point or not node.arguments:
        return None
    a, b, c = (*node.arguments, None, None)[:3]
    match node.operation:
        case "+":
            return b if _is(a, 0) else a if _is(b, 0) else None
        case "-":
            return a if _is(b, 0) else graph.node("neg", (b,), node.dtype) if _is(a, 0) and b else None
        case "*":
            if _is(a, 0) or _is(b, 0):
                return graph.literal(0.0, node.dtype)
            return b if _is(a, 1) else a if _is(b, 1) else None
        case "/":
            return graph.literal(0.0, node.dtype) if _is(a, 0) else a if _is(b, 1) else None
        case "neg":
            return a.arguments[0] if a and a.operation == "neg" else a if _is(a, 0) else None
        case "?":
            return b if b is c else None
    return None


def _is(node: Node | None, number: float) -> bool:
    return node is not None and node.operation == "literal" and float(node.value) == number

"""Expressions of the scalars of one run, which represent the step of an ensemble."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

# The level of a value: one for all, one per step, one per run, one per run and step.
CONSTANT, UNIFORM, STATIC, VARYING = range(4)


@dataclass(frozen=True, eq=False, repr=False)
class Node:
    """An operation on scalars. ``Graph`` creates equal nodes once, so that they can be compared by identity.

    Attributes:
        operation: name of the operation, in C or in this package; "input" and "literal" have no arguments.
        arguments: the nodes of the arguments.
        dtype: dtype of the value.
        value: the number of a literal; the table of a lookup; the name of an input and the index of its run, which is
            None if all runs share the input.
        level: CONSTANT, UNIFORM, STATIC or VARYING.
    """

    operation: str
    arguments: tuple["Node", ...]
    dtype: torch.dtype
    value: Any
    level: int


@dataclass
class Graph:
    """Creates nodes, equal ones once.

    Attributes:
        limit: the largest number of nodes.
        calls: number of operations on tensors that created them.
        depth: number of nested derivatives that these expressions are part of.
    """

    limit: int
    calls: int = 0
    depth: int = 0
    _nodes: dict[Any, Node] = field(default_factory=dict)

    def node(self, operation: str, arguments: tuple[Node, ...], dtype: torch.dtype, value: Any = None) -> Node:
        """Return the node of an operation.

        Raises:
            NotCompilable: there are more nodes than ``limit``.
        """
        key = (operation, *map(id, arguments), dtype, value)
        if key not in self._nodes:
            level = max((a.level for a in arguments), default=CONSTANT)
            if {a.level for a in arguments} >= {UNIFORM, STATIC}:
                level = VARYING
            self._add(key, Node(operation, arguments, dtype, value, level))
        return self._nodes[key]

    def literal(self, value: Any, dtype: torch.dtype) -> Node:
        """Return the node of a number."""
        value = float(value) if dtype.is_floating_point else int(value)
        # The key must tell 0.0 from -0.0, and 0 from False, which Python takes for equal.
        return self.node("literal", (), dtype, value if value else str(value))

    def input(self, name: tuple[Any, ...], run: int | None, dtype: torch.dtype, level: int) -> Node:
        """Return the node of an input."""
        key = ("input", name, run)
        if key not in self._nodes:
            self._add(key, Node("input", (), dtype, (name, run), level))
        return self._nodes[key]

    def detached(self, node: Node) -> Node:
        """Return a node with the same value whose derivative is 0."""
        return self.node("detach", (node,), node.dtype) if self.depth else node

    def _add(self, key: Any, node: Node) -> None:
        if len(self._nodes) == self.limit:
            raise NotCompilable(f"a step takes more than {self.limit} operations on scalars")
        self._nodes[key] = node


class NotCompilable(Exception):
    """A step cannot be compiled, and runs in torch; the message gives the reason.

    >>> from samdyn.compiler import Input, Kernel, NotCompilable, VARYING
    >>> import torch
    >>> try:
    ...     Kernel(lambda w: [w.sort().values], [Input("w", (), torch.float64, VARYING)], [], None, None)
    ... except NotCompilable as error:
    ...     print(error)
    aten.sort.default is not among the operations that are compiled
    """


def ordered(values: Sequence[Node]) -> list[Node]:
    """Return all nodes that some values depend on, each after its arguments."""
    order: dict[int, Node] = {}
    stack = list(reversed(values))  # a stack and no recursion, since sums may be thousands of terms deep
    while stack:
        arguments = [a for a in stack[-1].arguments if id(a) not in order]
        if arguments:
            stack.extend(reversed(arguments))
        else:
            node = stack.pop()
            order[id(node)] = node
    return list(order.values())


def rewritten(values: Sequence[np.ndarray], rule: Callable[[Node, Node], Node]) -> list[np.ndarray]:
    """Return expressions in which a rule has replaced nodes, each after its arguments.

    Args:
        values: arrays of nodes.
        rule: takes a node as it was, and with the arguments that replaced its own. Returns what replaces it.
    """
    new: dict[int, Node] = {}
    for node in ordered([node for array in values for node in array.flat]):
        arguments = tuple(new[id(a)] for a in node.arguments)
        changed = any(a is not b for a, b in zip(arguments, node.arguments, strict=True))
        new[id(node)] = rule(node, replace(node, arguments=arguments) if changed else node)
    return [np.array([new[id(node)] for node in array.flat], dtype=object).reshape(array.shape) for array in values]

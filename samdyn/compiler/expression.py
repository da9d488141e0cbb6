"""Expressions of one run's scalars: what a step of the whole ensemble comes down to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

CONSTANT, UNIFORM, STATIC, VARYING = range(4)  # fixed | one value a step | one a run | one a run and step


@dataclass(frozen=True, eq=False, repr=False)
class Node:
    """An operation on scalars. Equal ones are made once, by ``Graph``, so that they can be told by identity.

    Attributes:
        operation: a name of C's or of ours; "input" and "literal" have no arguments.
        arguments: nodes.
        dtype: of the value.
        value: of a literal, the number; of an input, its name and the index of the run that it belongs to, None for
            those that all runs share; of a lookup, the table.
        level: how far it is the same: CONSTANT, UNIFORM, STATIC or VARYING.
    """

    operation: str
    arguments: tuple["Node", ...]
    dtype: torch.dtype
    value: Any
    level: int


@dataclass
class Graph:
    """Makes nodes, each once.

    Attributes:
        limit: how many at most.
        calls: how many operations on tensors they came from.
        depth: how many derivatives these expressions are differentiated for, one inside the other.
    """

    limit: int
    calls: int = 0
    depth: int = 0
    _nodes: dict[Any, Node] = field(default_factory=dict)

    def node(self, operation: str, arguments: tuple[Node, ...], dtype: torch.dtype, value: Any = None) -> Node:
        """Return the node of an operation.

        Raises:
            NotCompilable: there are too many.
        """
        key = (operation, *map(id, arguments), dtype, value)
        if key not in self._nodes:
            level = max((a.level for a in arguments), default=CONSTANT)
            if {a.level for a in arguments} >= {UNIFORM, STATIC}:
                level = VARYING
            self._add(key, Node(operation, arguments, dtype, value, level))
        return self._nodes[key]

    def literal(self, value: Any, dtype: torch.dtype) -> Node:
        """Return a number."""
        value = float(value) if dtype.is_floating_point else int(value)
        # Zeros differ in sign and are equal, and so are True and 1.
        return self.node("literal", (), dtype, value if value else str(value))

    def input(self, name: tuple[Any, ...], run: int | None, dtype: torch.dtype, level: int) -> Node:
        """Return what comes from outside."""
        key = ("input", name, run)
        if key not in self._nodes:
            self._add(key, Node("input", (), dtype, (name, run), level))
        return self._nodes[key]

    def detached(self, node: Node) -> Node:
        """Return a value that derivatives take for a constant."""
        return self.node("detach", (node,), node.dtype) if self.depth else node

    def _add(self, key: Any, node: Node) -> None:
        if len(self._nodes) == self.limit:
            raise NotCompilable(f"a step takes more than {self.limit} operations on scalars")
        self._nodes[key] = node


class NotCompilable(Exception):
    """A step that is left to torch; the message says why."""


def ordered(values: Sequence[Node]) -> list[Node]:
    """Return all nodes that some are made of, each after its arguments."""
    found: dict[int, Node] = {}
    waiting = list(reversed(values))  # not by recursion: sums may be thousands of terms deep
    while waiting:
        missing = [a for a in waiting[-1].arguments if id(a) not in found]
        if missing:
            waiting.extend(reversed(missing))
        else:
            node = waiting.pop()
            found[id(node)] = node
    return list(found.values())
